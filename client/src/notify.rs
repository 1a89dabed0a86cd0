//! Which messages deserve a notification (`spec/12-client-behaviour.md §8.2`).

use crate::api::{Event, MessageId, Notify, Standing};
use crate::arrival::Arrival;
use crate::core::Core;
use crate::work::Work;

/// What reached the own swarm longer ago than this is caught up with, not news, milliseconds.
const NEWS_MS: u64 = 5 * 60 * 1_000;

impl Core {
    /// Tells front ends to notify the user of something that came, if it deserves that. What was read or removed by the
    /// end of the unit is not told.
    pub(crate) fn notify(
        &self,
        work: &mut Work<'_>,
        arrival: &Arrival,
        message: MessageId,
        reaction: Option<String>,
    ) {
        let now = self.time.now();
        if arrival.own || arrival.stored_at.saturating_add(NEWS_MS) < now {
            return;
        }
        let conversation = arrival.conversation();
        let contact = work.contact(&conversation).clone();
        let first = !work.has_others(&conversation, message);
        let wanted = match contact.standing() {
            Standing::Blocked => false,
            // A request is told of once.
            Standing::IncomingRequest => first,
            _ => contact.notify == Notify::All && contact.muted_until <= now / 1_000,
        };
        if wanted {
            work.tell(Event::Notify {
                conversation,
                message,
                reaction,
            });
        }
    }
}
