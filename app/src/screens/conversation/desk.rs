//! What is being done in an open conversation: the message that is answered, those that are selected, what is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holdfast_client::api::{Conversation, Disappearing, Message, MessageId, MessageKind, Standing};
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::asks::Ask;
use crate::components::clock::every;
use crate::components::menu::Open;
use crate::components::press::LongPress;
use crate::screens::contact::display_name;
use crate::state::AppState;
use crate::state::identity::short_id;

/// What messages are shown by: a change of anything else in the conversation leaves them alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// The other's name.
    pub(super) name: String,
    /// How both sides stand to each other.
    pub(super) standing: Standing,
    /// How long messages written here live.
    pub(super) mode: Disappearing,
}

/// The state of an open conversation apart from its messages; copies are the same state.
#[derive(Clone, Copy)]
pub(super) struct Desk {
    /// The conversation without what every message changes.
    pub(super) known: Memo<Option<Conversation>>,
    pub(super) about: Memo<About>,
    /// The message that is answered.
    pub(super) reply: RwSignal<Option<Message>>,
    /// The messages selected, and whether each may be deleted for everyone; `None` when nothing is being selected.
    pub(super) selected: RwSignal<Option<BTreeMap<MessageId, bool>>>,
    pub(super) menu: RwSignal<Option<Open>>,
    /// The message that a reaction is picked for, and where.
    pub(super) picker: RwSignal<Option<(MessageId, (i32, i32))>>,
    pub(super) asks: RwSignal<Option<Ask>>,
    /// The messages that show all of their many reactions.
    pub(super) unfolded: RwSignal<BTreeSet<MessageId>>,
    /// Set every few seconds: time has passed for what disappears.
    pub(super) tick: RwSignal<()>,
    /// The finger on a message.
    pub(super) press: LongPress,
}

/// How often the stopwatches are looked at.
const TICK: Duration = Duration::from_secs(5);

impl Desk {
    pub(super) fn new(state: AppState, id: Id) -> Self {
        let known = Memo::new(move |_| state.conversation(id).map(lasting));
        Self {
            known,
            about: Memo::new(move |_| known.with(|known| about(id, known.as_ref()))),
            reply: RwSignal::new(None),
            selected: RwSignal::new(None),
            menu: RwSignal::new(None),
            picker: RwSignal::new(None),
            asks: RwSignal::new(None),
            unfolded: RwSignal::new(BTreeSet::new()),
            tick: every(TICK),
            press: LongPress::new(),
        }
    }

    /// Whether messages are being selected, without following changes.
    pub(super) fn selecting(self) -> bool {
        self.selected.with_untracked(Option::is_some)
    }

    /// Selects a message, or no longer. The first one begins the selection.
    pub(super) fn toggle(self, message: &Message) {
        self.selected.update(|selected| {
            let all = selected.get_or_insert_with(BTreeMap::new);
            if all.remove(&message.id).is_none() {
                all.insert(message.id, may_unsend(message));
            }
        });
    }

    /// A message is gone: nothing may refer to it any longer.
    pub(super) fn forget(self, id: MessageId) {
        if self
            .reply
            .with_untracked(|reply| reply.as_ref().is_some_and(|m| m.id == id))
        {
            self.reply.set(None);
        }
        let held =
            |selected: &Option<BTreeMap<_, _>>| selected.as_ref().is_some_and(|all| all.contains_key(&id));
        if self.selected.with_untracked(held) {
            self.selected.update(|selected| {
                if let Some(all) = selected {
                    all.remove(&id);
                }
            });
        }
    }
}

/// A conversation without what every message changes.
fn lasting(conversation: Conversation) -> Conversation {
    Conversation {
        draft: None,
        staged: Vec::new(),
        preview: None,
        unread: 0,
        marked_unread: false,
        read_up_to: 0,
        active_at: 0,
        ..conversation
    }
}

fn about(id: Id, conversation: Option<&Conversation>) -> About {
    match conversation {
        Some(c) => About {
            name: display_name(c),
            standing: c.standing,
            mode: c.disappearing,
        },
        None => About {
            name: short_id(&id),
            standing: Standing::Fresh,
            mode: Disappearing::Off,
        },
    }
}

/// Whether a message may be deleted for the other side too (`spec/12-client-behaviour.md §5.14`).
pub(super) fn may_unsend(message: &Message) -> bool {
    message.outgoing && message.kind == MessageKind::Text
}
