//! The database's rules, in memory and on disk.

mod database;
mod forgetting;
mod operations;
mod reading;

use super::*;
use bytes::Bytes;

const NOW: u64 = 1_700_000_000_000;
const ME: Account = [5; 33];
const DAY: u64 = 24 * 3600 * 1000;

/// An operation of this time that comes late.
fn at(at: u64) -> When {
    When {
        at,
        bound: at,
        now: NOW,
    }
}

fn message(namespace: i16, text: &str) -> NewMessage {
    let mut hash = [0; 32];
    hash.copy_from_slice(
        blake2b_simd::Params::new()
            .hash_length(32)
            .hash(text.as_bytes())
            .as_bytes(),
    );
    NewMessage {
        account: ME,
        namespace,
        hash,
        timestamp: NOW,
        expiry: NOW + 60_000,
        touched: NOW,
        data: Bytes::copy_from_slice(text.as_bytes()),
    }
}

async fn put(db: &Db, message: NewMessage, outbox: bool) -> Stored {
    db.write(move |w| w.store(&message, NOW, outbox)).await.unwrap()
}

async fn adopt(db: &Db, message: NewMessage) -> SyncOutcome {
    db.write(move |w| w.adopt(&message, NOW, false)).await.unwrap()
}

/// An operation of this time, with a number for its name.
fn operation(number: u64, at: u64) -> Operation {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Operation {
        id,
        method: "delete".to_owned(),
        params: Vec::new(),
        at,
    }
}

fn kept(db: &Db, now: u64) -> Vec<Hash> {
    let state = db.read(|c| sync::account_state(c, &ME, now)).unwrap();
    state.operations
}

fn texts(db: &Db, namespace: i16, last: Option<Hash>) -> Vec<String> {
    let limits = PageLimits {
        count: u64::MAX,
        size: u64::MAX,
    };
    let page = db
        .read(|c| messages::page(c, &ME, namespace, last.as_ref(), limits, NOW))
        .unwrap();
    page.messages
        .into_iter()
        .map(|m| String::from_utf8(m.data).unwrap())
        .collect()
}
