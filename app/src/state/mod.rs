//! What outlives a screen: the account, its conversations, the network's state, choices, drafts.
//!
//! One [`AppState`] lives as long as the page. The engine's events feed its signals; screens read them and call its
//! methods.

pub(crate) mod attach;
pub(crate) mod backup;
pub(crate) mod conversations;
mod drafts;
pub(crate) mod early;
mod ending;
mod failure;
pub(crate) mod files;
mod following;
mod forgetting;
mod hearing;
pub(crate) mod identity;
pub(crate) mod invite;
pub(crate) mod lock;
pub(crate) mod nav;
pub(crate) mod notify;
mod opening;
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
use std::time::Duration;

use holdfast_client::api::{
    Account, Command, Conversation, Message, MessageId, NetworkStatus, Position, Reply, RestoreProgress,
    Trouble,
};
use holdfast_protocol::account::{Id, Seed};
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{Blob, MessagePort};

use crate::engine::jobs::{Job, JobId, News};
use crate::engine::{EngineLink, LinkError};
use crate::i18n::t;
use crate::later;
use crate::platform::kiosk;
use crate::platform::session::{StartError, StorageMode};
use crate::screens::files::FileAsk;
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

pub(crate) use failure::{error_text, failure_text};
pub(crate) use opening::{enter_account, keep_preference, open_account};

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
    /// All were removed.
    Cleared,
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

/// How long what a screen reader was told stays on the page. It is read when it comes; later it would only be in the way.
const TOLD: Duration = Duration::from_secs(10);
/// More than so many at a time nobody hears out.
const MAX_TOLD: usize = 20;

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
    /// What a screen reader was told within the last seconds; counted, so that the same words can come twice.
    pub announcements: RwSignal<Vec<(u32, String)>>,
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
    /// Texts begun in this tab that the engine does not keep yet.
    drafts: RwSignal<HashMap<Id, String>>,
    /// What refused texts left above what is written in the conversation where that was last.
    refused: StoredValue<Option<(Id, String)>>,
    link: StoredValue<Option<EngineLink>, LocalStorage>,
    /// Counts the engines that were started: events of an earlier one are not ours.
    starts: StoredValue<u32>,
    /// Who hears of changes to the messages of a conversation, or of all.
    watchers: StoredValue<Vec<(Option<Id>, Watcher)>, LocalStorage>,
    pending: StoredValue<Pending, LocalStorage>,
    /// Something of a session at a shared computer may be in the clipboard.
    copied: StoredValue<bool>,
    /// The start screen that follows when the account has left this device.
    after_leaving: StoredValue<Option<Route>>,
}

/// See [`AppState::network_now_ms`].
fn network_now(network: RwSignal<NetworkStatus>) -> u64 {
    let offset = network.with_untracked(|status| status.clock_offset_ms);
    corrected(js_sys::Date::now() as u64, offset)
}

/// A device's time by the network's clock, which is ahead of the device's by an offset.
fn corrected(device_ms: u64, offset_ms: i64) -> u64 {
    device_ms.saturating_add_signed(offset_ms)
}

impl AppState {
    /// A fresh state, before anything is known.
    pub(crate) fn new() -> Self {
        let network = RwSignal::new(NetworkStatus::default());
        Self {
            phase: RwSignal::new(Phase::Opening),
            nav: Nav::new(Route::Welcome),
            mode: RwSignal::new(if kiosk::is_on() {
                StorageMode::SharedComputer
            } else {
                StorageMode::OwnDevice
            }),
            account: RwSignal::new(None),
            conversations: Conversations::new(network),
            restore: RwSignal::new(None),
            typing: RwSignal::new(Vec::new()),
            network,
            troubles: RwSignal::new(Vec::new()),
            preferences: Preferences::early(),
            notifier: Notifier::new(),
            toast: RwSignal::new(None),
            target: RwSignal::new(None),
            announcements: RwSignal::new(Vec::new()),
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
            refused: StoredValue::new(None),
            link: StoredValue::new_local(None),
            starts: StoredValue::new(0),
            watchers: StoredValue::new_local(Vec::new()),
            pending: StoredValue::new_local(Pending::default()),
            copied: StoredValue::new(false),
            after_leaving: StoredValue::new(None),
        }
    }

    /// The state of the page that this is called in.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// A conversation as it is now.
    pub(crate) fn conversation(self, id: Id) -> Option<Conversation> {
        self.conversations.get(id)
    }

    /// Unix milliseconds as the network has them: the engine goes by these, whatever this device's clock says.
    pub(crate) fn network_now_ms(self) -> u64 {
        network_now(self.network)
    }

    /// Whether a conversation makes no notifications now.
    pub(crate) fn is_muted(self, conversation: &Conversation) -> bool {
        conversations::is_muted(conversation, || self.network_now_ms())
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

    /// Gives a command to the engine and waits for its answer.
    pub(crate) async fn request(self, command: Command) -> Result<Reply, LinkError> {
        let Some(link) = self.link.get_value() else {
            return Err(LinkError::Lost);
        };
        let result = link.request(command).await;
        // What was told before the answer.
        self.catch_up();
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
            self.conversations.put(vec![conversation]);
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
        if let Some(later) = later::get_untracked().filter(|_| self.link.with_value(Option::is_some)) {
            (later.keep_preference)(self, name, value);
        }
    }

    /// Shows a short notice.
    pub(crate) fn show_toast(self, text: String) {
        self.toast.update(|toast| {
            let count = toast.as_ref().map_or(0, |(count, _)| *count);
            *toast = Some((count.wrapping_add(1), text));
        });
    }

    /// Tells a screen reader something. The same words are told as often as they come.
    pub(crate) fn announce(self, text: String) {
        let mut number = 0;
        self.announcements.update(|all| {
            number = all.last().map_or(0, |(last, _)| last.wrapping_add(1));
            all.push((number, text));
            let surplus = all.len().saturating_sub(MAX_TOLD);
            all.drain(..surplus);
        });
        let forget = move || {
            self.announcements
                .update(|all| all.retain(|(told, _)| *told != number));
        };
        set_timeout(forget, TOLD);
    }

    /// Copies a text and says so.
    pub(crate) fn copy(self, text: String, done: String) {
        self.note_copied();
        spawn_local(async move {
            let copied = crate::platform::copy_text(&text).await;
            self.show_toast(if copied { done } else { t("toast.copy_failed") });
        });
    }

    /// Notes that something of this page goes into the clipboard, which outlives it.
    pub(crate) fn note_copied(self) {
        if self.mode.get_untracked() == StorageMode::SharedComputer {
            self.copied.set_value(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::corrected;

    #[test]
    fn the_networks_time_is_ahead_of_the_devices_by_the_offset() {
        assert_eq!(corrected(10_000, 0), 10_000);
        assert_eq!(corrected(10_000, 2_500), 12_500, "the device is late");
        assert_eq!(corrected(10_000, -2_500), 7_500, "the device is early");
        assert_eq!(corrected(10_000, i64::MIN), 0);
    }
}
