//! What two people do in a conversation beyond writing: answer, react, delete, let messages disappear, ask, block, draft.

use thirtyfour::prelude::*;

use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

/// Two people who have written to each other, each in the conversation with the other.
pub(crate) async fn two_friends(network: &Network) -> (User, User) {
    let (ada, bert) = futures::join!(
        User::join(network, "Ada", Place::OwnDevice),
        User::join(network, "Bert", Place::OwnDevice),
    );
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    bert.open_request(&ada_id).await;
    bert.reads("Hello Bert").await;
    bert.browser.press("#accept-request").await;
    bert.browser.focused("message-text").await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    (ada, bert)
}

impl User {
    /// Opens the conversation of somebody who wrote for the first time, wherever the app lists it.
    async fn open_request(&self, id: &str) {
        self.browser.press("#open-requests").await;
        self.open(id).await;
    }

    /// The message that shows a text.
    async fn message(&self, text: &str) -> WebElement {
        self.browser
            .until(&format!("the message “{text}”"), async || {
                let all = self
                    .browser
                    .driver()
                    .find_all(By::Css("article.message"))
                    .await
                    .ok()?;
                for message in all {
                    if let Ok(shown) = message.find(By::Css(".text")).await
                        && shown.text().await.is_ok_and(|shown| shown.contains(text))
                    {
                        return Some(message);
                    }
                }
                None
            })
            .await
    }

    /// Opens a message's menu with the right mouse button.
    pub(crate) async fn right_click(&self, text: &str) {
        let message = self.message(text).await;
        let bubble = message.find(By::Css(".text")).await.expect("a text");
        self.browser
            .driver()
            .action_chain()
            .context_click_element(&bubble)
            .perform()
            .await
            .expect("a click");
        self.browser.see("dialog.menu").await;
    }

    /// Chooses an entry of the open menu by its words.
    pub(crate) async fn entry(&self, words: &str) {
        self.browser
            .until(&format!("the entry “{words}”"), async || {
                let items = self.browser.driver().find_all(By::Css(".menu-item")).await.ok()?;
                for item in items {
                    if item.text().await.ok()? == words {
                        return item.click().await.ok();
                    }
                }
                None
            })
            .await;
    }

    /// Whether the menu of the open conversation has an entry.
    async fn offers(&self, words: &str) -> bool {
        self.browser.press("#conversation-menu").await;
        self.browser.see("dialog.menu").await;
        let items = self.browser.driver().find_all(By::Css(".menu-item")).await;
        let mut found = false;
        for item in items.expect("the entries") {
            found |= item.text().await.expect("its words") == words;
        }
        self.browser.keys(Key::Escape).await;
        self.browser.gone("dialog.menu").await;
        found
    }

    /// Waits until no message shows a text.
    pub(crate) async fn misses(&self, text: &str) {
        self.browser
            .until(&format!("“{text}” to go"), async || {
                (self.count(text).await == 0).then_some(())
            })
            .await;
    }

    /// Chooses how long messages live, by the ids of the two choices.
    pub(crate) async fn set_timer(&self, mode: &str, time: &str) {
        self.browser.press("#conversation-menu").await;
        self.entry("Disappearing messages").await;
        self.browser.press(mode).await;
        self.browser.press(time).await;
        self.browser.press("#set-timer").await;
        self.browser.see("#set-timer[aria-disabled=true]").await;
        self.browser.focused("set-timer").await;
        self.browser.press("#close-side").await;
        self.browser.gone(".side").await;
    }
}

#[tokio::test]
async fn a_message_is_answered_and_reacted_to() {
    let network = Network::start();
    let (ada, bert) = two_friends(&network).await;

    bert.send("Shall we leave at noon?").await;
    ada.reads("Shall we leave at noon?").await;
    ada.right_click("Shall we leave at noon?").await;
    ada.entry("Reply").await;
    ada.browser
        .read(".answering .quote-text", "Shall we leave at noon?")
        .await;
    ada.send("Rather at one").await;
    ada.browser.gone(".answering").await;
    bert.reads("Rather at one").await;
    let answer = bert.message("Rather at one").await;
    let quote = answer.find(By::Css(".quote")).await.expect("the quotation");
    assert!(
        quote
            .text()
            .await
            .expect("its text")
            .contains("Shall we leave at noon?")
    );
    quote.click().await.expect("a click");
    bert.browser
        .read("article[data-marked] .text", "Shall we leave at noon?")
        .await;

    ada.right_click("Shall we leave at noon?").await;
    ada.browser.press(".reaction-bar .emoji:nth-child(2)").await;
    ada.browser.read(".pill", "🥰").await;
    bert.browser.read(".pill", "🥰").await;
    // The one used last is now offered first.
    ada.right_click("Shall we leave at noon?").await;
    ada.browser.read(".reaction-bar .emoji:first-child", "🥰").await;
    ada.browser.press(".reaction-bar .emoji:first-child").await;
    ada.browser.gone(".pill").await;
    bert.browser.gone(".pill").await;
    // The same menu by keys; Escape closes it and gives the focus back.
    let driver = ada.browser.driver();
    let list = ada.browser.see(".messages").await;
    list.send_keys(Key::Up).await.expect("the list takes keys");
    let newest = driver.active_element().await.expect("the focus");
    newest
        .send_keys(Key::Enter)
        .await
        .expect("the message takes keys");
    ada.browser.see("dialog.menu").await;
    let entry = driver.active_element().await.expect("the focus");
    assert_eq!(entry.text().await.expect("its text"), "Reply");
    entry.send_keys(Key::Escape).await.expect("the menu takes keys");
    ada.browser.gone("dialog.menu").await;
    let back = driver.active_element().await.expect("the focus");
    assert_eq!(
        back.id().await.expect("its id"),
        newest.id().await.expect("its id")
    );
    // A click on the other's pill joins in.
    bert.right_click("Rather at one").await;
    bert.browser.press(".reaction-bar .emoji:first-child").await;
    ada.browser.press(".pill[aria-pressed=false]").await;
    bert.browser.read(".pill", "2").await;
}

#[tokio::test]
async fn messages_are_deleted_here_and_for_everyone_and_disappear() {
    let network = Network::start();
    let (ada, bert) = two_friends(&network).await;

    ada.send("A slip of the pen").await;
    bert.reads("A slip of the pen").await;
    ada.reads("A slip of the pen").await;
    ada.delivered().await;
    ada.right_click("A slip of the pen").await;
    ada.entry("Delete").await;
    ada.browser.press("#delete-everyone").await;
    ada.browser.press("#confirm").await;
    bert.browser.see("article.gone").await;
    bert.misses("A slip of the pen").await;
    ada.misses("A slip of the pen").await;

    // What the other wrote can be deleted on this side only.
    ada.right_click("Hello Ada").await;
    ada.entry("Delete").await;
    ada.browser.see("#delete-everyone:disabled").await;
    ada.browser.press("#delete-here").await;
    ada.browser.press("#confirm").await;
    ada.misses("Hello Ada").await;
    assert_eq!(bert.count("Hello Ada").await, 1);

    // Several at once.
    ada.send("One").await;
    ada.send("Two").await;
    ada.reads("Two").await;
    ada.delivered().await;
    ada.right_click("One").await;
    ada.entry("Select").await;
    ada.message("Two").await.click().await.expect("a click");
    ada.browser.read(".selection h1", "2").await;
    ada.browser.press("#delete-selected").await;
    ada.browser.press("#delete-here").await;
    ada.browser.press("#confirm").await;
    ada.browser.gone(".selection").await;
    ada.misses("One").await;
    ada.misses("Two").await;

    ada.set_timer("#timer-send", "#timer-10").await;
    bert.browser
        .read(".notice", "disappear 10 seconds after they are sent")
        .await;
    ada.send("Gone in a moment").await;
    bert.reads("Gone in a moment").await;
    bert.browser.press("[data-act=follow]").await;
    bert.browser.press("#confirm").await;
    ada.browser
        .read(".notice", "disappear 10 seconds after they are sent")
        .await;
    ada.misses("Gone in a moment").await;
    bert.misses("Gone in a moment").await;
}

#[tokio::test]
async fn a_stranger_asks_and_is_accepted_blocked_and_unblocked() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    // Nothing is offered that can't be kept of somebody whom nobody has written to.
    ada.browser.press("#open-details").await;
    ada.browser.see("#auto-load").await;
    for refused in ["#pin", "#notify", "#edit-nickname"] {
        assert!(!ada.browser.has(refused).await, "{refused} of a stranger");
    }
    ada.browser.press("#close-side").await;
    ada.browser.gone(".side").await;
    assert!(!ada.offers("Mute").await);
    ada.send("You don’t know me").await;
    ada.browser.see(".foot-note").await;
    ada.browser.press("#open-details").await;
    ada.browser.see("#notify").await;
    ada.browser.see("#edit-nickname").await;
    assert!(!ada.browser.has("#pin").await, "nobody has agreed yet");
    ada.browser.press("#close-side").await;
    ada.browser.gone(".side").await;
    assert!(ada.offers("Mute").await);

    bert.open_request(&ada_id).await;
    bert.reads("You don’t know me").await;
    assert!(!bert.browser.has(".message.own").await);
    bert.browser.press("#accept-request").await;
    bert.browser.gone(".foot-bar").await;
    ada.browser.read(".notice", "accepted your message request").await;
    ada.browser.gone(".foot-note").await;
    ada.browser.press("#open-details").await;
    ada.browser.see("#pin").await;
    ada.browser.press("#close-side").await;
    ada.browser.gone(".side").await;

    bert.browser.press("#conversation-menu").await;
    bert.entry("Block").await;
    bert.browser.press("#confirm").await;
    bert.browser.see("#unblock").await;
    bert.browser.gone("#message-text").await;
    ada.send("Never to be read").await;
    ada.delivered().await;
    bert.browser.press("#unblock").await;
    bert.browser.see("#message-text").await;
    ada.send("Friends again?").await;
    bert.reads("Friends again?").await;
    assert_eq!(bert.count("Never to be read").await, 0);
}

#[tokio::test]
async fn what_waits_for_somebody_who_is_blocked_is_not_sent_and_says_so() {
    let mut network = Network::start();
    let (ada, _bert) = two_friends(&network).await;
    ada.delivered().await;
    network.stop();
    ada.send("Not to be read").await;
    ada.reads("Not to be read").await;
    ada.set_timer("#timer-read", "#timer-300").await;
    ada.browser.press("#conversation-menu").await;
    ada.entry("Block").await;
    ada.browser.press("#confirm").await;
    ada.browser.see("#unblock").await;
    ada.browser
        .read("article.own:not(.notice) .failure", "Not sent")
        .await;
    ada.browser.read("article.own.notice .failure", "Not sent").await;
    ada.browser.picture("blocked-not-sent").await;
    ada.browser.press("article.own.notice [data-act=retry]").await;
    ada.browser.read(".toast", "You have blocked this contact").await;
}

#[tokio::test]
async fn drafts_stay_links_ask_and_names_can_be_given() {
    let network = Network::start();
    let (ada, bert) = two_friends(&network).await;
    let bert_id = bert.id().await;

    bert.open(&ada.id().await).await;
    bert.send("See https://example.org/tides today").await;
    ada.open(&bert_id).await;
    ada.reads("example.org").await;
    ada.browser.press(".text a").await;
    ada.browser.read(".address", "https://example.org/tides").await;
    ada.browser.press(".dialog .button.quiet").await;
    ada.browser.gone(".dialog").await;

    // A host with letters that look like others is told by what the browser makes of it, and that is opened.
    bert.send("See https://ex\u{430}mple.org/a too").await;
    ada.reads("mple.org/a too").await;
    ada.browser.press(".text a[href$='mple.org/a']").await;
    ada.browser.read(".address", "https://xn--exmple-4nf.org/a").await;
    let opened = "return document.querySelector('.dialog a.primary').getAttribute('href')";
    assert_eq!(ada.browser.script(opened).await, "https://xn--exmple-4nf.org/a");
    ada.browser.press(".dialog .button.quiet").await;
    ada.browser.gone(".dialog").await;

    ada.browser.press("#open-details").await;
    ada.browser.press("#edit-nickname").await;
    ada.browser.fill("#nickname", "Captain").await;
    ada.browser.press("#save-nickname").await;
    ada.browser.read(".side .own-name", "Captain").await;
    ada.browser.press("#close-side").await;
    ada.browser.read(".conversation .heading-name", "Captain").await;

    ada.browser.fill("#message-text", "Not finished yet").await;
    // Other conversations come and go meanwhile.
    ada.browser.press("#open-settings").await;
    ada.open(&bert_id).await;
    ada.browser.reload().await;
    ada.open(&bert_id).await;
    ada.browser
        .until("the draft", async || {
            let field = ada.browser.driver().find(By::Css("#message-text")).await.ok()?;
            (field.value().await.ok()?? == "Not finished yet").then_some(())
        })
        .await;
}

#[tokio::test]
async fn typing_and_reading_are_told_when_both_want_it() {
    let network = Network::start();
    let (ada, bert) = two_friends(&network).await;
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    for user in [&ada, &bert] {
        user.browser.press("#open-settings").await;
        user.browser.press("#settings-privacy").await;
        user.browser.press("#typing-indicators").await;
        user.browser.press("#read-receipts").await;
    }
    ada.open(&bert_id).await;
    bert.open(&ada_id).await;
    bert.browser.fill("#message-text", "I am").await;
    ada.browser.see(".typing").await;
    bert.send(" here").await;
    ada.reads("I am here").await;
    ada.browser.gone(".typing").await;
    bert.browser.see("article.own .state[data-state=read]").await;
}

/// Pictures of what a conversation can look like, in `target/screenshots/`.
#[tokio::test]
async fn every_state_of_a_conversation_can_be_looked_at() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::join(&network, "Ada Brandt", Place::OwnDevice),
        User::join(&network, "Bert Ångström", Place::OwnDevice),
    );
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert, I have your number from Cleo").await;
    pictures(&ada.browser, "20-outgoing-request").await;
    bert.open_request(&ada_id).await;
    pictures(&bert.browser, "21-incoming-request").await;
    bert.browser.press("#accept-request").await;
    bert.send("Good to hear from you. Shall we leave at noon? The tide turns at two, and I would like to be past the reef by then.")
        .await;
    ada.reads("Shall we leave").await;
    ada.right_click("Shall we leave").await;
    pictures(&ada.browser, "22-message-menu").await;
    ada.entry("Reply").await;
    pictures(&ada.browser, "23-answering").await;
    ada.send("Rather at one").await;
    bert.reads("Rather at one").await;
    bert.right_click("Rather at one").await;
    bert.browser.press(".reaction-bar .emoji:nth-child(2)").await;
    ada.browser.read(".pill", "🥰").await;
    ada.set_timer("#timer-read", "#timer-300").await;
    ada.send("This one will not stay").await;
    bert.reads("This one will not stay").await;
    bert.send("One o’clock it is 👍").await;
    ada.reads("One o’clock").await;
    ada.send("A slip of the pen").await;
    ada.reads("A slip of the pen").await;
    ada.delivered().await;
    ada.right_click("A slip of the pen").await;
    ada.entry("Delete").await;
    ada.browser.see("#delete-everyone").await;
    pictures(&ada.browser, "24-delete-question").await;
    ada.browser.press("#delete-everyone").await;
    ada.browser.press("#confirm").await;
    bert.browser.see("article.gone").await;
    pictures(&ada.browser, "25-conversation").await;
    pictures(&bert.browser, "26-other-side").await;
    ada.right_click("Rather at one").await;
    ada.entry("Info").await;
    ada.browser.see(".facts").await;
    pictures(&ada.browser, "27-message-info").await;
    ada.browser.press("#close-side").await;
    ada.browser.press("#open-details").await;
    ada.browser.see("#edit-nickname").await;
    pictures(&ada.browser, "28-details").await;
    ada.browser.press("#open-timer").await;
    ada.browser.see("#set-timer").await;
    pictures(&ada.browser, "29-timer").await;
    ada.browser.press("#close-side").await;
    ada.browser.press("#close-side").await;
    ada.browser.gone(".side").await;
    ada.right_click("Rather at one").await;
    ada.entry("Select").await;
    pictures(&ada.browser, "30-selection").await;
    ada.browser.press("#end-selection").await;
    ada.browser.press("#conversation-menu").await;
    pictures(&ada.browser, "31-conversation-menu").await;
    ada.entry("Block").await;
    ada.browser.see("#confirm").await;
    pictures(&ada.browser, "32-block-question").await;
    ada.browser.press("#confirm").await;
    ada.browser.see("#unblock").await;
    pictures(&ada.browser, "33-blocked").await;
}
