//! What the engine tells, and whom that concerns.

use std::rc::Rc;

use holdfast_client::api::{Conversation, Event, FileId, MessageKind, RestoreStage};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::nav::Route;
use super::{AppState, Change, Watcher};
use crate::platform::{pause, steady_ms};
use crate::screens::restoring::all_back;

/// While an account comes back, changes to conversations come by the thousand: those within so many milliseconds are taken
/// over together.
const TOGETHER_MS: u32 = 50;
/// So many milliseconds after others were taken over it is looked how long laying them out took: a frame was drawn by then.
const LOOK_MS: u32 = 20;
/// Where it took long, the list rests thrice as long, up to so many milliseconds.
const LONGEST_REST_MS: u32 = 1_000;

impl AppState {
    /// Hears what the engine tells.
    pub(super) fn hear(self, event: Event) {
        // A notification, too: it looks at what waits by itself, and a mailbox may hold thousands of news.
        let comes_in_numbers = match &event {
            Event::Restore(progress) => progress.stage != RestoreStage::Complete,
            Event::Conversation(_)
            | Event::Message(_)
            | Event::Network(_)
            | Event::Notify { .. }
            | Event::Transfer(_)
            | Event::Typing { .. } => true,
            _ => false,
        };
        if !comes_in_numbers {
            self.catch_up();
        }
        match event {
            Event::Account(account) => {
                let before = self.account.with_untracked(|known| known.as_ref()?.picture);
                let now = account.picture;
                self.account.set(Some(account));
                self.replace_face(before, now);
            }
            Event::Conversation(conversation) => self.take_conversation(conversation),
            Event::Message(message) => {
                let conversation = message.conversation;
                if message.kind == MessageKind::Deleted {
                    self.notifier.lose(self, message.id);
                }
                self.files.follow(&message);
                self.tell_watchers(Some(conversation), &Change::Put(Box::new(message)));
            }
            Event::MessageRemoved { conversation, id } => {
                self.notifier.lose(self, id);
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
                self.notifier.lose_conversation(self, conversation);
                self.tell_watchers(Some(conversation), &Change::Cleared);
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

    /// Takes over a changed conversation: at once or, while an account comes back, with all others that change at about the
    /// same time.
    fn take_conversation(self, conversation: Conversation) {
        if self.restore.with_untracked(Option::is_none) {
            self.catch_up();
            self.put_conversations(vec![conversation]);
            return;
        }
        let Some(conversation) = self.conversations.now_or_soon(conversation) else {
            return;
        };
        let mut before = steady_ms();
        self.put_conversations(vec![conversation]);
        spawn_local(async move {
            loop {
                pause(LOOK_MS).await;
                // What the page is busy with makes the timer late. One of the whole rest would run meanwhile, and not tell.
                let busy = (steady_ms() - before - f64::from(LOOK_MS)) as u32;
                let rest = busy.saturating_mul(3);
                pause(rest.clamp(TOGETHER_MS - LOOK_MS, LONGEST_REST_MS)).await;
                if self.conversations.moment_over() {
                    return;
                }
                before = steady_ms();
                self.catch_up();
            }
        });
    }

    /// Takes over what waits, before whatever builds on it.
    pub(crate) fn catch_up(self) {
        let changed = self.conversations.take_waiting();
        if !changed.is_empty() {
            self.put_conversations(changed);
        }
    }

    fn put_conversations(self, changed: Vec<Conversation>) {
        self.notifier.follow_all(&changed);
        for picture in self.conversations.put(changed) {
            self.files.forget_face(picture);
        }
    }

    /// Gives back what is kept of somebody's picture when they have another one, or none.
    fn replace_face(self, before: Option<FileId>, now: Option<FileId>) {
        if let Some(before) = before.filter(|before| now != Some(*before)) {
            self.files.forget_face(before);
        }
    }

    /// Drops a conversation; its screen, if open, gives way to the list.
    fn remove_conversation(self, id: Id) {
        let known = self.conversations.get_untracked(id);
        self.conversations.remove(id);
        self.notifier.follow(id, false);
        self.drop_draft(id);
        if self.nav.current_untracked().conversation() == Some(id) {
            self.nav.reset(Route::Home);
        }
        self.replace_face(known.and_then(|known| known.picture), None);
    }

    fn tell_watchers(self, conversation: Option<Id>, change: &Change) {
        let interested: Vec<Watcher> = self.watchers.with_value(|all| {
            all.iter()
                .filter(|(id, _)| conversation.is_none() || id.is_none() || *id == conversation)
                .map(|(_, watcher)| watcher.clone())
                .collect()
        });
        for watcher in interested {
            watcher(change);
        }
    }

    /// Calls back for every change to a conversation's messages, or to those of all, as long as the caller's screen lives.
    pub(crate) fn watch(self, conversation: Option<Id>, watcher: impl Fn(&Change) + 'static) {
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
}
