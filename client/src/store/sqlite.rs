//! A store in one SQLite file, for native clients: one table per collection, write-ahead log, synchronous on commit.

use std::cell::RefCell;
use std::path::Path;

use futures::future::LocalBoxFuture;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params, params_from_iter};

use crate::ports::{Change, Collection, Entry, Scan, Store, StoreError};

/// Marks the file's layout, in `PRAGMA user_version`. A newer one is refused rather than damaged.
const LAYOUT: i64 = 1;

/// One account's file. Wrap it in [`Sealed`](crate::seal::Sealed) so that nothing readable reaches the disk.
pub struct SqliteStore {
    connection: RefCell<Connection>,
}

impl SqliteStore {
    /// Opens the file, creating it if needed. The path may be `:memory:`.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the file can't be opened, [`StoreError::Other`] when it is from a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(|error| StoreError::Gone(error.to_string()))?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(failed)?;
        // Acknowledged means durable: the log is synced at every commit.
        connection
            .pragma_update(None, "synchronous", "FULL")
            .map_err(failed)?;
        connection
            .pragma_update(None, "secure_delete", "ON")
            .map_err(failed)?;
        let layout: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed)?;
        if layout > LAYOUT {
            return Err(StoreError::Other("written by a newer version".to_owned()));
        }
        for collection in Collection::ALL {
            let create = format!(
                "CREATE TABLE IF NOT EXISTS {} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
                collection.name()
            );
            connection.execute(&create, []).map_err(failed)?;
        }
        connection
            .pragma_update(None, "user_version", LAYOUT)
            .map_err(failed)?;
        Ok(Self {
            connection: RefCell::new(connection),
        })
    }

    fn read(&self, collection: Collection, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let connection = self.connection.borrow();
        let query = format!("SELECT value FROM {} WHERE key = ?1", collection.name());
        let mut statement = connection.prepare_cached(&query).map_err(failed)?;
        statement
            .query_row(params![key], |row| row.get(0))
            .optional()
            .map_err(failed)
    }

    fn range(&self, scan: &Scan) -> Result<Vec<Entry>, StoreError> {
        let connection = self.connection.borrow();
        let upper = if scan.to.is_some() { "AND key < ?3" } else { "" };
        let order = if scan.reverse { "DESC" } else { "ASC" };
        let query = format!(
            "SELECT key, value FROM {} WHERE key >= ?1 {upper} ORDER BY key {order} LIMIT ?2",
            scan.collection.name()
        );
        let mut statement = connection.prepare_cached(&query).map_err(failed)?;
        let limit = i64::try_from(scan.limit).unwrap_or(i64::MAX);
        let mut values = vec![Value::Blob(scan.from.clone()), Value::Integer(limit)];
        if let Some(to) = &scan.to {
            values.push(Value::Blob(to.clone()));
        }
        let rows = statement
            .query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let mut connection = self.connection.borrow_mut();
        let transaction = connection.transaction().map_err(failed)?;
        for change in changes {
            let (query, values) = match change {
                Change::Put(collection, key, value) => (
                    format!(
                        "INSERT OR REPLACE INTO {} (key, value) VALUES (?1, ?2)",
                        collection.name()
                    ),
                    vec![Value::Blob(key), Value::Blob(value)],
                ),
                Change::Delete(collection, key) => (
                    format!("DELETE FROM {} WHERE key = ?1", collection.name()),
                    vec![Value::Blob(key)],
                ),
            };
            let mut statement = transaction.prepare_cached(&query).map_err(failed)?;
            statement.execute(params_from_iter(values)).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    fn erase(&self) -> Result<(), StoreError> {
        let mut connection = self.connection.borrow_mut();
        let transaction = connection.transaction().map_err(failed)?;
        for collection in Collection::ALL {
            transaction
                .execute(&format!("DELETE FROM {}", collection.name()), [])
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        // Also out of the log and the free pages.
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(failed)?;
        connection.execute("VACUUM", []).map_err(failed)?;
        Ok(())
    }
}

impl Store for SqliteStore {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(std::future::ready(self.read(collection, key)))
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(std::future::ready(self.range(&scan)))
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(self.apply(changes)))
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(self.erase()))
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Damaged,
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => StoreError::Gone(error.to_string()),
        _ => StoreError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn passes_the_suite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.sqlite");
        block_on(crate::store::suite::run(async || {
            SqliteStore::open(&path).unwrap()
        }));
    }

    #[test]
    fn passes_the_suite_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.sqlite");
        block_on(crate::store::suite::run(async || {
            let store = SqliteStore::open(&path).unwrap();
            crate::seal::Sealed::new(
                store,
                &crate::seal::VaultKey::from_bytes(&[7; 32]),
                std::rc::Rc::new(crate::test_support::CountingRng::default()),
            )
        }));
    }

    #[test]
    fn a_newer_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.sqlite");
        drop(SqliteStore::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "user_version", LAYOUT + 1)
            .unwrap();
        drop(connection);
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Other(_))));
    }

    #[test]
    fn a_file_that_is_no_database_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.sqlite");
        std::fs::write(&path, [0x41; 4096]).unwrap();
        assert!(matches!(SqliteStore::open(&path), Err(StoreError::Damaged)));
    }
}
