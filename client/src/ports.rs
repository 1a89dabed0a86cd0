//! The engine's four ports: what it asks of the machine it runs on.
//!
//! The engine names no runtime, browser API or clock. In the browser the ports are `fetch`, IndexedDB, `performance` and
//! `crypto.getRandomValues`; natively they are an HTTP client, SQLite and the system; in tests, memory with faults
//! under virtual time. Everything runs on one thread, so no port needs to be `Send`.

use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;

/// One HTTP exchange. The engine decides what it means; the port only carries bytes.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: Method,
    /// Absolute address, or one that starts with `/` for the page's own origin.
    pub url: String,
    /// The body, empty for `GET`. Sent as `application/octet-stream`.
    pub body: Vec<u8>,
    /// When to give up, counted from the call.
    pub timeout: Duration,
    /// The largest answer body to accept, in bytes; more is [`NetworkError::TooLarge`].
    pub max_response: usize,
    /// Hears how far the exchange is, where the machine can tell.
    pub progress: Option<Progress>,
}

/// Hears how far an exchange is.
#[derive(Clone)]
pub struct Progress(pub Rc<dyn Fn(Exchanged)>);

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress(..)")
    }
}

/// How many bytes of an exchange have gone or come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchanged {
    /// So many bytes of the request's body have left.
    Sent(u64),
    /// So many bytes of the answer's body have come, of so many; 0 when that is not known.
    Received(u64, u64),
}

/// The two methods that the engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Fetch a resource.
    Get,
    /// Send a body.
    Post,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// Response headers with lower-case names; in a browser only those that CORS exposes.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Why an exchange brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The machine says that it has no connection at all.
    #[error("this device is offline")]
    Offline,
    /// The address could not be reached, or the connection broke. A browser can't tell more.
    #[error("could not connect")]
    Unreachable,
    /// No complete answer within the request's time.
    #[error("no answer in time")]
    Timeout,
    /// The answer was larger than the request allowed.
    #[error("the answer was too large")]
    TooLarge,
}

/// Carries bytes to an address and back.
pub trait Network {
    /// Performs one exchange. Dropping the future cancels it.
    fn send(&self, request: HttpRequest) -> LocalBoxFuture<'_, Result<HttpResponse, NetworkError>>;
}

/// The store's collections. Each is an ordered map from bytes to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collection {
    /// Single records: the account, settings, migration step.
    Meta,
    /// Conversations by id.
    Conversations,
    /// Messages, ordered within their conversation.
    Messages,
    /// Lookups into messages: by local id, by storage hash, by (author, sent time).
    MessageIndex,
    /// Messages accepted for sending that are not finished.
    Outbox,
    /// Storage hashes already handled, with their expiry.
    Seen,
    /// Retrieval cursors per (node, account, namespace).
    Cursors,
    /// The node list, guards, strikes.
    Network,
    /// Contacts' names and what is known of them.
    Contacts,
    /// What has to be done: by when messages disappear, work on the own swarm, receipts to send. Read whole at start.
    Due,
    /// What is known of messages that are not here: not come yet, or gone.
    Marks,
    /// Messages with files, by conversation and kind, in order.
    Gallery,
    /// Files that are here or wanted. Read whole at start.
    Files,
    /// The bytes of files, in pieces of up to 256 KiB.
    Pieces,
}

impl Collection {
    /// All collections, for stores that create them up front.
    pub const ALL: [Collection; 14] = [
        Collection::Meta,
        Collection::Conversations,
        Collection::Messages,
        Collection::MessageIndex,
        Collection::Outbox,
        Collection::Seen,
        Collection::Cursors,
        Collection::Network,
        Collection::Contacts,
        Collection::Due,
        Collection::Marks,
        Collection::Gallery,
        Collection::Files,
        Collection::Pieces,
    ];

    /// A stable name, for tables and object stores.
    pub const fn name(self) -> &'static str {
        match self {
            Collection::Meta => "meta",
            Collection::Conversations => "conversations",
            Collection::Messages => "messages",
            Collection::MessageIndex => "message_index",
            Collection::Outbox => "outbox",
            Collection::Seen => "seen",
            Collection::Cursors => "cursors",
            Collection::Network => "network",
            Collection::Contacts => "contacts",
            Collection::Due => "due",
            Collection::Marks => "marks",
            Collection::Gallery => "gallery",
            Collection::Files => "files",
            Collection::Pieces => "pieces",
        }
    }
}

/// One change of a [`Store::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a value.
    Put(Collection, Vec<u8>, Vec<u8>),
    /// Removes a value; absent ones are fine.
    Delete(Collection, Vec<u8>),
}

/// Which part of a collection to read, in key order.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The collection.
    pub collection: Collection,
    /// Lower bound, inclusive.
    pub from: Vec<u8>,
    /// Upper bound, exclusive; `None` for no bound.
    pub to: Option<Vec<u8>>,
    /// Highest key first.
    pub reverse: bool,
    /// At most this many entries.
    pub limit: usize,
}

/// Why the store could not serve a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk or the browser's quota is full. Nothing of the commit was written.
    #[error("no space left to store data")]
    Full,
    /// The store was refused, removed or closed while in use.
    #[error("the store is gone: {0}")]
    Gone(String),
    /// A stored value did not open under the vault key or did not decode.
    #[error("a stored value is damaged")]
    Damaged,
    /// Anything else the store reported.
    #[error("the store failed: {0}")]
    Other(String),
}

/// An entry of a scan: key, value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Ordered maps with atomic, durable commits: what [`Store::commit`] acknowledged survives a crash.
pub trait Store {
    /// The value under a key.
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;
    /// The values under several keys, in their order. Worth its own implementation where a call has a price, as in a
    /// browser.
    fn get_many(
        &self,
        collection: Collection,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'_, Result<Vec<Option<Vec<u8>>>, StoreError>> {
        Box::pin(async move {
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                values.push(self.get(collection, &key).await?);
            }
            Ok(values)
        })
    }
    /// The entries of a range, in key order or reversed.
    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>>;
    /// Applies all changes, or none.
    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>>;
    /// Removes everything.
    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>>;
}

/// Time: a wall clock for what goes on the wire, a monotonic one for durations.
pub trait Clock {
    /// Unix time in milliseconds as this machine believes it.
    fn now_ms(&self) -> u64;
    /// Milliseconds since some fixed moment; never goes back.
    fn monotonic_ms(&self) -> u64;
    /// Completes after the duration.
    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;
}

/// Secure random bytes.
pub trait Rng {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// The four ports together.
#[derive(Clone)]
pub struct Ports {
    /// Carries bytes to an address and back.
    pub network: Rc<dyn Network>,
    /// Keeps what must survive.
    pub store: Rc<dyn Store>,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
    /// Gives secure bytes.
    pub rng: Rc<dyn Rng>,
}

impl<S: Store + ?Sized> Store for Rc<S> {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        (**self).get(collection, key)
    }

    fn get_many(
        &self,
        collection: Collection,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'_, Result<Vec<Option<Vec<u8>>>, StoreError>> {
        (**self).get_many(collection, keys)
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        (**self).scan(scan)
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        (**self).commit(changes)
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        (**self).wipe()
    }
}
