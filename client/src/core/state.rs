//! What the engine holds in memory of what the store keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::SenderCache;

use crate::Options;
use crate::api::{Conversation, MessageId, MessageState, Place, Preview, RestoreProgress, Standing};
use crate::config::Configs;
use crate::files::Files;
use crate::ports::StoreError;
use crate::records::{
    AccountRecord, ContactRecord, ConversationRecord, Counters, JobRecord, OutboxRecord, decode, keys,
};
use crate::restore::RestoreRecord;
use crate::typing::{Typed, Typing};

/// What the engine holds in memory of what the store keeps.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) account: Option<OwnAccount>,
    /// There as long as the account is.
    pub(crate) configs: Option<Configs>,
    /// While a restored account is on its way back.
    pub(crate) restore: Option<RestoreRecord>,
    /// What front ends know of that.
    pub(crate) restore_told: Option<RestoreProgress>,
    pub(crate) counters: Counters,
    pub(crate) conversations: HashMap<Id, ConversationRecord>,
    pub(crate) contacts: HashMap<Id, ContactRecord>,
    pub(crate) preferences: BTreeMap<String, String>,
    pub(crate) outbox: BTreeMap<MessageId, OutboxRecord>,
    /// Messages on their way at this moment: not worth a write to the store.
    pub(crate) sending: HashSet<MessageId>,
    /// Entries of the outbox that wait until then, on the monotonic clock, after attempts that failed.
    pub(crate) postponed: HashMap<MessageId, u64>,
    /// Sent times that were corrected since the start: before and after.
    pub(crate) moved: Vec<(u64, u64)>,
    /// When messages disappear, Unix milliseconds.
    pub(crate) expiring: BTreeSet<(u64, MessageId)>,
    /// What is to be done on the own swarm, by number.
    pub(crate) jobs: BTreeMap<u64, JobRecord>,
    /// When own reactions were sent, on the monotonic clock.
    pub(crate) reacted: Vec<u64>,
    /// Where the user is typing.
    pub(crate) typing: HashMap<Id, Typing>,
    /// Who else is.
    pub(crate) typed: HashMap<Id, Typed>,
    /// Receipts to send, as sent times of messages, by contact.
    pub(crate) receipts: BTreeMap<Id, Vec<u64>>,
    /// Files that are here or wanted.
    pub(crate) files: Files,
    /// Older messages are not taken ([`crate::Options::recent`]).
    pub(crate) only_recent: bool,
    pub(crate) last_poll: Option<u64>,
    pub(crate) polling_works: bool,
    /// The mailbox has yet to be read to its end ([`crate::api::NetworkStatus::catching_up`]).
    pub(crate) catching_up: bool,
    pub(crate) unreadable: u32,
    /// Whoever a message came from since the start: it forgets with the account.
    pub(crate) senders: SenderCache,
}

impl State {
    /// Before anything is loaded, and after everything was removed.
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            only_recent: options.recent.is_some(),
            ..Self::default()
        }
    }
}

/// The account with its keys.
pub(crate) struct OwnAccount {
    pub(crate) record: AccountRecord,
    pub(crate) keys: Rc<Account>,
}

impl State {
    /// A conversation as front ends see it.
    pub(crate) fn show(&self, id: Id, record: &ConversationRecord) -> Conversation {
        let note_to_self = self
            .account
            .as_ref()
            .is_some_and(|account| account.keys.id() == id);
        let none = ContactRecord::default();
        let contact = self.contacts.get(&id).unwrap_or(&none);
        let standing = if note_to_self {
            Standing::Own
        } else {
            contact.standing()
        };
        let place = match standing {
            Standing::Blocked => Place::Blocked,
            _ if !record.visible || contact.priority < 0 => Place::Hidden,
            // Nobody has written anything lately.
            _ if self.only_recent && record.newest.is_none() && record.draft.is_empty() => Place::Hidden,
            Standing::IncomingRequest => Place::Requests,
            _ => Place::List,
        };
        Conversation {
            id,
            name: contact.name.clone(),
            nickname: contact.nickname.clone(),
            note_to_self,
            standing,
            place,
            priority: contact.priority,
            notify: contact.notify,
            muted_until: Some(contact.muted_until).filter(|until| *until != 0),
            disappearing: contact.disappearing,
            draft: (!record.draft.is_empty()).then(|| record.draft.clone()),
            staged: self.files.staged(&id),
            picture: self.files.picture(&id, contact.picture.as_ref()),
            auto_load: record.auto_load || note_to_self,
            marked_unread: record.marked_unread,
            preview: record.newest.as_ref().map(|newest| Preview {
                text: newest.text.clone(),
                files: newest.files,
                kind: newest.kind,
                outgoing: newest.outgoing,
                state: self.shown_state(newest.position.id, newest.state),
                sent_at: newest.position.sent_at,
            }),
            unread: record.unread,
            read_up_to: record.read_up_to,
            active_at: record.active_at,
        }
    }

    /// The own account as front ends see it.
    pub(crate) fn own_shown(&self) -> Option<crate::api::Account> {
        let account = self.account.as_ref()?;
        Some(crate::account::shown(account, &self.files))
    }

    /// Whether front ends hear of a conversation: what was only looked at is none of theirs.
    pub(crate) fn is_listed(&self, id: &Id, record: &ConversationRecord) -> bool {
        record.visible || self.contacts.get(id).is_some_and(ContactRecord::is_shared)
    }

    /// Takes up an entry of what has to be done.
    pub(crate) fn take_due(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        match keys::read_due(key)? {
            (b'e', number) => {
                let at = u64::from_be_bytes(value.try_into().map_err(|_| StoreError::Damaged)?);
                self.expiring.insert((at, keys::read_number(number)?));
            }
            (b'j', number) => {
                self.jobs.insert(keys::read_number(number)?.0, decode(value)?);
            }
            (b'r', contact) => {
                self.receipts.insert(keys::read_id(contact)?, decode(value)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// How the own account and another stand to each other.
    pub(crate) fn standing(&self, id: &Id) -> Standing {
        if self.account.as_ref().is_some_and(|own| own.keys.id() == *id) {
            Standing::Own
        } else {
            self.contacts
                .get(id)
                .map_or(Standing::Fresh, ContactRecord::standing)
        }
    }

    pub(crate) fn shown_state(&self, id: MessageId, state: MessageState) -> MessageState {
        match state {
            MessageState::Queued if self.sending.contains(&id) => MessageState::Sending,
            other => other,
        }
    }
}
