//! The account's configs on this device: the documents by which its devices stay in step (`spec/04-configs.md`).
//!
//! The documents are the truth for everything that is synced; the records of contacts and conversations are what the rest
//! of the engine works with. [`write`] carries changed records into the documents within the commit that stores them, so
//! that a crash loses neither; [`pull`] merges what other devices stored, and [`apply`] carries that into the records,
//! again in one commit with the hashes and the cursor; [`push`] stores in the swarm what only this device has, and what the
//! swarm lost ([`again`]).

mod again;
mod apply;
mod pull;
mod push;
mod write;

use std::collections::BTreeSet;

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::config::{
    AccountConfigs, Config, ConfigKind, Contacts, ConvoInfoVolatile, UserGroups, UserProfile,
};
use serde::{Deserialize, Serialize};

use crate::api::{Synced, Trouble};
use crate::core::Core;
use crate::ports::{Change, Collection, Entry, StoreError};
use crate::records::{encode, keys};
use crate::work::Work;

pub(crate) use pull::PROVISIONAL_MS;

/// The documents, and where this device stands with them.
pub(crate) struct Configs {
    pub(crate) docs: AccountConfigs,
    pub(crate) sync: SyncRecord,
    /// Documents that take more room than can be stored in the swarm. They wait until they change.
    oversized: BTreeSet<ConfigKind>,
    /// Read positions stay on this device ([`crate::Options::leave_unread`]).
    leave_unread: bool,
}

/// Where this device stands with the swarm, in `Meta` under [`keys::SYNC`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SyncRecord {
    /// A node gave all that it had of every document. Until then nothing is pushed: this device would compete with what
    /// the account has (`spec/04-configs.md §15.2`).
    pub(crate) pulled: bool,
    /// The name was typed on this device because no profile was found; a real one takes its place.
    pub(crate) provisional: bool,
    /// Storage hashes that a push made obsolete and that are not deleted yet.
    pub(crate) obsolete: Vec<String>,
    /// When the newest merged message of each document was stored, Unix milliseconds, in the order of [`ConfigKind::ALL`].
    pub(crate) stored_at: [u64; 4],
    /// When the life of the stored messages was last prolonged, Unix milliseconds.
    pub(crate) renewed_at: u64,
    /// Storage hashes of the messages that were last made of each document and that it does not know to be stored, in the same
    /// order. The swarm may have them.
    pub(crate) handed: [Vec<String>; 4],
}

impl SyncRecord {
    /// Notes when a merged message was stored.
    fn merged(&mut self, kind: ConfigKind, stored_at: u64) {
        for (of, held) in ConfigKind::ALL.into_iter().zip(&mut self.stored_at) {
            if of == kind {
                *held = stored_at.max(*held);
            }
        }
    }

    /// When the newest merged message of a document was stored; 0 when there was none.
    pub(crate) fn stored_at(&self, kind: ConfigKind) -> u64 {
        let mut all = ConfigKind::ALL.into_iter().zip(self.stored_at);
        all.find(|(of, _)| *of == kind).map_or(0, |(_, at)| at)
    }

    /// Notes what may be stored of a document beside what it knows of; gives what that was before.
    fn hand_over(&mut self, kind: ConfigKind, hashes: Vec<String>) -> Vec<String> {
        let mut all = ConfigKind::ALL.into_iter().zip(&mut self.handed);
        let of_kind = all.find(|(of, _)| *of == kind);
        of_kind.map_or_else(Vec::new, |(_, held)| std::mem::replace(held, hashes))
    }
}

impl Configs {
    /// Those of an account of which nothing is known.
    pub(crate) fn new(account: &Account) -> Self {
        Self {
            docs: AccountConfigs::new(account),
            sync: SyncRecord::default(),
            oversized: BTreeSet::new(),
            leave_unread: false,
        }
    }

    /// The same, and whether read positions stay on this device.
    pub(crate) fn leaving_unread(self, leave_unread: bool) -> Self {
        Self { leave_unread, ..self }
    }

    /// Takes up what the store holds: entries of `Meta`.
    pub(crate) fn load(account: &Account, entries: &[Entry]) -> Result<Self, StoreError> {
        let mut configs = Self::new(account);
        for (key, value) in entries {
            if key == keys::SYNC {
                configs.sync = crate::records::decode(value)?;
            }
            let Some(kind) = ConfigKind::ALL
                .into_iter()
                .find(|kind| *key == keys::config(&account.id(), *kind))
            else {
                continue;
            };
            let damaged = |_| StoreError::Damaged;
            let docs = &mut configs.docs;
            match kind {
                ConfigKind::UserProfile => {
                    docs.profile = UserProfile::load(account, value).map_err(damaged)?
                }
                ConfigKind::Contacts => docs.contacts = Contacts::load(account, value).map_err(damaged)?,
                ConfigKind::UserGroups => docs.groups = UserGroups::load(account, value).map_err(damaged)?,
                ConfigKind::ConvoInfoVolatile => {
                    docs.convos = ConvoInfoVolatile::load(account, value).map_err(damaged)?;
                }
            }
        }
        Ok(configs)
    }

    /// Earlier versions kept a document without its edits beside it: the edits are now kept with the document. Gives the
    /// changes to the store.
    pub(crate) fn take_over(&mut self, account: &Account, entries: &[Entry]) -> Vec<Change> {
        let own = account.id();
        let mut changes = Vec::new();
        for kind in ConfigKind::ALL {
            let key = keys::config_base(&own, kind);
            let Some((_, base)) = entries.iter().find(|(held, _)| *held == key) else {
                continue;
            };
            changes.push(Change::Delete(Collection::Meta, key));
            let document = self.docs.get_mut(kind);
            if let Ok(base) = Config::load(kind, account, base)
                && document.needs_push()
            {
                document.keep_edits_since(&base);
                let dump = document.dump().to_vec();
                changes.push(Change::Put(Collection::Meta, keys::config(&own, kind), dump));
            }
        }
        changes
    }

    /// Whether a document waits to be pushed and may be.
    fn waits(&self, kind: ConfigKind) -> bool {
        let stays = self.leave_unread && kind == ConfigKind::ConvoInfoVolatile;
        self.docs.get(kind).needs_push() && !self.oversized.contains(&kind) && !stays
    }

    /// Whether something waits to be pushed and may be.
    pub(crate) fn wants_push(&self) -> bool {
        let waits = |kind| self.waits(kind);
        self.sync.pulled && (self.deletable().next().is_some() || ConfigKind::ALL.into_iter().any(waits))
    }

    /// Obsolete storage hashes that are to be deleted: none that is in force, and none at all while nothing can be put in the
    /// place of a document's last ones.
    fn deletable(&self) -> impl Iterator<Item = &String> {
        let in_force = |hash: &String| {
            ConfigKind::ALL
                .into_iter()
                .any(|kind| self.docs.get(kind).current_hashes().contains(hash))
        };
        let last = !self.oversized.is_empty();
        let obsolete = self.sync.obsolete.iter();
        obsolete.filter(move |hash| !last && !in_force(hash))
    }

    /// Storage hashes of the documents as they are, and of parts whose others did not come yet.
    fn active(&self) -> BTreeSet<String> {
        ConfigKind::ALL
            .into_iter()
            .flat_map(|kind| self.docs.get(kind).active_hashes())
            .collect()
    }

    /// Storage hashes of what is the last in the swarm of documents that wait to be pushed, among others: it has to live for as
    /// long as nothing is in its place.
    fn replaced(&self) -> Vec<&String> {
        let handed = ConfigKind::ALL.into_iter().zip(&self.sync.handed);
        let waiting: Vec<_> = handed
            .filter(|(kind, _)| self.docs.get(*kind).needs_push())
            .collect();
        let obsolete = self.sync.obsolete.iter().filter(|_| !waiting.is_empty());
        let of_documents = waiting
            .iter()
            .flat_map(|(kind, handed)| self.docs.get(*kind).obsolete_hashes().iter().chain(*handed));
        of_documents.chain(obsolete).collect()
    }

    /// Whether something that was decided on this device is not in the swarm: anything but read positions.
    pub(crate) fn unsynced(&self) -> bool {
        let decided = ConfigKind::ALL.into_iter();
        let mut decided = decided.filter(|kind| *kind != ConfigKind::ConvoInfoVolatile);
        decided.any(|kind| self.docs.get(kind).needs_push())
    }

    /// Whether some of it can be pushed now.
    fn has_decisions(&self) -> bool {
        self.sync.pulled && !self.only_read_positions()
    }

    /// Whether nothing but read positions waits.
    fn only_read_positions(&self) -> bool {
        ConfigKind::ALL
            .into_iter()
            .all(|kind| kind == ConfigKind::ConvoInfoVolatile || !self.waits(kind))
    }

    /// Groups and communities of the account.
    pub(crate) fn group_count(&self) -> usize {
        let groups = &self.docs.groups;
        groups.groups().count() + groups.communities().count()
    }
}

/// Copies of the documents that a unit of work changes.
#[derive(Default)]
pub(crate) struct Staged {
    profile: Option<UserProfile>,
    contacts: Option<Contacts>,
    groups: Option<UserGroups>,
    convos: Option<ConvoInfoVolatile>,
    sync: Option<SyncRecord>,
    /// Those that are another than before.
    changed: BTreeSet<ConfigKind>,
}

impl Staged {
    fn get_mut(&mut self, kind: ConfigKind) -> Option<&mut Config> {
        match kind {
            ConfigKind::UserProfile => self.profile.as_deref_mut(),
            ConfigKind::Contacts => self.contacts.as_deref_mut(),
            ConfigKind::UserGroups => self.groups.as_deref_mut(),
            ConfigKind::ConvoInfoVolatile => self.convos.as_deref_mut(),
        }
    }
}

/// Gives access to a document that the unit may change.
macro_rules! staged {
    ($(#[$meta:meta])* $name:ident, $kind:ty) => {
        impl Work<'_> {
            $(#[$meta])*
            pub(crate) fn $name(&mut self) -> Option<&mut $kind> {
                if self.staged.$name.is_none() {
                    let state = self.core.state.borrow();
                    self.staged.$name = Some(state.configs.as_ref()?.docs.$name.clone());
                }
                self.staged.$name.as_mut()
            }
        }
    };
}

staged!(
    /// The own profile, to read or change; `None` without an account.
    profile,
    UserProfile
);
staged!(
    /// The contacts, to read or change; `None` without an account.
    contacts,
    Contacts
);
staged!(
    /// Groups and communities, to read or change; `None` without an account.
    groups,
    UserGroups
);
staged!(
    /// Read positions, to read or change; `None` without an account.
    convos,
    ConvoInfoVolatile
);

impl Core {
    /// Front ends hear of a document that is too large to be pushed, and when none is any more.
    pub(crate) fn tell_oversized(&self) {
        let what = {
            let state = self.state.borrow();
            let oversized = state.configs.as_ref().and_then(|configs| {
                let mut all = configs.oversized.iter();
                all.find(|kind| configs.docs.get(**kind).needs_push()).copied()
            });
            oversized.map(Synced::from)
        };
        match what {
            Some(what) => self.trouble(Trouble::TooMuchToSync(what)),
            None => {
                for trouble in self.troubles() {
                    if matches!(trouble, Trouble::TooMuchToSync(_)) {
                        self.trouble_over(trouble);
                    }
                }
            }
        }
    }
}

impl From<ConfigKind> for Synced {
    fn from(kind: ConfigKind) -> Self {
        match kind {
            ConfigKind::UserProfile => Self::Profile,
            ConfigKind::Contacts => Self::Contacts,
            ConfigKind::UserGroups => Self::Groups,
            ConfigKind::ConvoInfoVolatile => Self::ReadPositions,
        }
    }
}

impl Work<'_> {
    /// One of the documents, for what all have in common.
    fn document(&mut self, kind: ConfigKind) -> Option<&mut Config> {
        match kind {
            ConfigKind::UserProfile => self.profile().map(|document| &mut **document),
            ConfigKind::Contacts => self.contacts().map(|document| &mut **document),
            ConfigKind::UserGroups => self.groups().map(|document| &mut **document),
            ConfigKind::ConvoInfoVolatile => self.convos().map(|document| &mut **document),
        }
    }

    /// Where this device stands with the swarm, to read or change; `None` without an account.
    pub(crate) fn sync(&mut self) -> Option<&mut SyncRecord> {
        if self.staged.sync.is_none() {
            let state = self.core.state.borrow();
            self.staged.sync = Some(state.configs.as_ref()?.sync.clone());
        }
        self.staged.sync.as_mut()
    }

    /// When the newest config that was merged and says whether a conversation is there was stored, Unix milliseconds.
    pub(crate) fn config_stored_at(&mut self, id: &Id) -> u64 {
        let kind = if self.is_own(id) {
            ConfigKind::UserProfile
        } else {
            ConfigKind::Contacts
        };
        let state = self.core.state.borrow();
        state
            .configs
            .as_ref()
            .map_or(0, |configs| configs.sync.stored_at(kind))
    }

    /// Adds to the changes what the staged documents need to survive.
    pub(crate) fn keep_documents(&mut self) -> Result<(), StoreError> {
        let Some(own) = self.core.own_id() else {
            return Ok(());
        };
        for kind in ConfigKind::ALL {
            if let Some(document) = self.staged.get_mut(kind)
                && document.needs_dump()
            {
                let dump = document.dump().to_vec();
                self.put(Collection::Meta, keys::config(&own, kind), dump);
                self.staged.changed.insert(kind);
            }
        }
        let sync = self.staged.sync.clone();
        let before = self
            .core
            .state
            .borrow()
            .configs
            .as_ref()
            .map(|configs| configs.sync.clone());
        if sync.is_some() && sync != before {
            self.put(
                Collection::Meta,
                keys::SYNC.to_vec(),
                encode(&sync.unwrap_or_default())?,
            );
        }
        Ok(())
    }

    /// The memory follows the store.
    pub(crate) fn documents_kept(&mut self) {
        let staged = std::mem::take(&mut self.staged);
        let mut state = self.core.state.borrow_mut();
        let Some(configs) = &mut state.configs else {
            return;
        };
        let docs = &mut configs.docs;
        if let Some(profile) = staged.profile {
            docs.profile = profile;
        }
        if let Some(contacts) = staged.contacts {
            docs.contacts = contacts;
        }
        if let Some(groups) = staged.groups {
            docs.groups = groups;
        }
        if let Some(convos) = staged.convos {
            docs.convos = convos;
        }
        if let Some(sync) = staged.sync {
            configs.sync = sync;
        }
        configs.oversized.retain(|kind| !staged.changed.contains(kind));
        if configs.wants_push() {
            self.core.push.notify();
        }
        drop(state);
        self.core.tell_oversized();
    }
}
