//! Asks the engine while somebody types: after a short pause, the newest question only, and again while the answer is
//! partial. What was found and is gone meanwhile is not shown any longer.

use std::time::Duration;

use holdfast_client::api::{Command, Found, FoundMessage, MessageId, MessageKind, Position, Reply};
use holdfast_client::search::fits_name;
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::reactive::graph::untrack;
use leptos::task::spawn_local;

use crate::engine::LinkError;
use crate::i18n::t;
use crate::state::{AppState, Change};

/// A pause in typing after which the engine is asked (`spec/12-client-behaviour.md §4.6`).
const PAUSE: Duration = Duration::from_millis(50);
/// How soon it is asked again when it had not looked at everything yet.
const AGAIN: Duration = Duration::from_millis(150);
/// How many messages are asked for at a time.
const PAGE: u16 = 50;
/// The most messages that one answer holds (`Command::Search`).
const MAX_PAGE: u16 = 200;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// What was looked for.
    pub words: String,
    /// Conversations by name, best first.
    pub conversations: Vec<Id>,
    /// Messages, newest first.
    pub messages: Vec<FoundMessage>,
    /// How many messages there are in all.
    pub total: u32,
    /// Everything was looked at.
    pub complete: bool,
    /// Very old messages were not.
    pub limited: bool,
    /// The engine could not look.
    pub failed: bool,
    /// Where more of them begin.
    next: Option<Position>,
}

impl Answer {
    /// Whether a message is among these.
    fn holds(&self, message: MessageId) -> bool {
        self.messages.iter().any(|found| found.message.id == message)
    }

    /// One of these messages is gone.
    fn lose(&mut self, gone: MessageId) {
        self.messages.retain(|found| found.message.id != gone);
        self.total = self.total.saturating_sub(1);
    }
}

/// A search field's state; copies are the same state.
#[derive(Clone, Copy)]
pub(crate) struct Lookup {
    state: AppState,
    /// In which conversation.
    within: Option<Id>,
    /// What is typed.
    pub typed: RwSignal<String>,
    /// What was found for it, or for what was typed just before.
    pub answer: RwSignal<Option<Answer>>,
    /// Counts what was asked: answers to earlier questions are not wanted any more.
    turn: StoredValue<u32>,
    loading: StoredValue<bool>,
}

impl Lookup {
    /// A search in one conversation, or in all.
    pub(crate) fn new(state: AppState, within: Option<Id>) -> Self {
        let lookup = Self {
            state,
            within,
            typed: RwSignal::new(String::new()),
            answer: RwSignal::new(None),
            turn: StoredValue::new(0),
            loading: StoredValue::new(false),
        };
        state.watch(within, move |change| lookup.hear(change));
        lookup
    }

    /// Something happened to a message that may be among what was found.
    fn hear(self, change: &Change) {
        let gone = match change {
            Change::Removed(id) => *id,
            Change::Put(message) if message.kind == MessageKind::Deleted => message.id,
            Change::Put(_) => return,
            Change::Cleared | Change::Reread => {
                let asked = self.typed.try_with_untracked(|typed| !typed.trim().is_empty());
                if asked == Some(true) {
                    self.ask_anew(Duration::ZERO);
                }
                return;
            }
        };
        let holds = |answer: &Option<Answer>| answer.as_ref().is_some_and(|answer| answer.holds(gone));
        if self.answer.try_with_untracked(holds) == Some(true) {
            self.answer.update(|answer| {
                if let Some(answer) = answer {
                    answer.lose(gone);
                }
            });
        }
    }

    /// Somebody is about to type: the engine may begin to read. What was found before is looked for again.
    pub(crate) fn get_ready(self) {
        if self.typed.with_untracked(|typed| typed.trim().is_empty()) {
            self.state.tell(self.command(String::new(), PAGE, None));
        } else {
            self.ask_anew(Duration::ZERO);
        }
    }

    /// Takes what is typed now.
    pub(crate) fn type_in(self, typed: String) {
        let blank = typed.trim().is_empty();
        self.typed.set(typed);
        if blank {
            self.begin_turn();
            self.answer.set(None);
        } else {
            self.ask_anew(PAUSE);
        }
    }

    /// Asks in place of whatever was asked before: of two that ask again and again until all is found, one is too many.
    fn ask_anew(self, pause: Duration) {
        let turn = self.begin_turn();
        self.ask_after(pause, turn);
    }

    /// From now on nobody wants an answer to what was asked before.
    fn begin_turn(self) -> u32 {
        let turn = self.turn.get_value() + 1;
        self.turn.set_value(turn);
        self.loading.set_value(false);
        turn
    }

    fn ask_after(self, pause: Duration, turn: u32) {
        set_timeout(move || spawn_local(self.ask(turn)), pause);
    }

    fn is_over(self, turn: u32) -> bool {
        self.turn.try_get_value() != Some(turn)
    }

    fn command(self, query: String, limit: u16, after: Option<Position>) -> Command {
        Command::Search {
            query,
            conversation: self.within,
            limit,
            after,
        }
    }

    async fn search(self, query: String, limit: u16, after: Option<Position>) -> Result<Found, LinkError> {
        match self.state.request(self.command(query, limit, after)).await? {
            Reply::Found(found) => Ok(found),
            _ => Ok(Found::default()),
        }
    }

    async fn ask(self, turn: u32) {
        if self.is_over(turn) {
            return;
        }
        let words = self.typed.get_untracked().trim().to_owned();
        // Asked again, it answers with as many as were shown before.
        let shown = self.answer.with_untracked(|answer| {
            let same = answer.as_ref().filter(|answer| answer.words == words);
            same.map_or(0, |answer| answer.messages.len())
        });
        let limit = u16::try_from(shown).unwrap_or(MAX_PAGE).clamp(PAGE, MAX_PAGE);
        let result = self.search(words.clone(), limit, None).await;
        if self.is_over(turn) {
            return;
        }
        let Ok(found) = result else {
            self.answer.set(Some(Answer {
                words,
                failed: true,
                ..Answer::default()
            }));
            return;
        };
        if !found.complete {
            self.ask_after(AGAIN, turn);
        }
        let mut conversations = found.conversations;
        self.add_note_to_self(&words, &mut conversations);
        self.answer.set(Some(Answer {
            words,
            conversations,
            messages: found.messages,
            total: found.total,
            complete: found.complete,
            limited: found.limited,
            failed: false,
            next: found.next,
        }));
    }

    /// The engine does not know what the note to self is called here.
    fn add_note_to_self(self, words: &str, conversations: &mut Vec<Id>) {
        let own = self
            .state
            .account
            .with_untracked(|account| account.as_ref().map(|a| a.id));
        if let Some(own) = own
            && self.within.is_none()
            && !conversations.contains(&own)
            && untrack(|| self.state.conversation(own)).is_some()
            && fits_name(&t("note.title"), words)
        {
            conversations.insert(0, own);
        }
    }

    /// Fetches more messages, if there are more.
    pub(crate) fn more(self) {
        let next = self.answer.with_untracked(|answer| {
            let answer = answer.as_ref()?;
            Some((answer.words.clone(), answer.next?))
        });
        let Some((words, next)) = next.filter(|_| !self.loading.get_value()) else {
            return;
        };
        self.loading.set_value(true);
        let turn = self.turn.get_value();
        spawn_local(async move {
            let result = self.search(words, MAX_PAGE, Some(next)).await;
            if self.is_over(turn) {
                return;
            }
            self.loading.set_value(false);
            if let Ok(found) = result {
                self.answer.update(|answer| {
                    if let Some(answer) = answer.as_mut().filter(|answer| answer.next == Some(next)) {
                        answer.messages.extend(found.messages);
                        answer.next = found.next;
                    }
                });
            }
        });
    }
}
