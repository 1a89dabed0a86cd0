//! How soon a restored account can be used: in Chromium, from the last word typed.

use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::config::{Contact, Contacts, Push, TTL_CONFIG, UserProfile};
use holdfast_protocol::message::TTL_DEFAULT;
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{Content, DataMessage};
use holdfast_protocol::swarm::Namespace;
use holdfast_protocol::swarm::auth::Signer;
use holdfast_protocol::swarm::request::Store;
use rand_core::CryptoRng;

use super::browser::Browser;
use super::clients::store_all;
use super::network::{Network, now_ms};
use super::{Outcome, print};

/// Contacts and messages of the accounts that come back.
const SIZES: [(usize, usize); 4] = [(10, 100), (100, 1_000), (500, 5_000), (1_000, 10_000)];
/// How old the oldest of these messages is, a day before it goes.
const OLDEST_MS: u64 = TTL_DEFAULT - 24 * 60 * 60 * 1000;
/// No message is younger. What came within five minutes would be news, and each of them a notification.
const YOUNGEST_MS: u64 = 10 * 60 * 1000;

/// Goes through the start screens as a user does who pastes the phrase, and notes the times.
///
/// `usable` is when every contact stands in the list and the list has been drawn; `complete` when the notice that the
/// mailbox is being read has gone.
const RESTORE: &str = "
const [phrase, contacts] = [PHRASE, CONTACTS];
const until = (look) => new Promise((done) => {
  const again = () => { const seen = look(); if (seen) done(seen); else requestAnimationFrame(again); };
  again();
});
const see = (css) => until(() => document.querySelector(css));
(async () => {
  (await see('#have-account')).click();
  (await see('#own-device')).click();
  (await see('.word-tools button:first-child')).click();
  const field = await see('#phrase-text');
  field.value = phrase;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  const typed = performance.now();
  (await see('#phrase-continue')).click();
  (await see('#restore-continue')).click();
  await until(() => document.querySelectorAll('.conversations .row').length >= contacts);
  await new Promise(requestAnimationFrame);
  const usable = performance.now() - typed;
  await until(() => !document.querySelector('#reading'));
  window.figures = [usable, performance.now() - typed];
})();
";

/// Prints the times for each size.
pub async fn run(network: &Network, rng: &mut impl CryptoRng) -> Outcome {
    for (contacts, messages) in SIZES {
        let account = Account::from_seed(Seed::generate(rng));
        fill(network, &account, contacts, messages, rng).await?;
        let mut browser = Browser::start().await?;
        browser.open(&network.app).await?;
        let phrase = serde_json::Value::from(account.seed().phrase().as_str());
        let script = RESTORE
            .replace("PHRASE", &phrase.to_string())
            .replace("CONTACTS", &contacts.to_string());
        browser.run(&script).await?;
        let figures = browser.until("return window.figures").await?;
        for (at, name) in ["usable", "complete"].into_iter().enumerate() {
            let value = figures
                .get(at)
                .and_then(serde_json::Value::as_f64)
                .ok_or("no time")?;
            print(
                &format!("restore_{contacts}_contacts_{name}"),
                value,
                "ms",
                messages,
            );
        }
    }
    Ok(())
}

/// Puts an account into its swarm as its other devices left it: a profile, contacts, and messages of each of them, which came
/// evenly over the time that a mailbox keeps them.
async fn fill(
    network: &Network,
    account: &Account,
    contacts: usize,
    messages: usize,
    rng: &mut impl CryptoRng,
) -> Outcome {
    let now = now_ms();
    let senders: Vec<Account> = (0..contacts)
        .map(|_| Account::from_seed(Seed::generate(rng)))
        .collect();
    let mut profile = UserProfile::new(account);
    profile.set_name("Ada", now)?;
    let mut known = Contacts::new(account);
    for (number, sender) in senders.iter().enumerate() {
        known.set_contact(&Contact {
            name: format!("Contact number {number}"),
            approved: true,
            approved_me: true,
            created: (now - OLDEST_MS) / 1000,
            ..Contact::new(sender.id())
        })?;
    }
    let mut stores = Vec::with_capacity(messages + 2);
    for push in [profile.push(now)?, known.push(now)?] {
        stores.extend(store_push(account, push, now));
    }
    let apart = (OLDEST_MS - YOUNGEST_MS) / messages as u64;
    for number in 0..messages {
        let sender = senders.get(number % senders.len()).ok_or("no sender")?;
        let content = Content {
            data_message: Some(DataMessage {
                body: Some(format!("Message number {number}")),
                ..DataMessage::default()
            }),
            ..Content::default()
        };
        let sent_at = now - OLDEST_MS + apart * number as u64;
        let data = encode_one_to_one(sender, &account.id(), &content, sent_at, rng)?;
        stores.push(Store::new(
            account.id(),
            Namespace::default(),
            data,
            sent_at,
            TTL_DEFAULT,
        ));
    }
    store_all(network, account, stores).await
}

/// What stores a config.
fn store_push(account: &Account, push: Push, now: u64) -> Vec<Store> {
    let signer = Signer::Account(account.ed25519());
    push.messages
        .into_iter()
        .map(|data| {
            let store = Store::new(account.id(), push.namespace, data, now, TTL_CONFIG);
            store.signed(&signer, now)
        })
        .collect()
}
