//! The choices that a user makes for this device.

use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::early;
use crate::i18n;
use crate::platform::kiosk;

/// Names under which choices are kept, sealed, by the engine.
pub(crate) mod key {
    /// `light`, `dark` or `system`.
    pub(crate) const THEME: &str = "theme";
    /// A language tag; empty for the browser's.
    pub(crate) const LANGUAGE: &str = "language";
    /// `send` or `line`.
    pub(crate) const ENTER: &str = "enter";
    /// Width of the conversation list in pixels.
    pub(crate) const LIST_WIDTH: &str = "list_width";
    /// `1` when the recovery phrase was looked at, or typed in to restore.
    pub(crate) const PHRASE_SEEN: &str = "phrase_seen";
    /// When the recovery phrase was last entered and found right, milliseconds since 1970.
    pub(crate) const PHRASE_CHECKED: &str = "phrase_checked";
    /// Until when nobody wants to be reminded of it, milliseconds since 1970.
    pub(crate) const PHRASE_LATER: &str = "phrase_later";
    /// `1` once a message was written: from then on something would be lost without the phrase.
    pub(crate) const HAS_WRITTEN: &str = "has_written";
    /// `1` from the return of an account until a backup file was brought back, or is not wanted.
    pub(crate) const OFFER_BACKUP: &str = "offer_backup";
    /// The emoji used last, separated by spaces.
    pub(crate) const EMOJI: &str = "emoji";
    /// The emoji reacted with last, separated by spaces.
    pub(crate) const REACTIONS: &str = "reactions";
    /// `on` when read receipts are given and shown; the engine reads it too.
    pub(crate) const READ_RECEIPTS: &str = "read-receipts";
    /// `on` when typing is told and shown; the engine reads it too.
    pub(crate) const TYPING_INDICATORS: &str = "typing-indicators";
    /// `on` when previews of links are offered while writing.
    pub(crate) const LINK_PREVIEWS: &str = "link_previews";
    /// `off` when files come unasked from any server that somebody names; the engine reads it too.
    pub(crate) const KNOWN_FILE_SERVERS: &str = "known_file_servers";
    /// `on` or `off` once the user was asked about notifications.
    pub(crate) const NOTIFY: &str = "notify";
    /// The conversations whose user was asked whether files load by themselves: the beginnings of their ids, separated by
    /// spaces.
    pub(crate) const LOAD_ASKED: &str = "load_asked";
    /// After how many minutes without anybody there it locks, 0 for never; empty without a lock.
    pub(crate) const LOCK_AFTER: &str = "lock_after";
    /// `none`, `name` or `message`: what notifications tell.
    pub(crate) const NOTIFY_CONTENT: &str = "notify_content";
    /// `on` when a notification makes a sound.
    pub(crate) const NOTIFY_SOUND: &str = "notify_sound";
    /// `on` when the next voice message plays by itself.
    pub(crate) const AUDIO_AUTOPLAY: &str = "audio_autoplay";
}

/// Light, dark, or what the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// What the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The value kept, and the one of `data-theme`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    fn of_kiosk(theme: holdfast_protocol::kiosk::Theme) -> Self {
        use holdfast_protocol::kiosk::Theme as Operators;
        match theme {
            Operators::System => Theme::System,
            Operators::Light => Theme::Light,
            Operators::Dark => Theme::Dark,
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::System,
        }
    }
}

/// What a notification tells to whoever sees the screen (`spec/12-client-behaviour.md §8.2`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NotifyContent {
    /// That there is something new.
    #[default]
    Nothing,
    /// Who it is from.
    Name,
    /// Who it is from and what it says.
    Message,
}

impl NotifyContent {
    /// The value kept.
    pub(crate) fn name(self) -> &'static str {
        match self {
            NotifyContent::Nothing => "none",
            NotifyContent::Name => "name",
            NotifyContent::Message => "message",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "name" => NotifyContent::Name,
            "message" => NotifyContent::Message,
            _ => NotifyContent::Nothing,
        }
    }
}

/// How wide the conversation list may be, in pixels, and how wide it is at first.
pub(crate) const LIST_WIDTH: std::ops::RangeInclusive<u32> = 280..=480;
const DEFAULT_LIST_WIDTH: u32 = 340;

/// The choices as signals.
#[derive(Clone, Copy)]
pub(crate) struct Preferences {
    /// Light or dark.
    pub theme: RwSignal<Theme>,
    /// The chosen language; empty for the browser's.
    pub language: RwSignal<String>,
    /// Whether Enter sends; `None` for the default, which depends on the kind of keyboard.
    pub enter_sends: RwSignal<Option<bool>>,
    /// Width of the list.
    pub list_width: RwSignal<u32>,
    /// The user has seen the recovery phrase.
    pub phrase_seen: RwSignal<bool>,
    /// When the phrase was last entered and found right, milliseconds since 1970; 0 for never.
    pub phrase_checked: RwSignal<u64>,
    /// Until when reminders of it rest, milliseconds since 1970.
    pub phrase_later: RwSignal<u64>,
    /// A message was written with this account.
    pub has_written: RwSignal<bool>,
    /// A backup file may have what did not come back from the network.
    pub offer_backup: RwSignal<bool>,
    /// The emoji used last.
    pub emoji: RwSignal<Vec<String>>,
    /// The emoji reacted with last.
    pub reactions: RwSignal<Vec<String>>,
    /// Read receipts are given and shown.
    pub read_receipts: RwSignal<bool>,
    /// Typing is told and shown.
    pub typing_indicators: RwSignal<bool>,
    /// Previews of links are offered while writing.
    pub link_previews: RwSignal<bool>,
    /// Unasked, files come only from servers that are known.
    pub known_file_servers: RwSignal<bool>,
    /// Whether notifications are wanted; `None` as long as nobody asked.
    pub notify: RwSignal<Option<bool>>,
    /// What notifications tell.
    pub notify_content: RwSignal<NotifyContent>,
    /// A notification makes a sound.
    pub notify_sound: RwSignal<bool>,
    /// After a voice message the next one plays by itself.
    pub audio_autoplay: RwSignal<bool>,
    /// After how many minutes without anybody there it locks, 0 for never; `None` without a lock.
    pub lock_after: RwSignal<Option<u32>>,
    /// The conversations whose user was asked about loading files.
    load_asked: RwSignal<String>,
}

impl Preferences {
    /// What is known before the engine runs.
    pub(crate) fn early() -> Self {
        let theme = kiosk::rules().map_or_else(
            || Theme::from_name(&early::read(key::THEME).unwrap_or_default()),
            |rules| Theme::of_kiosk(rules.theme),
        );
        Self {
            theme: RwSignal::new(theme),
            language: RwSignal::new(early::read(key::LANGUAGE).unwrap_or_default()),
            enter_sends: RwSignal::new(None),
            list_width: RwSignal::new(DEFAULT_LIST_WIDTH),
            phrase_seen: RwSignal::new(false),
            phrase_checked: RwSignal::new(0),
            phrase_later: RwSignal::new(0),
            has_written: RwSignal::new(false),
            offer_backup: RwSignal::new(false),
            emoji: RwSignal::new(Vec::new()),
            reactions: RwSignal::new(Vec::new()),
            read_receipts: RwSignal::new(false),
            typing_indicators: RwSignal::new(false),
            link_previews: RwSignal::new(false),
            known_file_servers: RwSignal::new(true),
            notify: RwSignal::new(None),
            notify_content: RwSignal::new(NotifyContent::Nothing),
            notify_sound: RwSignal::new(false),
            audio_autoplay: RwSignal::new(false),
            lock_after: RwSignal::new(None),
            load_asked: RwSignal::new(String::new()),
        }
    }

    /// Whether the user was asked, in this conversation, whether files load by themselves.
    pub(crate) fn was_asked_to_load(&self, conversation: Id) -> bool {
        let mark = asked_mark(conversation);
        self.load_asked
            .with_untracked(|all| all.split(' ').any(|other| other == mark))
    }

    /// The value of [`key::LOAD_ASKED`] once the user was asked in this conversation too.
    pub(crate) fn with_asked_to_load(&self, conversation: Id) -> String {
        let mark = asked_mark(conversation);
        let before = self.load_asked.get_untracked();
        let kept: Vec<&str> = before
            .split(' ')
            .filter(|other| !other.is_empty() && *other != mark)
            .collect();
        let oldest = kept.len().saturating_sub(MAX_ASKED - 1);
        let mut all: Vec<&str> = kept.into_iter().skip(oldest).collect();
        all.push(&mark);
        all.join(" ")
    }

    /// Takes over a value from the engine, which may come from another tab.
    pub(crate) fn take(&self, name: &str, value: &str) {
        match name {
            key::THEME => set_changed(self.theme, Theme::from_name(value)),
            key::LANGUAGE => set_changed(self.language, value.to_owned()),
            key::ENTER => set_changed(
                self.enter_sends,
                match value {
                    "send" => Some(true),
                    "line" => Some(false),
                    _ => None,
                },
            ),
            key::LIST_WIDTH => {
                let width = value.parse().unwrap_or(DEFAULT_LIST_WIDTH);
                set_changed(
                    self.list_width,
                    width.clamp(*LIST_WIDTH.start(), *LIST_WIDTH.end()),
                );
            }
            key::PHRASE_SEEN => set_changed(self.phrase_seen, value == "1"),
            key::PHRASE_CHECKED => set_changed(self.phrase_checked, value.parse().unwrap_or_default()),
            key::PHRASE_LATER => set_changed(self.phrase_later, value.parse().unwrap_or_default()),
            key::HAS_WRITTEN => set_changed(self.has_written, value == "1"),
            key::OFFER_BACKUP => set_changed(self.offer_backup, value == "1"),
            key::READ_RECEIPTS => set_changed(self.read_receipts, value == "on"),
            key::TYPING_INDICATORS => set_changed(self.typing_indicators, value == "on"),
            key::LINK_PREVIEWS => set_changed(self.link_previews, value == "on"),
            key::KNOWN_FILE_SERVERS => set_changed(self.known_file_servers, value != "off"),
            key::NOTIFY => set_changed(
                self.notify,
                match value {
                    "on" => Some(true),
                    "off" => Some(false),
                    _ => None,
                },
            ),
            key::NOTIFY_CONTENT => set_changed(self.notify_content, NotifyContent::from_name(value)),
            key::NOTIFY_SOUND => set_changed(self.notify_sound, value == "on"),
            key::AUDIO_AUTOPLAY => set_changed(self.audio_autoplay, value == "on"),
            key::LOCK_AFTER => set_changed(self.lock_after, value.parse().ok()),
            key::LOAD_ASKED => set_changed(self.load_asked, value.to_owned()),
            key::EMOJI => set_changed(self.emoji, value.split_whitespace().map(Into::into).collect()),
            key::REACTIONS => {
                set_changed(self.reactions, value.split_whitespace().map(Into::into).collect());
            }
            _ => {}
        }
    }

    /// Back to the defaults, except for what was said before there was an account.
    pub(crate) fn reset(&self) {
        self.enter_sends.set(None);
        self.list_width.set(DEFAULT_LIST_WIDTH);
        self.phrase_seen.set(false);
        self.phrase_checked.set(0);
        self.phrase_later.set(0);
        self.has_written.set(false);
        self.offer_backup.set(false);
        self.emoji.set(Vec::new());
        self.reactions.set(Vec::new());
        self.read_receipts.set(false);
        self.typing_indicators.set(false);
        self.link_previews.set(false);
        self.known_file_servers.set(true);
        self.notify.set(None);
        self.notify_content.set(NotifyContent::Nothing);
        self.notify_sound.set(false);
        self.audio_autoplay.set(false);
        self.lock_after.set(None);
        self.load_asked.set(String::new());
    }
}

/// The most conversations that are remembered as asked in.
const MAX_ASKED: usize = 200;
/// Characters of an id that tell a user's contacts apart.
const ASKED_MARK: usize = 18;

fn asked_mark(conversation: Id) -> String {
    conversation.to_hex().chars().take(ASKED_MARK).collect()
}

fn set_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

/// The language to load now: the address's (for tests and translators), the chosen one, or the best that the browser
/// asks for.
pub(crate) fn language_to_load(chosen: &str) -> String {
    if let Some(tag) = early::query("lang") {
        return tag;
    }
    if !chosen.is_empty() {
        return chosen.to_owned();
    }
    if let Some(tag) = kiosk::rules().and_then(|rules| rules.language.as_ref()) {
        return tag.clone();
    }
    let wanted: Vec<String> = window()
        .navigator()
        .languages()
        .iter()
        .filter_map(|tag| tag.as_string())
        .collect();
    let best = i18n::negotiate(wanted.iter().map(String::as_str));
    match kiosk::rules() {
        Some(rules) if !rules.offers(best) => rules.languages.first().cloned().unwrap_or_default(),
        _ => best.to_owned(),
    }
}
