//! Which worker runs the engine: taking the turn, following whoever has it, and taking over from one that answers nobody.

use std::rc::Rc;
use std::time::Duration;

use holdfast_client::api::{Command, Event, Reply};
use holdfast_client::seal::VaultKey;
use wasm_bindgen_futures::spawn_local;

use super::{Asker, Role, Worker, tell_page};
use crate::engine::clock;
use crate::engine::host::{Host, HostError, WhenEmpty};
use crate::engine::indexeddb::Claim;
use crate::engine::tabs::{self, TabChannel, Turn};
use crate::engine::wire::{BetweenTabs, FromWorker, Secret};
use crate::platform::session::{StartError, StorageMode};

/// How often a worker that waits for another one's answer looks whether that one is alive. Looks are counted rather than
/// time, which goes on while this worker's own tab is frozen.
const LOOK: Duration = Duration::from_millis(2_500);
/// After so many looks without a word from the engine's worker it is asked for one.
const ASKED_AFTER: u32 = 2;
/// After so many, the engine is taken over: ten seconds after it was asked.
const REPLACED_AFTER: u32 = 6;

impl Worker {
    /// Runs the engine here or finds the worker that does.
    pub(super) async fn find_engine(self: Rc<Self>) {
        if self.mode == StorageMode::SharedComputer {
            self.lead(None).await;
            return;
        }
        let hearing = Rc::clone(&self);
        match TabChannel::join(move |message| hearing.hear(message)) {
            Ok(channel) => *self.channel.borrow_mut() = Some(channel),
            Err(error) => {
                let why = StartError::Failed(crate::platform::error_text(&error));
                tell_page(&FromWorker::Refused(why));
                return;
            }
        }
        self.seek().await;
    }

    /// Runs the engine here if no worker does, else gets in line behind the one that does.
    pub(super) async fn seek(self: &Rc<Self>) {
        if let Some(turn) = tabs::lead_now().await {
            self.lead(Some(turn)).await;
            return;
        }
        self.post(&BetweenTabs::WhoLeads);
        self.look();
        self.line_up().await;
    }

    /// Waits for the right to run the engine, once.
    async fn line_up(self: &Rc<Self>) {
        if self.in_line.replace(true) {
            return;
        }
        let turn = tabs::lead_in_turn().await;
        self.in_line.set(false);
        if turn.is_some() {
            self.lead(turn).await;
        } else if self.term.get().is_none() && matches!(*self.role.borrow(), Role::Waiting) {
            // A browser that refuses a page its storage refuses it the locks, too: nobody leads, and nobody will.
            *self.role.borrow_mut() = Role::Ended;
            tell_page(&FromWorker::Refused(StartError::StorageRefused));
        }
    }

    /// Looks, for as long as something is expected of the engine's worker, whether it is alive, and takes its place if it
    /// is not.
    pub(super) fn look(self: &Rc<Self>) {
        if self.looking.replace(true) {
            return;
        }
        self.silence.set(0);
        let worker = Rc::clone(self);
        spawn_local(async move {
            while worker.expects_answer() {
                clock::sleep(LOOK).await;
                let silence = worker.silence.get() + 1;
                worker.silence.set(silence);
                if silence == ASKED_AFTER {
                    worker.post(&BetweenTabs::WhoLeads);
                }
                if silence >= REPLACED_AFTER && worker.expects_answer() {
                    worker.silence.set(0);
                    let turn = tabs::lead_instead().await;
                    if turn.is_some() {
                        worker.lead(turn).await;
                    }
                }
            }
            worker.looking.set(false);
        });
    }

    /// Whether another worker owes this one an answer.
    fn expects_answer(&self) -> bool {
        match *self.role.borrow() {
            Role::Waiting => self.term.get().is_none(),
            Role::Following { .. } => !self.unanswered.borrow().all().is_empty() || self.told_idle.get(),
            Role::Leading { .. } | Role::Locked | Role::Ended => false,
        }
    }

    /// Starts the engine here. For the first one, or when the one before is gone.
    async fn lead(self: &Rc<Self>, mut turn: Option<Turn>) {
        // A turn may come after the engine was taken over: then it is here already.
        if self.is_ended() || self.term.get().is_some() {
            return;
        }
        let taking_over = self.started.get();
        let term = u64::from_le_bytes(crate::platform::random_bytes());
        *self.role.borrow_mut() = Role::Waiting;
        self.term.set(Some(term));
        let hearing = Rc::downgrade(self);
        let on_lost = Rc::new(move || {
            // Not at once: the store calls this from within a commit.
            if let Some(worker) = hearing.upgrade() {
                spawn_local(async move { worker.step_down(term) });
            }
        });
        if let Some(gone) = turn.as_mut().and_then(Turn::gone) {
            let on_lost = Rc::clone(&on_lost);
            spawn_local(async move {
                let _ = gone.await;
                on_lost();
            });
        }
        let hearing = Rc::downgrade(self);
        let on_event = move |event| {
            // What a replaced engine still says is of no interest.
            if let Some(worker) = hearing.upgrade().filter(|worker| worker.leads(term)) {
                worker.pass_on(event);
            }
        };
        let host = match self.mode {
            StorageMode::SharedComputer => Host::in_memory(&self.profile, self.sparing, on_event).await,
            StorageMode::OwnDevice => {
                let empty = if taking_over || self.expect_account {
                    WhenEmpty::Refuse
                } else {
                    WhenEmpty::Create
                };
                let known = self.key.take();
                let claim = Claim { term, on_lost };
                Host::on_device(&self.profile, empty, known, claim, on_event).await
            }
        };
        if self.is_ended() || !self.leads(term) {
            // All tabs were locked meanwhile, or another worker took over.
            if let Ok(host) = host {
                host.shut_down();
            }
            return;
        }
        match host {
            Ok(host) => {
                *self.turn.borrow_mut() = turn;
                if taking_over {
                    // Until the pages have the state as it is now, nothing new is carried out: it would come before what
                    // the engine before left.
                    let snapshot = host.snapshot().await;
                    if self.is_ended() || !self.leads(term) {
                        host.shut_down();
                        return;
                    }
                    if let Some(snapshot) = snapshot {
                        self.pass_on(Event::Reloaded(snapshot));
                    }
                }
                self.serve(Rc::new(host), term);
            }
            Err(HostError::Locked(view)) => self.wait_at_lock(view),
            // Another tab removed the account and went before it could say so.
            Err(HostError::Empty) if taking_over => self.end(),
            Err(error) => tell_page(&FromWorker::Refused(error.into())),
        }
    }

    /// Whether the engine of this number starts or runs here.
    fn leads(&self, term: u64) -> bool {
        self.term.get() == Some(term)
    }

    /// Another worker took the engine over, believing this one dead. What was not answered is given to it.
    fn step_down(self: &Rc<Self>, term: u64) {
        if !self.leads(term) || matches!(*self.role.borrow(), Role::Ended) {
            return;
        }
        self.term.set(None);
        if let Role::Leading { host, .. } = self.role.replace(Role::Waiting) {
            host.shut_down();
        }
        self.taken.borrow_mut().clear();
        drop(self.turn.take());
        // The key went with the engine, and is not kept for the case that whoever took over is gone by now. A worker that
        // slept may not have heard that all tabs were locked meanwhile, since browsers drop what is said to a page they put
        // aside. An engine that runs vouches for the vault being open, and tells the key; without one only its user can.
        let worker = Rc::clone(self);
        spawn_local(async move { worker.seek().await });
        // What happened meanwhile the other workers told this one while it slept and took itself for the leader.
        let worker = Rc::clone(self);
        spawn_local(async move {
            if let Ok(Reply::Snapshot(snapshot)) = worker.ask(Command::Snapshot).await {
                tell_page(&FromWorker::Event(Event::Reloaded(snapshot)));
            }
        });
    }

    /// Tells the others which engine runs, with the key that whoever takes over needs.
    pub(super) fn say_leading(&self, host: &Host, term: u64) {
        let Some(key) = host.key() else { return };
        let key = Secret::new(key.as_bytes().to_vec());
        self.post(&BetweenTabs::Leading { term, key });
    }

    /// Hears another tab's worker.
    fn hear(self: &Rc<Self>, message: BetweenTabs) {
        let leading = match &*self.role.borrow() {
            Role::Leading { host, term } => Some((Rc::clone(host), *term)),
            Role::Ended => return,
            Role::Waiting | Role::Locked | Role::Following { .. } => None,
        };
        // What else is said, any worker says.
        let by_engine = matches!(
            message,
            BetweenTabs::Leading { .. }
                | BetweenTabs::Starting
                | BetweenTabs::Reply { .. }
                | BetweenTabs::Event(_)
        );
        if by_engine {
            self.silence.set(0);
            self.told_idle.set(false);
        }
        match (message, leading) {
            (BetweenTabs::WhoLeads, None) if self.term.get().is_some() => self.post(&BetweenTabs::Starting),
            (BetweenTabs::WhoLeads, Some((host, term))) => self.say_leading(&host, term),
            (BetweenTabs::Command { request, command }, Some((host, _))) => {
                self.carry_out(&host, request, command, Asker::OtherTab);
            }
            (BetweenTabs::Leading { term, key }, None) if self.term.get().is_none() => {
                self.follow(term, &key)
            }
            (BetweenTabs::Reply { request, result }, None) => self.answer(request, result),
            (BetweenTabs::Event(Event::LoggedOut), None) => self.end(),
            (BetweenTabs::Event(event), None) if self.started.get() => {
                tell_page(&FromWorker::Event(event));
            }
            (BetweenTabs::LockUp, _) => self.end_locked(),
            (BetweenTabs::Active { at_ms }, _) => self.hear_active(at_ms),
            (BetweenTabs::Idle { now_ms, limit_ms }, Some(_)) => self.judge_idle(now_ms, limit_ms),
            _ => {}
        }
    }

    /// Follows an engine; a new one is given again what the one before did not answer.
    fn follow(self: &Rc<Self>, term: u64, key: &Secret) {
        *self.key.borrow_mut() = key.bytes().try_into().ok().map(VaultKey::from_bytes);
        let known = matches!(*self.role.borrow(), Role::Following { term: known } if known == term);
        if known {
            return;
        }
        *self.role.borrow_mut() = Role::Following { term };
        // Whoever waited at the lock is not in line yet.
        let worker = Rc::clone(self);
        spawn_local(async move { worker.line_up().await });
        if !self.started.replace(true) {
            tell_page(&FromWorker::Started);
        }
        for (request, command) in self.unanswered() {
            self.post(&BetweenTabs::Command { request, command });
        }
    }
}
