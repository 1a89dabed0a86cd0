//! What was written and is not sent: it outlives the page, a refusal and the other tabs.

use thirtyfour::prelude::*;

use crate::network::Network;
use crate::talk::two_friends;
use crate::user::{Place, User};
use crate::writing::holds;

/// A conversation in the list.
fn row(id: &str) -> String {
    format!(".row[data-conversation='{id}']")
}

/// Where the list shows what was begun in a conversation.
fn begun(id: &str) -> String {
    format!("{} .draft + .row-text", row(id))
}

impl User {
    /// Presses Enter in the field, and waits until the message is kept back.
    async fn enters_in_vain(&self, text: &str) {
        self.browser.holds_back(text).await;
        self.browser.focused("message-text").await;
        self.browser.keys(Key::Enter).await;
        self.browser
            .until("the message to be kept back", async || {
                (self.browser.held().await == 1).then_some(())
            })
            .await;
    }

    /// Answers a message that is deleted before the engine hears of the answer, which it refuses then.
    async fn answers_what_goes(&self, message: &str, answer: &str) {
        self.right_click(message).await;
        self.entry("Reply").await;
        self.browser.see(".answering").await;
        self.browser.fill("#message-text", answer).await;
        self.enters_in_vain(answer).await;
        self.right_click(message).await;
        self.entry("Delete").await;
        self.browser.press("#delete-here").await;
        self.browser.press("#confirm").await;
        self.misses(message).await;
    }
}

#[tokio::test]
async fn a_message_whose_page_dies_as_it_is_sent_is_still_written() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.browser.fill("#message-text", "The tide turns at two").await;
    ada.browser.press("#open-settings").await;
    ada.browser.read(&begun(&own), "The tide turns at two").await;
    // The engine does one after the other: it keeps the text by now.
    ada.choose(&own, "Pin").await;
    let pinned = format!("{} [title='Pinned']", row(&own));
    ada.browser.see(&pinned).await;

    // The page dies between what it says first and the message itself.
    ada.open(&own).await;
    holds(&ada.browser, "The tide turns at two").await;
    ada.enters_in_vain("The tide turns at two").await;
    holds(&ada.browser, "").await;
    ada.choose(&own, "Unpin").await;
    ada.browser.gone(&pinned).await;
    let ada = ada.killed(&network).await;
    ada.home().await;
    ada.open(&own).await;
    holds(&ada.browser, "The tide turns at two").await;
    assert_eq!(ada.count("The tide turns at two").await, 0);

    // Once it is accepted nothing is begun any more, for the next page neither.
    ada.browser.press("#send-message").await;
    ada.reads("The tide turns at two").await;
    let ada = ada.killed(&network).await;
    ada.home().await;
    ada.open(&own).await;
    ada.reads("The tide turns at two").await;
    holds(&ada.browser, "").await;
    assert_eq!(ada.count("The tide turns at two").await, 1);
}

#[tokio::test]
async fn what_is_refused_comes_back_above_what_was_written_since() {
    let network = Network::start();
    let [(ada, _), (_bert, bert_id)] = User::pair(&network).await;
    let browser = &ada.browser;
    ada.write_to(&bert_id).await;
    for text in ["First", "Second", "Third"] {
        ada.send(text).await;
        ada.reads(text).await;
    }
    ada.delivered().await;

    // While the next one is typed.
    ada.answers_what_goes("First", "An answer").await;
    holds(browser, "").await;
    browser.fill("#message-text", "The next").await;
    browser.holds_nothing().await;
    holds(browser, "An answer\nThe next").await;
    browser.read(".composer-error", "no longer here").await;
    // The engine keeps it as it came back: other tabs hear of it.
    let first = browser.tab().await;
    browser.new_tab().await;
    browser.open(&network.app()).await;
    ada.home().await;
    browser.read(&begun(&bert_id), "An answer").await;
    browser.read(&begun(&bert_id), "The next").await;
    browser.close_tab(&first).await;
    // Nothing that is gone is answered any more: it can be sent.
    browser.press("#send-message").await;
    ada.reads("An answer\nThe next").await;
    holds(browser, "").await;

    // After the conversation was left.
    ada.answers_what_goes("Second", "Another answer").await;
    browser.press("#open-settings").await;
    browser.gone(&begun(&bert_id)).await;
    browser.holds_nothing().await;
    browser.read(&begun(&bert_id), "Another answer").await;
    ada.open(&bert_id).await;
    holds(browser, "Another answer").await;
    browser.press("#send-message").await;
    ada.reads("Another answer").await;

    // After it was left and opened again.
    ada.answers_what_goes("Third", "The last answer").await;
    browser.press("#open-settings").await;
    ada.open(&bert_id).await;
    holds(browser, "").await;
    browser.holds_nothing().await;
    holds(browser, "The last answer").await;
}

#[tokio::test]
async fn a_tab_goes_on_with_what_another_one_wrote_and_forgets_what_it_sent() {
    let network = Network::start();
    let [(ada, _), (_bert, bert_id)] = User::pair(&network).await;
    let (browser, begun) = (&ada.browser, begun(&bert_id));
    let first = browser.tab().await;
    ada.write_to(&bert_id).await;
    browser.fill("#message-text", "Hello").await;
    browser.press("#open-settings").await;
    browser.read(&begun, "Hello").await;

    let second = browser.new_tab().await;
    browser.open(&network.app()).await;
    ada.home().await;
    browser.read(&begun, "Hello").await;
    ada.open(&bert_id).await;
    holds(browser, "Hello").await;
    browser.fill("#message-text", " Bert").await;
    browser.press("#open-settings").await;
    browser.read(&begun, "Hello Bert").await;

    // The first tab has it as the other left it, and leaves it so.
    browser.go_to(&first).await;
    browser.read(&begun, "Hello Bert").await;
    ada.open(&bert_id).await;
    holds(browser, "Hello Bert").await;
    browser.press("#open-settings").await;

    browser.go_to(&second).await;
    browser.read(&begun, "Hello Bert").await;
    ada.open(&bert_id).await;
    holds(browser, "Hello Bert").await;
    browser.press("#send-message").await;
    ada.reads("Hello Bert").await;
    holds(browser, "").await;

    // What was sent there is not begun here any more.
    browser.go_to(&first).await;
    browser.gone(&begun).await;
    ada.open(&bert_id).await;
    ada.reads("Hello Bert").await;
    holds(browser, "").await;
    browser.press("#open-settings").await;
    browser.go_to(&second).await;
    holds(browser, "").await;
    browser.press("#open-settings").await;
    browser.read(&row(&bert_id), "Hello Bert").await;
    browser.gone(&begun).await;
}

#[tokio::test]
async fn a_text_goes_with_the_conversation_that_is_deleted() {
    let network = Network::start();
    let (ada, bert) = two_friends(&network).await;
    let bert_id = bert.id().await;
    for entry in ["Delete conversation", "Delete contact"] {
        ada.browser.fill("#message-text", "Better not").await;
        ada.choose(&bert_id, entry).await;
        ada.browser.press("#confirm").await;
        ada.browser.gone("#message-text").await;
        ada.write_to(&bert_id).await;
        holds(&ada.browser, "").await;
    }
}
