//! What all parts of the engine share: ports, the state in memory, and the ways to tell front ends of changes.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::lock::Mutex;
use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::config::AccountConfigs;
use holdfast_protocol::message::SenderCache;

use crate::api::{
    Conversation, Event, Failure, Message, MessageId, MessageKind, MessageState, NetworkStatus, Place,
    Position, Preview, RestoreProgress, Standing, Trouble,
};
use crate::backup::Backups;
use crate::clearing::{Clearings, Veil};
use crate::config::Configs;
use crate::driver::{Signal, Spawner, TaskGuard};
use crate::engine::Options;
use crate::files::Files;
use crate::network::Net;
use crate::network::time::NetworkTime;
use crate::ports::{Collection, Ports, Scan, Store, StoreError};
use crate::profile::NetworkProfile;
use crate::records::{
    AccountRecord, ContactRecord, ConversationRecord, Counters, JobRecord, MessageRecord, OutboxRecord,
    PREVIEW_CHARS, decode, keys, summary,
};
use crate::search::Search;
use crate::transfer::Transfers;
use crate::typing::{Typed, Typing};

use crate::restore::RestoreRecord;

/// See the module's description. Everything runs on one thread; no `RefCell` borrow is held across an await.
pub(crate) struct Core {
    /// The store among them passes over messages that are to go.
    pub(crate) ports: Ports,
    /// The store with them.
    pub(crate) whole_store: Rc<dyn Store>,
    /// Messages that are to go.
    pub(crate) clearings: Rc<Clearings>,
    /// Messages are to be removed.
    pub(crate) clear: Signal,
    pub(crate) profile: NetworkProfile,
    pub(crate) options: Options,
    pub(crate) spawner: Spawner,
    pub(crate) state: RefCell<State>,
    /// Units of work on the store take turns.
    pub(crate) turn: Mutex<()>,
    pub(crate) time: NetworkTime,
    pub(crate) net: Net,
    /// Poll at once.
    pub(crate) wake: Signal,
    /// Network time was measured.
    pub(crate) clock_measured: Signal,
    /// The outbox has something new to do.
    pub(crate) outbox: Signal,
    /// There is something new to do at a time or on the own swarm.
    pub(crate) due: Signal,
    /// The texts of messages, while somebody searches.
    pub(crate) search: Search,
    /// A config waits to be pushed.
    pub(crate) push: Signal,
    /// A file is to be sent or fetched.
    pub(crate) files: Signal,
    /// Backup files that are being made or read.
    pub(crate) backups: RefCell<Backups>,
    /// The account is asked for, or given to another device.
    pub(crate) transfers: RefCell<Transfers>,
    /// Tasks that end with the account.
    pub(crate) session: RefCell<Vec<TaskGuard>>,
    broadcast: Broadcast,
    status: RefCell<NetworkStatus>,
    troubles: RefCell<Vec<Trouble>>,
}

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
    pub(crate) last_poll: Option<u64>,
    pub(crate) polling_works: bool,
    pub(crate) unreadable: u32,
    /// Whoever a message came from since the start: it forgets with the account.
    pub(crate) senders: SenderCache,
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

impl Core {
    pub(crate) fn new(ports: Ports, profile: NetworkProfile, options: Options, spawner: Spawner) -> Rc<Self> {
        let time = NetworkTime::new(ports.clock.clone());
        let net = Net::new(&profile);
        let status = NetworkStatus {
            network: profile.name.clone(),
            ..NetworkStatus::default()
        };
        let clearings = Rc::new(Clearings::default());
        let whole_store = ports.store.clone();
        let ports = Ports {
            store: Rc::new(Veil::new(whole_store.clone(), clearings.clone())),
            ..ports
        };
        Rc::new(Self {
            ports,
            whole_store,
            clearings,
            clear: Signal::default(),
            profile,
            options,
            spawner,
            state: RefCell::default(),
            turn: Mutex::new(()),
            time,
            net,
            wake: Signal::default(),
            clock_measured: Signal::default(),
            outbox: Signal::default(),
            due: Signal::default(),
            search: Search::default(),
            push: Signal::default(),
            files: Signal::default(),
            backups: RefCell::default(),
            transfers: RefCell::default(),
            session: RefCell::default(),
            broadcast: Broadcast::default(),
            status: RefCell::new(status),
            troubles: RefCell::default(),
        })
    }

    /// The account's keys.
    pub(crate) fn account(&self) -> Option<Rc<Account>> {
        self.state
            .borrow()
            .account
            .as_ref()
            .map(|account| account.keys.clone())
    }

    /// The own id.
    pub(crate) fn own_id(&self) -> Option<Id> {
        self.account().map(|account| account.id())
    }

    /// The account's keys, or the failure that there are none.
    pub(crate) fn require_account(&self) -> Result<Rc<Account>, Failure> {
        self.account().ok_or(Failure::NoAccount)
    }

    /// Reads the documents of the account; `None` without one.
    pub(crate) fn read_configs<T>(&self, read: impl FnOnce(&AccountConfigs) -> T) -> Option<T> {
        let state = self.state.borrow();
        state.configs.as_ref().map(|configs| read(&configs.docs))
    }

    /// Secure randomness in the form that the protocol crate takes.
    pub(crate) fn rng(&self) -> PortRng {
        PortRng(self.ports.rng.clone())
    }

    /// A number below `bound`; 0 when there is nothing to choose.
    pub(crate) fn random_below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.ports.rng.fill(&mut bytes);
        // The bias of a 64-bit remainder over a few thousand nodes is far below anything that could be seen.
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        u64::from_le_bytes(bytes)
            .checked_rem(bound)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0)
    }

    /// Puts a list into random order.
    pub(crate) fn shuffle<T>(&self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.random_below(end + 1));
        }
    }

    /// A duration within half and one and a half times the given one, so that clients do not act in step.
    pub(crate) fn jitter(&self, around: Duration) -> Duration {
        let thousandths = u32::try_from(500 + self.random_below(1_001)).unwrap_or(1_000);
        around.saturating_mul(thousandths) / 1_000
    }

    /// Waits, through the clock port.
    pub(crate) async fn sleep(&self, duration: Duration) {
        self.ports.clock.sleep(duration).await;
    }

    /// Tells all front ends.
    pub(crate) fn emit(&self, event: Event) {
        self.search.hear(&event);
        self.broadcast.send(&event);
    }

    /// A new listener.
    pub(crate) fn subscribe(&self) -> mpsc::UnboundedReceiver<Event> {
        self.broadcast.subscribe()
    }

    /// All conversations and contacts: pinned ones first, then newest activity first.
    pub(crate) fn conversations(&self) -> Vec<Conversation> {
        let state = self.state.borrow();
        let none = ConversationRecord::new();
        let only_contacts = state
            .contacts
            .keys()
            .filter(|id| !state.conversations.contains_key(id))
            .map(|id| (id, &none));
        let mut all: Vec<_> = state
            .conversations
            .iter()
            .chain(only_contacts)
            .filter(|(id, record)| state.is_listed(id, record))
            .map(|(id, record)| state.show(*id, record))
            .collect();
        let order = |one: &Conversation| (Reverse(one.priority.max(0)), Reverse(one.active_at), one.id);
        all.sort_by_cached_key(order);
        all
    }

    /// Tells front ends of a conversation as it is now.
    pub(crate) fn emit_conversation(&self, id: &Id) {
        let event = {
            let state = self.state.borrow();
            state
                .conversations
                .get(id)
                .filter(|record| state.is_listed(id, record))
                .map(|record| Event::Conversation(state.show(*id, record)))
        };
        if let Some(event) = event {
            self.emit(event);
        }
    }

    /// Marks a message as on its way or not any more, and says so. The store is not touched.
    pub(crate) async fn set_sending(&self, conversation: &Id, position: Position, sending: bool) {
        let changed = {
            let mut state = self.state.borrow_mut();
            if sending {
                state.sending.insert(position.id)
            } else {
                state.sending.remove(&position.id)
            }
        };
        if !changed {
            return;
        }
        if let Ok(Some(message)) = self.message_at(conversation, position).await {
            self.emit(Event::Message(message));
            self.emit_conversation(conversation);
        }
    }

    /// The message at a position.
    pub(crate) async fn message_at(
        &self,
        conversation: &Id,
        position: Position,
    ) -> Result<Option<Message>, StoreError> {
        let end = Position {
            id: MessageId(position.id.0.saturating_add(1)),
            ..position
        };
        Ok(self
            .scan_messages(conversation, Some(position), Some(end), false, 1)
            .await?
            .pop())
    }

    /// How many messages a conversation has.
    fn total(&self, conversation: &Id) -> usize {
        let state = self.state.borrow();
        let held = state.conversations.get(conversation);
        usize::try_from(held.map_or(0, |held| held.total)).unwrap_or(usize::MAX)
    }

    /// Stored messages of a conversation from a position (inclusive) to another (exclusive).
    pub(crate) async fn scan_messages(
        &self,
        conversation: &Id,
        from: Option<Position>,
        to: Option<Position>,
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        // Where an old history is going, what is left is found without reading through all of that.
        let limit = match self.clearings.of(conversation) {
            Some(_) => limit.min(self.total(conversation)),
            None => limit,
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let scan = Scan {
            collection: Collection::Messages,
            from: keys::message(conversation, from.unwrap_or(Position::FIRST)),
            to: Some(keys::message(conversation, to.unwrap_or(Position::LAST))),
            reverse,
            limit,
        };
        let entries = self.ports.store.scan(scan).await?;
        let mut messages = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let (conversation, position) = keys::read_message(&key)?;
            let record: MessageRecord = decode(&value)?;
            let state = self.state.borrow();
            let mut message = record.shown(conversation, position, &state.files);
            message.state = state.shown_state(message.id, message.state);
            messages.push(message);
        }
        self.resolve_quotes(&mut messages).await?;
        Ok(messages)
    }

    /// Fills in what messages answer, where that is here. What was deleted is not quoted any more.
    pub(crate) async fn resolve_quotes(&self, messages: &mut [Message]) -> Result<(), StoreError> {
        let answers: Vec<_> = messages
            .iter_mut()
            .filter_map(|message| Some((message.conversation, message.quote.as_mut()?)))
            .collect();
        if answers.is_empty() {
            return Ok(());
        }
        let store = &self.ports.store;
        let wanted = answers
            .iter()
            .map(|(conversation, quote)| keys::by_author(conversation, &quote.author, quote.sent_at))
            .collect();
        let mut found = Vec::new();
        for ((conversation, quote), number) in answers
            .into_iter()
            .zip(store.get_many(Collection::MessageIndex, wanted).await?)
        {
            if let Some(number) = number {
                let position = Position {
                    sent_at: quote.sent_at,
                    id: keys::read_number(&number)?,
                };
                found.push((keys::message(&conversation, position), position.id, quote));
            }
        }
        let wanted = found.iter().map(|(key, ..)| key.clone()).collect();
        let values = store.get_many(Collection::Messages, wanted).await?;
        for ((_, id, quote), value) in found.into_iter().zip(values) {
            let Some(value) = value else { continue };
            let record: MessageRecord = decode(&value)?;
            if record.kind == MessageKind::Text {
                quote.found = Some(id);
                quote.text = record.body.chars().take(PREVIEW_CHARS).collect();
                quote.files = summary(&record.files);
            }
        }
        Ok(())
    }

    /// Everything that stands in the way now.
    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        self.troubles.borrow().clone()
    }

    /// Something stands in the way.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        if self.troubles.borrow().contains(&trouble) {
            return;
        }
        let same_kind = |other: &Trouble| std::mem::discriminant(other) == std::mem::discriminant(&trouble);
        let replaced: Vec<_> = self.troubles.borrow().iter().copied().filter(same_kind).collect();
        for old in replaced {
            self.trouble_over(old);
        }
        self.troubles.borrow_mut().push(trouble);
        self.emit(Event::Trouble(trouble));
    }

    /// It does not any more; nothing happens when it did not.
    pub(crate) fn trouble_over(&self, trouble: Trouble) {
        let before = self.troubles.borrow().len();
        self.troubles.borrow_mut().retain(|other| *other != trouble);
        if self.troubles.borrow().len() < before {
            self.emit(Event::TroubleOver(trouble));
        }
    }

    /// Any trouble with the clock is over.
    pub(crate) fn clock_trouble_over(&self) {
        for trouble in self.troubles() {
            if matches!(trouble, Trouble::ClockWrong { .. }) {
                self.trouble_over(trouble);
            }
        }
    }

    /// Learns from how a commit went.
    pub(crate) fn note_store(&self, result: &Result<(), StoreError>) {
        match result {
            Ok(()) => {
                self.trouble_over(Trouble::StorageFull);
                self.trouble_over(Trouble::StorageLost);
            }
            Err(StoreError::Full) => self.trouble(Trouble::StorageFull),
            Err(StoreError::Gone(_)) => self.trouble(Trouble::StorageLost),
            Err(StoreError::Damaged | StoreError::Other(_)) => {}
        }
    }

    /// The network's state as front ends see it.
    pub(crate) fn network_status(&self) -> NetworkStatus {
        let mut status = NetworkStatus {
            network: self.profile.name.clone(),
            gateway: self.gateway_shown(),
            clock_offset_ms: self.time.offset(),
            files: self.profile.files.is_some(),
            previews: self.profile.previews.is_some() && self.profile.files.is_some(),
            ..NetworkStatus::default()
        };
        self.net.describe(&mut status);
        let state = self.state.borrow();
        status.connected = state.polling_works;
        status.last_poll = state.last_poll;
        status.unreadable = state.unreadable;
        status.outbox = u32::try_from(state.outbox.len()).unwrap_or(u32::MAX);
        status
    }

    fn gateway_shown(&self) -> Option<String> {
        if self.profile.direct {
            return None;
        }
        let gateway = self.net.gateway(&self.profile)?;
        Some(gateway.trim_end_matches('/').to_owned())
    }

    /// Tells front ends of the network's state when it has changed.
    pub(crate) fn refresh_status(&self) {
        let status = self.network_status();
        if *self.status.borrow() == status {
            return;
        }
        *self.status.borrow_mut() = status.clone();
        self.emit(Event::Network(status));
    }
}

/// Gives every listener every event, in order.
#[derive(Default)]
struct Broadcast {
    listeners: RefCell<Vec<mpsc::UnboundedSender<Event>>>,
}

impl Broadcast {
    fn subscribe(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, receiver) = mpsc::unbounded();
        self.listeners.borrow_mut().push(sender);
        receiver
    }

    fn send(&self, event: &Event) {
        self.listeners
            .borrow_mut()
            .retain(|listener| listener.unbounded_send(event.clone()).is_ok());
    }
}

/// The randomness port as the protocol crate's generator.
pub(crate) struct PortRng(Rc<dyn crate::ports::Rng>);

impl rand_core::TryRng for PortRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for PortRng {}
