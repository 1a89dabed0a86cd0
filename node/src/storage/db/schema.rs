//! The database's tables and how a connection is prepared.

use rusqlite::Connection;

use super::{DbError, Durability};

/// Rows per prepared-statement cache; more than the number of distinct statements in this module.
const STATEMENTS: usize = 96;
/// WAL pages (4 KiB each) after which the writer itself checkpoints; the background checkpoint normally comes first.
const WAL_BACKSTOP_PAGES: u32 = 20_000;
/// How long a connection waits for a lock, in milliseconds. Only checkpoints and start-up ever contend.
const BUSY_MS: u64 = 10_000;

/// Page cache of one connection, in KiB. Small, for there are several: most pages are read through the mapping.
const CACHE_KIB: i64 = 4_096;
/// How much of the database is mapped into memory, in bytes, where the system shares it between connections.
const MAPPED_BYTES: i64 = 1 << 30;

/// The tables, version 1. Never edited once released: later versions add steps.
///
/// `touched` is the time of the last client operation on a row (the entry node's clock) and decides between a row and
/// a deletion when members compare notes (spec/03-network.md §8.3).
const VERSION_1: &str = "
CREATE TABLE owners(
  id INTEGER PRIMARY KEY,
  account BLOB NOT NULL UNIQUE
);
CREATE TABLE messages(
  id INTEGER PRIMARY KEY,
  owner INTEGER NOT NULL,
  namespace INTEGER NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  timestamp INTEGER NOT NULL,
  expiry INTEGER NOT NULL,
  touched INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX messages_by_box ON messages(owner, namespace, id);
CREATE INDEX messages_by_expiry ON messages(expiry);
CREATE TABLE tombstones(
  hash BLOB PRIMARY KEY,
  at INTEGER NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tombstones_by_expiry ON tombstones(expires);
CREATE TABLE wipes(
  owner INTEGER NOT NULL,
  namespace INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  bound INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  PRIMARY KEY(owner, namespace, kind)
) WITHOUT ROWID;
CREATE TABLE revocations(
  account BLOB NOT NULL,
  token BLOB NOT NULL,
  at INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  PRIMARY KEY(account, token)
) WITHOUT ROWID;
CREATE TABLE operations(
  id BLOB PRIMARY KEY,
  owner INTEGER NOT NULL,
  method TEXT NOT NULL,
  params BLOB NOT NULL,
  at INTEGER NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX operations_by_owner ON operations(owner);
CREATE INDEX operations_by_expiry ON operations(expires);
CREATE TABLE retries(
  id INTEGER PRIMARY KEY,
  peer BLOB NOT NULL,
  method TEXT NOT NULL,
  params BLOB NOT NULL,
  at INTEGER NOT NULL,
  expires INTEGER NOT NULL
);
CREATE INDEX retries_by_peer ON retries(peer, id);
CREATE TABLE handed_over(
  owner INTEGER PRIMARY KEY,
  swarm INTEGER NOT NULL,
  upto INTEGER NOT NULL
);
PRAGMA user_version = 1;
";

/// The step to version 2. Never edited once released either.
///
/// Tombstones belong to the account that made them: whoever names somebody else's messages does nothing to them. Those of
/// version 1 do not say whose they are, and stay everybody's (owner 0, which no account has) until they are over.
///
/// `ends` is when copies end at the latest that clients touched up to `at`: 0 for deleted messages, later for those whose
/// life was shortened. `bound` is the highest timestamp that a wipe covers. Version 1 kept a wipe for 30 days
/// (2,592,000,000 ms) after its operation, which tells when that was.
///
/// `revocations.operation` is the operation that a token's state comes from; such operations have no end. Others end 30
/// days after they were accepted, where version 1 counted from when they were learnt.
const VERSION_2: &str = "
CREATE TABLE tombstones_2(
  owner INTEGER NOT NULL,
  hash BLOB NOT NULL,
  at INTEGER NOT NULL,
  ends INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  PRIMARY KEY(owner, hash, at)
) WITHOUT ROWID;
INSERT INTO tombstones_2(owner, hash, at, ends, expires) SELECT 0, hash, at, 0, expires FROM tombstones;
DROP TABLE tombstones;
ALTER TABLE tombstones_2 RENAME TO tombstones;
CREATE INDEX tombstones_by_expiry ON tombstones(expires);
CREATE TABLE wipes_2(
  owner INTEGER NOT NULL,
  namespace INTEGER NOT NULL,
  bound INTEGER NOT NULL,
  at INTEGER NOT NULL,
  ends INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  PRIMARY KEY(owner, namespace, bound, at, ends)
) WITHOUT ROWID;
INSERT INTO wipes_2(owner, namespace, bound, at, ends, expires)
  SELECT owner, namespace, CASE kind WHEN 0 THEN 9223372036854775807 ELSE bound END,
    CASE kind WHEN 0 THEN bound ELSE expires - 2592000000 END, 0, expires FROM wipes;
DROP TABLE wipes;
ALTER TABLE wipes_2 RENAME TO wipes;
CREATE INDEX wipes_by_expiry ON wipes(expires);
CREATE INDEX retries_by_expiry ON retries(expires);
ALTER TABLE revocations ADD COLUMN operation BLOB;
UPDATE revocations SET operation = (
  SELECT o.id FROM operations o JOIN owners w ON w.id = o.owner
  WHERE w.account = revocations.account AND instr(o.params, revocations.token) > 0
    AND o.method = CASE revocations.revoked WHEN 0 THEN 'unrevoke_subaccount' ELSE 'revoke_subaccount' END
  ORDER BY o.at DESC LIMIT 1
);
UPDATE operations SET expires = min(expires, at + 2592000000);
UPDATE operations SET expires = 9223372036854775807
  WHERE id IN (SELECT operation FROM revocations WHERE operation IS NOT NULL);
PRAGMA user_version = 2;
";

/// What leads from each version to the next one, from an empty file on.
const STEPS: [&str; 2] = [VERSION_1, VERSION_2];

/// Sets a connection up; the first one also creates the tables, or brings those of an earlier version up to date. The file
/// of a later version is left as it is.
pub(super) fn prepare(connection: &Connection, durability: Durability) -> Result<(), DbError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    if done > STEPS.len() {
        return Err(DbError::Newer(version));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match durability {
        Durability::Power => "FULL",
        Durability::Process => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_BACKSTOP_PAGES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", MAPPED_BYTES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    for step in STEPS.iter().skip(done) {
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {step} COMMIT;"))?;
    }
    Ok(())
}

/// The tables as version 1 made them, for the test of what it left.
#[cfg(test)]
pub(super) fn prepare_version_1(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(VERSION_1)
}
