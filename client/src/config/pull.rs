//! Takes in what other devices stored: all new messages of a document in one merge, committed together with the records it
//! changes, the hashes and the cursor (`spec/04-configs.md §6, §15.1`).

use std::collections::HashSet;

use holdfast_protocol::account::Account;
use holdfast_protocol::config::{ConfigKind, ConfigState, MergeReport, UserProfile};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::swarm::message_hash;
use holdfast_protocol::swarm::reply::Message as StoredMessage;

use crate::core::Core;
use crate::ports::{Collection, StoreError};
use crate::receive::Taken;
use crate::records::{encode, keys};
use crate::work::Work;

impl Core {
    /// Handles a node's page of one document's messages.
    pub(crate) async fn receive_configs(
        &self,
        account: &Account,
        node: &Ed25519PublicKey,
        kind: ConfigKind,
        messages: &[StoredMessage],
    ) -> Result<Taken, StoreError> {
        let mut taken = Taken::default();
        let Some(last) = messages.last() else {
            return Ok(taken);
        };
        let namespace = kind.namespace();
        let hashes: Vec<_> = messages
            .iter()
            .map(|message| message_hash(&account.id(), namespace, &message.data))
            .collect();
        let names = hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        let mut work = Work::begin(self).await;
        let seen = self.ports.store.get_many(Collection::Seen, names).await?;
        let mut fresh = Vec::new();
        let mut in_page = HashSet::new();
        for ((message, hash), seen) in messages.iter().zip(hashes).zip(seen) {
            taken.forged += usize::from(hash != message.hash);
            if seen.is_none() && in_page.insert(hash) {
                fresh.push((hash, message));
            }
        }
        if !fresh.is_empty() {
            let stored: Vec<(&str, &[u8])> = fresh
                .iter()
                .map(|(hash, message)| (hash.as_str(), message.data.as_slice()))
                .collect();
            let report = work.merge(account, kind, &stored);
            let now = self.time.now();
            for (hash, message) in &fresh {
                // What could not be read is left alone: a later version may read it, from another node.
                if !report.accepted.contains(hash.as_str()) {
                    continue;
                }
                taken.new += 1;
                self.remember(&mut work, hash, message.expiration)?;
                if let Some(sync) = work.sync() {
                    sync.merged(kind, message.timestamp.min(now));
                }
            }
            work.apply_document(kind).await?;
        }
        let key = keys::cursor(node, &account.id(), namespace);
        work.put(Collection::Cursors, key, encode(&last.hash.as_str())?);
        work.commit().await?;
        Ok(taken)
    }

    /// A node gave everything it had of every document: from now on this device may push.
    pub(crate) async fn note_pulled(&self) -> Result<(), StoreError> {
        let pulled = self
            .state
            .borrow()
            .configs
            .as_ref()
            .is_none_or(|configs| configs.sync.pulled);
        if pulled {
            return Ok(());
        }
        let mut work = Work::begin(self).await;
        if let Some(sync) = work.sync() {
            sync.pulled = true;
        }
        work.write_provisional_name();
        work.commit().await
    }
}

impl Work<'_> {
    /// Merges messages into a document of this unit.
    fn merge(&mut self, account: &Account, kind: ConfigKind, messages: &[(&str, &[u8])]) -> MergeReport {
        let now = self.now();
        if kind != ConfigKind::UserProfile {
            let document = self.document(kind);
            return document.map_or_else(MergeReport::default, |document| document.merge(messages, now));
        }
        if self.sync().is_some_and(|sync| sync.provisional) {
            // The name typed here must not compete with the account's: the document starts anew with what was found.
            let mut found = UserProfile::new(account);
            let report = found.merge(messages, now);
            if found.name().is_some() {
                self.begin_anew(account, found);
                return report;
            }
        }
        self.profile().map_or_else(MergeReport::default, |profile| {
            merge_profile(profile, messages, now)
        })
    }

    /// The account's profile takes the place of the one that was begun here with a name of the user's. What they decided
    /// here besides the name stays, and what was stored of theirs goes.
    fn begin_anew(&mut self, account: &Account, mut found: UserProfile) {
        let now = self.now();
        let Some(profile) = self.profile() else {
            return;
        };
        let mut typed = profile.clone();
        let mut obsolete: Vec<String> = typed.current_hashes().iter().cloned().collect();
        obsolete.extend(typed.obsolete_hashes().iter().cloned());
        if typed.state() == ConfigState::Waiting
            && let Ok(push) = typed.push(now)
        {
            let stored = push.messages.iter();
            let stored = stored.map(|data| message_hash(&account.id(), push.namespace, data));
            obsolete.extend(stored.map(|hash| hash.as_str().to_owned()));
        }
        let still_provisional = is_provisional(&found);
        keep_decisions(&typed, &mut found, now);
        *profile = found;
        if let Some(sync) = self.sync() {
            sync.provisional = still_provisional;
            sync.obsolete.extend(obsolete);
        }
    }

    /// A name that was typed because no profile was found enters the document, with a time that makes any real one newer
    /// (`spec/12-client-behaviour.md §2.3`).
    pub(crate) fn write_provisional_name(&mut self) {
        let ready = self.sync().is_some_and(|sync| sync.pulled && sync.provisional);
        let Some(name) = self
            .account_record()
            .map(|record| record.name.clone())
            .filter(|_| ready)
        else {
            return;
        };
        if let Some(profile) = self.profile()
            && profile.name().is_none()
        {
            profile.set_name_cut(&name, PROVISIONAL_MS);
        }
    }
}

/// The time of a provisional profile, Unix milliseconds: older than any real one.
pub(crate) const PROVISIONAL_MS: u64 = 1_000;

/// Whether the name in a profile is one that somebody typed because no profile was found.
fn is_provisional(profile: &UserProfile) -> bool {
    profile.chosen_at() == PROVISIONAL_MS / 1_000
}

/// Merges what is stored of the profile. A merge goes by sequence numbers and hashes: a provisional name of another device
/// may win it, and the real one is set again then.
fn merge_profile(profile: &mut UserProfile, messages: &[(&str, &[u8])], now: u64) -> MergeReport {
    let real = profile.name().map(str::to_owned);
    let real = real.filter(|_| !is_provisional(profile));
    let mut report = profile.merge(messages, now);
    if let Some(name) = real
        && is_provisional(profile)
    {
        report.changed |= profile.set_name_cut(&name, now);
    }
    report
}

/// Carries what the user decided about a profile, besides the name, into another one.
fn keep_decisions(typed: &UserProfile, found: &mut UserProfile, now: u64) {
    if typed.note_to_self_priority() != 0 {
        found.set_note_to_self_priority(typed.note_to_self_priority());
    }
    if typed.note_to_self_expiry() != 0 {
        found.set_note_to_self_expiry(typed.note_to_self_expiry());
    }
    if let Some(picture) = typed.picture() {
        let next = found.updated_at().saturating_add(1).saturating_mul(1_000);
        // Only an address that is too long is refused, and this one is stored already.
        let _ = found.set_picture(Some(&picture), now.max(next));
    }
}
