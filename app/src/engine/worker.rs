//! The worker's entry: runs the engine for all tabs, or carries commands to the worker that does.
//!
//! On the user's own device the first worker to get the lock runs the engine (`worker/leading.rs`). The others follow: they
//! pass on their page's commands and hand the engine's events to their page. When the leading worker ends, the next in line
//! takes over, and every follower gives it again what was not answered, in the same order and under the same numbers. From
//! one that answers nobody, because the browser froze its tab, a follower takes the engine over. On a shared computer each
//! tab is on its own: its engine runs over a memory store and nothing is said to other tabs.
//!
//! Behind a lock a worker waits for the vault's key, from its page or from the worker that runs the engine (`worker/lock.rs`).

mod leading;
mod lock;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, select};
use holdfast_client::api::{Command, Event, Failure, Reply, RequestId};
use holdfast_client::seal::VaultKey;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::clock;
use super::codes;
use super::host::Host;
use super::in_order::InOrder;
use super::jobs::{JobId, News};
use super::prepare::Jobs;
use super::tabs::{TabChannel, Turn};
use super::wire::{BetweenTabs, FromWorker, Sparing, ToWorker, from_js, payload_from_js, to_js, wipe};
use crate::platform::session::StorageMode;

/// How long commands may still take once the account is gone: none of them has anything left to do.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long the browser may take to remove the account's databases: much, where the disk is busy. They are empty by then.
const REMOVAL: Duration = Duration::from_secs(30);

/// Runs in the worker: waits for the page's start message.
pub(crate) fn run() {
    let worker: Rc<RefCell<Option<Rc<Worker>>>> = Rc::default();
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let data = event.data();
        let (message, payload) = match payload_from_js(&data) {
            Some((message, payload)) => (Some(message), payload),
            None => (from_js(data), JsValue::UNDEFINED),
        };
        match message {
            Some(ToWorker::Start {
                mode,
                profile,
                expect_account,
                sparing,
            }) => {
                let started = Worker::start(mode, profile, expect_account, sparing);
                *worker.borrow_mut() = Some(started);
            }
            Some(ToWorker::Lock(question)) => spawn_local(async move {
                tell_page(&FromWorker::Lock(super::lock::answer(question).await));
            }),
            Some(ToWorker::FindCodes { width, height }) => {
                tell_page(&FromWorker::Codes(codes::find_posted(&payload, width, height)));
            }
            Some(message) => {
                if let Some(worker) = worker.borrow().as_ref() {
                    worker.hear_page(message, &payload);
                }
            }
            None => {}
        }
    });
    scope().set_onmessage(Some(hear.as_ref().unchecked_ref()));
    // The worker listens until it ends.
    hear.forget();
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn tell_page(message: &FromWorker) {
    let message = to_js(message);
    // Fails only when the page is gone, and then nobody waits.
    let _ = scope().post_message(&message);
    wipe(&message);
}

/// Where the engine is.
enum Role {
    /// Nowhere yet, or in a worker that ended: commands wait.
    Waiting,
    /// Nowhere: the vault is locked.
    Locked,
    /// In another tab's worker.
    Following {
        /// Which engine, to notice when another takes over.
        term: u64,
    },
    /// Here.
    Leading {
        /// The engine.
        host: Rc<Host>,
        /// This engine's number.
        term: u64,
    },
    /// The account was removed, or all tabs were locked.
    Ended,
}

/// Who gets a command's reply.
#[derive(Clone, Copy)]
enum Asker {
    Page,
    OtherTab,
}

pub(super) struct Worker {
    mode: StorageMode,
    profile: Vec<u8>,
    expect_account: bool,
    sparing: Sparing,
    role: RefCell<Role>,
    /// The other tabs' workers; none on a shared computer.
    channel: RefCell<Option<TabChannel>>,
    /// The page was told that commands are taken.
    started: Cell<bool>,
    /// The commands of the page and of its jobs that no engine answered yet.
    unanswered: RefCell<InOrder<Command>>,
    /// Who waits for the replies to the jobs' commands.
    asking: RefCell<BTreeMap<RequestId, oneshot::Sender<Result<Reply, Failure>>>>,
    /// What the page has prepared here.
    jobs: Jobs,
    /// What this engine was given already: a follower may repeat itself when engines change.
    taken: RefCell<BTreeSet<RequestId>>,
    /// Commands that the engine is at.
    busy: Cell<usize>,
    /// The number of the engine that starts or runs here; none once another took over.
    term: Cell<Option<u64>>,
    /// Looks since the last word from the engine's worker.
    silence: Cell<u32>,
    /// The engine's worker was told that nobody is here, and has said nothing since.
    told_idle: Cell<bool>,
    /// Somebody looks.
    looking: Cell<bool>,
    /// The engine removed the account; the rest follows when the last reply is out.
    logged_out: Cell<bool>,
    /// The right to run the engine.
    turn: RefCell<Option<Turn>>,
    /// It is waited for that right.
    in_line: Cell<bool>,
    /// The vault's key, once it is known.
    key: RefCell<Option<VaultKey>>,
    /// When somebody was active last, in any tab: milliseconds since 1970.
    active_ms: Cell<u64>,
}

impl Worker {
    fn start(mode: StorageMode, profile: Vec<u8>, expect_account: bool, sparing: Sparing) -> Rc<Worker> {
        let worker = Rc::new(Worker {
            mode,
            profile,
            expect_account,
            sparing,
            role: RefCell::new(Role::Waiting),
            channel: RefCell::default(),
            started: Cell::new(false),
            unanswered: RefCell::default(),
            asking: RefCell::default(),
            jobs: Jobs::default(),
            taken: RefCell::default(),
            busy: Cell::new(0),
            term: Cell::default(),
            silence: Cell::default(),
            told_idle: Cell::default(),
            looking: Cell::default(),
            logged_out: Cell::new(false),
            turn: RefCell::default(),
            in_line: Cell::new(false),
            key: RefCell::default(),
            active_ms: Cell::new(0),
        });
        spawn_local(Rc::clone(&worker).find_engine());
        worker
    }

    /// Takes commands, beginning with those that the engine before left unanswered.
    fn serve(self: &Rc<Self>, host: Rc<Host>, term: u64) {
        *self.role.borrow_mut() = Role::Leading {
            host: Rc::clone(&host),
            term,
        };
        if !self.started.replace(true) {
            tell_page(&FromWorker::Started);
        }
        self.say_leading(&host, term);
        for (request, command) in self.unanswered() {
            self.carry_out(&host, request, command, Asker::Page);
        }
    }

    /// The commands of the page and of its jobs that no engine answered yet, in the order in which they were given.
    fn unanswered(&self) -> Vec<(RequestId, Command)> {
        self.unanswered.borrow().all().to_vec()
    }

    fn hear_page(self: &Rc<Self>, message: ToWorker, payload: &JsValue) {
        match message {
            ToWorker::Command { request, command } => self.take(request, command),
            ToWorker::Job { id, job } => self.jobs.take(self, id, job, payload),
            ToWorker::CancelJob(id) => self.jobs.cancel(self, id),
            ToWorker::EndVoice(id) => self.jobs.end_voice(self, id),
            ToWorker::Unlock(key) => self.unlock(&key),
            ToWorker::LockUp => self.lock_up(),
            ToWorker::Active { at_ms } => self.note_active(at_ms),
            ToWorker::Idle { now_ms, limit_ms } => self.note_idle(now_ms, limit_ms),
            ToWorker::Forget => self.forget(),
            // The first message was one of these.
            ToWorker::Lock(_) | ToWorker::FindCodes { .. } | ToWorker::Start { .. } => {}
        }
    }

    /// Gives a command on behalf of a job and waits for its reply, across a change of engines.
    pub(super) async fn ask(self: &Rc<Self>, command: Command) -> Result<Reply, Failure> {
        let request = RequestId(crate::platform::random_bytes());
        let (reply, answered) = oneshot::channel();
        self.asking.borrow_mut().insert(request, reply);
        self.take(request, command);
        // The sender goes only with the worker.
        answered.await.unwrap_or(Err(Failure::NoAccount))
    }

    /// Tells the page how a job goes.
    pub(super) fn tell_news(&self, id: JobId, news: News) {
        tell_page(&FromWorker::Job { id, news });
    }

    /// Takes a command of the own page or of one of its jobs.
    fn take(self: &Rc<Self>, request: RequestId, command: Command) {
        self.unanswered.borrow_mut().put(request, command.clone());
        match &*self.role.borrow() {
            Role::Leading { host, .. } => self.carry_out(host, request, command, Asker::Page),
            Role::Following { .. } => {
                self.post(&BetweenTabs::Command { request, command });
                self.look();
            }
            Role::Waiting | Role::Locked | Role::Ended => {}
        }
    }

    /// Gives a command to the engine, once.
    fn carry_out(self: &Rc<Self>, host: &Rc<Host>, request: RequestId, command: Command, asker: Asker) {
        if !self.taken.borrow_mut().insert(request) {
            return;
        }
        self.busy.set(self.busy.get() + 1);
        let (worker, host) = (Rc::clone(self), Rc::clone(host));
        let term = self.term.get();
        spawn_local(async move {
            let result = host.request(request, command).await;
            if worker.term.get() != term {
                // Replaced meanwhile: the engine that took over answers.
                worker.busy.set(worker.busy.get() - 1);
                return;
            }
            match asker {
                Asker::Page => {
                    // The page repeats a command only to another worker.
                    worker.taken.borrow_mut().remove(&request);
                    worker.answer(request, result);
                }
                Asker::OtherTab => worker.post(&BetweenTabs::Reply { request, result }),
            }
            worker.busy.set(worker.busy.get() - 1);
            worker.finish_log_out();
        });
    }

    /// Answers the own page, or the job that asked.
    fn answer(&self, request: RequestId, result: Result<Reply, Failure>) {
        if self.unanswered.borrow_mut().take(request).is_none() {
            return;
        }
        let asking = self.asking.borrow_mut().remove(&request);
        match asking {
            // Nobody waits when the job was dropped meanwhile.
            Some(asking) => drop(asking.send(result)),
            None => tell_page(&FromWorker::Reply { request, result }),
        }
    }

    /// Hands an event of this worker's engine to all tabs.
    fn pass_on(self: &Rc<Self>, event: Event) {
        if matches!(event, Event::LoggedOut) {
            self.logged_out.set(true);
            self.finish_log_out();
            let worker = Rc::clone(self);
            spawn_local(async move {
                clock::sleep(LAST_ANSWERS).await;
                worker.leave_account();
            });
            return;
        }
        // One tab notifies: that of the engine.
        if !matches!(event, Event::Notify { .. }) {
            self.post(&BetweenTabs::Event(event.clone()));
        }
        tell_page(&FromWorker::Event(event));
    }

    /// Removes what is left of the account once the engine has answered everything, and tells all tabs.
    fn finish_log_out(self: &Rc<Self>) {
        if self.logged_out.get() && self.busy.get() == 0 {
            self.leave_account();
        }
    }

    fn leave_account(self: &Rc<Self>) {
        let role = self.role.replace(Role::Ended);
        if matches!(role, Role::Ended) {
            return;
        }
        let worker = Rc::clone(self);
        spawn_local(async move {
            if let Role::Leading { host, .. } = role {
                // A browser that never removes what is empty keeps nobody here.
                let removed = Box::pin(host.remove());
                let _: Either<_, _> = select(removed, Box::pin(clock::sleep(REMOVAL))).await;
            }
            worker.post(&BetweenTabs::Event(Event::LoggedOut));
            worker.end();
        });
    }

    fn is_ended(&self) -> bool {
        matches!(*self.role.borrow(), Role::Ended)
    }

    fn end(&self) {
        *self.role.borrow_mut() = Role::Ended;
        tell_page(&FromWorker::Event(Event::LoggedOut));
    }

    fn post(&self, message: &BetweenTabs) {
        if let Some(channel) = self.channel.borrow().as_ref() {
            channel.post(message);
        }
    }
}
