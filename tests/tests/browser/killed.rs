//! A browser is killed in the middle of each thing that its user decides, and right after it shows: what was seen is never
//! lost, and both browsers of the account end in the same state.

use thirtyfour::By;

use crate::network::Network;
use crate::requests::stranger_writes;
use crate::steps::{Three, three};
use crate::user::{Place, User};

/// What a user decides between friends, in this order.
const ACTS: [Act; 7] = [
    Act::Rename,
    Act::Pin,
    Act::Read,
    Act::DeleteMessage,
    Act::Disappear,
    Act::Block,
    Act::DeleteContact,
];

#[derive(Clone, Copy, Debug)]
enum Act {
    /// The own name.
    Rename,
    /// The conversation on top of the list.
    Pin,
    /// What came in it.
    Read,
    /// A message, on all own devices.
    DeleteMessage,
    /// Its messages disappear.
    Disappear,
    /// Its contact, and back afterwards.
    Block,
    /// Its contact, with all messages.
    DeleteContact,
    /// A stranger's request.
    Accept,
    /// As [`Act::Accept`].
    Decline,
}

fn row(other: &str) -> String {
    format!(".row[data-conversation='{other}']")
}

impl Act {
    /// Does it, without waiting for what comes of it.
    async fn give(self, user: &User, other: &str) {
        let browser = &user.browser;
        match self {
            Act::Rename => {
                browser.press("#open-profile").await;
                browser.press("#edit-name").await;
                browser.fill("#own-name", " Lovelace").await;
                browser.press("#save-name").await;
            }
            Act::Pin => user.choose(other, "Pin").await,
            Act::Read => browser.press(&row(other)).await,
            Act::DeleteMessage => {
                user.open(other).await;
                user.right_click("Hello Bert").await;
                user.entry("Delete").await;
                browser.press("#delete-own").await;
                browser.press("#confirm").await;
            }
            Act::Disappear => {
                user.open(other).await;
                browser.press("#conversation-menu").await;
                user.entry("Disappearing messages").await;
                browser.press("#timer-read").await;
                browser.press("#timer-3600").await;
                browser.press("#set-timer").await;
            }
            Act::Block => {
                user.choose(other, "Block").await;
                browser.press("#confirm").await;
            }
            Act::DeleteContact => {
                user.choose(other, "Delete contact").await;
                browser.press("#confirm").await;
            }
            Act::Accept => {
                browser.press("#open-requests").await;
                user.choose(other, "Accept").await;
            }
            Act::Decline => {
                browser.press("#open-requests").await;
                user.choose(other, "Delete").await;
                browser.press("#confirm").await;
            }
        }
    }

    /// Whether it is done, as far as its user can see at this moment.
    async fn is_seen(self, user: &User, other: &str) -> bool {
        let (browser, row) = (&user.browser, row(other));
        match self {
            Act::Rename => {
                browser.press("#open-profile").await;
                let name = "return document.querySelector('.pane .own-name')?.textContent";
                browser.script(name).await == "Ada Lovelace"
            }
            Act::Pin => browser.has(&format!("{row} [title='Pinned']")).await,
            Act::Read => browser.has(&row).await && !browser.has(&format!("{row} .unread")).await,
            Act::DeleteMessage => {
                user.open(other).await;
                user.reads("Hello Ada").await;
                user.count("Hello Bert").await == 0
            }
            Act::Disappear => browser.has(&format!("{row} [title='Messages disappear']")).await,
            Act::Block => {
                if browser.has(&row).await {
                    return false;
                }
                browser.press("#open-settings").await;
                browser.press("#settings-blocked").await;
                browser.see(".card.people, .empty-pane").await;
                browser.has(&format!("[data-blocked='{other}']")).await
            }
            Act::DeleteContact => {
                if browser.has(&row).await {
                    return false;
                }
                browser.press("#new-conversation").await;
                browser.see("#account-id").await;
                !browser.has(&format!("[data-contact='{other}']")).await
            }
            Act::Accept | Act::Decline => {
                // From the requests to the conversations, unless those are shown.
                if let Ok(leave) = browser.driver().find(By::Css("#leave-requests")).await {
                    let _ = leave.click().await;
                    return false;
                }
                let accepted = matches!(self, Act::Accept);
                browser.has(&row).await == accepted && !browser.has("#open-requests").await
            }
        }
    }

    /// Waits until its user sees it done.
    async fn shows(self, user: &User, other: &str) {
        user.browser
            .until(&format!("{self:?}"), async || {
                self.is_seen(user, other).await.then_some(())
            })
            .await;
    }

    /// Does it in a browser that is killed in the middle, and again right after it shows.
    async fn kills(self, user: User, network: &Network, other: &str) -> User {
        // In the middle: it may have been taken or not. If not it is done again.
        self.give(&user, other).await;
        let user = killed(user, network).await;
        if !self.is_seen(&user, other).await {
            self.give(&user, other).await;
        }
        // Right after it was seen, and before anybody else could hear of it.
        self.shows(&user, other).await;
        killed(user, network).await
    }
}

/// Has something that is unread in both browsers, whose users look at other things.
async fn something_comes(first: &User, second: &User, bert: &User, bert_id: &str) {
    for user in [first, second] {
        user.browser.press("#open-settings").await;
    }
    bert.send("Are you there?").await;
    for user in [first, second] {
        user.browser.see(&format!("{} .unread", row(bert_id))).await;
    }
}

/// Lets a blocked contact back, in one browser, and sees the conversation in both.
async fn let_back(first: &User, second: &User, other: &str) {
    second.browser.press("#open-settings").await;
    second.browser.press("#settings-blocked").await;
    second
        .browser
        .press(&format!("[data-blocked='{other}'] button"))
        .await;
    second.browser.press("#confirm").await;
    first.browser.see(&row(other)).await;
    second.browser.see(&row(other)).await;
}

/// Kills the browser and starts it again; the app shows the list.
async fn killed(user: User, network: &Network) -> User {
    let user = user.killed(network).await;
    user.home().await;
    user
}

#[tokio::test]
async fn a_browser_killed_in_the_middle_of_anything_keeps_what_was_seen_and_comes_in_step() {
    let Three {
        network,
        mut first,
        second,
        bert,
        bert_id,
    } = three().await;
    for (at, act) in ACTS.into_iter().enumerate() {
        if matches!(act, Act::Read) {
            something_comes(&first, &second, &bert, &bert_id).await;
        }
        first = act.kills(first, &network, &bert_id).await;
        // What was decided before is still so, unless the row that shows it has gone.
        let gone = matches!(act, Act::Block | Act::DeleteContact);
        let from = if gone { at } else { 0 };
        for decided in ACTS.into_iter().take(at + 1).skip(from) {
            decided.shows(&first, &bert_id).await;
            decided.shows(&second, &bert_id).await;
        }
        if matches!(act, Act::Block) {
            let_back(&first, &second, &bert_id).await;
            for kept in [Act::Rename, Act::Pin, Act::Disappear] {
                kept.shows(&first, &bert_id).await;
                kept.shows(&second, &bert_id).await;
            }
        }
    }
    // And it goes on: who was deleted makes a request, in both browsers.
    bert.send("Still there?").await;
    for user in [&first, &second] {
        user.open(&bert_id).await;
        user.reads("Still there?").await;
        assert_eq!(user.count("Hello Ada").await, 0, "what was deleted stays so");
    }
}

#[tokio::test]
async fn a_browser_killed_while_requests_are_answered_keeps_the_answers() {
    let network = Network::start();
    let (ada, stranger) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::arrive(&network)
    );
    let ada_id = ada.id().await;
    let cleo = stranger_writes(&stranger, "Cleo", &ada_id, "Cleo here").await;
    ada.browser.see("#open-requests").await;
    let ada = Act::Decline.kills(ada, &network, &cleo).await;
    Act::Decline.shows(&ada, &cleo).await;
    stranger.end_session().await;

    let dora = stranger_writes(&stranger, "Dora", &ada_id, "Dora here").await;
    ada.browser.see("#open-requests").await;
    let ada = Act::Accept.kills(ada, &network, &dora).await;
    Act::Accept.shows(&ada, &dora).await;
    // The first answer still stands, and Dora hears of hers.
    assert!(!ada.browser.has(&row(&cleo)).await);
    ada.open(&dora).await;
    ada.reads("Dora here").await;
    ada.send("Here again").await;
    stranger.reads("Here again").await;
}
