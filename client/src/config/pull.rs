//! Takes in what other devices stored: all new messages of a document in one merge, committed together with the records it
//! changes, the hashes and the cursor (`spec/04-configs.md §6, §15.1`).

use std::collections::HashSet;

use holdfast_protocol::account::Account;
use holdfast_protocol::config::{ConfigKind, MergeReport, UserProfile};
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
        if kind == ConfigKind::UserProfile && self.sync().is_some_and(|sync| sync.provisional) {
            // The name typed here must not compete with the account's: the document starts anew with what was found.
            let mut found = UserProfile::new(account);
            let report = found.merge(messages, now);
            if found.name().is_some() {
                let typed = self.profile().map(|typed| typed.current_hashes().clone());
                if let Some(profile) = self.profile() {
                    *profile = found;
                }
                if let Some(sync) = self.sync() {
                    sync.provisional = false;
                    sync.obsolete.extend(typed.unwrap_or_default());
                }
                return report;
            }
        }
        let document = self.document(kind);
        document.map_or_else(MergeReport::default, |document| document.merge(messages, now))
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
