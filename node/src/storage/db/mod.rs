//! The node's database: SQLite with group commit.
//!
//! Writers hand a job to a queue. Whoever commits takes every job that waits, runs them in one transaction and answers
//! them only when that transaction is durable, so that a hundred concurrent stores cost one commit. With
//! [`Durability::Process`] and for databases in memory, the caller itself commits when nobody else does (no thread is
//! woken for a lone store, and nothing happens behind the back of virtual time); with [`Durability::Power`] a thread
//! does, because a disk flush must not block the runtime. Reads run on a pool of connections and see every commit.

mod log;
mod messages;
mod queue;
mod schema;
mod sync;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;

pub use log::Operation;
pub use messages::{ALL_NAMESPACES, Deleted, Message, NewMessage, Page, PageLimits, Stored, Updated, When};
pub use queue::Retry;
pub use sync::{AccountDigest, AccountState, RowState, SyncOutcome};
pub(crate) use {
    log::{is_revoked, revoked},
    messages::{count, expiries, page},
    queue::{retries, retry_peers},
    sync::{account_state, digest_of, digests, holdings, operations, rows},
};

/// A 33-byte account address: prefix and key.
pub type Account = [u8; 33];
/// The 32 bytes behind a message hash's 43 characters.
pub type Hash = [u8; 32];

/// Jobs per transaction; more wait for the next one so that no caller waits on an endless batch.
const MAX_BATCH: usize = 1_024;
/// Owners remembered with their row ids.
const OWNER_CACHE: usize = 100_000;
/// Read connections kept open.
const READERS: usize = 8;
/// How often the background thread moves the log into the database file.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// Log size, in bytes, below which a checkpoint is not worth it.
const CHECKPOINT_FROM: u64 = 4 * 1024 * 1024;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash or kill of the process. The system may lose the last moments when the power fails; the swarm's other
    /// members have them.
    Process,
    /// A power failure: every group of writes is flushed to the disk before it is acknowledged.
    #[default]
    Power,
}

/// Why the database could not serve a call.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// SQLite refused: a damaged file, a full disk, a missing folder.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The transaction that held the write could not be committed; nothing of it was kept.
    #[error("the write could not be committed")]
    NotCommitted,
    /// The database is shutting down.
    #[error("the database is closed")]
    Closed,
    /// The file was written by a later version of this program.
    #[error("the database is of a later version ({0}) than this program knows")]
    Newer(i64),
}

type Answer = Box<dyn FnOnce(bool) + Send>;
/// Runs with the writer, or without one when no transaction could be begun.
type Job = Box<dyn FnOnce(Option<&mut Writer>) -> Answer + Send>;

/// The connection that writes, with what it remembers.
pub struct Writer {
    connection: Connection,
    owners: HashMap<Account, i64>,
}

impl Writer {
    /// The connection, for statements of the submodules.
    fn conn(&self) -> &Connection {
        &self.connection
    }

    /// The row id of an account, if it has one.
    fn owner(&mut self, account: &Account) -> rusqlite::Result<Option<i64>> {
        if let Some(id) = self.owners.get(account) {
            return Ok(Some(*id));
        }
        let found = find_owner(&self.connection, account)?;
        if let Some(id) = found {
            self.remember(*account, id);
        }
        Ok(found)
    }

    /// The row id of an account, made if needed.
    fn owner_or_new(&mut self, account: &Account) -> rusqlite::Result<i64> {
        if let Some(id) = self.owner(account)? {
            return Ok(id);
        }
        self.connection
            .prepare_cached("INSERT INTO owners(account) VALUES(?1)")?
            .execute([account.as_slice()])?;
        let id = self.connection.last_insert_rowid();
        self.remember(*account, id);
        Ok(id)
    }

    /// Forgets which rows belong to which accounts, when some may be gone.
    fn forget_owners(&mut self) {
        self.owners.clear();
    }

    fn remember(&mut self, account: Account, id: i64) {
        if self.owners.len() >= OWNER_CACHE {
            self.owners.clear();
        }
        self.owners.insert(account, id);
    }
}

/// Looks an account's row id up.
fn find_owner(connection: &Connection, account: &Account) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM owners WHERE account = ?1")?
        .query_row([account.as_slice()], |row| row.get(0))
        .optional()
}

struct Shared {
    queue: Mutex<VecDeque<Job>>,
    wake: Condvar,
    writer: Mutex<Option<Writer>>,
    readers: Mutex<Vec<Connection>>,
    path: Option<PathBuf>,
    durability: Durability,
    threaded: bool,
    closed: std::sync::atomic::AtomicBool,
}

/// A handle to one node's database. Cloning shares it.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

/// A poisoned lock only says that another caller panicked; the database itself rolls back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Db {
    /// Opens or creates the database file.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, DbError> {
        let connection = Connection::open(path)?;
        schema::prepare(&connection, durability)?;
        let db = Self::with(connection, Some(path.to_owned()), durability);
        if db.shared.threaded {
            let shared = Arc::clone(&db.shared);
            std::thread::spawn(move || commit_loop(&shared));
        }
        let weak = Arc::downgrade(&db.shared);
        std::thread::spawn(move || checkpoint_loop(&weak));
        Ok(db)
    }

    /// A database in memory, for tests: every call is served on the spot.
    pub fn in_memory() -> Result<Self, DbError> {
        let connection = Connection::open_in_memory()?;
        schema::prepare(&connection, Durability::Process)?;
        Ok(Self::with(connection, None, Durability::Process))
    }

    fn with(connection: Connection, path: Option<PathBuf>, durability: Durability) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(VecDeque::new()),
                wake: Condvar::new(),
                writer: Mutex::new(Some(Writer {
                    connection,
                    owners: HashMap::new(),
                })),
                readers: Mutex::new(Vec::new()),
                threaded: path.is_some() && durability == Durability::Power,
                path,
                durability,
                closed: std::sync::atomic::AtomicBool::new(false),
            }),
        }
    }

    /// Runs `work` in the next group commit and answers when that is durable. If `work` fails, only its own changes
    /// are undone.
    pub async fn write<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Writer) -> rusqlite::Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            let result = writer.map(|writer| in_savepoint(writer, work));
            Box::new(move |committed| {
                let answer = match result {
                    Some(Err(error)) => Err(DbError::from(error)),
                    Some(Ok(value)) if committed => Ok(value),
                    _ => Err(DbError::NotCommitted),
                };
                // The caller may have gone; the write stands all the same.
                let _ = sender.send(answer);
            })
        });
        if self.is_closed() {
            return Err(DbError::Closed);
        }
        lock(&self.shared.queue).push_back(job);
        if self.shared.threaded {
            self.shared.wake.notify_one();
        } else {
            // Whoever else is about to write gets the chance to queue, so that one commit serves all.
            tokio::task::yield_now().await;
            self.shared.commit_if_free();
        }
        receiver.await.unwrap_or(Err(DbError::Closed))
    }

    /// Runs `work` on a read connection, on the spot.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DbError> {
        if self.is_closed() {
            return Err(DbError::Closed);
        }
        let Some(path) = &self.shared.path else {
            let result = {
                let guard = lock(&self.shared.writer);
                let writer = guard.as_ref().ok_or(DbError::Closed)?;
                work(&writer.connection)
            };
            // A write that came meanwhile found the connection taken and left itself to us.
            self.shared.commit_if_free();
            return Ok(result?);
        };
        let pooled = lock(&self.shared.readers).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => {
                let connection = Connection::open(path)?;
                schema::prepare(&connection, self.shared.durability)?;
                connection
            }
        };
        let result = work(&connection);
        let mut readers = lock(&self.shared.readers);
        if readers.len() < READERS {
            readers.push(connection);
        }
        Ok(result?)
    }

    /// The size of the database in bytes, without its log.
    pub fn size(&self) -> Result<u64, DbError> {
        self.read(|c| {
            let number = |name| c.pragma_query_value(None, name, |row| messages::time(row, 0));
            let used = number("page_count")?.saturating_sub(number("freelist_count")?);
            Ok(used.saturating_mul(number("page_size")?))
        })
    }

    /// Finishes what is queued and closes every connection. Later calls answer [`DbError::Closed`].
    pub fn close(&self) {
        self.shared
            .closed
            .store(true, std::sync::atomic::Ordering::SeqCst);
        self.shared.wake.notify_all();
        let mut guard = lock(&self.shared.writer);
        if let Some(writer) = guard.as_mut() {
            while self.shared.commit_some(writer) {}
        }
        *guard = None;
        lock(&self.shared.readers).clear();
    }

    fn is_closed(&self) -> bool {
        self.shared.closed.load(std::sync::atomic::Ordering::SeqCst)
    }
}

fn in_savepoint<T>(
    writer: &mut Writer,
    work: impl FnOnce(&mut Writer) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    writer.conn().prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = work(writer);
    if result.is_err() {
        // A forgotten owner id might belong to a row that is being undone.
        writer.owners.clear();
        writer.conn().prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    writer.conn().prepare_cached("RELEASE job")?.execute([])?;
    result
}

impl Shared {
    /// Commits what waits, unless somebody is at it: then that one takes our job along.
    fn commit_if_free(&self) {
        loop {
            {
                let Ok(mut guard) = self.writer.try_lock() else {
                    return;
                };
                let Some(writer) = guard.as_mut() else {
                    lock(&self.queue).clear();
                    return;
                };
                while self.commit_some(writer) {}
            }
            // A job queued after the last look and before the lock was let go would wait for nobody.
            if lock(&self.queue).is_empty() {
                return;
            }
        }
    }

    /// Takes one batch from the queue through a transaction. False when nothing waited.
    fn commit_some(&self, writer: &mut Writer) -> bool {
        let batch: Vec<Job> = {
            let mut queue = lock(&self.queue);
            let n = queue.len().min(MAX_BATCH);
            queue.drain(..n).collect()
        };
        if batch.is_empty() {
            return false;
        }
        let begun = writer.conn().execute_batch("BEGIN IMMEDIATE").is_ok();
        let answers: Vec<Answer> = batch
            .into_iter()
            .map(|job| job(begun.then_some(&mut *writer)))
            .collect();
        let committed = begun && writer.conn().execute_batch("COMMIT").is_ok();
        if !committed {
            writer.owners.clear();
            if begun {
                // If even this fails the next BEGIN fails too, and its writers are told.
                let _ = writer.conn().execute_batch("ROLLBACK");
            }
        }
        for answer in answers {
            answer(committed);
        }
        true
    }
}

/// The writer thread of a database that flushes to disk.
fn commit_loop(shared: &Shared) {
    loop {
        {
            let mut queue = lock(&shared.queue);
            while queue.is_empty() {
                if shared.closed.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
                queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let mut guard = lock(&shared.writer);
        match guard.as_mut() {
            Some(writer) => while shared.commit_some(writer) {},
            None => lock(&shared.queue).clear(),
        }
    }
}

/// Moves the log into the database file beside the writers, so that no store pays for it.
fn checkpoint_loop(shared: &std::sync::Weak<Shared>) {
    let mut connection: Option<Connection> = None;
    loop {
        std::thread::sleep(CHECKPOINT_EVERY);
        let Some(shared) = shared.upgrade() else { return };
        if shared.closed.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        let Some(path) = &shared.path else { return };
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let size = std::fs::metadata(&log).map(|m| m.len()).unwrap_or(0);
        if size < CHECKPOINT_FROM {
            continue;
        }
        if connection.is_none() {
            connection = Connection::open(path).ok();
        }
        if let Some(c) = &connection {
            // A failed checkpoint is tried again; the log only grows meanwhile.
            let _ = c.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    }
}

#[cfg(test)]
mod tests;
