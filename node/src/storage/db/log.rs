//! What must be remembered beside messages: deletions, the signed operations behind them, and revoked subaccounts.
//!
//! Deletions are replicated as operations with their signatures, so that a member that was away can verify them itself
//! and no member can delete by assertion. Revocations are kept independently of messages
//! (spec/03-network.md §3.13, §8.3).

use rusqlite::{Connection, OptionalExtension, params};

use super::messages::{ALL_NAMESPACES, LONGEST_LIFE_MS, sql, time};
use super::{Account, Hash, Writer};

/// Revocations kept for an account; the newest win (spec/03-network.md §3.3).
const MAX_REVOCATIONS: i64 = 50;
/// Operations kept for an account; the oldest go first.
const MAX_OPERATIONS: i64 = 1_000;

/// A signed client operation as it is kept for members that missed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Hash over method and parameters.
    pub id: Hash,
    /// The RPC method.
    pub method: String,
    /// The bt-encoded parameters with the client's signature.
    pub params: Vec<u8>,
    /// When the entry node accepted it, ms.
    pub at: u64,
}

/// What a late copy of a message is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WipeKind {
    /// By the time of the last client operation on it: `delete_all`.
    Touched,
    /// By its timestamp: `delete_before`.
    Timestamp,
}

impl WipeKind {
    fn number(self) -> i64 {
        match self {
            WipeKind::Touched => 0,
            WipeKind::Timestamp => 1,
        }
    }
}

impl Writer {
    /// Keeps an operation for members that missed it. True if it is new.
    pub fn keep_operation(&mut self, account: &Account, op: &Operation, now: u64) -> rusqlite::Result<bool> {
        let owner = self.owner_or_new(account)?;
        let rows = self
            .conn()
            .prepare_cached(
                "INSERT OR IGNORE INTO operations(id, owner, method, params, at, expires)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                op.id.as_slice(),
                owner,
                op.method,
                op.params,
                sql(op.at),
                sql(now.saturating_add(LONGEST_LIFE_MS)),
            ])?;
        self.conn()
            .prepare_cached(
                "DELETE FROM operations WHERE owner = ?1 AND id IN
                 (SELECT id FROM operations WHERE owner = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![owner, MAX_OPERATIONS])?;
        Ok(rows == 1)
    }

    /// Remembers that everything up to a bound was deleted, against late copies.
    pub fn keep_wipe(
        &mut self,
        account: &Account,
        namespace: Option<i16>,
        kind: WipeKind,
        bound: u64,
        now: u64,
    ) -> rusqlite::Result<()> {
        let owner = self.owner_or_new(account)?;
        self.conn()
            .prepare_cached(
                "INSERT INTO wipes(owner, namespace, kind, bound, expires) VALUES(?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET bound = max(bound, excluded.bound), expires = excluded.expires",
            )?
            .execute(params![
                owner,
                namespace.map_or(ALL_NAMESPACES, i64::from),
                kind.number(),
                sql(bound),
                sql(now.saturating_add(LONGEST_LIFE_MS)),
            ])?;
        Ok(())
    }

    /// Whether a late copy of a message was deleted meanwhile.
    pub(super) fn is_deleted(
        &self,
        owner: i64,
        namespace: i16,
        hash: &Hash,
        timestamp: u64,
        touched: u64,
    ) -> rusqlite::Result<bool> {
        let buried: Option<u64> = self
            .conn()
            .prepare_cached("SELECT at FROM tombstones WHERE hash = ?1")?
            .query_row([hash.as_slice()], |row| time(row, 0))
            .optional()?;
        if buried.is_some_and(|at| touched <= at) {
            return Ok(true);
        }
        self.conn()
            .prepare_cached(
                "SELECT EXISTS(SELECT 1 FROM wipes WHERE owner = ?1 AND namespace IN (?2, ?3)
                 AND ((kind = 0 AND bound >= ?5) OR (kind = 1 AND bound >= ?4)))",
            )?
            .query_row(
                params![owner, namespace, ALL_NAMESPACES, sql(timestamp), sql(touched)],
                |row| row.get(0),
            )
    }

    /// Revokes or readmits subaccount tokens as of `at`; an older word never undoes a newer one. Returns how many
    /// changed.
    pub fn set_revoked(
        &mut self,
        account: &Account,
        tokens: &[[u8; 36]],
        revoked: bool,
        at: u64,
    ) -> rusqlite::Result<u64> {
        let mut changed = 0;
        for token in tokens {
            let was: Option<bool> = self
                .conn()
                .prepare_cached("SELECT revoked FROM revocations WHERE account = ?1 AND token = ?2")?
                .query_row(params![account.as_slice(), token.as_slice()], |row| row.get(0))
                .optional()?;
            let rows = self
                .conn()
                .prepare_cached(
                    "INSERT INTO revocations(account, token, at, revoked) VALUES(?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET at = excluded.at, revoked = excluded.revoked
                     WHERE excluded.at >= at",
                )?
                .execute(params![account.as_slice(), token.as_slice(), sql(at), revoked])?;
            if rows == 1 && was.unwrap_or(false) != revoked {
                changed += 1;
            }
        }
        self.conn()
            .prepare_cached(
                "DELETE FROM revocations WHERE account = ?1 AND token IN
                 (SELECT token FROM revocations WHERE account = ?1 AND revoked = ?2
                  ORDER BY at DESC LIMIT -1 OFFSET ?3)",
            )?
            .execute(params![account.as_slice(), revoked, MAX_REVOCATIONS])?;
        Ok(changed)
    }
}

/// Whether a subaccount token is revoked.
pub(crate) fn is_revoked(conn: &Connection, account: &Account, token: &[u8; 36]) -> rusqlite::Result<bool> {
    Ok(conn
        .prepare_cached("SELECT revoked FROM revocations WHERE account = ?1 AND token = ?2")?
        .query_row(params![account.as_slice(), token.as_slice()], |row| row.get(0))
        .optional()?
        .unwrap_or(false))
}

/// The revoked tokens of an account, oldest first.
pub(crate) fn revoked(conn: &Connection, account: &Account) -> rusqlite::Result<Vec<[u8; 36]>> {
    conn.prepare_cached("SELECT token FROM revocations WHERE account = ?1 AND revoked = 1 ORDER BY at")?
        .query_map([account.as_slice()], |row| row.get(0))?
        .collect()
}
