//! Taking in what other devices stored: taken apart, merged as the reference library does, and set right where that loses
//! something (spec/04-configs.md §6).

use super::convo;
use super::kept::{self, View};
use super::merge::{Merged, Outcome, merge};
use super::message::{Draft, Frozen};
use super::parts::{self, MAX_MESSAGE, Whole};
use super::published::{Meeting, Place, from_nothing, together};
use super::seal;
use super::state::{Config, ConfigState, Current, MergeReport, Refusal};
use super::tree::{Dict, prune};
use super::{wrap, zstd};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A received message with the hashes it is stored under.
struct Candidate {
    message: Arc<Frozen>,
    hashes: BTreeSet<String>,
}

/// What was inside a stored message.
enum Opened {
    Whole(Candidate),
    /// A part, or nothing new.
    Part,
}

impl Config {
    /// Takes in stored messages, each with its storage hash. All messages of a pull belong into one call: every conflict
    /// among them is then resolved at once. Messages that are refused change nothing.
    pub fn merge(&mut self, messages: &[(impl AsRef<str>, impl AsRef<[u8]>)], now_ms: u64) -> MergeReport {
        let mut report = MergeReport::default();
        self.needs_dump |= self.parts.expire(now_ms);
        let mut candidates = Vec::new();
        for (hash, stored) in messages {
            let hash = hash.as_ref();
            match self.open(hash, stored.as_ref(), now_ms) {
                Ok(opened) => {
                    report.accepted.insert(hash.to_owned());
                    if let Opened::Whole(candidate) = opened {
                        candidates.push(candidate);
                    }
                }
                Err(refusal) => report.refused.push((hash.to_owned(), refusal)),
            }
        }
        if !candidates.is_empty() {
            self.merge_candidates(candidates, now_ms, &mut report);
        }
        self.kept.settle(now_ms);
        report.changed |= convo::after_merge(self, now_ms);
        report
    }

    /// What the current message and others come to: `None` when nothing changes.
    fn resolve(&self, local: &Frozen, candidates: &[Arc<Frozen>]) -> Option<Outcome> {
        let has_local = local.seqno != 0 || self.state != ConfigState::Clean;
        let own = has_local.then_some(local);
        match merge(&together(own, candidates), false) {
            Some(Outcome::One(place)) => place.checked_sub(usize::from(has_local)).map(Outcome::One),
            other => other,
        }
    }

    fn merge_candidates(&mut self, candidates: Vec<Candidate>, now_ms: u64, report: &mut MergeReport) {
        let (received, stored): (Vec<Arc<Frozen>>, Vec<BTreeSet<String>>) = candidates
            .into_iter()
            .map(|candidate| (candidate.message, candidate.hashes))
            .unzip();
        let Some(met) = self.published.meet(&received) else {
            return;
        };
        let local = self.current.candidate();
        let own_name = (local.seqno, local.hash);
        let is_published = self.state == ConfigState::Clean
            && own_name == self.published.name()
            && self.published.claim.is_none();
        let outcome = if is_published {
            // Without edits it is the same.
            met.outcome()
        } else {
            self.resolve(&local, &received)
        };
        let merged = match &outcome {
            None => self.data(),
            Some(Outcome::One(place)) => received.get(*place).map_or(self.data(), |winner| &winner.data),
            Some(Outcome::Merged(merged)) => &merged.data,
        };
        let mut kept = self.kept.clone();
        kept.add(self.current.changes(), Some(self.seqno()));
        kept.follow(self.data(), Some(self.seqno()));
        let mut known = self.published.known();
        known.insert(own_name);
        known.extend(local.lagged.iter().map(|row| (row.seqno, row.hash)));
        let view = View {
            received: &received,
            found: &met.message,
            data: met.data(),
            merged,
            known: &known,
            before: self.published.message.seqno,
            now_ms,
        };
        let overruled = kept.overruled(&view);
        let taken = kept.taken(&view);
        let own = kept.decide(&view, &overruled, &taken);
        let found = (met.message.seqno, met.message.hash);
        kept.arrived(found, met.data(), now_ms);
        let mut expected = Cow::Borrowed(met.data());
        if !own.is_empty() {
            let expected = expected.to_mut();
            kept::write(expected, own.iter().map(|(field, value)| (field, value)));
            prune(expected);
        }
        report.changed = *self.data() != *expected;
        let wrong = kept::changes(merged, &expected).len();

        let before = (self.old.len(), self.published.message.hash);
        self.old.extend(stored.iter().flatten().cloned());
        self.published.note_own(own_name);
        self.published.become_met(&met);
        self.needs_dump |= kept != self.kept;
        self.kept = kept;
        if wrong > 0 {
            report.redone = wrong;
            self.set_right(&met, expected.into_owned(), &stored);
        } else {
            self.take(outcome, &received, &stored);
        }
        self.needs_dump |= before != (self.old.len(), self.published.message.hash);
    }

    /// Takes what the merge of the reference library comes to.
    fn take(&mut self, outcome: Option<Outcome>, received: &[Arc<Frozen>], stored: &[BTreeSet<String>]) {
        match outcome {
            None => {
                self.old.retain(|hash| !self.hashes.contains(hash));
                return;
            }
            Some(Outcome::One(place)) => {
                let (Some(winner), Some(hashes)) = (received.get(place), stored.get(place)) else {
                    return;
                };
                self.old.append(&mut self.hashes);
                self.old.retain(|hash| !hashes.contains(hash));
                self.hashes.clone_from(hashes);
                self.current = Current::frozen(Arc::clone(winner));
                self.published.become_stored(winner);
                self.state = ConfigState::Clean;
            }
            Some(Outcome::Merged(merged)) => {
                self.old.append(&mut self.hashes);
                // What other clients do, and what the bytes depend on: without edits of its own, a device writes the
                // merged data as if all of it were new (spec/04 §6.1).
                let draft = match self.state {
                    ConfigState::Dirty => with_edits(merged),
                    ConfigState::Clean | ConfigState::Waiting => from_nothing(merged),
                };
                self.current.draft = Some(draft);
                self.current.edited = None;
                self.state = ConfigState::Dirty;
            }
        }
        self.needs_dump = true;
    }

    /// Goes on from what others stored, with the edits made here and whatever else the merge of the reference library lost,
    /// as a message of its own: what other devices make of the same conflict must not outrank it.
    fn set_right(&mut self, met: &Meeting, expected: Dict, stored: &[BTreeSet<String>]) {
        self.old.append(&mut self.hashes);
        self.current = Current::frozen(Arc::clone(&met.message));
        match met.place {
            Place::Received(place) => {
                self.hashes = stored.get(place).cloned().unwrap_or_default();
                let hashes = &self.hashes;
                self.old.retain(|hash| !hashes.contains(hash));
                self.state = ConfigState::Clean;
            }
            // What it is stored as may have been deleted: it is stored again, or something that follows it.
            Place::Unchanged | Place::Made => self.state = ConfigState::Waiting,
        }
        if self.published.made_here {
            // Nobody has edited anything in it.
            self.current.edited = Some(Vec::new());
        }
        if expected != met.message.data {
            self.edit().data = expected;
        }
        self.needs_dump = true;
    }

    /// Takes a stored message apart.
    fn open(&mut self, hash: &str, stored: &[u8], now_ms: u64) -> Result<Opened, Refusal> {
        if stored.len() > MAX_MESSAGE {
            return Err(Refusal::TooLarge);
        }
        let once = wrap::unwrap(&self.account, self.kind, stored);
        // A client was released that wrapped twice.
        let twice = once
            .as_deref()
            .and_then(|inner| wrap::unwrap(&self.account, self.kind, inner));
        let sealed = twice.as_deref().or(once.as_deref()).unwrap_or(stored);
        let padded = seal::decrypt(self.account.ed25519().seed(), self.kind.domain(), sealed)?;
        let content = seal::unpad(&padded);
        if content.first() != Some(&parts::MARK) {
            let message = Arc::new(read(content)?);
            let hashes = BTreeSet::from([hash.to_owned()]);
            return Ok(Opened::Whole(Candidate { message, hashes }));
        }
        let (pending, done) = (self.parts.pending.len(), self.parts.done.len());
        let added = self.parts.add(hash, content, now_ms);
        self.needs_dump |=
            added.is_ok() || (pending, done) != (self.parts.pending.len(), self.parts.done.len());
        Ok(match added? {
            None => Opened::Part,
            Some(Whole { name, padded, hashes }) => {
                let read = read(seal::unpad(&padded));
                if read.is_err() {
                    // A newer version of this code may understand it.
                    self.parts.done.remove(&name);
                }
                Opened::Whole(Candidate {
                    message: Arc::new(read?),
                    hashes,
                })
            }
        })
    }
}

/// What a device with edits makes of a conflict: they stand in the rows already.
fn with_edits(merged: Merged) -> Draft {
    Draft {
        seqno: merged.seqno,
        base: merged.data.clone(),
        merged: None,
        data: merged.data,
        unknown: BTreeMap::new(),
        lagged: merged.lagged,
    }
}

/// Reads a message that may be compressed.
pub(super) fn read(content: &[u8]) -> Result<Frozen, Refusal> {
    match content.split_first() {
        None => Err(Refusal::Empty),
        Some((b'd', _)) => Ok(Frozen::parse(Zeroizing::new(content.to_vec()), None)?),
        Some((&zstd::MARK, frame)) => {
            let plain = zstd::unpack(frame)?;
            if plain.first() != Some(&b'd') {
                return Err(Refusal::Unknown);
            }
            let mut message = Frozen::parse(plain, None)?;
            message.packed = Some(Zeroizing::new(content.to_vec()));
            Ok(message)
        }
        Some(_) => Err(Refusal::Unknown),
    }
}
