//! What has disappeared is never painted again: not when the browser starts after its time, and not when the account comes
//! back at another one.

use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{Content, DataMessage, content};
use holdfast_tests::bench::network::now_ms;
use holdfast_tests::net::TestRng;
use serde_json::{Value, json};

use crate::driver::Browser;
use crate::network::Network;
use crate::user::{Place, User};

/// Has a time that runs out.
const GOES: &str = "the bridge closes on Thursday";
/// Has none.
const STAYS: &str = "the ferry leaves at nine";
/// Comes when the page has been there for a while.
const LATER: &str = "the harbour is full of boats";
/// How long a message lives that was written by hand, seconds: long enough to be seen before.
const LIFE: u32 = 30;

/// Notes which of the words are anywhere on the page or in an attribute of it, from before its first element on: a message
/// that was there for less than a frame is noted too.
const WATCH: &str = "
    globalThis.painted = [];
    const look = () => {
        const page = document.documentElement?.outerHTML ?? '';
        for (const word of WORDS) {
            if (page.includes(word) && !globalThis.painted.includes(word)) globalThis.painted.push(word);
        }
    };
    new MutationObserver(look).observe(document, {
        subtree: true, childList: true, characterData: true, attributes: true,
    });
";

/// Opens the app, watched from its beginning.
async fn open_watched(browser: &Browser, network: &Network) {
    let words = json!([GOES, STAYS, LATER]).to_string();
    browser
        .cdp(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": WATCH.replace("WORDS", &words) }),
        )
        .await;
    browser.open(&network.app()).await;
}

/// What was painted since, in the order in which it came.
async fn painted(browser: &Browser) -> Value {
    browser.script("return globalThis.painted").await
}

#[tokio::test]
async fn what_ran_out_while_the_browser_was_closed_is_never_painted() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    bert.accept(&ada_id).await;
    bert.send(STAYS).await;
    ada.reads(STAYS).await;
    bert.set_timer("#timer-send", "#timer-30").await;
    bert.send(GOES).await;
    ada.reads(GOES).await;
    // Left to itself, the row in the list would begin with the newest message.
    ada.browser
        .read(&format!("[data-conversation='{bert_id}']"), GOES)
        .await;

    let browser = ada.browser.killed().await;
    bert.misses(GOES).await;
    open_watched(&browser, &network).await;
    let ada = User { browser };
    ada.open(&bert_id).await;
    ada.reads(STAYS).await;
    // By then everything that a start does is done.
    bert.send(LATER).await;
    ada.reads(LATER).await;
    assert_eq!(painted(&ada.browser).await, json!([STAYS, LATER]));
}

/// A friend at a client that keeps what it sends in the swarm for longer than it is to live.
struct Friend {
    account: Account,
    to: Id,
}

impl Friend {
    async fn sends(&self, network: &Network, text: &str, life: Option<u32>) {
        let mut content = Content {
            data_message: Some(DataMessage {
                body: Some(text.to_owned()),
                ..DataMessage::default()
            }),
            ..Content::default()
        };
        if life.is_some() {
            content.set_expiration_type(content::ExpirationType::DeleteAfterSend);
            content.expiration_timer = life;
        }
        let message = encode_one_to_one(&self.account, &self.to, &content, now_ms(), &mut TestRng);
        network.deposit(&self.to, message.expect("a message")).await;
    }
}

#[tokio::test]
async fn what_ran_out_before_the_account_came_back_is_never_painted() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let friend = Friend {
        account: Account::from_seed(Seed::from_bytes(&[0x77; 16])),
        to: Id::parse(&ada.id().await).expect("an id"),
    };
    let friend_id = friend.account.id().to_hex();
    ada.write_to(&friend_id).await;
    ada.send("Hello there").await;
    ada.delivered().await;
    friend.sends(&network, STAYS, None).await;
    ada.reads(STAYS).await;
    friend.sends(&network, GOES, Some(LIFE)).await;
    ada.reads(GOES).await;
    ada.misses(GOES).await;

    // The swarm has it still, as the newest of all.
    let phrase = ada.phrase().await;
    let browser = Browser::start().await;
    open_watched(&browser, &network).await;
    let other = User { browser };
    other.browser.see("#create-account").await;
    other.restore(&phrase, Place::OwnDevice).await;
    other.open(&friend_id).await;
    other.reads(STAYS).await;
    other.browser.gone("#reading").await;
    friend.sends(&network, LATER, None).await;
    other.reads(LATER).await;
    assert_eq!(painted(&other.browser).await, json!([STAYS, LATER]));
}
