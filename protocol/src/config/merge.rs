//! Which of several messages stands, or what they become together (spec/04-configs.md §6).

use super::diff::{Diff, apply};
use super::message::{Frozen, Hash, LAG, Row};
use super::tree::{Dict, prune};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a merge comes to.
pub(super) enum Outcome {
    /// One message already includes, or is preferred to, all others: its place among the candidates.
    One(usize),
    /// A new message must take the place of several.
    Merged(Merged),
}

/// The new message, except for its own diff.
pub(super) struct Merged {
    pub(super) seqno: i64,
    pub(super) data: Dict,
    pub(super) lagged: Vec<Row>,
}

/// Merges candidates. Who may not sign a merged message (`read_only`) takes the newest instead. `None` without any.
pub(super) fn merge(candidates: &[&Frozen], read_only: bool) -> Option<Outcome> {
    let max = candidates.iter().map(|message| message.seqno).max()?;
    let lagged: BTreeSet<(i64, Hash)> = candidates
        .iter()
        .flat_map(|message| message.lagged.iter().map(|row| (row.seqno, row.hash)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut live: Vec<(usize, &Frozen)> = candidates
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, message)| {
            let name = (message.seqno, message.hash);
            !lagged.contains(&name) && seen.insert(name) && message.seqno + LAG > max
        })
        .collect();
    live.sort_by_key(|(_, message)| Reverse((message.seqno, message.hash)));
    let (first, newest) = *live.first()?;
    if live.len() == 1 || read_only {
        return Some(Outcome::One(first));
    }

    let mut replay: BTreeMap<(i64, Hash), (&Dict, &Arc<Diff>)> = BTreeMap::new();
    for (_, message) in &live {
        replay
            .entry((message.seqno, message.hash))
            .or_insert((&message.data, &message.diff));
        for row in &message.lagged {
            replay
                .entry((row.seqno, row.hash))
                .or_insert((&message.data, &row.diff));
        }
    }
    let seqno = max + 1;
    let mut data = newest.data.clone();
    let mut lagged = Vec::new();
    for ((row_seqno, hash), (source, diff)) in replay {
        apply(&mut data, diff, source);
        if row_seqno > seqno - LAG {
            lagged.push(Row {
                seqno: row_seqno,
                hash,
                diff: Arc::clone(diff),
            });
        }
    }
    prune(&mut data);
    Some(Outcome::Merged(Merged { seqno, data, lagged }))
}
