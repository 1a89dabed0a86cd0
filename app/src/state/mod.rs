//! What outlives a screen: the account, its conversations, the network's state, choices, drafts.
//!
//! One [`AppState`] lives as long as the page. The engine's events feed its signals; screens read them and call its
//! methods.

pub(crate) mod attach;
pub(crate) mod backup;
pub(crate) mod conversations;
pub(crate) mod early;
mod ending;
pub(crate) mod files;
mod following;
mod forgetting;
pub(crate) mod identity;
pub(crate) mod invite;
pub(crate) mod lock;
pub(crate) mod nav;
pub(crate) mod notify;
pub(crate) mod phrase_input;
pub(crate) mod playback;
pub(crate) mod preferences;
pub(crate) mod reel;
pub(crate) mod releases;
pub(crate) mod reminder;
pub(crate) mod safe;
pub(crate) mod share;
pub(crate) mod text;
pub(crate) mod timeline;
pub(crate) mod transfer;
pub(crate) mod watch;

use std::collections::HashMap;
use std::rc::Rc;

use holdfast_client::api::{
    Account, Command, Conversation, Event, Message, MessageId, NetworkStatus, Position, Reply,
    RestoreProgress, RestoreStage, Snapshot, Trouble,
};
use holdfast_protocol::account::{Id, Seed};
use leptos::prelude::*;
use leptos::reactive::graph::untrack;
use leptos::task::spawn_local;
use web_sys::{Blob, MessagePort};

use crate::engine::jobs::{Job, JobId, News};
use crate::engine::{EngineLink, LinkError};
use crate::i18n::t;
use crate::platform::session::{self, StartError, StorageMode};
use crate::platform::{frame, kiosk};
use crate::screens::files::FileAsk;
use crate::screens::restoring::all_back;
use crate::screens::viewer::Look;
use attach::Attach;
use backup::Backups;
use conversations::Conversations;
use files::Files;
use invite::Invite;
use lock::Lock;
use nav::{Nav, Route};
use notify::Notifier;
use playback::Playback;
use preferences::Preferences;
use releases::Releases;
use share::Shares;
use transfer::Transfers;

/// Where the page is between opening and use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The engine starts, or the first state is on its way.
    Opening,
    /// There is no account: the start screens.
    Start,
    /// An account is open.
    Ready,
    /// There is an account, behind a lock.
    Locked,
    /// It can't go on; why.
    Stopped(Stop),
    /// The session is over; a fresh page follows.
    Ended,
}

/// Why the page can't go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The engine could not be started.
    Start(StartError),
    /// The engine went away.
    EngineLost,
}

/// Something that is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Block an account; its request or conversation leaves the lists.
    Block(Id),
    /// Take an account off the blocked contacts.
    Unblock(Id),
    /// Decline a message request.
    Decline(Id),
    /// Decline all message requests.
    DeclineAll,
    /// Remove the messages of a conversation from this device.
    Clear(Id),
    /// Remove a conversation with its messages.
    DeleteConversation(Id),
    /// Remove a contact with its conversation.
    DeleteContact(Id),
    /// Choose a nickname.
    Nickname(Id),
}

/// What happens to the messages of a conversation.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// New or changed.
    Put(Box<Message>),
    /// Removed.
    Removed(MessageId),
    /// Another engine took over: read the window again.
    Reread,
}

/// A message to be shown in its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its conversation.
    pub conversation: Id,
    /// Its place there.
    pub place: Position,
    /// The words it was found by, to be marked.
    pub words: String,
}

type Watcher = Rc<dyn Fn(&Change)>;

/// A seed on its way from the phrase to the restored account.
#[derive(Clone, Default)]
struct Pending {
    seed: Option<Seed>,
}

/// The page's state; copies are the same state.
#[derive(Clone, Copy)]
pub(crate) struct AppState {
    /// Where the page is between opening and use.
    pub phase: RwSignal<Phase>,
    /// Which screen is shown.
    pub nav: Nav,
    /// Where the account is kept; decided on the start screens.
    pub mode: RwSignal<StorageMode>,
    /// The own account.
    pub account: RwSignal<Option<Account>>,
    /// All conversations and contacts, in the order of the list.
    pub conversations: Conversations,
    /// Where the return of a restored account stands; `None` for others and once everything is back.
    pub restore: RwSignal<Option<RestoreProgress>>,
    /// Who types at this moment.
    pub typing: RwSignal<Vec<Id>>,
    /// The network's state.
    pub network: RwSignal<NetworkStatus>,
    /// What stands in the way now.
    pub troubles: RwSignal<Vec<Trouble>>,
    /// The user's choices.
    pub preferences: Preferences,
    /// Notifications of the browser.
    pub notifier: Notifier,
    /// A short notice at the edge of the page; counted, so that the same one can come twice.
    pub toast: RwSignal<Option<(u32, String)>>,
    /// A message that the conversation's screen is to go to.
    pub target: RwSignal<Option<Target>>,
    /// What a screen reader is told now.
    pub announcement: RwSignal<String>,
    /// The contact link that is followed: its chat opens as soon as there is an account.
    pub invite: RwSignal<Option<Invite>>,
    /// A question that waits for the user's answer.
    pub question: RwSignal<Option<Question>>,
    /// An address that waits for the user's consent to open it.
    pub leaving_to: RwSignal<Option<String>>,
    /// Files on their way into messages.
    pub attach: Attach,
    /// Backup files that are being made or brought back.
    pub backups: Backups,
    /// What another app shared, until a conversation was chosen for it.
    pub share: Shares,
    /// The account on its way from another device, or to one.
    pub transfer: Transfers,
    /// The release of the app that runs, and newer ones.
    pub releases: Releases,
    /// Files that are shown, and pictures of people.
    pub files: Files,
    /// The recording that plays.
    pub playback: Playback,
    /// The lock of this device.
    pub lock: Lock,
    /// A question about files.
    pub file_ask: RwSignal<Option<FileAsk>>,
    /// What the viewer shows.
    pub look: RwSignal<Option<Look>>,
    drafts: RwSignal<HashMap<Id, String>>,
    link: StoredValue<Option<EngineLink>, LocalStorage>,
    /// Counts the engines that were started: events of an earlier one are not ours.
    starts: StoredValue<u32>,
    watchers: StoredValue<Vec<(Id, Watcher)>, LocalStorage>,
    pending: StoredValue<Pending, LocalStorage>,
    /// The start screen that follows when the account has left this device.
    after_leaving: StoredValue<Option<Route>>,
}

impl AppState {
    /// A fresh state, before anything is known.
    pub(crate) fn new() -> Self {
        Self {
            phase: RwSignal::new(Phase::Opening),
            nav: Nav::new(Route::Welcome),
            mode: RwSignal::new(if kiosk::is_on() {
                StorageMode::SharedComputer
            } else {
                StorageMode::OwnDevice
            }),
            account: RwSignal::new(None),
            conversations: Conversations::new(),
            restore: RwSignal::new(None),
            typing: RwSignal::new(Vec::new()),
            network: RwSignal::new(NetworkStatus::default()),
            troubles: RwSignal::new(Vec::new()),
            preferences: Preferences::early(),
            notifier: Notifier::new(),
            toast: RwSignal::new(None),
            target: RwSignal::new(None),
            announcement: RwSignal::new(String::new()),
            invite: RwSignal::new(None),
            question: RwSignal::new(None),
            leaving_to: RwSignal::new(None),
            attach: Attach::new(),
            backups: Backups::new(),
            share: Shares::new(),
            transfer: Transfers::new(),
            releases: Releases::new(),
            files: Files::new(),
            playback: Playback::new(),
            lock: Lock::new(),
            file_ask: RwSignal::new(None),
            look: RwSignal::new(None),
            drafts: RwSignal::new(HashMap::new()),
            link: StoredValue::new_local(None),
            starts: StoredValue::new(0),
            watchers: StoredValue::new_local(Vec::new()),
            pending: StoredValue::new_local(Pending::default()),
            after_leaving: StoredValue::new(None),
        }
    }

    /// The state of the page that this is called in.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// Opens the account of this device, if there is one; else the start screens.
    pub(crate) async fn open(self) {
        // In a frame of another page no account of this device is opened, whatever the browser lets the frame read.
        if frame::is_framed() || !session::existing() {
            self.phase.set(Phase::Start);
            return;
        }
        match self.start_engine(StorageMode::OwnDevice).await {
            Ok(Some(snapshot)) => self.take_snapshot(snapshot),
            // The lock screen.
            Ok(None) => {}
            Err(stop) => self.phase.set(Phase::Stopped(stop)),
        }
    }

    /// Starts the engine and reads its state; `None` if it is locked, and then that is shown.
    async fn start_engine(self, mode: StorageMode) -> Result<Option<Box<Snapshot>>, Stop> {
        let link = session::start(mode).await.map_err(Stop::Start)?;
        let start = self.starts.get_value() + 1;
        self.starts.set_value(start);
        link.on_event(move |event| {
            if self.starts.get_value() == start {
                self.hear(event);
            }
        });
        link.on_turn(move |turn| {
            if self.starts.get_value() == start {
                self.hear_turn(turn);
            }
        });
        self.mode.set(mode);
        self.link.set_value(Some(link.clone()));
        if let Some(view) = link.locked() {
            self.show_lock(view);
            return Ok(None);
        }
        match link.request(Command::Snapshot).await {
            Ok(Reply::Snapshot(snapshot)) => Ok(Some(snapshot)),
            Ok(_) | Err(LinkError::Lost) => Err(Stop::EngineLost),
            Err(LinkError::Failed(failure)) => Err(Stop::Start(StartError::Failed(failure.to_string()))),
        }
    }

    /// Makes a new account, or takes up the one whose phrase was given, in the storage that was chosen.
    pub(crate) async fn enter(self, name: String, restore: bool) -> Result<(), LinkError> {
        if !self.engine_stands().await {
            return Ok(());
        }
        let seed = self.pending.with_value(|pending| pending.seed.clone());
        let command = match seed {
            Some(seed) if restore => Command::RestoreAccount {
                seed,
                name: (!name.trim().is_empty()).then_some(name),
            },
            _ => Command::CreateAccount { name },
        };
        if let Reply::Snapshot(snapshot) = self.request(command).await? {
            self.pending.set_value(Pending::default());
            self.take_snapshot(snapshot);
            if restore {
                reminder::phrase_checked(self);
            }
            self.keep_choices(restore);
        }
        Ok(())
    }

    /// Starts an engine over the storage that was chosen, unless one runs. Whether it takes commands; if not, the page shows
    /// why.
    async fn engine_stands(self) -> bool {
        let mode = self.mode.get_untracked();
        // An engine that was started over an empty store keeps what it is told where its user did not choose.
        let fits = self
            .link
            .with_value(|link| link.as_ref().is_some_and(|link| link.mode() == mode));
        if fits {
            return true;
        }
        match self.start_engine(mode).await {
            // If not, there is an account after all, behind a lock.
            Ok(found) => found.is_some(),
            Err(stop) => {
                self.phase.set(Phase::Stopped(stop));
                false
            }
        }
    }

    /// Keeps what was chosen before there was an account. One that came back may have a backup file somewhere.
    fn keep_choices(self, came_back: bool) {
        if came_back {
            self.set_preference(preferences::key::OFFER_BACKUP, "1");
        }
        let preferences = self.preferences;
        let theme = preferences.theme.get_untracked().name();
        self.set_preference(preferences::key::THEME, theme);
        let language = preferences.language.get_untracked();
        self.set_preference(preferences::key::LANGUAGE, &language);
    }

    /// Keeps the seed of the account to restore, until it is taken up or given up.
    pub(crate) fn keep_seed(self, seed: Option<Seed>) {
        self.pending.set_value(Pending { seed });
    }

    /// Looks at the seed of the account to restore.
    pub(crate) fn kept_seed(self) -> Option<Seed> {
        self.pending.with_value(|pending| pending.seed.clone())
    }

    fn take_snapshot(self, snapshot: Box<Snapshot>) {
        let known = snapshot.account.is_some();
        self.replace_all(snapshot);
        self.nav.reset(if known { Route::Home } else { Route::Welcome });
        self.phase.set(if known { Phase::Ready } else { Phase::Start });
        if known && self.mode.get_untracked() == StorageMode::OwnDevice {
            spawn_local(self.releases.keep());
        }
        if known {
            self.accept_invite();
            self.accept_transfer();
        }
    }

    fn replace_all(self, snapshot: Box<Snapshot>) {
        let snapshot = *snapshot;
        for (name, value) in &snapshot.preferences {
            self.preferences.take(name, value);
        }
        self.network.set(snapshot.network);
        self.troubles.set(snapshot.troubles);
        self.conversations.replace(snapshot.conversations);
        self.account.set(snapshot.account);
        self.restore.set(snapshot.restore);
        self.typing.set(Vec::new());
    }

    fn hear(self, event: Event) {
        match event {
            Event::Account(account) => self.account.set(Some(account)),
            Event::Conversation(conversation) => self.conversations.put(conversation),
            Event::Message(message) => {
                let conversation = message.conversation;
                self.files.follow(&message);
                self.tell_watchers(Some(conversation), &Change::Put(Box::new(message)));
            }
            Event::MessageRemoved { conversation, id } => {
                self.tell_watchers(Some(conversation), &Change::Removed(id));
            }
            Event::Transfer(transfer) => self.files.hear(&transfer),
            Event::AccountTransfer(stage) => self.transfer.hear(stage),
            Event::Network(status) => self.network.set(status),
            Event::Preference { key, value } => self.preferences.take(&key, &value),
            Event::Trouble(trouble) => self.troubles.update(|all| {
                all.retain(|t| std::mem::discriminant(t) != std::mem::discriminant(&trouble));
                all.push(trouble);
            }),
            Event::TroubleOver(trouble) => self.troubles.update(|all| {
                all.retain(|t| std::mem::discriminant(t) != std::mem::discriminant(&trouble));
            }),
            Event::Reloaded(snapshot) => {
                self.replace_all(snapshot);
                self.tell_watchers(None, &Change::Reread);
                self.transfer.lose();
            }
            Event::ConversationRemoved(id) => self.remove_conversation(id),
            Event::MessagesCleared { conversation } => {
                self.tell_watchers(Some(conversation), &Change::Reread)
            }
            // What goes is out of sight already.
            Event::Clearing { .. } => {}
            Event::Typing { conversation, typing } => self.typing.update(|all| {
                all.retain(|id| *id != conversation);
                if typing {
                    all.push(conversation);
                }
            }),
            Event::Restore(progress) => {
                let complete = progress.stage == RestoreStage::Complete;
                if complete {
                    self.show_toast(all_back(&progress));
                }
                self.restore.set((!complete).then_some(progress));
            }
            Event::Notify {
                conversation,
                message,
                reaction,
            } => self.notifier.tell(self, conversation, message, reaction),
            Event::LoggedOut => self.forget_account(),
        }
    }

    /// Drops a conversation; its screen, if open, gives way to the list.
    fn remove_conversation(self, id: Id) {
        self.conversations.remove(id);
        if self.nav.current_untracked().conversation() == Some(id) {
            self.nav.reset(Route::Home);
        }
    }

    /// A conversation as it is now.
    pub(crate) fn conversation(self, id: Id) -> Option<Conversation> {
        self.conversations.get(id)
    }

    /// Whether somebody is typing.
    pub(crate) fn is_typing(self, id: Id) -> bool {
        self.typing.with(|all| all.contains(&id))
    }

    /// Whether an id is the own one.
    pub(crate) fn is_own(self, id: &Id) -> bool {
        self.account
            .with_untracked(|account| account.as_ref().is_some_and(|a| a.id == *id))
    }

    fn tell_watchers(self, conversation: Option<Id>, change: &Change) {
        let interested: Vec<Watcher> = self.watchers.with_value(|all| {
            all.iter()
                .filter(|(id, _)| conversation.is_none_or(|wanted| *id == wanted))
                .map(|(_, watcher)| watcher.clone())
                .collect()
        });
        for watcher in interested {
            watcher(change);
        }
    }

    /// Calls back for every change to a conversation's messages, as long as the caller's screen lives.
    pub(crate) fn watch(self, conversation: Id, watcher: impl Fn(&Change) + 'static) {
        let watcher: Watcher = Rc::new(watcher);
        let held = StoredValue::new_local(watcher.clone());
        self.watchers
            .update_value(|all| all.push((conversation, watcher)));
        on_cleanup(move || {
            if let Some(watcher) = held.try_get_value() {
                self.watchers
                    .update_value(|all| all.retain(|(_, other)| !Rc::ptr_eq(other, &watcher)));
            }
        });
    }

    /// Gives a command to the engine and waits for its answer.
    pub(crate) async fn request(self, command: Command) -> Result<Reply, LinkError> {
        let Some(link) = self.link.get_value() else {
            return Err(LinkError::Lost);
        };
        let result = link.request(command).await;
        if matches!(result, Err(LinkError::Lost)) && self.phase.get_untracked() == Phase::Ready {
            self.phase.set(Phase::Stopped(Stop::EngineLost));
        }
        result
    }

    /// Has this page's worker prepare a file; calls back with how it goes. Nothing without an engine.
    pub(crate) fn prepare(
        self,
        job: Job,
        blob: &Blob,
        hear: impl Fn(JobId, News) + 'static,
    ) -> Option<JobId> {
        let link = self.link.get_value()?;
        Some(link.prepare(job, blob.clone(), hear))
    }

    /// Has this page's worker record what comes through a channel; as [`Self::prepare`].
    pub(crate) fn record(
        self,
        job: Job,
        sound: &MessagePort,
        hear: impl Fn(JobId, News) + 'static,
    ) -> Option<JobId> {
        let link = self.link.get_value()?;
        Some(link.record(job, sound, hear))
    }

    /// Takes a job back.
    pub(crate) fn cancel_job(self, job: JobId) {
        if let Some(link) = self.link.get_value() {
            link.cancel_job(job);
        }
    }

    /// No more sound comes for a voice message.
    pub(crate) fn end_voice(self, job: JobId) {
        if let Some(link) = self.link.get_value() {
            link.end_voice(job);
        }
    }

    /// Gives a command whose failure is only worth a short notice.
    pub(crate) fn command(self, command: Command) {
        spawn_local(async move {
            if let Err(LinkError::Failed(failure)) = self.request(command).await {
                self.show_toast(failure_text(&failure));
            }
        });
    }

    /// Gives a command whose failure matters to nobody: what it tells is told again, or is out of date soon.
    pub(crate) fn tell(self, command: Command) {
        spawn_local(async move {
            let _ = self.request(command).await;
        });
    }

    /// Shows a message in its conversation.
    pub(crate) fn go_to(self, target: Target) {
        let route = Route::Conversation(target.conversation);
        self.target.set(Some(target));
        self.nav.switch(route);
    }

    /// The message to go to, if it is one of this conversation's; it is gone to once.
    pub(crate) fn take_target(self, conversation: Id) -> Option<Target> {
        let wanted = self
            .target
            .get_untracked()
            .filter(|target| target.conversation == conversation);
        if wanted.is_some() {
            self.target.set(None);
        }
        wanted
    }

    /// Opens a conversation with an account and shows it.
    pub(crate) async fn open_conversation(self, id: Id) -> Result<(), LinkError> {
        if let Reply::Conversation(conversation) = self.request(Command::OpenConversation(id)).await? {
            self.conversations.put(conversation);
            self.nav.switch(Route::Conversation(id));
        }
        Ok(())
    }

    /// Changes a choice here and keeps it.
    pub(crate) fn set_preference(self, name: &'static str, value: &str) {
        self.preferences.take(name, value);
        let mirrored = matches!(name, preferences::key::THEME | preferences::key::LANGUAGE);
        let has_account = self.account.with_untracked(Option::is_some);
        if mirrored && has_account && self.mode.get_untracked() == StorageMode::OwnDevice {
            early::write(name, value);
        }
        if self.link.with_value(Option::is_some) {
            self.command(Command::SetPreference {
                key: name.into(),
                value: value.into(),
            });
        }
    }

    /// The text written but not sent in a conversation.
    pub(crate) fn draft(self, id: Id) -> Option<String> {
        self.drafts.with(|drafts| drafts.get(&id).cloned())
    }

    /// As [`Self::draft`], without following changes.
    pub(crate) fn draft_untracked(self, id: Id) -> Option<String> {
        untrack(|| self.draft(id))
    }

    /// Keeps a text that was not sent. The list follows when the conversation is left.
    pub(crate) fn set_draft(self, id: Id, text: &str, leaving: bool) {
        let put = |drafts: &mut HashMap<Id, String>| {
            if text.trim().is_empty() {
                drafts.remove(&id);
            } else {
                drafts.insert(id, text.to_owned());
            }
        };
        if leaving {
            self.drafts.update(put);
        } else {
            self.drafts.update_untracked(put);
        }
    }

    /// Shows a short notice.
    pub(crate) fn show_toast(self, text: String) {
        self.toast.update(|toast| {
            let count = toast.as_ref().map_or(0, |(count, _)| *count);
            *toast = Some((count.wrapping_add(1), text));
        });
    }

    /// Copies a text and says so.
    pub(crate) fn copy(self, text: String, done: String) {
        spawn_local(async move {
            let copied = crate::platform::copy_text(&text).await;
            self.show_toast(if copied { done } else { t("toast.copy_failed") });
        });
    }
}

/// A failed command in words.
pub(crate) fn failure_text(failure: &holdfast_client::api::Failure) -> String {
    use holdfast_client::api::Failure;
    match failure {
        Failure::NameEmpty => t("name.error_empty"),
        Failure::NameTooLong => t("name.error_long"),
        Failure::TextEmpty => t("composer.error_empty"),
        Failure::TextTooLong => t("composer.error_long"),
        Failure::NotAnAccount => t("new.error_not_account"),
        Failure::NicknameTooLong => t("error.nickname_long"),
        Failure::NotAllowed => t("error.not_allowed"),
        Failure::TooFast => t("error.too_fast"),
        Failure::Blocked => t("error.blocked"),
        Failure::NotFound => t("error.not_found"),
        Failure::FileSize => t("error.file_size"),
        Failure::TooManyFiles => t("error.too_many_files"),
        Failure::FileIncomplete => t("error.file_incomplete"),
        Failure::NotAcceptedYet => t("error.not_accepted_yet"),
        Failure::NoFileServer => t("error.no_file_server"),
        Failure::NoLinkHelper => t("error.no_link_helper"),
        Failure::LinkUnreachable => t("error.link_unreachable"),
        Failure::LinkBlank => t("error.link_blank"),
        Failure::LinkPreview => t("error.link_preview"),
        Failure::Backup(fault) => backup::fault_text(fault),
        Failure::Transfer(fault) => transfer::fault_text(*fault),
        Failure::StorageFull => t("error.storage_full"),
        Failure::NoAccount => t("error.no_account"),
        Failure::AccountExists => t("error.account_exists"),
        Failure::Storage(_) => t("error.storage"),
    }
}
