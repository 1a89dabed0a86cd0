//! Messages: store, retrieve, delete, expire. The rules of spec/03-network.md §3.9–§3.12, without authentication.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Account, Hash, Writer, find_owner};

/// Stands for every namespace where a namespace number is stored; outside the range of namespaces.
pub const ALL_NAMESPACES: i64 = 1 << 20;
/// The owner of tombstones from before it was noted whose they are; no account's row has this id.
pub(super) const OF_ANYBODY: i64 = 0;
/// What a message costs in a page beside its data: 100 for the fields and 43 for the hash
/// (spec/03-network.md §3.10).
const PAGE_OVERHEAD: u64 = 143;
/// Rows removed by one sweep, so that a great expiry does not hold up stores.
const SWEEP_ROWS: i64 = 5_000;
/// What a sweep removes beside messages.
pub(super) const SWEEPS: [&str; 4] = [
    "DELETE FROM tombstones WHERE expires <= ?1",
    "DELETE FROM operations WHERE expires <= ?1",
    "DELETE FROM wipes WHERE expires <= ?1",
    "DELETE FROM retries WHERE expires <= ?1",
];
/// How long, in ms, it is remembered what an account deleted or shortened: the longest life of a message (30 days).
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
            let replaced: Vec<Hash> = self
                .conn()
                .prepare_cached(
                    "DELETE FROM messages WHERE owner = ?1 AND namespace = ?2 AND hash <> ?3 RETURNING hash",
                )?
                .query_map(
                    params![owner, message.namespace, message.hash.as_slice()],
                    |row| row.get(0),
                )?
                .collect::<Result<_, _>>()?;
            for hash in &replaced {
                self.bury(owner, hash, 0, message.touched, now)?;
            }
        }
        // An earlier one stays: it is about copies from before, which may live longer than this one.
        self.conn()
            .prepare_cached("DELETE FROM tombstones WHERE owner IN (?1, ?2) AND hash = ?3 AND at >= ?4")?
            .execute(params![
                owner,
                OF_ANYBODY,
                message.hash.as_slice(),
                sql(message.touched)
            ])?;
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

    /// Remembers against late copies that a message of this account ends at `ends` in every copy that clients touched up to
    /// `at`: 0 if it was deleted. Not only until it would have expired here: copies elsewhere may live longer.
    fn bury(&self, owner: i64, hash: &Hash, ends: u64, at: u64, now: u64) -> rusqlite::Result<()> {
        let expires = sql(at.min(now).saturating_add(LONGEST_LIFE_MS));
        let (at, ends) = (sql(at), sql(ends));
        // One that says the same and more takes the place of others.
        self.conn()
            .prepare_cached(
                "DELETE FROM tombstones WHERE owner = ?1 AND hash = ?2 AND at <= ?3 AND ends >= ?4",
            )?
            .execute(params![owner, hash.as_slice(), at, ends])?;
        self.conn()
            .prepare_cached(
                "INSERT INTO tombstones(owner, hash, at, ends, expires) SELECT ?1, ?2, ?3, ?4, ?5
                 WHERE NOT EXISTS(SELECT 1 FROM tombstones
                 WHERE owner = ?1 AND hash = ?2 AND at >= ?3 AND ends <= ?4)",
            )?
            .execute(params![owner, hash.as_slice(), at, ends, expires])?;
        Ok(())
    }

    /// Deletes messages by hash and remembers all of the hashes, known or not, against late copies. Rows that a client
    /// touched after `when.bound` stay: the deletion is an old one that comes late.
    pub fn delete(&mut self, account: &Account, hashes: &[Hash], when: When) -> rusqlite::Result<Vec<Hash>> {
        let When { at, bound, now } = when;
        let owner = self.owner_or_new(account)?;
        let mut gone = Vec::new();
        for hash in hashes {
            let expiry: Option<u64> = self
                .conn()
                .prepare_cached(
                    "DELETE FROM messages WHERE hash = ?1 AND owner = ?2 AND touched <= ?3 RETURNING expiry",
                )?
                .query_row(params![hash.as_slice(), owner, sql(bound)], |row| time(row, 0))
                .optional()?;
            if expiry.is_some_and(|expiry| expiry > now) {
                gone.push(*hash);
            }
            self.bury(owner, hash, 0, at, now)?;
        }
        Ok(gone)
    }

    /// Deletes all messages of a namespace (or of all) that clients touched up to `when.bound` and whose timestamp is at
    /// most `before`, and remembers it against late copies.
    pub fn delete_many(
        &mut self,
        account: &Account,
        namespace: Option<i16>,
        before: u64,
        when: When,
    ) -> rusqlite::Result<Vec<Deleted>> {
        let When { bound, now, .. } = when;
        let owner = self.owner_or_new(account)?;
        self.keep_wipe(owner, namespace, before, 0, when)?;
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
        Ok(rows
            .into_iter()
            .filter(|(_, expiry)| *expiry > now)
            .map(|(row, _)| row)
            .collect())
    }

    /// Shortens the life of all messages of a namespace (or of all) to `expiry`, and remembers it against late copies.
    pub fn expire_many(
        &mut self,
        account: &Account,
        namespace: Option<i16>,
        expiry: u64,
        when: When,
    ) -> rusqlite::Result<Vec<Deleted>> {
        let When { at, bound, now } = when;
        let owner = self.owner_or_new(account)?;
        self.keep_wipe(owner, namespace, u64::MAX, expiry, when)?;
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

    /// Sets, extends or shortens the expiry of messages. Unless it only extends, all of the hashes are remembered, known or
    /// not: a copy that comes late must not live longer.
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
        let owner = if extend_only {
            self.owner(account)?
        } else {
            Some(self.owner_or_new(account)?)
        };
        let Some(owner) = owner else {
            return Ok(result);
        };
        for (hash, expiry) in wanted {
            if !extend_only {
                self.bury(owner, hash, *expiry, at, now)?;
            }
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
        for statement in SWEEPS {
            self.conn().prepare_cached(statement)?.execute([sql(now)])?;
        }
        Ok(i64::try_from(removed).unwrap_or(0) >= SWEEP_ROWS)
    }

    /// Forgets accounts of which nothing is held. Looks at everything, so not to be done often.
    pub fn forget_empty(&mut self) -> rusqlite::Result<usize> {
        self.forget_owners();
        let forgotten = self.conn().execute(
            "DELETE FROM owners WHERE id NOT IN (SELECT owner FROM messages)
             AND id NOT IN (SELECT owner FROM operations) AND id NOT IN (SELECT owner FROM wipes)
             AND id NOT IN (SELECT owner FROM tombstones)",
            [],
        )?;
        // As long as the account is here, or it would be offered anew each time. Row ids come again.
        self.conn().execute(
            "DELETE FROM handed_over WHERE owner NOT IN (SELECT id FROM owners)",
            [],
        )?;
        Ok(forgotten)
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
