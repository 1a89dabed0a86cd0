//! The return of an account to a new device: every node of its swarm is asked for the profile, then the mailbox is read as
//! always; what is told of it has happened (`spec/04-configs.md §15.5`, `spec/12-client-behaviour.md §2.3`).

use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use holdfast_protocol::account::Account;
use holdfast_protocol::config::ConfigKind;
use holdfast_protocol::message::name::clean_display_name;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, RetrieveReply};
use holdfast_protocol::swarm::request::{Request, Retrieve};
use holdfast_protocol::swarm::{Namespace, Signer};
use serde::{Deserialize, Serialize};

use crate::api::{Event, Failure, Reply, RestoreProgress, RestoreStage};
use crate::config::PROVISIONAL_MS;
use crate::core::{Core, State};
use crate::network::request::REQUEST_TIMEOUT;
use crate::ports::{Change, Collection, StoreError};
use crate::records::{Record, encode, keys};
use crate::work::Work;

/// How long the profile is looked for before the user is asked.
const LOOK_FOR: Duration = Duration::from_secs(15);
/// Pause between rounds of asking all nodes.
const PAUSE: Duration = Duration::from_secs(2);
/// How long to wait for a path before looking whether anything changed.
const PATH_WAIT: Duration = Duration::from_secs(5);
/// How long the first questions wait for network time, without which they may be refused.
const TIME_WAIT: Duration = Duration::from_secs(5);

/// Where a restore stands, in `Meta` under [`keys::RESTORE`] until it is complete. Counts are counted when they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestoreRecord {
    stage: RestoreStage,
    contacts_read: bool,
    groups_read: bool,
    mailbox_read: bool,
}

impl Record for RestoreRecord {}

impl RestoreRecord {
    pub(crate) const START: Self = Self {
        stage: RestoreStage::Connecting,
        contacts_read: false,
        groups_read: false,
        mailbox_read: false,
    };

    /// Whether the user can't be shown anything yet.
    fn looks(self) -> bool {
        matches!(
            self.stage,
            RestoreStage::Connecting
                | RestoreStage::FindingSwarm
                | RestoreStage::LookingForProfile
                | RestoreStage::NoProfile
        )
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl State {
    /// The progress as front ends see it.
    pub(crate) fn restore_progress(&self) -> Option<RestoreProgress> {
        let record = self.restore?;
        let configs = self.configs.as_ref()?;
        let name = self.account.as_ref().map(|account| account.record.name.clone());
        let contacts = configs
            .docs
            .contacts
            .contacts()
            .filter(|contact| contact.approved);
        Some(RestoreProgress {
            stage: record.stage,
            name: name.filter(|name| !name.is_empty()),
            contacts: record.contacts_read.then(|| count(contacts.count())),
            groups: record.groups_read.then(|| count(configs.group_count())),
            messages: self
                .conversations
                .values()
                .fold(0, |sum, held| sum.saturating_add(held.total)),
        })
    }

    /// Whether a profile was found, or a name chosen without one.
    fn is_named(&self) -> bool {
        let name = self.account.as_ref().map(|account| &account.record.name);
        name.is_some_and(|name| !name.is_empty())
    }
}

impl Core {
    /// Looks for the profile until it is found or the user goes on without.
    pub(crate) async fn run_restore(self: Rc<Self>, account: Rc<Account>) {
        if self.restore_record().is_none() {
            return;
        }
        while !self.path_ready(PATH_WAIT).await {}
        self.set_stage(RestoreStage::FindingSwarm).await;
        while self.members_of(&account.id()).is_empty() {
            let seen = self.net.changed.count();
            let changed = Box::pin(self.net.changed.passed(seen));
            let _: Either<_, _> = select(changed, self.ports.clock.sleep(PAUSE)).await;
        }
        if !self.time.is_known() {
            self.net.resync.notify();
            self.time_known(TIME_WAIT).await;
        }
        loop {
            let woken = self.wake.count();
            self.set_stage(RestoreStage::LookingForProfile).await;
            if !self.look_for_profile(&account).await {
                self.set_stage(RestoreStage::NoProfile).await;
            }
            // The mailbox is read meanwhile, and may hold the profile after all.
            while self.restore_record().is_some_and(RestoreRecord::looks) && self.wake.count() == woken {
                let wake = Box::pin(self.wake.passed(woken));
                let _: Either<_, _> = select(wake, self.ports.clock.sleep(PAUSE)).await;
            }
            if !self.restore_record().is_some_and(RestoreRecord::looks) {
                return;
            }
        }
    }

    /// Asks all nodes of the swarm for the profile, over and over; `false` when they answered and none has one.
    async fn look_for_profile(&self, account: &Account) -> bool {
        let start = self.ports.clock.monotonic_ms();
        let mut answered = false;
        loop {
            let members = self.members_of(&account.id());
            let mut asked: FuturesUnordered<_> = members
                .iter()
                .map(|node| self.ask_for_profile(account, node))
                .collect();
            let mut all = !members.is_empty();
            // To the end, even when the profile is found: an answer that is being taken in must not be cut off.
            while let Some(answer) = asked.next().await {
                answered |= answer;
                all &= answer;
            }
            if !self.restore_record().is_some_and(RestoreRecord::looks) {
                return true;
            }
            let waited = Duration::from_millis(self.ports.clock.monotonic_ms().saturating_sub(start));
            if all || (answered && waited >= LOOK_FOR) {
                return false;
            }
            self.sleep(PAUSE).await;
            if !self.restore_record().is_some_and(RestoreRecord::looks) {
                return true;
            }
        }
    }

    /// Asks one node for the profile and merges what it has; whether it answered.
    async fn ask_for_profile(&self, account: &Account, node: &ServiceNode) -> bool {
        let signer = Signer::Account(account.ed25519());
        let retrieve = Retrieve::new(account.id(), Namespace::USER_PROFILE, None);
        let request = Request::Retrieve(retrieve.signed(&signer, self.time.now()));
        let Ok(reply) = self.call(node, &request, REQUEST_TIMEOUT).await else {
            return false;
        };
        if reply.status != 200 {
            return false;
        }
        let Ok(page) = reply::parse::<RetrieveReply>(&reply.body) else {
            self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
            return false;
        };
        let taken = self
            .receive_configs(account, &node.ed25519, ConfigKind::UserProfile, &page.messages)
            .await;
        self.restore_went_on().await;
        taken.is_ok()
    }

    fn restore_record(&self) -> Option<RestoreRecord> {
        self.state.borrow().restore
    }

    /// Notes a step that has happened; the search for a profile does not go back once it is over.
    async fn set_stage(&self, stage: RestoreStage) {
        self.change_restore(|record| {
            if record.looks() {
                record.stage = stage;
            }
        })
        .await;
    }

    /// A node gave all that it had of a document.
    pub(crate) async fn document_read(&self, kind: ConfigKind) {
        self.change_restore(|record| match kind {
            ConfigKind::Contacts => record.contacts_read = true,
            ConfigKind::UserGroups => record.groups_read = true,
            ConfigKind::UserProfile | ConfigKind::ConvoInfoVolatile => {}
        })
        .await;
    }

    /// A node gave all that it had of everything.
    pub(crate) async fn mailbox_read(&self) {
        self.change_restore(|record| record.mailbox_read = true).await;
    }

    /// Something came in: names and counts may be others.
    pub(crate) async fn restore_went_on(&self) {
        self.change_restore(|_| {}).await;
    }

    /// Changes the record, draws the conclusions, and tells front ends.
    async fn change_restore(&self, change: impl FnOnce(&mut RestoreRecord)) {
        if self.restore_record().is_none() {
            return;
        }
        // The search for the profile and the poll both come here: neither may write over what the other noted meanwhile.
        let _turn = self.turn.lock().await;
        let Some(before) = self.restore_record() else {
            return;
        };
        let mut record = before;
        change(&mut record);
        if record.looks() && self.state.borrow().is_named() {
            record.stage = RestoreStage::ReadingMailbox;
        }
        if record.stage == RestoreStage::ReadingMailbox && record.mailbox_read {
            record.stage = RestoreStage::Complete;
        }
        if record != before && self.keep_restore(record).await.is_err() {
            // Told when it is kept: the next step tries again.
            return;
        }
        let told = {
            let mut state = self.state.borrow_mut();
            state.restore = Some(record);
            let progress = state.restore_progress();
            if record.stage == RestoreStage::Complete {
                state.restore = None;
            }
            let news = progress != state.restore_told;
            state.restore_told.clone_from(&progress);
            progress.filter(|_| news)
        };
        if let Some(progress) = told {
            self.emit(Event::Restore(progress));
        }
    }

    async fn keep_restore(&self, record: RestoreRecord) -> Result<(), StoreError> {
        let key = keys::RESTORE.to_vec();
        let change = if record.stage == RestoreStage::Complete {
            Change::Delete(Collection::Meta, key)
        } else {
            Change::Put(Collection::Meta, key, encode(&record)?)
        };
        let result = self.ports.store.commit(vec![change]).await;
        self.note_store(&result);
        result
    }

    /// Goes on with a name of the user's while no profile was found. A real profile that comes later takes its place.
    pub(crate) async fn continue_without_profile(&self, name: &str) -> Result<Reply, Failure> {
        let name = clean_display_name(name)?;
        self.require_account()?;
        let mut work = Work::begin(self).await;
        if self.state.borrow().is_named() {
            // Found meanwhile, or the same command again.
            return Ok(Reply::Done);
        }
        if !self.restore_record().is_some_and(RestoreRecord::looks) {
            return Err(Failure::NotAllowed);
        }
        if let Some(record) = work.account_record() {
            record.name = name;
            record.name_changed = PROVISIONAL_MS / 1_000;
        }
        if let Some(sync) = work.sync() {
            sync.provisional = true;
        }
        work.write_provisional_name();
        work.commit().await?;
        self.restore_went_on().await;
        Ok(Reply::Done)
    }
}
