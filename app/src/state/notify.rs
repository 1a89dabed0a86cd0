//! When something new is worth a notification of the browser, and what that says.
//!
//! One notification at a time: what comes while it is open takes its place and is counted
//! (`spec/12-client-behaviour.md §8.2`). None while any tab has the focus, and none on a shared computer; whichever tab gains
//! the focus, the open one is withdrawn.

use holdfast_client::api::{Command, MessageId, Place, Reply};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::AppState;
use super::nav::Route;
use super::preferences::NotifyContent;
use crate::i18n::{t, tf, tn};
use crate::platform::notifications::{self, Permission};
use crate::platform::session::StorageMode;
use crate::screens::contact::display_name;
use crate::screens::files::words::brief;

/// The product's name, where nobody else's is shown.
const PRODUCT: &str = "Holdfast";
/// The longest text that a notification shows, in characters.
const MAX_TEXT: usize = 200;

/// The open notification.
#[derive(Clone, Default)]
struct Open {
    shown: Option<web_sys::Notification>,
    /// How many things it stands for.
    count: u64,
}

/// Shows and withdraws notifications.
#[derive(Clone, Copy)]
pub(crate) struct Notifier {
    open: StoredValue<Open, LocalStorage>,
}

/// Something new, as the user wants it told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct News {
    /// Who it is from; empty when that is not to be told.
    name: String,
    /// What it says.
    text: String,
    /// Whether `text` may be quoted beside others.
    quotable: bool,
}

/// Title and text of a notification that stands for `count` things, the last of which is `news`.
fn words(news: &News, count: u64) -> (String, String) {
    if count < 2 {
        let title = if news.name.is_empty() {
            PRODUCT.to_owned()
        } else {
            news.name.clone()
        };
        return (title, news.text.clone());
    }
    let name = ("name", news.name.as_str());
    let text = match (news.name.is_empty(), news.quotable) {
        (true, _) => String::new(),
        (false, false) => tf("notify.latest", &[name]),
        (false, true) => tf("notify.latest_text", &[name, ("text", &news.text)]),
    };
    (tn("notify.many", count), text)
}

impl Notifier {
    pub(super) fn new() -> Self {
        Self {
            open: StoredValue::new_local(Open::default()),
        }
    }

    /// Withdraws the open notification: the user is here, or has read everything elsewhere.
    pub(crate) fn withdraw(self) {
        let open = self.open.try_update_value(std::mem::take).unwrap_or_default();
        if let Some(shown) = open.shown {
            shown.close();
        }
    }

    /// Tells of a message or reaction, if the user wants that now.
    pub(super) fn tell(self, state: AppState, id: Id, message: MessageId, reaction: Option<String>) {
        let wanted = state.mode.get_untracked() == StorageMode::OwnDevice
            && state.preferences.notify.get_untracked() == Some(true)
            && notifications::permission() == Permission::Granted;
        if !wanted {
            return;
        }
        spawn_local(async move {
            if notifications::any_focus().await {
                return;
            }
            let content = state.preferences.notify_content.get_untracked();
            let text = if content == NotifyContent::Message {
                match state.request(Command::MessageDetails(message)).await {
                    Ok(Reply::Details(details)) => brief(&details.message).chars().take(MAX_TEXT).collect(),
                    _ => String::new(),
                }
            } else {
                String::new()
            };
            let news = news(state, id, content, text, reaction);
            self.show(state, Some(id), &news);
        });
    }

    /// Shows what a notification looks like with the present choice.
    pub(crate) fn sample(self, state: AppState) {
        let content = state.preferences.notify_content.get_untracked();
        let told = content != NotifyContent::Nothing;
        let quoted = content == NotifyContent::Message;
        let news = News {
            name: if told {
                t("notify.sample_name")
            } else {
                String::new()
            },
            text: if quoted {
                t("notify.sample_text")
            } else {
                t("notify.message")
            },
            quotable: quoted,
        };
        self.withdraw();
        self.show(state, None, &news);
    }

    fn show(self, state: AppState, id: Option<Id>, news: &News) {
        let count = self.open.with_value(|open| open.count) + 1;
        let (title, text) = words(news, count);
        let shown = notifications::show(&title, &text, move || {
            self.withdraw();
            if let Some(id) = id {
                state.nav.switch(Route::Conversation(id));
            }
        });
        self.open.set_value(Open { shown, count });
    }
}

/// What is told of a message or reaction.
fn news(state: AppState, id: Id, content: NotifyContent, text: String, reaction: Option<String>) -> News {
    let conversation = state.conversations.latest(id);
    // A stranger's choice of name and words stays out of the notification.
    if conversation.as_ref().is_some_and(|c| c.place == Place::Requests) {
        return News {
            name: String::new(),
            text: t("notify.request"),
            quotable: false,
        };
    }
    let name = match content {
        NotifyContent::Nothing => String::new(),
        _ => conversation.as_ref().map(display_name).unwrap_or_default(),
    };
    let (text, quotable) = match (reaction, content) {
        (Some(emoji), NotifyContent::Message) => (tf("notify.reacted", &[("emoji", &emoji)]), true),
        (Some(_), _) => (t("notify.reaction"), false),
        (None, NotifyContent::Message) if !text.is_empty() => (text, true),
        (None, _) => (t("notify.message"), false),
    };
    News { name, text, quotable }
}
