//! When something new is worth a notification of the browser, and what that says.
//!
//! One notification at a time: what comes while it is open takes its place and is counted
//! (`spec/12-client-behaviour.md §8.2`). None while any tab has the focus, and none on a shared computer; it is withdrawn when
//! any tab gains the focus and when all that it tells of was read or is gone. What is gone it tells no longer.

use data_encoding::HEXLOWER;
use holdfast_client::api::{Command, Conversation, MessageId, Place, Reply};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::AppState;
use super::nav::Route;
use super::preferences::NotifyContent;
use crate::components::focus::touch;
use crate::i18n::{t, tf, tn};
use crate::platform::notifications::{self, Fate, Notice, Permission};
use crate::platform::session::StorageMode;
use crate::platform::{chime, random_bytes, steady_ms};
use crate::screens::contact::display_name;
use crate::screens::files::words::brief;

/// The product's name, where nobody else's is shown.
const PRODUCT: &str = "Holdfast";
/// The longest text that a notification shows, in characters.
const MAX_TEXT: usize = 200;
/// What comes within so many milliseconds of a sound makes none of its own (`spec/12-client-behaviour.md §1`, batching).
const SOUND_REST_MS: f64 = 2_000.0;

/// A message that is told of, or a reaction to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thing {
    conversation: Id,
    message: MessageId,
    reaction: bool,
}

/// What the open notification stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Open {
    /// Its name at the browser: random, as the browser keeps it and the service worker hears it.
    tag: String,
    /// All that it stands for, in order; `None` for an example.
    things: Vec<Option<Thing>>,
    /// What it says of the last one of these, until that one is gone.
    news: Option<News>,
    /// The conversations that these are in, and whether each was seen with something unread. What a reaction is in may have
    /// nothing unread at all.
    about: Vec<(Id, bool)>,
}

impl Open {
    fn new() -> Self {
        Self {
            tag: HEXLOWER.encode(&random_bytes::<16>()),
            things: Vec::new(),
            news: None,
            about: Vec::new(),
        }
    }

    /// It stands for one more thing, and says this of it.
    fn add(&mut self, thing: Option<Thing>, unread: bool, news: &News) {
        self.things.push(thing);
        self.news = Some(news.clone());
        let Some(id) = thing.map(|thing| thing.conversation) else {
            return;
        };
        match self.about.iter_mut().find(|(other, _)| *other == id) {
            Some((_, seen)) => *seen |= unread,
            None => self.about.push((id, unread)),
        }
    }

    /// How a conversation stands now. Whether all that it stands for was read.
    fn follow(&mut self, id: Id, unread: bool) -> bool {
        let known = self.about.len();
        self.about.retain_mut(|(other, seen)| {
            let read = *other == id && *seen && !unread;
            *seen |= *other == id && unread;
            !read
        });
        self.about.len() < known && self.about.is_empty()
    }

    /// Some of what it may stand for is gone. What is to become of it, if it did.
    fn lose(&mut self, gone: &dyn Fn(Thing) -> bool) -> Option<Loss> {
        let (known, last) = (self.things.len(), self.things.last().copied());
        self.things.retain(|thing| !thing.is_some_and(gone));
        if self.things.len() == known {
            return None;
        }
        if self.things.last().copied() != last {
            self.news = None;
        }
        let things = &self.things;
        self.about
            .retain(|(id, _)| things.iter().flatten().any(|thing| thing.conversation == *id));
        Some(if self.about.is_empty() {
            Loss::Whole
        } else {
            Loss::Part
        })
    }

    fn count(&self) -> u64 {
        self.things.len() as u64
    }
}

/// How much of what a notification tells of is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// All that was not read.
    Whole,
    /// Not all.
    Part,
}

/// Shows and withdraws notifications.
#[derive(Clone, Copy)]
pub(crate) struct Notifier {
    /// The last one could be shown in no way.
    pub fails: RwSignal<bool>,
    open: StoredValue<Option<Open>, LocalStorage>,
    /// What is about to be told and is not gone yet.
    coming: StoredValue<Vec<Thing>>,
    /// The tag of the last one, and the conversation that it leads to, also when it was withdrawn meanwhile: the browser brings
    /// the page to the front before it says why.
    leads: StoredValue<Option<(String, Id)>, LocalStorage>,
    /// What the browser shows next.
    next: StoredValue<Option<Notice>, LocalStorage>,
    /// The browser is being given one.
    busy: StoredValue<bool>,
    /// When the last sound was made, by the steady clock.
    rang_at: StoredValue<Option<f64>>,
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
            fails: RwSignal::new(false),
            open: StoredValue::new_local(None),
            coming: StoredValue::new(Vec::new()),
            leads: StoredValue::new_local(None),
            next: StoredValue::new_local(None),
            busy: StoredValue::new(false),
            rang_at: StoredValue::new(None),
        }
    }

    /// Hears what the user does with notifications, for as long as the page lives.
    pub(crate) fn listen(self, state: AppState) {
        notifications::follow(move |tag, fate| self.hear(state, tag, fate));
    }

    fn hear(self, state: AppState, tag: &str, fate: Fate) {
        self.open.update_value(|open| {
            open.take_if(|open| open.tag == tag);
        });
        if fate == Fate::Chosen {
            notifications::withdraw(Some(tag.to_owned()));
            let leads = self.leads.get_value();
            if let Some((_, id)) = leads.filter(|(other, _)| other == tag) {
                state.nav.switch(Route::Conversation(id));
            }
        }
    }

    /// Withdraws the notification of this tab: it is out of date.
    pub(crate) fn withdraw(self) {
        self.next.set_value(None);
        let open = self.open.try_update_value(Option::take).flatten();
        if let Some(open) = open {
            notifications::withdraw(Some(open.tag));
        }
    }

    /// Withdraws all, also what another tab or an earlier visit left: the user is here.
    pub(crate) fn clear(self) {
        self.coming.set_value(Vec::new());
        self.next.set_value(None);
        self.open.set_value(None);
        if notifications::permission() == Permission::Granted {
            notifications::withdraw(None);
        }
    }

    /// Withdraws all and leads nowhere: the account leaves the page.
    pub(super) fn forget(self) {
        self.clear();
        self.leads.set_value(None);
        self.fails.set(false);
    }

    /// A conversation has changed, or is gone: withdraws the notification when all that it tells of was read.
    pub(super) fn follow(self, id: Id, unread: bool) {
        let over = self
            .open
            .try_update_value(|open| open.as_mut().is_some_and(|open| open.follow(id, unread)));
        if over == Some(true) {
            self.withdraw();
        }
    }

    /// As [`Self::follow`], for several.
    pub(super) fn follow_all(self, changed: &[Conversation]) {
        for conversation in changed {
            self.follow(conversation.id, conversation.unread > 0);
        }
    }

    /// A message is gone, from here or for everyone: nothing is told of it any longer.
    pub(super) fn lose(self, state: AppState, message: MessageId) {
        self.lose_all(state, &|thing| thing.message == message);
    }

    /// All messages of a conversation are gone.
    pub(super) fn lose_conversation(self, state: AppState, id: Id) {
        self.lose_all(state, &|thing| thing.conversation == id);
    }

    fn lose_all(self, state: AppState, gone: &dyn Fn(Thing) -> bool) {
        self.coming
            .update_value(|coming| coming.retain(|thing| !gone(*thing)));
        let loss = self.open.try_update_value(|open| open.as_mut()?.lose(gone));
        match loss.flatten() {
            None => {}
            Some(Loss::Whole) => self.withdraw(),
            Some(Loss::Part) => self.show_rest(state),
        }
    }

    /// Shows the open notification without what is gone. What was said of an earlier thing is not known any more.
    fn show_rest(self, state: AppState) {
        let rest = self.open.try_update_value(|open| {
            let open = open.as_mut()?;
            let thing = (*open.things.last()?)?;
            let news = open.news.get_or_insert_with(|| {
                let content = match state.preferences.notify_content.get_untracked() {
                    NotifyContent::Message => NotifyContent::Name,
                    content => content,
                };
                let reaction = thing.reaction.then(String::new);
                news(state, thing.conversation, content, String::new(), reaction)
            });
            Some((thing.conversation, news.clone(), open.tag.clone(), open.count()))
        });
        if let Some((id, news, tag, count)) = rest.flatten() {
            self.put(Some(id), &news, tag, count, true);
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
        let thing = Thing {
            conversation: id,
            message,
            reaction: reaction.is_some(),
        };
        self.coming.update_value(|coming| coming.push(thing));
        spawn_local(async move {
            let news = self.ask(state, thing, reaction).await;
            let stands = self.coming.try_update_value(|coming| {
                let at = coming.iter().position(|other| *other == thing)?;
                Some(coming.swap_remove(at))
            });
            if let (Some(news), Some(_)) = (news, stands.flatten()) {
                self.show(state, Some(thing), &news);
            }
        });
    }

    /// What is told of a message or reaction; `None` when nothing is to be told now.
    async fn ask(self, state: AppState, thing: Thing, reaction: Option<String>) -> Option<News> {
        if notifications::any_focus().await {
            return None;
        }
        let content = state.preferences.notify_content.get_untracked();
        let text = if content == NotifyContent::Message {
            match state.request(Command::MessageDetails(thing.message)).await {
                Ok(Reply::Details(details)) => brief(&details.message).chars().take(MAX_TEXT).collect(),
                _ => String::new(),
            }
        } else {
            String::new()
        };
        // The account may have left the page meanwhile, or been locked.
        state
            .account
            .with_untracked(Option::is_some)
            .then(|| news(state, thing.conversation, content, text, reaction))
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

    fn show(self, state: AppState, thing: Option<Thing>, news: &News) {
        let id = thing.map(|thing| thing.conversation);
        let unread = id
            .and_then(|id| state.conversations.latest(id))
            .is_some_and(|conversation| conversation.unread > 0);
        let told = self.open.try_update_value(|open| {
            let open = open.get_or_insert_with(Open::new);
            open.add(thing, unread, news);
            (open.tag.clone(), open.count())
        });
        let Some((tag, count)) = told else { return };
        let silent = !self.ring(state);
        self.put(id, news, tag, count, silent);
    }

    /// Has the browser show it, in the place of the one of this tag.
    fn put(self, id: Option<Id>, news: &News, tag: String, count: u64, silent: bool) {
        self.leads.set_value(id.map(|id| (tag.clone(), id)));
        let (title, body) = words(news, count);
        let notice = Notice {
            tag,
            title,
            body,
            silent,
        };
        self.next.set_value(Some(notice));
        if !self.busy.get_value() {
            self.busy.set_value(true);
            spawn_local(self.show_next());
        }
    }

    /// Gives the browser one after the other, so that none takes the place of a later one. Of those that come meanwhile the
    /// last one stands for all.
    async fn show_next(self) {
        while let Some(notice) = self.next.try_update_value(Option::take).flatten() {
            let shown = notifications::show(&notice).await;
            self.fails.set(!shown);
            // What was withdrawn before it was there is withdrawn again.
            let open = self
                .open
                .with_value(|open| open.as_ref().is_some_and(|open| open.tag == notice.tag));
            if !open {
                notifications::withdraw(Some(notice.tag));
            }
        }
        self.busy.set_value(false);
    }

    /// Makes the sound of a notification, if the user wants one. Whether the system is to make its own instead: on a phone,
    /// where that one knows whether the phone is to be quiet, and where the browser lets the page make none.
    fn ring(self, state: AppState) -> bool {
        if !state.preferences.notify_sound.get_untracked() {
            return false;
        }
        if touch() {
            return true;
        }
        let now = steady_ms();
        if self
            .rang_at
            .get_value()
            .is_some_and(|at| now - at < SOUND_REST_MS)
        {
            return false;
        }
        self.rang_at.set_value(Some(now));
        !chime::ring()
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

#[cfg(test)]
mod tests {
    use holdfast_client::api::MessageId;
    use holdfast_protocol::account::Id;

    use super::{Loss, News, Open, Thing};

    fn id(digits: &str) -> Id {
        Id::parse(&format!("05{}", digits.repeat(32))).expect("an id")
    }

    fn open() -> Open {
        Open {
            tag: "some".to_owned(),
            things: Vec::new(),
            news: None,
            about: Vec::new(),
        }
    }

    fn message(conversation: Id, number: u64) -> Thing {
        Thing {
            conversation,
            message: MessageId(number),
            reaction: false,
        }
    }

    fn said(text: &str) -> News {
        News {
            name: String::new(),
            text: text.to_owned(),
            quotable: true,
        }
    }

    impl Open {
        fn tells(&mut self, thing: Thing, unread: bool) {
            self.add(Some(thing), unread, &said(&thing.message.0.to_string()));
        }

        fn loses(&mut self, number: u64) -> Option<Loss> {
            self.lose(&|thing| thing.message == MessageId(number))
        }
    }

    #[test]
    fn it_is_over_when_all_that_it_tells_of_was_read() {
        let (bert, carla) = (id("22"), id("33"));
        let mut open = open();
        open.tells(message(bert, 1), true);
        open.tells(message(carla, 2), true);
        open.tells(message(bert, 3), true);
        assert_eq!(open.count(), 3);
        assert!(!open.follow(id("44"), false), "what it does not tell of");
        assert!(!open.follow(bert, false), "the other one is unread");
        assert!(!open.follow(carla, true));
        assert!(open.follow(carla, false));
    }

    #[test]
    fn what_was_never_seen_unread_was_not_read_either() {
        let bert = id("22");
        let mut open = open();
        let reaction = Thing {
            reaction: true,
            ..message(bert, 1)
        };
        open.tells(reaction, false);
        assert!(!open.follow(bert, false));
        // Then a message.
        assert!(!open.follow(bert, true));
        assert!(open.follow(bert, false));
    }

    #[test]
    fn an_example_is_about_nobody() {
        let mut open = open();
        open.add(None, false, &said("some"));
        assert!(!open.follow(id("22"), false));
        assert_eq!(open.loses(1), None);
    }

    #[test]
    fn what_is_gone_is_neither_counted_nor_quoted() {
        let (bert, carla) = (id("22"), id("33"));
        let mut open = open();
        open.tells(message(bert, 1), true);
        open.tells(message(carla, 2), true);
        open.tells(message(bert, 3), true);
        assert_eq!(open.loses(4), None);
        assert_eq!(open.loses(1), Some(Loss::Part));
        assert_eq!((open.count(), open.news.clone()), (2, Some(said("3"))));
        assert_eq!(open.loses(3), Some(Loss::Part));
        assert_eq!((open.count(), open.news.clone()), (1, None));
        assert!(!open.follow(bert, false), "nothing of it is told any more");
        assert_eq!(open.loses(2), Some(Loss::Whole));
    }

    #[test]
    fn it_is_over_when_what_is_left_was_read() {
        let (bert, carla) = (id("22"), id("33"));
        let mut open = open();
        open.tells(message(bert, 1), true);
        open.tells(message(carla, 2), true);
        assert!(!open.follow(bert, false));
        assert_eq!(open.loses(2), Some(Loss::Whole));
    }
}
