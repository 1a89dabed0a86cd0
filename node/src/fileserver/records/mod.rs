//! What is known of each file: size, times, and whether its bytes are being written or deleted. One set of statements
//! serves both databases.
//!
//! A row says who may touch the bytes. An upload first makes its row *writing*, then puts the bytes, then makes the row
//! *kept*; the cleaner first makes a row *deleting*, then removes the bytes, then the row. So no bytes are ever without a
//! row, an upload never meets a deletion half-way, and several servers may share both stores. A row that stays
//! *writing* or *deleting* belongs to a process that died, and the cleaner takes it after a while.

#[cfg(feature = "clusters")]
mod postgres;
mod sqlite;

use futures::future::BoxFuture;
use holdfast_protocol::file::FileId;
use holdfast_protocol::file::api::FileInfo;

#[cfg(feature = "clusters")]
pub use postgres::Postgres;
#[cfg(feature = "clusters")]
pub(super) use postgres::check_address;
pub use sqlite::Sqlite;

/// Why a database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The disk of the database is full; nothing of the change was kept.
    #[error("no space left for the database")]
    Full,
    /// SQLite refused: a damaged file, a missing folder.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
    /// The database server refused, broke off, or could not be reached.
    #[error("database server: {0}")]
    Server(String),
    /// The database server did not answer in time. Whether the change was made is not known.
    #[error("the database server did not answer in time")]
    Timeout,
    /// The transaction that held the change could not be committed; nothing of it was kept.
    #[error("the change could not be committed")]
    NotCommitted,
    /// The database is shutting down.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for RecordsError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}

/// What an upload has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Put the bytes, then call [`Records::finish`].
    Write,
    /// Nothing, if the bytes are there: the file is known, and its expiry is extended already.
    Known(FileInfo),
    /// Wait: the same file is being deleted.
    Deleting,
}

/// Files and their bytes in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files, those included whose bytes are under way.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The future of a call to a database.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, RecordsError>>;

/// Keeps the rows. Times are Unix milliseconds. A change is durable when its future is done.
pub trait Records: Send + Sync + 'static {
    /// An upload of that many bytes begins. A known file is extended, never shortened.
    fn begin(&self, id: FileId, size: u64, now: u64, expires: u64) -> Answer<'_, Begun>;

    /// The same for an id that must be new; false if it is taken.
    fn begin_new(&self, id: FileId, size: u64, now: u64, expires: u64) -> Answer<'_, bool>;

    /// A kept file's bytes have to be put once more; false if it is not kept any more.
    fn begin_again(&self, id: FileId, now: u64) -> Answer<'_, bool>;

    /// The bytes are put. Nothing if the row is not there any more.
    fn finish(&self, id: FileId) -> Answer<'_, Option<FileInfo>>;

    /// A kept file that has not expired.
    fn get(&self, id: FileId, now: u64) -> Answer<'_, Option<FileInfo>>;

    /// Makes a kept file that has not expired last until `expires` at least.
    fn extend(&self, id: FileId, now: u64, expires: u64) -> Answer<'_, Option<FileInfo>>;

    /// Marks up to `limit` files as being deleted: expired ones, and those that were left writing or deleting at
    /// `abandoned` or before.
    fn take_expired(&self, now: u64, abandoned: u64, limit: u32) -> Answer<'_, Vec<FileId>>;

    /// Marks a kept file as being deleted; false if it is not kept.
    fn take_lost(&self, id: FileId, now: u64) -> Answer<'_, bool>;

    /// Marks an id without a row as being deleted; false if it has one.
    fn take_orphan(&self, id: FileId, now: u64) -> Answer<'_, bool>;

    /// Takes the mark off again.
    fn keep(&self, id: FileId) -> Answer<'_, ()>;

    /// Removes a row that is marked.
    fn forget(&self, id: FileId) -> Answer<'_, ()>;

    /// Those of the ids that have no row.
    fn unknown(&self, ids: Vec<FileId>) -> Answer<'_, Vec<FileId>>;

    /// Files and bytes in all.
    fn totals(&self) -> Answer<'_, Totals>;

    /// Whether no other process uses the database: then what a former one left unfinished is known to be abandoned.
    fn is_exclusive(&self) -> bool;

    /// Finishes what is queued and answers nothing any more.
    fn close(&self);
}

/// A row's state while its bytes are written. Kept is 1, being deleted is 2.
const WRITING: i64 = 0;

// Parameters first appear in the order of their numbers: SQLite counts `$1` as a name, by its first appearance.

/// id, size, now, expires.
const BEGIN: &str = "INSERT INTO files(id, size, uploaded, expires, touched, state) VALUES($1, $2, $3, $4, $3, 0) \
     ON CONFLICT(id) DO UPDATE SET touched = excluded.touched, \
     expires = CASE WHEN files.expires > excluded.expires THEN files.expires ELSE excluded.expires END \
     WHERE files.state <> 2 RETURNING size, uploaded, expires, state";
/// id, size, now, expires.
const BEGIN_NEW: &str = "INSERT INTO files(id, size, uploaded, expires, touched, state) VALUES($1, $2, $3, $4, $3, 0) \
     ON CONFLICT(id) DO NOTHING";
/// now, id.
const BEGIN_AGAIN: &str = "UPDATE files SET state = 0, touched = $1 WHERE id = $2 AND state = 1";
/// id.
const FINISH: &str =
    "UPDATE files SET state = 1 WHERE id = $1 AND state <> 2 RETURNING size, uploaded, expires";
/// id, now.
const GET: &str = "SELECT size, uploaded, expires FROM files WHERE id = $1 AND state = 1 AND expires > $2";
/// expires, id, now.
const EXTEND: &str = "UPDATE files SET expires = CASE WHEN expires > $1 THEN expires ELSE $1 END \
     WHERE id = $2 AND state = 1 AND expires > $3 RETURNING size, uploaded, expires";
/// now, abandoned, limit.
const TAKE_EXPIRED: &str = "UPDATE files SET state = 2, touched = $1 WHERE id IN (SELECT id FROM files \
     WHERE (state = 1 AND expires <= $1) OR (state <> 1 AND touched <= $2) LIMIT $3) \
     AND ((state = 1 AND expires <= $1) OR (state <> 1 AND touched <= $2)) RETURNING id";
/// now, id.
const TAKE_LOST: &str = "UPDATE files SET state = 2, touched = $1 WHERE id = $2 AND state = 1";
/// id, now.
const TAKE_ORPHAN: &str = "INSERT INTO files(id, size, uploaded, expires, touched, state) VALUES($1, 0, $2, $2, $2, 2) \
     ON CONFLICT(id) DO NOTHING";
/// id.
const KEEP: &str = "UPDATE files SET state = 1 WHERE id = $1 AND state = 2";
/// id.
const FORGET: &str = "DELETE FROM files WHERE id = $1 AND state = 2";
/// id.
const HAS: &str = "SELECT 1 FROM files WHERE id = $1";
/// Nothing.
const TOTALS: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM files";
/// The table, in both databases.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS files(id VARCHAR(44) PRIMARY KEY, size BIGINT NOT NULL, \
     uploaded BIGINT NOT NULL, expires BIGINT NOT NULL, touched BIGINT NOT NULL, state BIGINT NOT NULL)";
/// What the cleaner looks for: expired files, and unfinished ones.
const INDEXES: [&str; 2] = [
    "CREATE INDEX IF NOT EXISTS files_expires ON files(expires)",
    "CREATE INDEX IF NOT EXISTS files_unfinished ON files(touched) WHERE state <> 1",
];

/// Databases count in signed numbers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The three numbers of a row.
fn record(size: i64, uploaded: i64, expires: i64) -> FileInfo {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    FileInfo {
        size: unsigned(size),
        uploaded_ms: unsigned(uploaded),
        expires_ms: unsigned(expires),
    }
}

/// What [`BEGIN`] says; no row means that the file is being deleted.
fn begun(row: Option<(FileInfo, i64)>) -> Begun {
    match row {
        None => Begun::Deleting,
        Some((_, WRITING)) => Begun::Write,
        Some((record, _)) => Begun::Known(record),
    }
}
