//! Fills a store with a long history, for tests and measurements: as the engine would have, without a network.

mod measure;

use std::rc::Rc;

use futures::future::{LocalBoxFuture, ready};
use holdfast_protocol::account::{Account, Id, Seed};

use crate::api::{MessageKind, MessageState};
use crate::core::Core;
use crate::driver::Driver;
use crate::engine::Options;
use crate::ports::{Clock, HttpRequest, HttpResponse, Network, NetworkError, Ports, Rng, Store, StoreError};
use crate::profile::NetworkProfile;
use crate::records::MessageRecord;
use crate::work::Work;
pub use measure::{Figures, measure};

/// Messages in one commit.
const BATCH: u32 = 1_000;
/// Between two messages of a history, milliseconds.
const STEP_MS: u64 = 7 * 60 * 1_000;
/// Every so many messages, one has a word that is rare, with its number: `kelp-7000`.
const RARE: u32 = 1_000;

/// Words as they occur in messages, the first ones most often.
const WORDS: &str = "the to you I and a it is that in we for on me at so with not be will see tomorrow okay but have just \
    are can do what there good later home train thanks time work maybe really station dinner café Grüße \
    weekend morning photo meeting harbour friends straße привет завтра garden bicycle naïve umbrella \
    concert library mountain breakfast holiday sunshine déjà";

/// What to fill a store with.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// How many contacts, up to 60,000.
    pub contacts: u16,
    /// How many messages in all, in turn with every contact; the last one was sent just now, and all are read.
    pub messages: u32,
}

/// Ports without a network, and a profile for them.
pub fn offline(store: Rc<dyn Store>, clock: Rc<dyn Clock>, rng: Rc<dyn Rng>) -> (Ports, NetworkProfile) {
    let ports = Ports {
        network: Rc::new(Nowhere),
        store,
        clock,
        rng,
    };
    let profile = NetworkProfile {
        name: "none".to_owned(),
        gateways: vec!["/none".to_owned()],
        direct: false,
        local: true,
        minimum_nodes: 2,
        subnet_diversity: false,
        hops: 1,
        bundled_nodes: None,
        seeds: Vec::new(),
        files: None,
        previews: None,
    };
    (ports, profile)
}

/// Adds a history to a store that holds an account, and tells whom it is with.
///
/// # Errors
/// [`StoreError::Other`] without an account, and the store's own errors.
pub async fn fill(
    store: Rc<dyn Store>,
    clock: Rc<dyn Clock>,
    rng: Rc<dyn Rng>,
    history: History,
) -> Result<Vec<Id>, StoreError> {
    let (ports, profile) = offline(store, clock, rng);
    // Nothing drives its tasks: only units of work are done here.
    let (spawner, _driver) = Driver::new();
    let core = Core::new(ports, profile, Options::default(), spawner);
    core.load().await?;
    let own = core
        .own_id()
        .ok_or_else(|| StoreError::Other("there is no account".to_owned()))?;
    let contacts: Vec<Id> = (0..history.contacts.max(1)).map(contact).collect();
    let first = core
        .time
        .now()
        .saturating_sub(u64::from(history.messages) * STEP_MS);
    let mut words = Words {
        state: 1,
        list: WORDS.split(' ').collect(),
    };
    let mut number = 0;
    while number < history.messages {
        let mut work = Work::begin(&core).await;
        let end = history.messages.min(number + BATCH);
        for (number, contact) in
            (number..end).zip(contacts.iter().cycle().skip(to_index(number) % contacts.len()))
        {
            let known = work.contact(contact);
            known.approved = true;
            known.approved_me = true;
            known
                .name
                .get_or_insert_with(|| format!("Contact {}", to_index(number) % contacts.len()));
            let outgoing = words.next(3) == 0;
            let sent_at = first + u64::from(number) * STEP_MS;
            work.conversation(contact).read_up_to = sent_at;
            let record = MessageRecord {
                author: if outgoing { own } else { *contact },
                outgoing,
                kind: MessageKind::Text,
                body: words.text(number),
                files: Vec::new(),
                link: None,
                quote: None,
                reactions: Vec::new(),
                expiry: None,
                state: if outgoing {
                    MessageState::Sent
                } else {
                    MessageState::Received
                },
                hash: None,
                received_at: (!outgoing).then_some(sent_at),
            };
            work.insert(contact, sent_at, record).await?;
        }
        work.commit().await?;
        number = end;
    }
    Ok(contacts)
}

fn to_index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The account of a contact, by its number.
pub fn contact(number: u16) -> Id {
    let mut seed = [0xC0; 16];
    for (place, byte) in seed.iter_mut().zip(number.to_le_bytes()) {
        *place = byte;
    }
    Account::from_seed(Seed::from_bytes(&seed)).id()
}

/// A generator that gives the same texts every time.
struct Words {
    state: u64,
    list: Vec<&'static str>,
}

impl Words {
    fn next(&mut self, bound: u64) -> u64 {
        // Knuth's constants for a linear congruential generator.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % bound.max(1)
    }

    fn text(&mut self, number: u32) -> String {
        let mut text = String::new();
        for _ in 0..3 + self.next(20) {
            // The smaller of two draws: the first words are the most frequent.
            let all = u64::try_from(self.list.len()).unwrap_or_default();
            let place = self.next(all).min(self.next(all));
            let word = usize::try_from(place).ok().and_then(|place| self.list.get(place));
            let word = word.copied().unwrap_or_default();
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        if number.is_multiple_of(RARE) {
            text.push_str(&format!(" kelp-{number}"));
        }
        text
    }
}

/// A network that is not there.
struct Nowhere;

impl Network for Nowhere {
    fn send(&self, _: HttpRequest) -> LocalBoxFuture<'_, Result<HttpResponse, NetworkError>> {
        Box::pin(ready(Err(NetworkError::Offline)))
    }
}
