//! Disappearing messages (`spec/02-messages-v1.md §5.6`): which rule a message is under, when its time starts, and how
//! long its copies live in the swarms. What is over is removed on time, and at start before anything is shown.

use holdfast_protocol::message::TTL_DEFAULT;
use holdfast_protocol::message::schema::{Content, content};
use holdfast_protocol::swarm::MIN_TTL_MS;

use crate::api::{Disappearing, Expiry};
use crate::records::Lifetime;

impl Lifetime {
    /// As long as the network keeps messages.
    pub(crate) const LONGEST: Lifetime = Lifetime {
        contact: TTL_DEFAULT,
        own: TTL_DEFAULT,
    };

    /// Of a message under a rule (`spec/02-messages-v1.md §6.6`).
    pub(crate) fn of(mode: Disappearing) -> Self {
        let timer = |seconds| timer_ms(seconds).clamp(MIN_TTL_MS, TTL_DEFAULT);
        match mode {
            Disappearing::Off => Self::LONGEST,
            Disappearing::AfterRead(seconds) => Self {
                contact: TTL_DEFAULT,
                own: timer(seconds),
            },
            Disappearing::AfterSend(seconds) => Self {
                contact: timer(seconds),
                own: timer(seconds),
            },
        }
    }
}

fn timer_ms(seconds: u32) -> u64 {
    u64::from(seconds).saturating_mul(1_000)
}

/// How long a message lives once its time has started, milliseconds; 0 for ever.
fn life_ms(mode: Disappearing) -> u64 {
    match mode {
        Disappearing::Off => 0,
        Disappearing::AfterRead(seconds) | Disappearing::AfterSend(seconds) => timer_ms(seconds),
    }
}

/// The rule as a content carries it.
pub(crate) fn write_mode(content: &mut Content, mode: Disappearing) {
    let (kind, seconds) = match mode {
        Disappearing::Off => (content::ExpirationType::Unknown, 0),
        Disappearing::AfterRead(seconds) => (content::ExpirationType::DeleteAfterRead, seconds),
        Disappearing::AfterSend(seconds) => (content::ExpirationType::DeleteAfterSend, seconds),
    };
    content.set_expiration_type(kind);
    content.expiration_timer = Some(seconds);
}

/// The rule that a received content is under; in a note to self everything counts from sending.
pub(crate) fn read_mode(content: &Content, note_to_self: bool) -> Disappearing {
    let seconds = content.expiration_timer();
    match content.expiration_type() {
        _ if seconds == 0 => Disappearing::Off,
        content::ExpirationType::Unknown => Disappearing::Off,
        _ if note_to_self => Disappearing::AfterSend(seconds),
        content::ExpirationType::DeleteAfterRead => Disappearing::AfterRead(seconds),
        content::ExpirationType::DeleteAfterSend => Disappearing::AfterSend(seconds),
    }
}

/// The expiry of a message under a rule, before its time has started.
pub(crate) fn unstarted(mode: Disappearing) -> Option<Expiry> {
    (mode != Disappearing::Off).then_some(Expiry { mode, at: None })
}

/// How long a received message lives from its reading on, milliseconds, if reading starts its time.
pub(crate) fn starts_by_reading(expiry: &Expiry) -> Option<u64> {
    match expiry {
        Expiry {
            mode: Disappearing::AfterRead(seconds),
            at: None,
        } => Some(timer_ms(*seconds)),
        _ => None,
    }
}

/// Starts the time of an own message that a swarm has now.
pub(crate) fn start(expiry: &mut Option<Expiry>, now: u64) {
    if let Some(expiry) = expiry
        && expiry.at.is_none()
    {
        expiry.at = Some(now.saturating_add(life_ms(expiry.mode)));
    }
}
