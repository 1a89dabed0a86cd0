//! What a person does in the app, step by step through its real screens.

use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::network::Network;

/// Where the account is to be kept, as the app asks it.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// "My own device".
    OwnDevice,
    /// "A shared computer".
    SharedComputer,
}

impl Place {
    fn button(self) -> &'static str {
        match self {
            Place::OwnDevice => "#own-device",
            Place::SharedComputer => "#shared-computer",
        }
    }
}

/// A person at a browser.
pub(crate) struct User {
    pub(crate) browser: Browser,
}

impl User {
    /// Somebody at a new browser, which has opened nothing yet.
    pub(crate) async fn at_new_browser() -> User {
        User {
            browser: Browser::start().await,
        }
    }

    /// Opens the app in a new browser, which shows the start page.
    pub(crate) async fn arrive(network: &Network) -> User {
        let user = User::at_new_browser().await;
        user.browser.open(&network.app()).await;
        user.browser.see("#create-account").await;
        user
    }

    /// Opens the app in a new browser and makes an account.
    pub(crate) async fn join(network: &Network, name: &str, place: Place) -> User {
        let user = User::arrive(network).await;
        user.create(name, place).await;
        user
    }

    /// Ada and Bert, each on a device of their own, with their Account IDs.
    pub(crate) async fn pair(network: &Network) -> [(User, String); 2] {
        let (ada, bert) = futures::join!(
            User::join(network, "Ada", Place::OwnDevice),
            User::join(network, "Bert", Place::OwnDevice),
        );
        let (ada_id, bert_id) = (ada.id().await, bert.id().await);
        [(ada, ada_id), (bert, bert_id)]
    }

    /// Makes an account from the start page.
    pub(crate) async fn create(&self, name: &str, place: Place) {
        self.ask_for_account(name, place).await;
        self.home().await;
    }

    /// As [`Self::create`], without waiting for what comes of it.
    pub(crate) async fn ask_for_account(&self, name: &str, place: Place) {
        let browser = &self.browser;
        browser.press("#create-account").await;
        browser.press(place.button()).await;
        browser.fill("#display-name", name).await;
        browser.press("#name-continue").await;
    }

    /// Takes up an account from the start page, and waits until it can be used.
    pub(crate) async fn restore(&self, phrase: &str, place: Place) {
        self.recognise(phrase, place).await;
        self.browser.press("#restore-continue").await;
        self.home().await;
    }

    /// Types a phrase in from the start page, up to the question whether this is the account.
    pub(crate) async fn recognise(&self, phrase: &str, place: Place) {
        self.browser.press("#have-account").await;
        self.browser.press(place.button()).await;
        self.enter_phrase(phrase).await;
    }

    /// Types a phrase in on its screen.
    pub(crate) async fn enter_phrase(&self, phrase: &str) {
        let browser = &self.browser;
        // Typed into the first box, a whole phrase spreads over all of them, as a pasted one does.
        browser.press(".word-tools button:first-child").await;
        browser.fill("#phrase-text", phrase).await;
        browser.press("#phrase-continue").await;
        // Thirteen filled boxes; the way on is pressed again once they were looked at.
        if !browser.has("#restore-continue").await {
            browser
                .until("the recognised account", async || {
                    if browser.has("#restore-continue").await {
                        return Some(());
                    }
                    browser
                        .driver()
                        .find(By::Css("#phrase-continue"))
                        .await
                        .ok()?
                        .click()
                        .await
                        .ok()?;
                    None
                })
                .await;
        }
        browser.see("#restore-continue").await;
    }

    /// Waits until the conversation list is shown.
    pub(crate) async fn home(&self) {
        self.browser.see("#new-conversation").await;
    }

    /// Waits until the light says that messages come through.
    pub(crate) async fn connected(&self) {
        self.browser
            .see("#open-network .light:not([data-light=bad])")
            .await;
    }

    /// The own Account ID, read from the profile.
    pub(crate) async fn id(&self) -> String {
        self.browser.press("#open-profile").await;
        let shown = self.browser.see(".pane .id-groups").await;
        shown
            .attr("data-id")
            .await
            .expect("the page answers")
            .expect("an id")
    }

    /// The own recovery phrase, read from the profile.
    pub(crate) async fn phrase(&self) -> String {
        self.browser.press("#open-profile").await;
        self.browser.press("#show-phrase").await;
        self.browser.press("#reveal-phrase").await;
        self.browser.see("#phrase-done").await;
        let words = self
            .browser
            .driver()
            .find_all(By::Css(".phrase-word"))
            .await
            .expect("the words");
        let mut phrase = Vec::new();
        for word in words {
            phrase.push(word.text().await.expect("a word"));
        }
        self.browser.press("#phrase-done").await;
        phrase.join(" ")
    }

    /// Opens a conversation by Account ID.
    pub(crate) async fn write_to(&self, id: &str) {
        self.browser.press("#new-conversation").await;
        self.browser.fill("#account-id", id).await;
        self.browser.press("#open-conversation").await;
        self.browser.see("#message-text").await;
    }

    /// Opens a conversation, waiting until it stands in the list or among the message requests.
    pub(crate) async fn open(&self, id: &str) {
        let browser = &self.browser;
        let row = format!(".row[data-conversation='{id}']");
        browser
            .until("the conversation", async || {
                if browser.has(&row).await {
                    return Some(());
                }
                if let Ok(banner) = browser.driver().find(By::Css("#open-requests")).await {
                    banner.click().await.ok()?;
                }
                None
            })
            .await;
        browser.press(&row).await;
        browser.see("#message-text").await;
    }

    /// Opens the menu of a conversation in the list and chooses an entry by its words.
    pub(crate) async fn choose(&self, id: &str, entry: &str) {
        let browser = &self.browser;
        let row = browser.see(&format!(".row[data-conversation='{id}']")).await;
        browser
            .driver()
            .action_chain()
            .context_click_element(&row)
            .perform()
            .await
            .expect("the row takes a click");
        browser
            .until(&format!("“{entry}” in the menu"), async || {
                for item in browser.driver().find_all(By::Css(".menu-item")).await.ok()? {
                    if item.text().await.is_ok_and(|words| words == entry) {
                        return item.click().await.ok();
                    }
                }
                None
            })
            .await;
    }

    /// Accepts a message request in its conversation, waiting until it has come.
    pub(crate) async fn accept(&self, id: &str) {
        self.open(id).await;
        self.browser.press("#accept-request").await;
        self.browser.gone("#accept-request").await;
    }

    /// Ends the session of a shared computer, whether or not something is lost with it, and sees the start page.
    pub(crate) async fn end_session(&self) {
        let browser = &self.browser;
        browser.press("#end-session").await;
        browser
            .until("the start page", async || {
                if let Ok(sure) = browser.driver().find(By::Css("#confirm-leave")).await {
                    // Gone with the page already, if it can't be pressed.
                    let _ = sure.click().await;
                }
                browser.has("#create-account").await.then_some(())
            })
            .await;
        browser.see("#create-account").await;
    }

    /// Kills the browser, starts it again and opens the app.
    pub(crate) async fn killed(self, network: &Network) -> User {
        let browser = self.browser.killed().await;
        browser.open(&network.app()).await;
        User { browser }
    }

    /// Sends a text in the open conversation.
    pub(crate) async fn send(&self, text: &str) {
        self.browser.fill("#message-text", text).await;
        self.browser.press("#send-message").await;
    }

    /// Waits until a text is shown in the open conversation.
    pub(crate) async fn reads(&self, text: &str) {
        self.browser.read("article.message .text", text).await;
    }

    /// Waits until all own messages of the open conversation are shown as sent.
    pub(crate) async fn delivered(&self) {
        self.browser
            .until("all messages sent", async || {
                let open = "article.own .state:not([data-state=sent])";
                (self.browser.has("article.own").await && !self.browser.has(open).await).then_some(())
            })
            .await;
    }

    /// How often a text is shown in the open conversation.
    pub(crate) async fn count(&self, text: &str) -> usize {
        let mut count = 0;
        let shown = self
            .browser
            .driver()
            .find_all(By::Css("article.message .text"))
            .await;
        for element in shown.expect("the messages") {
            if element.text().await.is_ok_and(|shown| shown.contains(text)) {
                count += 1;
            }
        }
        count
    }

    /// Logs out from the settings, and sees the start page.
    pub(crate) async fn log_out(&self) {
        self.browser.press("#open-settings").await;
        self.browser.press("#log-out").await;
        self.browser.press("#confirm-leave").await;
        self.browser.see("#create-account").await;
    }
}
