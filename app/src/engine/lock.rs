//! The lock of this device: what a page asks about it, and what is done in answer.
//!
//! Each question gets a worker of its own that ends with the answer: what Argon2id fills, 64 MiB, goes with it, and so does
//! everything that was derived. One question at a time is answered for all tabs, so that tries can't be made side by side.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use holdfast_client::lock::{Cost, LockError, LockRecord, Passphrase, PrfOutput, Tries};
use holdfast_client::ports::StoreError;
use holdfast_client::seal::VaultKey;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::MessageEvent;

use super::indexeddb::IndexedDb;
use super::link::{Running, start_worker};
use super::rng::BrowserRng;
use super::wire::{FromWorker, Secret, ToWorker, from_js};
use super::{lock_records, tabs, vault};
use crate::platform::error_text;

/// The Web Lock of whoever answers a question about the lock.
const TURN: &str = "holdfast-lock";

/// What a page knows of the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockView {
    /// There is a lock.
    pub(crate) set: bool,
    /// Tries in vain since it was opened last.
    pub(crate) wrong: u32,
    /// Milliseconds until the next try is allowed.
    pub(crate) wait_ms: u64,
    /// The passkeys that open it too.
    pub(crate) passkeys: Vec<Passkey>,
}

/// A passkey that opens the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passkey {
    /// Its credential id.
    pub(crate) id: Vec<u8>,
    /// What its authenticator is asked with.
    pub(crate) salt: [u8; 32],
}

/// A question about the lock. Passphrases are UTF-8.
#[derive(Serialize, Deserialize)]
pub(crate) enum LockAsk {
    /// What it is like.
    Look,
    /// Open it with a passphrase.
    Open(Secret),
    /// Open it with a passkey.
    OpenByPasskey {
        /// The passkey's credential id.
        id: Vec<u8>,
        /// What its authenticator gave.
        output: Secret,
    },
    /// Set one.
    Set(Secret),
    /// Whether this is the passphrase.
    Check(Secret),
    /// Whether this passkey opens it.
    CheckPasskey {
        /// Its credential id.
        id: Vec<u8>,
        /// What its authenticator gave.
        output: Secret,
    },
    /// Put another passphrase in the place of the old one.
    Change {
        /// The old one.
        old: Secret,
        /// The new one.
        new: Secret,
    },
    /// Remove it, with its passkeys.
    Remove(Secret),
    /// Let a passkey open it too.
    AddPasskey {
        /// The passphrase.
        passphrase: Secret,
        /// The passkey.
        passkey: Passkey,
        /// What its authenticator gave.
        output: Secret,
    },
    /// Take a passkey off it.
    RemovePasskey(Vec<u8>),
}

/// What was done.
#[derive(Serialize, Deserialize)]
pub(crate) enum LockAnswer {
    /// It is open; the vault key.
    Open(Secret),
    /// What it is like now.
    Lock(LockView),
}

/// Why it was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LockRefusal {
    /// It is not the passphrase or passkey.
    Wrong(LockView),
    /// Too soon after tries in vain.
    Wait(LockView),
    /// The new passphrase is too short.
    TooShort,
    /// A passphrase is too long.
    TooLong,
    /// There is no room for another passkey.
    NoRoom,
    /// There is a lock where none was expected, or the other way round: another tab was quicker.
    Changed,
    /// Anything else, for diagnostics.
    Failed(String),
}

impl From<StoreError> for LockRefusal {
    fn from(error: StoreError) -> Self {
        LockRefusal::Failed(error.to_string())
    }
}

impl From<LockError> for LockRefusal {
    fn from(error: LockError) -> Self {
        match error {
            LockError::TooShort => LockRefusal::TooShort,
            LockError::TooLong => LockRefusal::TooLong,
            LockError::NoRoom => LockRefusal::NoRoom,
            other => LockRefusal::Failed(other.to_string()),
        }
    }
}

/// Asks about the lock, from a page.
pub(crate) async fn ask(question: LockAsk) -> Result<LockAnswer, LockRefusal> {
    let failed = |error: JsValue| LockRefusal::Failed(error_text(&error));
    let worker = start_worker().map_err(failed)?;
    let (sender, answered) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let tell = move |result| {
        if let Some(sender) = sender.borrow_mut().take() {
            // Nobody waits when the screen that asked is gone.
            let _ = sender.send(result);
        }
    };
    let failing = tell.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(FromWorker::Lock(result)) = from_js(event.data()) {
            tell(result);
        }
    });
    let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |_| {
        failing(Err(LockRefusal::Failed("the worker stopped".into())));
    });
    let running = Running::new(worker, on_message, on_error);
    running.say(&ToWorker::Lock(question)).map_err(failed)?;
    let result = answered.await;
    // Its memory goes with the worker.
    drop(running);
    result.unwrap_or_else(|_| Err(LockRefusal::Failed("no answer".into())))
}

/// Answers a question, in a worker.
pub(super) async fn answer(question: LockAsk) -> Result<LockAnswer, LockRefusal> {
    let Some(_turn) = tabs::take_turn(TURN).await else {
        return Err(LockRefusal::Failed("no Web Locks".into()));
    };
    let database = IndexedDb::open().await?;
    let lock = lock_records::read(&database).await?;
    let Some(mut lock) = lock else {
        match question {
            LockAsk::Look => {}
            LockAsk::Set(passphrase) => set(&database, passphrase).await?,
            _ => return Err(LockRefusal::Changed),
        }
        return looked_at(&database).await;
    };
    match question {
        LockAsk::Look => {}
        LockAsk::Set(_) => return Err(LockRefusal::Changed),
        LockAsk::Open(passphrase) => {
            return Ok(opened(&try_passphrase(&database, &lock, passphrase).await?));
        }
        LockAsk::OpenByPasskey { id, output } => {
            let key = try_passkey(&database, &lock, &id, &output).await?;
            return Ok(opened(&key));
        }
        LockAsk::Check(passphrase) => {
            try_passphrase(&database, &lock, passphrase).await?;
        }
        LockAsk::CheckPasskey { id, output } => {
            try_passkey(&database, &lock, &id, &output).await?;
        }
        LockAsk::Change { old, new } => {
            let new = Passphrase::chosen(new.bytes().to_vec())?;
            let key = try_passphrase(&database, &lock, old).await?;
            lock.change_passphrase(&key, &new, Cost::NEW, &BrowserRng)?;
            lock_records::put(&database, &lock).await?;
        }
        LockAsk::Remove(passphrase) => {
            let key = try_passphrase(&database, &lock, passphrase).await?;
            // First the other way in, then the lock: what stops in between leaves the lock.
            vault::keep(&key).await?;
            lock_records::remove(&database).await?;
        }
        LockAsk::AddPasskey {
            passphrase,
            passkey,
            output,
        } => {
            let key = try_passphrase(&database, &lock, passphrase).await?;
            let output = PrfOutput::from_slice(output.bytes())?;
            lock.add_passkey(&key, &passkey.id, passkey.salt, &output, &BrowserRng)?;
            lock_records::put(&database, &lock).await?;
        }
        LockAsk::RemovePasskey(id) => {
            lock.remove_passkey(&id);
            lock_records::put(&database, &lock).await?;
        }
    }
    looked_at(&database).await
}

async fn looked_at(database: &IndexedDb) -> Result<LockAnswer, LockRefusal> {
    let lock = lock_records::read(database).await?;
    Ok(LockAnswer::Lock(
        lock_records::view(database, lock.as_ref()).await?,
    ))
}

fn opened(key: &VaultKey) -> LockAnswer {
    LockAnswer::Open(Secret::new(key.as_bytes().to_vec()))
}

/// Sets a lock where there is none, and removes the key that opened the vault without one.
async fn set(database: &IndexedDb, passphrase: Secret) -> Result<(), LockRefusal> {
    let passphrase = Passphrase::chosen(passphrase.bytes().to_vec())?;
    let key = vault::load(database).await?.ok_or(LockRefusal::Changed)?;
    let lock = LockRecord::new(&key, &passphrase, Cost::NEW, &BrowserRng)?;
    lock_records::put(database, &lock).await?;
    // From here on the lock is the only way in: only if it was kept as it was meant.
    let kept = lock_records::read(database)
        .await?
        .is_some_and(|kept| kept == lock);
    let removed = if kept {
        IndexedDb::delete_keys().await
    } else {
        Err(StoreError::Damaged)
    };
    if let Err(error) = removed {
        lock_records::remove(database).await?;
        return Err(error.into());
    }
    Ok(())
}

/// Tries a passphrase, unless it is too soon.
async fn try_passphrase(
    database: &IndexedDb,
    lock: &LockRecord,
    passphrase: Secret,
) -> Result<VaultKey, LockRefusal> {
    let passphrase = Passphrase::typed(passphrase.bytes().to_vec())?;
    let tries = lock_records::tries(database).await?;
    if tries.wait_ms(lock_records::now_ms()) > 0 {
        return Err(LockRefusal::Wait(lock_records::view(database, Some(lock)).await?));
    }
    lock_records::put_tries(database, tries.counted(lock_records::now_ms())).await?;
    settled(database, lock, lock.open(&passphrase)).await
}

/// Tries a passkey. Its authenticator has counted tries of its own, so that these are not.
async fn try_passkey(
    database: &IndexedDb,
    lock: &LockRecord,
    id: &[u8],
    output: &Secret,
) -> Result<VaultKey, LockRefusal> {
    let opened = PrfOutput::from_slice(output.bytes()).and_then(|output| lock.open_with_passkey(id, &output));
    settled(database, lock, opened).await
}

/// What a try came to. Whoever opens the lock begins to count anew.
async fn settled(
    database: &IndexedDb,
    lock: &LockRecord,
    tried: Result<VaultKey, LockError>,
) -> Result<VaultKey, LockRefusal> {
    match tried {
        Ok(key) => {
            lock_records::put_tries(database, Tries::default()).await?;
            Ok(key)
        }
        Err(LockError::Wrong) => Err(LockRefusal::Wrong(
            lock_records::view(database, Some(lock)).await?,
        )),
        Err(error) => Err(error.into()),
    }
}
