//! The rows in an SQLite file. Changes that wait for the disk at the same time go there together; reads do not wait.

use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Params, Row};
use tokio::sync::oneshot;

use super::{Answer, Begun, Records, RecordsError, Totals, begun, record, signed};
use crate::storage::db::Durability;
use holdfast_protocol::file::FileId;
use holdfast_protocol::file::api::FileInfo;

/// Changes committed together at most, so that none waits on an endless batch.
const MAX_BATCH: usize = 256;
/// Statements kept prepared.
const STATEMENTS: usize = 32;
/// How long another connection may hold the file before a call fails.
const BUSY: Duration = Duration::from_secs(5);

/// Runs in a transaction, and then, told how that ended, answers.
type Job = Box<dyn FnOnce(&Connection) -> Box<dyn FnOnce(Ended) + Send> + Send>;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Committed,
    Failed,
    Full,
}

/// An SQLite database.
pub struct Sqlite {
    writer: Mutex<Option<(mpsc::Sender<Job>, std::thread::JoinHandle<()>)>>,
    reader: Mutex<Option<Connection>>,
}

impl Sqlite {
    /// Opens or creates the file.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, RecordsError> {
        let writer = connect(path, durability)?;
        writer.execute_batch(super::TABLE)?;
        for index in super::INDEXES {
            writer.execute_batch(index)?;
        }
        let reader = connect(path, durability)?;
        let (sender, jobs) = mpsc::channel();
        let thread = std::thread::spawn(move || commit_all(&writer, &jobs));
        Ok(Self {
            writer: Mutex::new(Some((sender, thread))),
            reader: Mutex::new(Some(reader)),
        })
    }

    /// Runs `work` in the next transaction and answers when that is committed.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = work(connection);
            Box::new(move |ended| {
                let result = match (result, ended) {
                    (Ok(_), Ended::Failed) => Err(RecordsError::NotCommitted),
                    (Ok(_), Ended::Full) => Err(RecordsError::Full),
                    (other, _) => other.map_err(RecordsError::from),
                };
                // Whoever asked may have gone; the change stands all the same.
                let _ = answer.send(result);
            })
        });
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A job that could not be sent is dropped, and its answer with it.
        let _ = writer.as_ref().map(|(sender, _)| sender.send(job));
        drop(writer);
        Box::pin(async move { answered.await.unwrap_or(Err(RecordsError::Closed)) })
    }

    /// Runs `work` on the spot: it is a look-up by key.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Answer<'_, T> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match reader.as_ref() {
            Some(connection) => work(connection).map_err(RecordsError::from),
            None => Err(RecordsError::Closed),
        };
        drop(reader);
        Box::pin(std::future::ready(result))
    }
}

fn connect(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

/// Takes jobs through transactions until nobody can send any.
fn commit_all(connection: &Connection, jobs: &mpsc::Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let began = connection.execute_batch("BEGIN IMMEDIATE").is_ok();
        let mut answers = vec![first(connection)];
        while answers.len() < MAX_BATCH
            && let Ok(next) = jobs.try_recv()
        {
            answers.push(next(connection));
        }
        // Without a transaction each statement was committed by itself.
        let ended = match began.then(|| connection.execute_batch("COMMIT")) {
            None | Some(Ok(())) => Ended::Committed,
            Some(Err(error)) => {
                // What failed may have ended the transaction already; then there is nothing to roll back.
                let _ = connection.execute_batch("ROLLBACK");
                match error.sqlite_error_code() {
                    Some(ErrorCode::DiskFull) => Ended::Full,
                    _ => Ended::Failed,
                }
            }
        };
        if ended != Ended::Committed {
            // On a full disk the log cannot grow, and without it not even deletions can be noted. Emptied, it makes room for
            // them; when somebody reads just now, the next failure tries again.
            let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        for answer in answers {
            answer(ended);
        }
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<FileInfo> {
    Ok(record(row.get(0)?, row.get(1)?, row.get(2)?))
}

fn one(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<Option<FileInfo>> {
    connection
        .prepare_cached(sql)?
        .query_row(params, from_row)
        .optional()
}

/// Whether the statement changed a row.
fn changed(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<bool> {
    Ok(connection.prepare_cached(sql)?.execute(params)? > 0)
}

impl Records for Sqlite {
    fn begin(&self, id: FileId, size: u64, now: u64, expires: u64) -> Answer<'_, Begun> {
        self.write(move |c| {
            let row = c
                .prepare_cached(super::BEGIN)?
                .query_row((id.as_str(), signed(size), signed(now), signed(expires)), |row| {
                    Ok((from_row(row)?, row.get(3)?))
                })
                .optional()?;
            Ok(begun(row))
        })
    }

    fn begin_new(&self, id: FileId, size: u64, now: u64, expires: u64) -> Answer<'_, bool> {
        self.write(move |c| {
            let params = (id.as_str(), signed(size), signed(now), signed(expires));
            changed(c, super::BEGIN_NEW, params)
        })
    }

    fn begin_again(&self, id: FileId, now: u64) -> Answer<'_, bool> {
        self.write(move |c| changed(c, super::BEGIN_AGAIN, (signed(now), id.as_str())))
    }

    fn finish(&self, id: FileId) -> Answer<'_, Option<FileInfo>> {
        self.write(move |c| one(c, super::FINISH, [id.as_str()]))
    }

    fn get(&self, id: FileId, now: u64) -> Answer<'_, Option<FileInfo>> {
        self.read(|c| one(c, super::GET, (id.as_str(), signed(now))))
    }

    fn extend(&self, id: FileId, now: u64, expires: u64) -> Answer<'_, Option<FileInfo>> {
        self.write(move |c| one(c, super::EXTEND, (signed(expires), id.as_str(), signed(now))))
    }

    fn take_expired(&self, now: u64, abandoned: u64, limit: u32) -> Answer<'_, Vec<FileId>> {
        self.write(move |c| {
            let mut statement = c.prepare_cached(super::TAKE_EXPIRED)?;
            let ids = statement
                .query_map((signed(now), signed(abandoned), limit), |row| {
                    row.get::<_, String>(0)
                })?
                .collect::<rusqlite::Result<Vec<String>>>()?;
            Ok(ids.iter().filter_map(|id| FileId::parse(id).ok()).collect())
        })
    }

    fn take_lost(&self, id: FileId, now: u64) -> Answer<'_, bool> {
        self.write(move |c| changed(c, super::TAKE_LOST, (signed(now), id.as_str())))
    }

    fn take_orphan(&self, id: FileId, now: u64) -> Answer<'_, bool> {
        self.write(move |c| changed(c, super::TAKE_ORPHAN, (id.as_str(), signed(now))))
    }

    fn keep(&self, id: FileId) -> Answer<'_, ()> {
        self.write(move |c| changed(c, super::KEEP, [id.as_str()]).map(|_| ()))
    }

    fn forget(&self, id: FileId) -> Answer<'_, ()> {
        self.write(move |c| changed(c, super::FORGET, [id.as_str()]).map(|_| ()))
    }

    fn unknown(&self, ids: Vec<FileId>) -> Answer<'_, Vec<FileId>> {
        self.read(move |c| {
            let mut statement = c.prepare_cached(super::HAS)?;
            let mut unknown = Vec::new();
            for id in ids {
                if !statement.exists([id.as_str()])? {
                    unknown.push(id);
                }
            }
            Ok(unknown)
        })
    }

    fn totals(&self) -> Answer<'_, Totals> {
        self.read(|c| {
            c.prepare_cached(super::TOTALS)?.query_row([], |row| {
                let number = |column| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0));
                Ok(Totals {
                    files: number(0)?,
                    bytes: number(1)?,
                })
            })
        })
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = writer {
            drop(sender);
            // A panicked writer has nothing left to do.
            let _ = thread.join();
        }
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
