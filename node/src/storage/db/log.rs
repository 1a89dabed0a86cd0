//! What must be remembered beside messages: deletions, the signed operations behind them, and revoked subaccounts.
//!
//! Deletions are replicated as operations with their signatures, so that a member that was away can verify them itself
//! and no member can delete by assertion. Revocations are kept independently of messages
//! (spec/03-network.md §3.13, §8.3).

use rusqlite::{Connection, OptionalExtension, params};

use super::messages::{ALL_NAMESPACES, LONGEST_LIFE_MS, OF_ANYBODY, When, sql, time};
use super::{Account, Hash, RowState, Writer};

/// Revoked tokens of an account; the newest win (spec/03-network.md §3.3).
const MAX_REVOCATIONS: i64 = 50;
/// Tokens of an account whose last word is kept, revoked or readmitted. One limit for both, or an old revocation would
/// stand wherever it comes after its readmission was dropped; far above the other, or readmissions would undo revocations.
const MAX_TOKENS: i64 = 500;
/// Operations kept for an account, and as many wipes; the oldest go first.
const MAX_OPERATIONS: i64 = 1_000;
/// The end of operations that have none: those that a revocation stands on.
const NEVER: i64 = i64::MAX;
/// Gives those operations of an account an end on which no revocation stands any more. By the account, for all accounts'
/// operations without an end lie together (the plus sign keeps that index out).
pub(super) const END_UNNEEDED: &str = "
UPDATE operations SET expires = min(at, ?3) + ?4 WHERE owner = ?1 AND +expires = ?5 AND id NOT IN
(SELECT operation FROM revocations WHERE account = ?2 AND operation IS NOT NULL)";

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

impl Writer {
    /// Keeps an operation for members that missed it, as long as a message from before it could live. That is counted from
    /// the operation itself, or it would start anew with each member that learns of it.
    pub fn keep_operation(&mut self, account: &Account, op: &Operation, now: u64) -> rusqlite::Result<()> {
        let expires = op.at.min(now).saturating_add(LONGEST_LIFE_MS);
        if expires <= now {
            return Ok(());
        }
        self.insert_operation(account, op, sql(expires))
    }

    fn insert_operation(&mut self, account: &Account, op: &Operation, expires: i64) -> rusqlite::Result<()> {
        let owner = self.owner_or_new(account)?;
        self.conn()
            .prepare_cached(
                "INSERT INTO operations(id, owner, method, params, at, expires) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT(id) DO UPDATE SET at = max(at, excluded.at), expires = max(expires, excluded.expires)",
            )?
            .execute(params![
                op.id.as_slice(),
                owner,
                op.method,
                op.params,
                sql(op.at),
                expires,
            ])?;
        self.conn()
            .prepare_cached(
                "DELETE FROM operations WHERE owner = ?1 AND id IN
                 (SELECT id FROM operations WHERE owner = ?1 AND expires < ?3 ORDER BY at DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![owner, MAX_OPERATIONS, NEVER])?;
        Ok(())
    }

    /// Remembers against late copies that the messages of a namespace (or of all) with timestamps up to `bound` that clients
    /// touched up to `when.at` end at `ends`: 0 for deleted ones.
    pub(super) fn keep_wipe(
        &self,
        owner: i64,
        namespace: Option<i16>,
        bound: u64,
        ends: u64,
        when: When,
    ) -> rusqlite::Result<()> {
        let namespace = namespace.map_or(ALL_NAMESPACES, i64::from);
        let (bound, at, ends) = (sql(bound), sql(when.at), sql(ends));
        let expires = sql(when.at.min(when.now).saturating_add(LONGEST_LIFE_MS));
        // One that says the same and more takes the place of others.
        self.conn()
            .prepare_cached(
                "DELETE FROM wipes
                 WHERE owner = ?1 AND namespace = ?2 AND bound <= ?3 AND at <= ?4 AND ends >= ?5",
            )?
            .execute(params![owner, namespace, bound, at, ends])?;
        self.conn()
            .prepare_cached(
                "INSERT INTO wipes(owner, namespace, bound, at, ends, expires) SELECT ?1, ?2, ?3, ?4, ?5, ?6
                 WHERE NOT EXISTS(SELECT 1 FROM wipes
                 WHERE owner = ?1 AND namespace = ?2 AND bound >= ?3 AND at >= ?4 AND ends <= ?5)",
            )?
            .execute(params![owner, namespace, bound, at, ends, expires])?;
        self.conn()
            .prepare_cached(
                "DELETE FROM wipes WHERE owner = ?1 AND at <
                 (SELECT at FROM wipes WHERE owner = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)",
            )?
            .execute([owner, MAX_OPERATIONS - 1])?;
        Ok(())
    }

    /// A copy of a message as it may be kept: what its account deleted or shortened since a client touched this copy ends
    /// it, at 0 if it was deleted.
    pub(super) fn limited(
        &self,
        owner: i64,
        namespace: i16,
        timestamp: u64,
        copy: RowState,
    ) -> rusqlite::Result<RowState> {
        let first: Option<(u64, u64)> = self
            .conn()
            .prepare_cached(
                "SELECT ends, at FROM tombstones WHERE owner IN (?1, ?6) AND hash = ?3 AND at >= ?5
                 UNION ALL
                 SELECT ends, at FROM wipes
                 WHERE owner = ?1 AND namespace IN (?2, ?7) AND bound >= ?4 AND at >= ?5
                 ORDER BY ends, at DESC LIMIT 1",
            )?
            .query_row(
                params![
                    owner,
                    namespace,
                    copy.hash.as_slice(),
                    sql(timestamp),
                    sql(copy.touched),
                    OF_ANYBODY,
                    ALL_NAMESPACES
                ],
                |row| Ok((time(row, 0)?, time(row, 1)?)),
            )
            .optional()?;
        Ok(match first {
            Some((expiry, touched)) if expiry < copy.expiry => RowState {
                expiry,
                touched,
                ..copy
            },
            _ => copy,
        })
    }

    /// Revokes or readmits subaccount tokens as of `at`, and keeps the operation that says so: as long as what is known of a
    /// token comes from it, for a member that joins in a year must refuse that token too. An older word never undoes a newer
    /// one, and of words of the same time all members take the same. Returns how many tokens changed.
    pub fn set_revoked(
        &mut self,
        account: &Account,
        tokens: &[[u8; 36]],
        revoked: bool,
        at: u64,
        op: &Operation,
        now: u64,
    ) -> rusqlite::Result<u64> {
        let owner = self.owner_or_new(account)?;
        let mut changed = 0;
        for token in tokens {
            let was = is_revoked(self.conn(), account, token)?;
            let rows = self
                .conn()
                .prepare_cached(
                    "INSERT INTO revocations(account, token, at, revoked, operation) VALUES(?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE
                     SET at = excluded.at, revoked = excluded.revoked, operation = excluded.operation
                     WHERE (excluded.at, excluded.revoked, excluded.operation)
                       >= (at, revoked, coalesce(operation, x''))",
                )?
                .execute(params![
                    account.as_slice(),
                    token.as_slice(),
                    sql(at),
                    revoked,
                    op.id.as_slice()
                ])?;
            if rows == 1 && was != revoked {
                changed += 1;
            }
        }
        self.conn()
            .prepare_cached(
                "DELETE FROM revocations WHERE account = ?1 AND token IN
                 (SELECT token FROM revocations WHERE account = ?1 ORDER BY at DESC, token LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![account.as_slice(), MAX_TOKENS])?;
        let stands: bool = self
            .conn()
            .prepare_cached("SELECT EXISTS(SELECT 1 FROM revocations WHERE account = ?1 AND operation = ?2)")?
            .query_row(params![account.as_slice(), op.id.as_slice()], |row| row.get(0))?;
        if stands {
            self.insert_operation(account, op, NEVER)?;
        } else {
            self.keep_operation(account, op, now)?;
        }
        // Those that nothing stands on any more end like others.
        self.conn().prepare_cached(END_UNNEEDED)?.execute(params![
            owner,
            account.as_slice(),
            sql(now),
            sql(LONGEST_LIFE_MS),
            NEVER
        ])?;
        Ok(changed)
    }
}

/// Whether a subaccount token is one of the [`revoked`] ones.
pub(crate) fn is_revoked(conn: &Connection, account: &Account, token: &[u8; 36]) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "SELECT ?2 IN (SELECT token FROM revocations WHERE account = ?1 AND revoked = 1
         ORDER BY at DESC, token LIMIT ?3)",
    )?
    .query_row(
        params![account.as_slice(), token.as_slice(), MAX_REVOCATIONS],
        |row| row.get(0),
    )
}

/// The revoked tokens of an account, oldest first.
pub(crate) fn revoked(conn: &Connection, account: &Account) -> rusqlite::Result<Vec<[u8; 36]>> {
    conn.prepare_cached(
        "SELECT token FROM (SELECT token, at FROM revocations WHERE account = ?1 AND revoked = 1
         ORDER BY at DESC, token LIMIT ?2) ORDER BY at",
    )?
    .query_map(params![account.as_slice(), MAX_REVOCATIONS], |row| row.get(0))?
    .collect()
}
