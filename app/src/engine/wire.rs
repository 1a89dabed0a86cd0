//! What goes between a page, its worker and the workers of other tabs: plain data as postcard bytes.

use holdfast_client::api::{Command, Event, Failure, Reply, RequestId};
use js_sys::{Array, Uint8Array};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::jobs::{Job, JobId, News};
use super::lock::{LockAnswer, LockAsk, LockRefusal, LockView};
use crate::platform::session::{StartError, StorageMode};

/// A passphrase or key on its way. Wiped when dropped.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// What of an account a shared computer leaves alone, as a kiosk's operator has it.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Sparing {
    /// What is read here stays unread on the account's other devices.
    pub(crate) leave_unread: bool,
    /// Messages of more days ago are not taken.
    pub(crate) recent_days: Option<u32>,
}

/// From a page to its worker.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// The first message: how to run.
    Start {
        /// Where the account is kept.
        mode: StorageMode,
        /// The network profile, as served.
        profile: Vec<u8>,
        /// The page knows of an account on this device, so an empty store means that the browser cleared it.
        expect_account: bool,
        /// What of the account a shared computer leaves alone.
        sparing: Sparing,
    },
    /// A command. The worker answers every one once.
    Command {
        /// The command's own number.
        request: RequestId,
        /// The command.
        command: Command,
    },
    /// Something to prepare. It comes in an array, followed by what is to be worked on ([`with_payload`]).
    Job {
        /// The job's number. A job that is given again to another worker keeps it.
        id: JobId,
        /// What to do.
        job: Job,
    },
    /// A job is not wanted any more; what it has staged goes.
    CancelJob(JobId),
    /// No more sound comes for a voice message.
    EndVoice(JobId),
    /// In place of a start: a question about the lock. The worker answers it and ends.
    Lock(LockAsk),
    /// Opens the vault of a worker that waits at the lock; its key.
    Unlock(Secret),
    /// Locks all tabs.
    LockUp,
    /// Somebody is active in this tab; the page's time.
    Active {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// Nobody was active in this tab for as long as is allowed: lock all tabs, unless there was somebody in another.
    Idle {
        /// The page's time, milliseconds since 1970.
        now_ms: u64,
        /// How long is allowed, milliseconds.
        limit_ms: u64,
    },
    /// Removes a locked account from this device without opening it.
    Forget,
    /// Find QR codes in a picture, which comes in an array after this: its pixels' bytes. For a worker that runs nothing
    /// else.
    FindCodes {
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// From a worker to its page.
#[derive(Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// An engine runs, in this worker or in another tab's; commands are taken.
    Started,
    /// The worker could not start and ends.
    Refused(StartError),
    /// The answer to a command.
    Reply {
        /// The command's number.
        request: RequestId,
        /// What became of it.
        result: Result<Reply, Failure>,
    },
    /// Something changed.
    Event(Event),
    /// How a job goes.
    Job {
        /// The job's number.
        id: JobId,
        /// What there is to tell.
        news: News,
    },
    /// The vault is locked, and the worker waits at the lock.
    Locked(LockView),
    /// The engine ended because all tabs were locked; so does this worker.
    LockedUp,
    /// The locked account that was to be removed is still here: the browser refused.
    NotForgotten,
    /// The answer to a question about the lock.
    Lock(Result<LockAnswer, LockRefusal>),
    /// What the codes in a picture hold: secrets, perhaps.
    Codes(Vec<String>),
}

/// Between the workers of one origin's tabs.
#[derive(Serialize, Deserialize)]
pub(crate) enum BetweenTabs {
    /// A worker without an engine asks whether there is one.
    WhoLeads,
    /// This worker runs the engine. Said when it starts, and to whoever asks.
    Leading {
        /// Drawn at random for each engine: another number means that another engine took over.
        term: u64,
        /// The vault's key: whoever is next in line needs it to take over behind a lock. It stays among the workers of this
        /// origin, as what they are told to do with the account does.
        key: Secret,
    },
    /// A command for the worker that runs the engine.
    Command {
        /// The command's own number.
        request: RequestId,
        /// The command.
        command: Command,
    },
    /// The answer to a command of another tab.
    Reply {
        /// The command's number.
        request: RequestId,
        /// What became of it.
        result: Result<Reply, Failure>,
    },
    /// Something changed.
    Event(Event),
    /// This worker is about to run the engine. Said to whoever asks meanwhile.
    Starting,
    /// All tabs are locked.
    LockUp,
    /// Somebody is active in a tab; as [`ToWorker::Active`].
    Active {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
    /// As [`ToWorker::Idle`], for the worker that runs the engine.
    Idle {
        /// The page's time, milliseconds since 1970.
        now_ms: u64,
        /// How long is allowed, milliseconds.
        limit_ms: u64,
    },
}

/// Encodes a message. The bytes may hold a recovery phrase, so they are wiped when dropped.
pub(crate) fn encode<T: Serialize>(message: &T) -> Zeroizing<Vec<u8>> {
    // Encoding plain data into a growing buffer has no way to fail.
    Zeroizing::new(postcard::to_allocvec(message).unwrap_or_default())
}

/// As [`encode`], as a value that can be posted.
pub(crate) fn to_js<T: Serialize>(message: &T) -> JsValue {
    Uint8Array::from(encode(message).as_slice()).into()
}

/// Decodes a posted message; `None` when it is none of ours.
pub(crate) fn from_js<T: DeserializeOwned>(data: JsValue) -> Option<T> {
    let data = data.dyn_into::<Uint8Array>().ok()?;
    let bytes = Zeroizing::new(data.to_vec());
    // Every receiver has a copy of its own.
    wipe(&data);
    postcard::from_bytes(&bytes).ok()
}

/// Overwrites a message that was posted or read: it may hold a secret, and nobody knows when the browser frees it.
pub(crate) fn wipe(message: &JsValue) {
    if let Some(bytes) = message.dyn_ref::<Uint8Array>() {
        bytes.fill(0, 0, bytes.length());
    }
}

/// As [`to_js`], together with a value that is handed over as it is.
pub(crate) fn with_payload<T: Serialize>(message: &T, payload: &JsValue) -> Array {
    Array::of2(&to_js(message), payload)
}

/// Decodes what [`with_payload`] made; `None` when it is none of ours.
pub(crate) fn payload_from_js<T: DeserializeOwned>(data: &JsValue) -> Option<(T, JsValue)> {
    let both = data.dyn_ref::<Array>()?;
    Some((from_js(both.get(0))?, both.get(1)))
}
