//! Telling front ends of what happens, and of conversations as they are.

use std::cell::RefCell;
use std::cmp::Reverse;

use futures::channel::mpsc;
use holdfast_protocol::account::Id;

use super::Core;
use crate::api::{Conversation, Event, Position};
use crate::records::ConversationRecord;

impl Core {
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
}

/// Gives every listener every event, in order.
#[derive(Default)]
pub(super) struct Broadcast {
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
