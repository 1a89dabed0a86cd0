//! Comparing notes with other members: digests per account, row states, late copies, and what to hand over
//! (spec/03-network.md §8.3, §8.4).

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::log::Operation;
use super::messages::{NewMessage, sql, time};
use super::{Account, Hash, Writer, find_owner};

/// A short fingerprint of everything held for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountDigest {
    /// The account.
    pub account: Account,
    /// Equal for equal contents, whatever their order.
    pub digest: [u8; 16],
}

/// What decides between two members' versions of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowState {
    /// The message.
    pub hash: Hash,
    /// Its expiry, ms.
    pub expiry: u64,
    /// The last client operation on it, ms.
    pub touched: u64,
}

/// Everything held for an account, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Its messages.
    pub rows: Vec<RowState>,
    /// The operations kept for it.
    pub operations: Vec<Hash>,
}

/// What became of a late copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncOutcome {
    /// It was missing and is stored now.
    Inserted,
    /// It was there; its expiry may have grown.
    Known,
    /// It was deleted or replaced meanwhile.
    Refused,
}

/// Mixes a row into a digest: order does not matter, every bit of hash and expiry does.
fn mix(digest: &mut u128, hash: &[u8], expiry: u64) {
    let mut head = [0_u8; 16];
    for (to, from) in head.iter_mut().zip(hash) {
        *to = *from;
    }
    let spread = u128::from(expiry).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    *digest ^= u128::from_be_bytes(head).wrapping_add(spread);
}

/// Digests of up to `limit` accounts after `after`, in account order. Empty ones are left out, except that the last
/// one looked at is always told, so that the caller can go on from there.
pub(crate) fn digests(
    conn: &Connection,
    after: Option<&Account>,
    limit: usize,
    now: u64,
) -> rusqlite::Result<(Vec<AccountDigest>, Option<Account>)> {
    let start: &[u8] = after.map_or(&[], |a| a.as_slice());
    let owners: Vec<(i64, Account)> = conn
        .prepare_cached("SELECT id, account FROM owners WHERE account > ?1 ORDER BY account LIMIT ?2")?
        .query_map(params![start, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    let next = if owners.len() < limit {
        None
    } else {
        owners.last().map(|(_, a)| *a)
    };
    let mut rows =
        conn.prepare_cached("SELECT hash, expiry FROM messages WHERE owner = ?1 AND expiry > ?2")?;
    let mut ops = conn.prepare_cached("SELECT id FROM operations WHERE owner = ?1 AND expires > ?2")?;
    let mut found = Vec::with_capacity(owners.len());
    for (owner, account) in owners {
        let (mut digest, mut any) = (0_u128, false);
        let mut cursor = rows.query(params![owner, sql(now)])?;
        while let Some(row) = cursor.next()? {
            any = true;
            mix(&mut digest, row.get_ref(0)?.as_blob()?, time(row, 1)?);
        }
        let mut cursor = ops.query(params![owner, sql(now)])?;
        while let Some(row) = cursor.next()? {
            any = true;
            mix(&mut digest, row.get_ref(0)?.as_blob()?, 0);
        }
        if any {
            found.push(AccountDigest {
                account,
                digest: digest.to_be_bytes(),
            });
        }
    }
    Ok((found, next))
}

/// The digest of one account; zero when nothing is held.
pub(crate) fn digest_of(conn: &Connection, account: &Account, now: u64) -> rusqlite::Result<[u8; 16]> {
    let state = account_state(conn, account, now)?;
    let mut digest = 0_u128;
    for row in &state.rows {
        mix(&mut digest, &row.hash, row.expiry);
    }
    for id in &state.operations {
        mix(&mut digest, id, 0);
    }
    Ok(digest.to_be_bytes())
}

/// What is held for an account.
pub(crate) fn account_state(
    conn: &Connection,
    account: &Account,
    now: u64,
) -> rusqlite::Result<AccountState> {
    let Some(owner) = find_owner(conn, account)? else {
        return Ok(AccountState::default());
    };
    let rows = conn
        .prepare_cached(
            "SELECT hash, expiry, touched FROM messages WHERE owner = ?1 AND expiry > ?2 ORDER BY id",
        )?
        .query_map(params![owner, sql(now)], |row| {
            Ok(RowState {
                hash: row.get(0)?,
                expiry: time(row, 1)?,
                touched: time(row, 2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let operations = conn
        .prepare_cached("SELECT id FROM operations WHERE owner = ?1 AND expires > ?2 ORDER BY at")?
        .query_map(params![owner, sql(now)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(AccountState { rows, operations })
}

/// Full rows by hash, until `bytes` of data are reached (at least one).
pub(crate) fn rows(
    conn: &Connection,
    account: &Account,
    hashes: &[Hash],
    bytes: usize,
    now: u64,
) -> rusqlite::Result<Vec<NewMessage>> {
    let Some(owner) = find_owner(conn, account)? else {
        return Ok(Vec::new());
    };
    let mut statement = conn.prepare_cached(
        "SELECT namespace, timestamp, expiry, touched, data FROM messages
         WHERE hash = ?1 AND owner = ?2 AND expiry > ?3",
    )?;
    let mut found = Vec::new();
    let mut size = 0_usize;
    for hash in hashes {
        let row: Option<NewMessage> = statement
            .query_row(params![hash.as_slice(), owner, sql(now)], |row| {
                Ok(NewMessage {
                    account: *account,
                    namespace: row.get(0)?,
                    hash: *hash,
                    timestamp: time(row, 1)?,
                    expiry: time(row, 2)?,
                    touched: time(row, 3)?,
                    data: Bytes::from(row.get::<_, Vec<u8>>(4)?),
                })
            })
            .optional()?;
        let Some(row) = row else { continue };
        size = size.saturating_add(row.data.len());
        if !found.is_empty() && size > bytes {
            break;
        }
        found.push(row);
    }
    Ok(found)
}

/// Kept operations by id, until `bytes` of parameters are reached (at least one).
pub(crate) fn operations(conn: &Connection, ids: &[Hash], bytes: usize) -> rusqlite::Result<Vec<Operation>> {
    let mut statement = conn.prepare_cached("SELECT method, params, at FROM operations WHERE id = ?1")?;
    let mut found = Vec::new();
    let mut size = 0_usize;
    for id in ids {
        let op: Option<Operation> = statement
            .query_row([id.as_slice()], |row| {
                Ok(Operation {
                    id: *id,
                    method: row.get(0)?,
                    params: row.get(1)?,
                    at: time(row, 2)?,
                })
            })
            .optional()?;
        let Some(op) = op else { continue };
        size = size.saturating_add(op.params.len());
        if !found.is_empty() && size > bytes {
            break;
        }
        found.push(op);
    }
    Ok(found)
}

/// An account with the newest of its rows, for handing over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Its row id here.
    pub(crate) owner: i64,
    /// The account.
    pub(crate) account: Account,
    /// The highest message id held.
    pub(crate) newest: i64,
    /// What was handed over before: swarm and highest message id.
    pub(crate) handed: Option<(u64, i64)>,
}

/// Accounts that hold messages or operations, by row id.
pub(crate) fn holdings(conn: &Connection, after: i64, limit: usize) -> rusqlite::Result<Vec<Holding>> {
    conn.prepare_cached(
        "SELECT o.id, o.account, coalesce((SELECT max(id) FROM messages m WHERE m.owner = o.id), 0), h.swarm, h.upto
         FROM owners o LEFT JOIN handed_over h ON h.owner = o.id WHERE o.id > ?1 ORDER BY o.id LIMIT ?2",
    )?
    .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        let swarm: Option<i64> = row.get(3)?;
        let upto: Option<i64> = row.get(4)?;
        Ok(Holding {
            owner: row.get(0)?,
            account: row.get(1)?,
            newest: row.get(2)?,
            handed: swarm.map(i64::cast_unsigned).zip(upto),
        })
    })?
    .collect()
}

impl Writer {
    /// Stores a late copy from another node, unless it was deleted or replaced since. What its account shortened since does
    /// not live longer here.
    pub fn adopt(&mut self, message: &NewMessage, now: u64, outbox: bool) -> rusqlite::Result<SyncOutcome> {
        if message.expiry <= now {
            return Ok(SyncOutcome::Refused);
        }
        let owner = self.owner_or_new(&message.account)?;
        let copy = RowState {
            hash: message.hash,
            expiry: message.expiry,
            touched: message.touched,
        };
        let copy = self.limited(owner, message.namespace, message.timestamp, copy)?;
        let known: Option<(i64, u64)> = self
            .conn()
            .prepare_cached("SELECT id, expiry FROM messages WHERE hash = ?1")?
            .query_row([message.hash.as_slice()], |row| Ok((row.get(0)?, time(row, 1)?)))
            .optional()?;
        match known {
            Some((_, expiry)) if expiry > now => {
                self.lengthen(owner, &copy)?;
                return Ok(SyncOutcome::Known);
            }
            _ if copy.expiry <= now => return Ok(SyncOutcome::Refused),
            Some((id, _)) => {
                self.conn()
                    .prepare_cached("DELETE FROM messages WHERE id = ?1")?
                    .execute([id])?;
            }
            None => {}
        }
        if outbox {
            let newer: bool = self
                .conn()
                .prepare_cached(
                    "SELECT EXISTS(SELECT 1 FROM messages WHERE owner = ?1 AND namespace = ?2
                     AND (timestamp > ?3 OR (timestamp = ?3 AND hash > ?4)))",
                )?
                .query_row(
                    params![
                        owner,
                        message.namespace,
                        sql(message.timestamp),
                        message.hash.as_slice()
                    ],
                    |row| row.get(0),
                )?;
            if newer {
                return Ok(SyncOutcome::Refused);
            }
            self.conn()
                .prepare_cached("DELETE FROM messages WHERE owner = ?1 AND namespace = ?2")?
                .execute(params![owner, message.namespace])?;
        }
        let message = NewMessage {
            expiry: copy.expiry,
            touched: copy.touched,
            ..message.clone()
        };
        self.insert(owner, &message)?;
        Ok(SyncOutcome::Inserted)
    }

    /// Takes a longer expiry over from another member, as far as the account did not shorten it since. Shorter ones only
    /// ever come with the client's signature.
    pub fn adopt_expiry(&mut self, account: &Account, told: &RowState) -> rusqlite::Result<bool> {
        let Some(owner) = self.owner(account)? else {
            return Ok(false);
        };
        let own: Option<(i16, u64)> = self
            .conn()
            .prepare_cached("SELECT namespace, timestamp FROM messages WHERE hash = ?1 AND owner = ?2")?
            .query_row(params![told.hash.as_slice(), owner], |row| {
                Ok((row.get(0)?, time(row, 1)?))
            })
            .optional()?;
        let Some((namespace, timestamp)) = own else {
            return Ok(false);
        };
        let told = self.limited(owner, namespace, timestamp, *told)?;
        self.lengthen(owner, &told)
    }

    /// Gives a message a longer expiry. Whichever member was extended last: of two extensions the longer one stands, and
    /// what was shortened since is in `told` already.
    fn lengthen(&self, owner: i64, told: &RowState) -> rusqlite::Result<bool> {
        let rows = self
            .conn()
            .prepare_cached(
                "UPDATE messages SET expiry = ?3, touched = max(touched, ?4)
                 WHERE hash = ?1 AND owner = ?2 AND expiry < ?3",
            )?
            .execute(params![
                told.hash.as_slice(),
                owner,
                sql(told.expiry),
                sql(told.touched)
            ])?;
        Ok(rows == 1)
    }

    /// Remembers that an account's rows up to a message id were handed to the swarm they belong to now, and forgets the
    /// operations that went with them, and the revocations that stand on those: they are that swarm's to keep.
    pub(crate) fn keep_handed_over(&mut self, held: &Holding, swarm: u64) -> rusqlite::Result<()> {
        self.conn()
            .prepare_cached("INSERT OR REPLACE INTO handed_over(owner, swarm, upto) VALUES(?1, ?2, ?3)")?
            .execute(params![held.owner, swarm.cast_signed(), held.newest])?;
        self.conn()
            .prepare_cached("DELETE FROM operations WHERE owner = ?1")?
            .execute([held.owner])?;
        self.conn()
            .prepare_cached("DELETE FROM revocations WHERE account = ?1 AND operation IS NOT NULL")?
            .execute([held.account.as_slice()])?;
        Ok(())
    }

    /// Forgets that an account was handed over, for it is ours again.
    pub(crate) fn forget_handed_over(&mut self, owner: i64) -> rusqlite::Result<()> {
        self.conn()
            .prepare_cached("DELETE FROM handed_over WHERE owner = ?1")?
            .execute([owner])?;
        Ok(())
    }
}
