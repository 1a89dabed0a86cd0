//! Disappearing messages (`spec/02-messages-v1.md §5.6`): which rule a message is under, when its time starts, and how
//! long its copies live in the swarms. What is over is removed on time, and at start before anything is shown.

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Id;
use holdfast_protocol::message::TTL_DEFAULT;
use holdfast_protocol::message::schema::{Content, DataMessage, content, data_message};
use holdfast_protocol::swarm::MIN_TTL_MS;

use crate::api::{Disappearing, Expiry, Failure, MessageId, MessageState, Notice, Reply, Standing};
use crate::arrival::{Arrival, Timer};
use crate::core::Core;
use crate::outbox::{Copies, Outgoing};
use crate::ports::{Collection, StoreError};
use crate::records::{Gone, Lifetime, MessageRecord, keys};
use crate::work::{Known, Work};

/// Messages that are removed in one commit.
const PURGED_TOGETHER: usize = 500;
/// How long to wait when the store did not take a removal.
const PURGE_AGAIN: Duration = Duration::from_secs(10);
/// A machine may sleep and a clock may be set: time is looked at again after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long a removal waits for network time when a step of the clock has put it in doubt.
const TIME_WAIT: Duration = Duration::from_secs(20);
/// Clocks of nodes and clients differ by this much, milliseconds (`spec/03-network.md §3.5`).
const CLOCK_SLACK_MS: u64 = 10_000;

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
pub(crate) fn life_ms(mode: Disappearing) -> u64 {
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

/// When a message that comes now disappears (`spec/02-messages-v1.md §5.6`). `read`: it was seen on another own device.
pub(crate) fn on_arrival(arrival: &Arrival, read: bool, now: u64) -> Option<Timer> {
    let mode = arrival.mode();
    let life = life_ms(mode);
    let expiry = |at| Expiry { mode, at };
    // What the swarm says is believed as far as it can be: a time cannot have started in the future.
    let started = arrival
        .expiration
        .filter(|end| end.saturating_sub(life) <= now.saturating_add(CLOCK_SLACK_MS));
    let (at, shorten) = match mode {
        Disappearing::Off => return None,
        Disappearing::AfterRead(_) if !arrival.own && !read => (None, false),
        Disappearing::AfterRead(_) if !arrival.own => (
            Some(started.unwrap_or(now.saturating_add(life))),
            started.is_none(),
        ),
        Disappearing::AfterRead(_) | Disappearing::AfterSend(_) => {
            let sent = arrival.received.sent_at.min(now);
            (Some(started.unwrap_or(sent.saturating_add(life))), false)
        }
    };
    Some(Timer {
        expiry: expiry(at),
        shorten,
    })
}

impl Core {
    /// Removes what is over. At start this comes before anything is shown; failures are tried again in time.
    pub(crate) async fn purge(&self) -> Result<(), StoreError> {
        loop {
            let now = self.time.now();
            let over: Vec<(u64, MessageId)> = {
                let state = self.state.borrow();
                let over = state.expiring.range(..=(now, MessageId(u64::MAX)));
                over.take(PURGED_TOGETHER).copied().collect()
            };
            if over.is_empty() {
                return Ok(());
            }
            let mut work = Work::begin(self).await;
            let ids: Vec<MessageId> = over.iter().map(|(_, id)| *id).collect();
            work.look_up_messages(&ids).await?;
            for (_, id) in &over {
                let held = work.message(*id).await?;
                match held.and_then(|(_, _, record)| record.expiry?.at) {
                    Some(current) if current > now => {}
                    Some(_) => {
                        work.remove(*id, Gone::Here).await?;
                    }
                    None => work.delete(Collection::Due, keys::expiry(*id)),
                }
            }
            work.commit().await?;
            let mut state = self.state.borrow_mut();
            for entry in &over {
                state.expiring.remove(entry);
            }
        }
    }

    /// Removes messages when their time is over.
    pub(crate) async fn run_expiry(self: Rc<Self>) {
        loop {
            let seen = self.due.count();
            let first = self.state.borrow().expiring.first().copied();
            let over = first.is_some_and(|(at, _)| at <= self.time.now());
            if over && self.net.online.get() && !self.time.is_known() {
                // A clock that was set forward looks like a night's sleep, and what is removed now is removed for good.
                self.net.resync.notify();
                self.time_known(TIME_WAIT).await;
            }
            let purged = self.purge().await;
            let next = self.state.borrow().expiring.first().copied();
            let wait = match (purged, next) {
                (Err(_), _) => PURGE_AGAIN,
                (Ok(()), Some((at, _))) => {
                    Duration::from_millis(at.saturating_sub(self.time.now())).min(LONGEST_SLEEP)
                }
                (Ok(()), None) => LONGEST_SLEEP,
            };
            let news = Box::pin(self.due.passed(seen));
            let _: Either<_, _> = select(news, self.ports.clock.sleep(wait)).await;
        }
    }

    /// Sets how long messages live that are written in a conversation from now on.
    pub(crate) async fn set_disappearing(&self, id: Id, mode: Disappearing) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        let mode = if life_ms(mode) == 0 {
            Disappearing::Off
        } else {
            mode
        };
        let standing = self.state.borrow().standing(&id);
        match (standing, mode) {
            (Standing::Blocked, _) => return Err(Failure::Blocked),
            (Standing::Own, Disappearing::AfterRead(_)) => return Err(Failure::NotAllowed),
            (Standing::Own | Standing::Active, _) => {}
            _ => return Err(Failure::NotAllowed),
        }
        let mut work = Work::begin(self).await;
        if work.disappearing(&id) == mode {
            return Ok(Reply::Done);
        }
        let sent_at = work.next_sent_at(self.time.now());
        work.contact(&id).disappearing = mode;
        work.conversation(&id).disappearing_since = sent_at;
        let own = standing == Standing::Own;
        let state = if own {
            MessageState::Sent
        } else {
            MessageState::Queued
        };
        let mut expiry = unstarted(mode);
        if own {
            start(&mut expiry, self.time.now());
        }
        let record = MessageRecord {
            expiry,
            ..MessageRecord::notice(account.id(), true, Notice::Disappearing(mode), state)
        };
        let position = work.insert(&id, sent_at, record).await?;
        // In the note to self there is nobody to tell: the own devices learn it from the config.
        if !own {
            let mut content = Content {
                data_message: Some(DataMessage {
                    flags: Some(data_message::Flags::ExpirationTimerUpdate as u32),
                    ..DataMessage::default()
                }),
                ..Content::default()
            };
            write_mode(&mut content, mode);
            let outgoing = Outgoing {
                conversation: id,
                content,
                sent_at,
                message: Some(position.id),
                copies: Copies::Both,
                lifetime: Lifetime::of(mode),
            };
            self.send_content(&mut work, &account, outgoing)?;
        }
        work.mark_answered(&id, sent_at).await?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Somebody set how long their messages live: told to the user, and followed only when another own device did it.
    pub(crate) async fn take_timer_update(
        &self,
        work: &mut Work<'_>,
        arrival: &Arrival,
    ) -> Result<(), StoreError> {
        let conversation = arrival.conversation();
        // In the note to self the config says it.
        if arrival.own && conversation == arrival.received.sender {
            return Ok(());
        }
        match work.known(&conversation, &arrival.target()).await? {
            Known::New => {
                let mode = arrival.mode();
                // What a config said since counts: of several such words, the swarm may have kept an older one for longer.
                let since = work.conversation(&conversation).disappearing_since;
                let since = since.max(work.config_stored_at(&conversation));
                if arrival.own && arrival.received.sent_at > since {
                    work.conversation(&conversation).disappearing_since = arrival.received.sent_at;
                    work.contact(&conversation).disappearing = mode;
                }
                let notice = Notice::Disappearing(mode);
                let record =
                    MessageRecord::notice(arrival.received.sender, arrival.own, notice, arrival.state());
                arrival.insert(work, record).await?;
            }
            Known::Present(id) if arrival.own => {
                work.set_state(id, MessageState::Sent, Some(arrival.hash.as_str().to_owned()))
                    .await?;
            }
            Known::Present(_) | Known::Gone(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_follow_the_rule() {
        assert_eq!(Lifetime::of(Disappearing::Off), Lifetime::LONGEST);
        let read = Lifetime::of(Disappearing::AfterRead(300));
        assert_eq!((read.contact, read.own), (TTL_DEFAULT, 300_000));
        let sent = Lifetime::of(Disappearing::AfterSend(86_400));
        assert_eq!((sent.contact, sent.own), (86_400_000, 86_400_000));
        let short = Lifetime::of(Disappearing::AfterSend(1));
        assert_eq!((short.contact, short.own), (MIN_TTL_MS, MIN_TTL_MS));
        let long = Lifetime::of(Disappearing::AfterSend(u32::MAX));
        assert_eq!((long.contact, long.own), (TTL_DEFAULT, TTL_DEFAULT));
    }

    #[test]
    fn modes_survive_the_way() {
        for mode in [
            Disappearing::Off,
            Disappearing::AfterRead(300),
            Disappearing::AfterSend(86_400),
        ] {
            let mut content = Content::default();
            write_mode(&mut content, mode);
            assert_eq!(read_mode(&content, false), mode);
        }
        let mut content = Content::default();
        write_mode(&mut content, Disappearing::AfterRead(5));
        assert_eq!(read_mode(&content, true), Disappearing::AfterSend(5));
        content.expiration_timer = Some(0);
        assert_eq!(read_mode(&content, false), Disappearing::Off);
        assert_eq!(read_mode(&Content::default(), false), Disappearing::Off);
        let untyped = Content {
            expiration_timer: Some(5),
            ..Content::default()
        };
        assert_eq!(read_mode(&untyped, false), Disappearing::Off);
    }

    fn arrival(own: bool, mode: Disappearing, expiration: Option<u64>) -> Arrival {
        let mut content = Content::default();
        write_mode(&mut content, mode);
        let sender = crate::test_support::id(if own { 1 } else { 2 });
        let keys = holdfast_protocol::keys::Ed25519KeyPair::from_seed(&[3; 32]);
        Arrival {
            received: holdfast_protocol::message::Received {
                sender,
                sender_ed25519: keys.public(),
                sent_at: 100_000,
                content,
                conversation: crate::test_support::id(2),
                pro: None,
            },
            own,
            hash: holdfast_protocol::swarm::message_hash(
                &sender,
                holdfast_protocol::swarm::Namespace::MESSAGES,
                b"",
            ),
            expiration,
            stored_at: 100_000,
        }
    }

    #[test]
    fn a_received_message_goes_when_the_swarm_says_or_its_time_is_over() {
        let at = |own, mode, expiration, read, now| {
            on_arrival(&arrival(own, mode, expiration), read, now)
                .map(|timer| (timer.expiry.at, timer.shorten))
        };
        let sent = Disappearing::AfterSend(60);
        assert_eq!(at(false, Disappearing::Off, Some(1), false, 130_000), None);
        assert_eq!(
            at(false, sent, None, false, 130_000),
            Some((Some(160_000), false))
        );
        assert_eq!(
            at(false, sent, Some(170_000), false, 130_000),
            Some((Some(170_000), false))
        );
        // A node cannot keep it for longer than its time from now.
        assert_eq!(
            at(false, sent, Some(9_000_000), false, 130_000),
            Some((Some(160_000), false))
        );
        let read = Disappearing::AfterRead(60);
        assert_eq!(
            at(false, read, Some(9_000_000), false, 130_000),
            Some((None, false))
        );
        assert_eq!(
            at(false, read, Some(150_000), true, 130_000),
            Some((Some(150_000), false))
        );
        assert_eq!(
            at(false, read, Some(9_000_000), true, 130_000),
            Some((Some(190_000), true))
        );
        assert_eq!(
            at(true, read, Some(165_000), false, 130_000),
            Some((Some(165_000), false))
        );
    }
}
