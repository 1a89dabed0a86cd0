//! Typing indicators (`spec/02-messages-v1.md §5.7`): off unless the user turned them on, only among accounts that
//! accepted each other, never stored and never tried twice.

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::TTL_TYPING;
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{Content, TypingMessage, typing_message};
use holdfast_protocol::swarm::Namespace;
use holdfast_protocol::swarm::request::{Request, Store};

use crate::api::{Event, Failure, Reply, Standing};
use crate::arrival::Arrival;
use crate::core::Core;
use crate::network::request::REQUEST_TIMEOUT;
use crate::work::Work;

/// The preference; `on` or anything else.
pub(crate) const TYPING_INDICATORS: &str = "typing-indicators";
/// How often typing is told again while it goes on, milliseconds (`spec/02-messages-v1.md §5.7`).
const TOLD_EVERY_MS: u64 = 10_000;
/// Without a key press for so long, typing has stopped.
const PAUSE: Duration = Duration::from_secs(10);
/// How long typing is shown after the last word of it.
const SHOWN: Duration = Duration::from_secs(15);

/// Own typing in a conversation; times on the monotonic clock, milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typing {
    told: u64,
    pressed: u64,
}

/// The last that was heard of somebody's typing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typed {
    /// Of the word, Unix milliseconds.
    sent_at: u64,
    /// Shown until then, on the monotonic clock in milliseconds; `None` when not shown.
    until: Option<u64>,
}

impl Core {
    /// Whether typing is told to a contact, and theirs is shown.
    fn tells_typing(&self, contact: &Id) -> bool {
        self.is_on(TYPING_INDICATORS) && self.state.borrow().standing(contact) == Standing::Active
    }

    /// A key was pressed, or the text is gone.
    pub(crate) async fn type_in(self: &Rc<Self>, contact: Id, typing: bool) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        let now = self.ports.clock.monotonic_ms();
        let before = self.state.borrow().typing.get(&contact).copied();
        if !typing {
            if before.is_some() {
                self.state.borrow_mut().typing.remove(&contact);
                self.tell_typing(&account, contact, typing_message::Action::Stopped)
                    .await?;
            }
            return Ok(Reply::Done);
        }
        if !self.tells_typing(&contact) {
            return Ok(Reply::Done);
        }
        let due = before.is_none_or(|typing| now.saturating_sub(typing.told) >= TOLD_EVERY_MS);
        let told = before.filter(|_| !due).map_or(now, |typing| typing.told);
        let entry = Typing { told, pressed: now };
        self.state.borrow_mut().typing.insert(contact, entry);
        if due {
            self.tell_typing(&account, contact, typing_message::Action::Started)
                .await?;
        }
        if before.is_none() {
            let watch = self.clone().watch_typing(account, contact);
            self.spawner.spawn(watch);
        }
        Ok(Reply::Done)
    }

    /// A message was sent, which ends typing without a word.
    pub(crate) fn forget_typing(&self, contact: &Id) {
        self.state.borrow_mut().typing.remove(contact);
    }

    /// Tells the end of typing when no key is pressed any more.
    async fn watch_typing(self: Rc<Self>, account: Rc<Account>, contact: Id) {
        let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        loop {
            let Some(entry) = self.state.borrow().typing.get(&contact).copied() else {
                return;
            };
            let idle = self.ports.clock.monotonic_ms().saturating_sub(entry.pressed);
            if idle >= pause {
                self.state.borrow_mut().typing.remove(&contact);
                // Not told is told by time: the other side forgets it by itself.
                let _ = self
                    .tell_typing(&account, contact, typing_message::Action::Stopped)
                    .await;
                return;
            }
            self.sleep(Duration::from_millis(pause.saturating_sub(idle)))
                .await;
        }
    }

    async fn tell_typing(
        self: &Rc<Self>,
        account: &Rc<Account>,
        contact: Id,
        action: typing_message::Action,
    ) -> Result<(), Failure> {
        if !self.tells_typing(&contact) || !self.time.is_known() {
            return Ok(());
        }
        let mut work = Work::begin(self).await;
        let sent_at = work.next_sent_at(self.time.now());
        work.commit().await?;
        let content = Content {
            typing_message: Some(TypingMessage {
                timestamp: sent_at,
                action: action.into(),
            }),
            ..Content::default()
        };
        let encoded = encode_one_to_one(account, &contact, &content, sent_at, &mut self.rng());
        let bytes = encoded.map_err(|_| Failure::NotAnAccount)?;
        let core = self.clone();
        self.spawner.spawn(async move {
            let Some(node) = core.members_of(&contact).into_iter().next() else {
                return;
            };
            let now = core.time.now();
            let store = Store::new(contact, Namespace::MESSAGES, bytes, now, TTL_TYPING);
            // Lost is lost: the next key press tells it again.
            let _ = core.call(&node, &Request::Store(store), REQUEST_TIMEOUT).await;
        });
        Ok(())
    }

    /// The other side types, or stopped.
    pub(crate) fn take_typing(&self, work: &mut Work<'_>, arrival: &Arrival, message: &TypingMessage) {
        let contact = arrival.received.sender;
        let old = arrival.received.sent_at.saturating_add(TTL_TYPING) < self.time.now();
        if old || !self.tells_typing(&contact) {
            return;
        }
        let sent_at = arrival.received.sent_at;
        let typing = message.action() == typing_message::Action::Started;
        let latest = self.state.borrow().typed.get(&contact).copied();
        // Swarms keep no order: an older word does not count.
        if latest.is_some_and(|latest| latest.sent_at >= sent_at) {
            return;
        }
        let shown = latest.is_some_and(|latest| latest.until.is_some());
        let now = self.ports.clock.monotonic_ms();
        let until = typing.then(|| now.saturating_add(u64::try_from(SHOWN.as_millis()).unwrap_or(0)));
        self.state
            .borrow_mut()
            .typed
            .insert(contact, Typed { sent_at, until });
        self.due.notify();
        if typing != shown {
            let conversation = contact;
            work.tell(Event::Typing { conversation, typing });
        }
    }

    /// A message came, which ends what was typed before it. A word of typing that comes later but is older does not count.
    pub(crate) fn end_typing(&self, work: &mut Work<'_>, contact: &Id, sent_at: u64) {
        let ended = Typed { sent_at, until: None };
        let mut state = self.state.borrow_mut();
        let entry = state.typed.entry(*contact).or_insert(ended);
        if entry.sent_at <= sent_at {
            if entry.until.is_some() {
                work.tell(Event::Typing {
                    conversation: *contact,
                    typing: false,
                });
            }
            *entry = ended;
        }
    }

    /// The machine slept: whoever typed before that is not shown any longer. Before [`Core::due`] is told.
    pub(crate) fn forget_typed(&self) {
        for typed in self.state.borrow_mut().typed.values_mut() {
            typed.until = typed.until.and(Some(0));
        }
    }

    /// Ends the show of typing by itself.
    pub(crate) async fn run_typing(self: Rc<Self>) {
        loop {
            let seen = self.due.count();
            let now = self.ports.clock.monotonic_ms();
            let over: Vec<Id> = {
                let state = self.state.borrow();
                let over = |typed: &Typed| typed.until.is_some_and(|until| until <= now);
                let ended = state.typed.iter().filter(|(_, typed)| over(typed));
                ended.map(|(contact, _)| *contact).collect()
            };
            for conversation in over {
                if let Some(typed) = self.state.borrow_mut().typed.get_mut(&conversation) {
                    typed.until = None;
                }
                self.emit(Event::Typing {
                    conversation,
                    typing: false,
                });
            }
            let next = self
                .state
                .borrow()
                .typed
                .values()
                .filter_map(|typed| typed.until)
                .min();
            let news = Box::pin(self.due.passed(seen));
            match next {
                None => news.await,
                Some(until) => {
                    let wait = Duration::from_millis(until.saturating_sub(now));
                    let _: Either<_, _> = select(news, self.ports.clock.sleep(wait)).await;
                }
            }
        }
    }
}
