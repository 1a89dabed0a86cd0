//! Operations that a member has not acknowledged yet, kept until they no longer matter.

use rusqlite::{Connection, params};

use super::Writer;
use super::messages::{sql, time};

/// Entries kept for one member; beyond it the periodic reconciliation takes over.
const MAX_PER_PEER: i64 = 50_000;

/// One operation to send again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Row id, to be dropped once acknowledged.
    pub id: i64,
    /// The RPC method.
    pub method: String,
    /// The bt-encoded parameters.
    pub params: Vec<u8>,
    /// When the entry node accepted it, ms.
    pub at: u64,
}

impl Writer {
    /// Keeps an operation for a member until `expires` (ms).
    pub fn keep_retry(
        &mut self,
        peer: &[u8; 32],
        method: &str,
        params: &[u8],
        at: u64,
        expires: u64,
    ) -> rusqlite::Result<()> {
        self.conn()
            .prepare_cached(
                "INSERT INTO retries(peer, method, params, at, expires) SELECT ?1, ?2, ?3, ?4, ?5
                 WHERE (SELECT count(*) FROM (SELECT 1 FROM retries WHERE peer = ?1 LIMIT ?6)) < ?6",
            )?
            .execute(params![
                peer.as_slice(),
                method,
                params,
                sql(at),
                sql(expires),
                MAX_PER_PEER
            ])?;
        Ok(())
    }

    /// Forgets acknowledged entries.
    pub fn drop_retries(&mut self, ids: &[i64]) -> rusqlite::Result<()> {
        let mut statement = self.conn().prepare_cached("DELETE FROM retries WHERE id = ?1")?;
        for id in ids {
            statement.execute([id])?;
        }
        Ok(())
    }

    /// Forgets everything kept for a peer that is no member any more.
    pub fn drop_retries_of(&mut self, peer: &[u8; 32]) -> rusqlite::Result<()> {
        self.conn()
            .prepare_cached("DELETE FROM retries WHERE peer = ?1")?
            .execute([peer.as_slice()])?;
        Ok(())
    }
}

/// The members for which something waits.
pub(crate) fn retry_peers(conn: &Connection) -> rusqlite::Result<Vec<[u8; 32]>> {
    conn.prepare_cached("SELECT DISTINCT peer FROM retries")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The oldest entries for a member: at most `count` and, after the first, at most `bytes` of parameters.
pub(crate) fn retries(
    conn: &Connection,
    peer: &[u8; 32],
    count: usize,
    bytes: usize,
    now: u64,
) -> rusqlite::Result<Vec<Retry>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, method, params, at FROM retries WHERE peer = ?1 AND expires > ?2 ORDER BY id",
    )?;
    let mut rows = statement.query(params![peer.as_slice(), sql(now)])?;
    let mut found: Vec<Retry> = Vec::new();
    let mut size = 0_usize;
    while let Some(row) = rows.next()? {
        let params: Vec<u8> = row.get(2)?;
        size = size.saturating_add(params.len());
        if !found.is_empty() && (found.len() >= count || size > bytes) {
            break;
        }
        found.push(Retry {
            id: row.get(0)?,
            method: row.get(1)?,
            params,
            at: time(row, 3)?,
        });
    }
    Ok(found)
}
