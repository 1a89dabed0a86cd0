//! Messages: store, retrieve, delete, expire. The rules of spec/03-network.md §3.9–§3.12, without authentication.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Account, Hash, Writer, find_owner};

/// Stands for every namespace where a namespace number is stored; outside the range of namespaces.
pub const ALL_NAMESPACES: i64 = 1 << 20;
/// What a message costs in a page beside its data: 100 for the fields and 43 for the hash
/// (spec/03-network.md §3.10).
const PAGE_OVERHEAD: u64 = 143;
/// Rows removed by one sweep, so that a great expiry does not hold up stores.
const SWEEP_ROWS: i64 = 5_000;
/// How long, in ms, deletions of unknown messages are remembered: the longest life of a message (30 days).
pub(super) const LONGEST_LIFE_MS: u64 = 30 * 24 * 3600 * 1000;

/// A message to store.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Whose it is.
    pub account: Account,
    /// Its namespace.
    pub namespace: i16,
    /// Its name, computed from account, namespace and data.
    pub hash: Hash,
    /// The sender's timestamp, ms.
    pub timestamp: u64,
    /// When it expires, ms.
    pub expiry: u64,
    /// When the client's operation was accepted, ms.
    pub touched: u64,
    /// The bytes.
    pub data: Bytes,
}

/// What became of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The same message was there already.
    pub already: bool,
    /// The expiry it has now, ms.
    pub expiry: u64,
}

/// A stored message as `retrieve` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub hash: Hash,
    /// The sender's timestamp, ms.
    pub timestamp: u64,
    /// When it expires, ms.
    pub expiry: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

/// How much a page may hold.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// At most this many messages.
    pub count: u64,
    /// At most this many bytes as counted by spec/03-network.md §3.10; one message is always given.
    pub size: u64,
}

/// One page of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order this node stored them.
    pub messages: Vec<Message>,
    /// A limit cut the page short.
    pub more: bool,
}

/// A deleted or changed message: namespace and hash.
pub type Deleted = (i16, Hash);

/// What an `expire` changed, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Changed messages with their new expiry.
    pub updated: Vec<(Hash, u64)>,
    /// Messages that exist but keep their expiry.
    pub unchanged: Vec<(Hash, u64)>,
}

/// The times of an operation, all in ms.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// When the entry node accepted it.
    pub at: u64,
    /// Rows that clients touched later are spared: [`u64::MAX`] unless the operation comes late.
    pub bound: u64,
    /// The time here and now.
    pub now: u64,
}

/// SQLite's integers are signed; our times fit for the next 290 million years.
pub(super) fn sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads a column that holds one of our times.
pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0))
}

fn deleted(row: &Row<'_>) -> rusqlite::Result<(Deleted, u64)> {
    Ok(((row.get(0)?, row.get(1)?), time(row, 2)?))
}

impl Writer {
    /// Stores a message for a client. In a public outbox every other message of the namespace goes first.
    pub fn store(&mut self, message: &NewMessage, now: u64, outbox: bool) -> rusqlite::Result<Stored> {
        let owner = self.owner_or_new(&message.account)?;
        if outbox {
            let replaced: Vec<(Deleted, u64)> = self
                .conn()
                .prepare_cached(
                    "DELETE FROM messages WHERE owner = ?1 AND namespace = ?2 AND hash <> ?3
                     RETURNING namespace, hash, expiry",
                )?
                .query_map(
                    params![owner, message.namespace, message.hash.as_slice()],
                    deleted,
                )?
                .collect::<Result<_, _>>()?;
            self.bury(&replaced, message.touched)?;
        }
        self.conn()
            .prepare_cached("DELETE FROM tombstones WHERE hash = ?1")?
            .execute([message.hash.as_slice()])?;
        if self.insert(owner, message)? {
            return Ok(Stored {
                already: false,
                expiry: message.expiry,
            });
        }
        let (id, old): (i64, u64) = self
            .conn()
            .prepare_cached("SELECT id, expiry FROM messages WHERE hash = ?1")?
            .query_row([message.hash.as_slice()], |row| Ok((row.get(0)?, time(row, 1)?)))?;
        if old <= now {
            // Expired but not yet swept: for everybody it is gone, so this is a new message.
            self.conn()
                .prepare_cached("DELETE FROM messages WHERE id = ?1")?
                .execute([id])?;
            self.insert(owner, message)?;
            return Ok(Stored {
                already: false,
                expiry: message.expiry,
            });
        }
        let expiry = old.max(message.expiry);
        self.conn()
            .prepare_cached("UPDATE messages SET expiry = ?2, touched = max(touched, ?3) WHERE id = ?1")?
            .execute(params![id, sql(expiry), sql(message.touched)])?;
        Ok(Stored {
            already: true,
            expiry,
        })
    }

    /// Inserts unless the hash is there. True if inserted.
    pub(super) fn insert(&self, owner: i64, message: &NewMessage) -> rusqlite::Result<bool> {
        let rows = self
            .conn()
            .prepare_cached(
                "INSERT INTO messages(owner, namespace, hash, timestamp, expiry, touched, data)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(hash) DO NOTHING",
            )?
            .execute(params![
                owner,
                message.namespace,
                message.hash.as_slice(),
                sql(message.timestamp),
                sql(message.expiry),
                sql(message.touched),
                message.data.as_ref(),
            ])?;
        Ok(rows == 1)
    }

    /// Remembers deleted messages until they would have expired.
    pub(super) fn bury(&self, rows: &[(Deleted, u64)], at: u64) -> rusqlite::Result<()> {
        let mut statement = self.conn().prepare_cached(
            "INSERT INTO tombstones(hash, at, expires) VALUES(?1, ?2, ?3)
             ON CONFLICT(hash) DO UPDATE SET at = max(at, excluded.at), expires = max(expires, excluded.expires)",
        )?;
        for ((_, hash), expires) in rows {
            statement.execute(params![hash.as_slice(), sql(at), sql(*expires)])?;
        }
        Ok(())
    }

    /// Deletes messages by hash and remembers all of the hashes, known or not, against late copies. Rows that a client
    /// touched after `when.bound` stay: the deletion is an old one that comes late.
    pub fn delete(&mut self, account: &Account, hashes: &[Hash], when: When) -> rusqlite::Result<Vec<Hash>> {
        let When { at, bound, now } = when;
        let owner = self.owner(account)?;
        let mut gone = Vec::new();
        for hash in hashes {
            let row: Option<(Deleted, u64)> = match owner {
                Some(owner) => self
                    .conn()
                    .prepare_cached(
                        "DELETE FROM messages WHERE hash = ?1 AND owner = ?2 AND touched <= ?3
                         RETURNING namespace, hash, expiry",
                    )?
                    .query_row(params![hash.as_slice(), owner, sql(bound)], deleted)
                    .optional()?,
                None => None,
            };
            match row {
                Some(row) => {
                    if row.1 > now {
                        gone.push(*hash);
                    }
                    self.bury(&[row], at)?;
                }
                None => self.bury(&[((0, *hash), now.saturating_add(LONGEST_LIFE_MS))], at)?,
            }
        }
        Ok(gone)
    }

    /// Deletes all messages of a namespace (or of all) that clients touched up to `when.bound` and whose timestamp is at
    /// most `before`.
    pub fn delete_many(
        &mut self,
        account: &Account,
        namespace: Option<i16>,
        before: u64,
        when: When,
    ) -> rusqlite::Result<Vec<Deleted>> {
        let When { at, bound, now } = when;
        let Some(owner) = self.owner(account)? else {
            return Ok(Vec::new());
        };
        let rows: Vec<(Deleted, u64)> = self
            .conn()
            .prepare_cached(
                "DELETE FROM messages WHERE owner = ?1 AND (?2 = ?5 OR namespace = ?2)
                 AND timestamp <= ?3 AND touched <= ?4 RETURNING namespace, hash, expiry",
            )?
            .query_map(
                params![
                    owner,
                    namespace.map_or(ALL_NAMESPACES, i64::from),
                    sql(before),
                    sql(bound),
                    ALL_NAMESPACES
                ],
                deleted,
            )?
            .collect::<Result<_, _>>()?;
        self.bury(&rows, at)?;
        Ok(rows
            .into_iter()
            .filter(|(_, expiry)| *expiry > now)
            .map(|(row, _)| row)
            .collect())
    }

    /// Shortens the life of all messages of a namespace (or of all) to `expiry`.
    pub fn expire_many(
        &mut self,
        account: &Account,
        namespace: Option<i16>,
        expiry: u64,
        when: When,
    ) -> rusqlite::Result<Vec<Deleted>> {
        let When { at, bound, now } = when;
        let Some(owner) = self.owner(account)? else {
            return Ok(Vec::new());
        };
        self.conn()
            .prepare_cached(
                "UPDATE messages SET expiry = ?3, touched = max(touched, ?4)
                 WHERE owner = ?1 AND (?2 = ?6 OR namespace = ?2) AND expiry > ?3 AND expiry > ?5
                 AND touched <= ?7 RETURNING namespace, hash",
            )?
            .query_map(
                params![
                    owner,
                    namespace.map_or(ALL_NAMESPACES, i64::from),
                    sql(expiry),
                    sql(at),
                    sql(now),
                    ALL_NAMESPACES,
                    sql(bound)
                ],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?
            .collect()
    }

    /// Sets, extends or shortens the expiry of messages.
    pub fn expire(
        &mut self,
        account: &Account,
        wanted: &[(Hash, u64)],
        extend_only: bool,
        shorten_only: bool,
        when: When,
    ) -> rusqlite::Result<Updated> {
        let When { at, bound, now } = when;
        let mut result = Updated::default();
        let Some(owner) = self.owner(account)? else {
            return Ok(result);
        };
        for (hash, expiry) in wanted {
            let found: Option<(i64, u64)> = self
                .conn()
                .prepare_cached(
                    "SELECT id, expiry FROM messages
                     WHERE hash = ?1 AND owner = ?2 AND expiry > ?3 AND touched <= ?4",
                )?
                .query_row(params![hash.as_slice(), owner, sql(now), sql(bound)], |row| {
                    Ok((row.get(0)?, time(row, 1)?))
                })
                .optional()?;
            let Some((id, old)) = found else { continue };
            if (extend_only && *expiry <= old) || (shorten_only && *expiry >= old) {
                result.unchanged.push((*hash, old));
                continue;
            }
            self.conn()
                .prepare_cached("UPDATE messages SET expiry = ?2, touched = max(touched, ?3) WHERE id = ?1")?
                .execute(params![id, sql(*expiry), sql(at)])?;
            result.updated.push((*hash, *expiry));
        }
        Ok(result)
    }

    /// Removes what has expired, up to a bounded number of messages. True if there may be more.
    pub fn sweep(&mut self, now: u64) -> rusqlite::Result<bool> {
        let removed = self
            .conn()
            .prepare_cached(
                "DELETE FROM messages WHERE id IN
                 (SELECT id FROM messages WHERE expiry <= ?1 ORDER BY expiry LIMIT ?2)",
            )?
            .execute(params![sql(now), SWEEP_ROWS])?;
        for statement in [
            "DELETE FROM tombstones WHERE expires <= ?1",
            "DELETE FROM operations WHERE expires <= ?1",
            "DELETE FROM wipes WHERE expires <= ?1",
            "DELETE FROM retries WHERE expires <= ?1",
        ] {
            self.conn().prepare_cached(statement)?.execute([sql(now)])?;
        }
        Ok(i64::try_from(removed).unwrap_or(0) >= SWEEP_ROWS)
    }

    /// Forgets accounts of which nothing is held. Looks at everything, so not to be done often.
    pub fn forget_empty(&mut self) -> rusqlite::Result<usize> {
        self.forget_owners();
        self.conn().execute(
            "DELETE FROM handed_over WHERE owner NOT IN (SELECT owner FROM messages)",
            [],
        )?;
        self.conn().execute(
            "DELETE FROM owners WHERE id NOT IN (SELECT owner FROM messages)
             AND id NOT IN (SELECT owner FROM operations) AND id NOT IN (SELECT owner FROM wipes)",
            [],
        )
    }
}

/// Messages of a namespace after `last`, oldest first. An unknown or expired `last` starts from the beginning.
pub(crate) fn page(
    conn: &Connection,
    account: &Account,
    namespace: i16,
    last: Option<&Hash>,
    limits: PageLimits,
    now: u64,
) -> rusqlite::Result<Page> {
    let mut page = Page::default();
    let Some(owner) = find_owner(conn, account)? else {
        return Ok(page);
    };
    let after: i64 = match last {
        None => 0,
        Some(hash) => conn
            .prepare_cached(
                "SELECT id FROM messages WHERE hash = ?1 AND owner = ?2 AND namespace = ?3 AND expiry > ?4",
            )?
            .query_row(params![hash.as_slice(), owner, namespace, sql(now)], |row| {
                row.get(0)
            })
            .optional()?
            .unwrap_or(0),
    };
    let mut statement = conn.prepare_cached(
        "SELECT hash, timestamp, expiry, data FROM messages
         WHERE owner = ?1 AND namespace = ?2 AND id > ?3 AND expiry > ?4 ORDER BY id",
    )?;
    let mut rows = statement.query(params![owner, namespace, after, sql(now)])?;
    let mut size: u64 = 0;
    while let Some(row) = rows.next()? {
        let data = row.get_ref(3)?.as_blob()?;
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        size = size.saturating_add(PAGE_OVERHEAD + length.saturating_mul(4) / 3);
        let count = u64::try_from(page.messages.len()).unwrap_or(u64::MAX);
        if !page.messages.is_empty() && (count >= limits.count || size > limits.size) {
            page.more = true;
            break;
        }
        page.messages.push(Message {
            hash: row.get(0)?,
            timestamp: time(row, 1)?,
            expiry: time(row, 2)?,
            data: data.to_vec(),
        });
    }
    Ok(page)
}

/// The expiries of those messages that exist.
pub(crate) fn expiries(
    conn: &Connection,
    account: &Account,
    hashes: &[Hash],
    now: u64,
) -> rusqlite::Result<Vec<(Hash, u64)>> {
    let Some(owner) = find_owner(conn, account)? else {
        return Ok(Vec::new());
    };
    let mut statement =
        conn.prepare_cached("SELECT expiry FROM messages WHERE hash = ?1 AND owner = ?2 AND expiry > ?3")?;
    let mut found = Vec::new();
    for hash in hashes {
        let expiry: Option<u64> = statement
            .query_row(params![hash.as_slice(), owner, sql(now)], |row| time(row, 0))
            .optional()?;
        if let Some(expiry) = expiry {
            found.push((*hash, expiry));
        }
    }
    Ok(found)
}

/// How many messages are stored.
pub(crate) fn count(conn: &Connection) -> rusqlite::Result<u64> {
    conn.query_row("SELECT count(*) FROM messages", [], |row| time(row, 0))
}
