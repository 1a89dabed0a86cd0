//! A browser is killed in the middle of each thing that its user decides, and right after it shows: what was seen is never
//! lost, and both browsers of the account end in the same state.

use crate::network::Network;
use crate::steps::{Three, three};
use crate::user::User;

/// What a user decides, in this order.
const ACTS: [Act; 6] = [
    Act::Rename,
    Act::Pin,
    Act::Read,
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
    /// Its messages disappear.
    Disappear,
    /// Its contact, and back afterwards.
    Block,
    /// Its contact, with all messages.
    DeleteContact,
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
        // In the middle: it may have been taken or not. If not it is done again.
        act.give(&first, &bert_id).await;
        first = killed(first, &network).await;
        if !act.is_seen(&first, &bert_id).await {
            act.give(&first, &bert_id).await;
        }
        // Right after it was seen, and before anybody else could hear of it.
        act.shows(&first, &bert_id).await;
        first = killed(first, &network).await;
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
