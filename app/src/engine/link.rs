//! The page's link to the engine: commands go to the worker, replies and events come back.
//!
//! A worker that crashes is started again, and what it had not answered is given to the next one in the same order and under
//! the same numbers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use futures::channel::oneshot;
use holdfast_client::api::{Command, Event, Failure, FileId, Reply, RequestId};
use js_sys::Array;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, MessageEvent, MessagePort, Worker};

use super::in_order::InOrder;
use super::jobs::{Job, JobId, News, Refusal};
use super::lock::LockView;
use super::wire::{FromWorker, Secret, Sparing, ToWorker, from_js, to_js, wipe, with_payload};
use crate::platform::{self, session::StartError, session::StorageMode, session::marker};

#[wasm_bindgen]
extern "C" {
    /// Starts the engine worker (`static/boot.js`).
    #[wasm_bindgen(catch, js_namespace = holdfast, js_name = startWorker)]
    pub(super) fn start_worker() -> Result<Worker, JsValue>;
}

/// How often a crashed worker is started again within [`CRASH_WINDOW_MS`] before the link gives up.
const MAX_RESTARTS: usize = 3;

/// Crashes further apart than this do not add up.
const CRASH_WINDOW_MS: f64 = 60_000.0;

/// How long an engine has to forget an account before it is ended anyway, in milliseconds. It takes two seconds at most to bring
/// out what was decided last.
const WIPE_MS: u32 = 2_500;

/// Why a command brought no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// The engine refused the command; nothing changed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// There is no engine any more: the account was removed, or the worker kept crashing. Reload the page.
    #[error("the engine is gone")]
    Lost,
}

/// A page's link to the engine of its account. Clones are the same link.
#[derive(Clone)]
pub(crate) struct EngineLink {
    inner: SendWrapper<Rc<Inner>>,
}

impl std::fmt::Debug for EngineLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineLink")
    }
}

/// What a link is started with.
pub(crate) struct Settings {
    /// Where the account is kept.
    pub(crate) mode: StorageMode,
    /// The network profile, as served.
    pub(crate) profile: Vec<u8>,
    /// An empty store means that the browser cleared it.
    pub(crate) expect_account: bool,
    /// What of an account a shared computer leaves alone.
    pub(crate) sparing: Sparing,
}

/// A command that has not been answered.
struct Unanswered {
    command: Command,
    reply: oneshot::Sender<Result<Reply, LinkError>>,
}

/// What becomes of the lock while a page is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The vault is locked, and the link waits for its key.
    Locked(LockView),
    /// The vault is open; commands are taken.
    Open,
    /// All tabs were locked. The link has ended: start another one.
    LockedUp,
    /// The account that was to be removed is still here, and still locked: the browser refused.
    NotForgotten,
    /// No engine could be had behind the lock. The link has ended.
    Failed(StartError),
}

/// A worker and the callbacks that listen to it. Dropping it ends the worker.
pub(super) struct Running {
    worker: Worker,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(web_sys::Event)>,
}

impl Running {
    /// Listens to a worker.
    pub(super) fn new(
        worker: Worker,
        on_message: Closure<dyn Fn(MessageEvent)>,
        on_error: Closure<dyn Fn(web_sys::Event)>,
    ) -> Self {
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Self {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        }
    }

    /// Says something to the worker. It gets a copy; what is here is overwritten, since it may hold a secret.
    pub(super) fn say(&self, message: &ToWorker) -> Result<(), JsValue> {
        let message = to_js(message);
        let posted = self.worker.post_message(&message);
        wipe(&message);
        posted
    }

    /// Says something together with what is handed over rather than copied.
    pub(super) fn hand_over(&self, message: &ToWorker, payload: &JsValue) -> Result<(), JsValue> {
        self.worker
            .post_message_with_transfer(&with_payload(message, payload), &Array::of1(payload))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

type Listener = Rc<dyn Fn(Event)>;
type TurnListener = Rc<dyn Fn(Turn)>;

/// A job that has not ended.
struct Given {
    job: Job,
    /// What it works on. A channel was handed over, and can't be given to another worker.
    blob: Option<Blob>,
    /// Which worker it was given to.
    worker: u32,
    /// What that worker has staged so far.
    staged: Option<FileId>,
    listener: Rc<dyn Fn(JobId, News)>,
}

struct Inner {
    settings: Settings,
    running: RefCell<Option<Running>>,
    /// The worker takes commands. Until then they wait here, behind those that a worker before left.
    started: Cell<bool>,
    /// Whoever waits for the first start.
    waiting: RefCell<Option<oneshot::Sender<Result<(), StartError>>>>,
    unanswered: RefCell<InOrder<Unanswered>>,
    listeners: RefCell<Vec<Listener>>,
    on_turn: RefCell<Option<TurnListener>>,
    /// The lock that the worker waits at.
    locked: RefCell<Option<LockView>>,
    jobs: RefCell<BTreeMap<JobId, Given>>,
    /// How many workers were started.
    workers: Cell<u32>,
    crashes: RefCell<Vec<f64>>,
    /// No further worker is started.
    ended: Cell<bool>,
}

impl EngineLink {
    /// Starts the worker and completes when an engine takes commands, or the vault is locked ([`Self::locked`]).
    pub(crate) async fn start(settings: Settings) -> Result<EngineLink, StartError> {
        let (sender, started) = oneshot::channel();
        let inner = Rc::new(Inner {
            settings,
            running: RefCell::default(),
            started: Cell::new(false),
            waiting: RefCell::new(Some(sender)),
            unanswered: RefCell::default(),
            listeners: RefCell::default(),
            on_turn: RefCell::default(),
            locked: RefCell::default(),
            jobs: RefCell::default(),
            workers: Cell::new(0),
            crashes: RefCell::default(),
            ended: Cell::new(false),
        });
        inner.start_worker()?;
        match started.await {
            Ok(result) => result?,
            Err(_) => return Err(StartError::Failed("the engine did not start".into())),
        }
        Ok(EngineLink {
            inner: SendWrapper::new(inner),
        })
    }

    /// Gives a command and waits for its reply. A crash or hand-over in between does not repeat its effect.
    pub(crate) async fn request(&self, command: Command) -> Result<Reply, LinkError> {
        let (reply, answered) = oneshot::channel();
        self.inner.give(command, reply);
        answered.await.unwrap_or(Err(LinkError::Lost))
    }

    /// Calls the listener for every event from now on, in order.
    pub(crate) fn on_event(&self, listener: impl Fn(Event) + 'static) {
        self.inner.listeners.borrow_mut().push(Rc::new(listener));
    }

    /// Calls the listener when the vault is locked or opened from now on.
    pub(crate) fn on_turn(&self, listener: impl Fn(Turn) + 'static) {
        *self.inner.on_turn.borrow_mut() = Some(Rc::new(listener));
    }

    /// The lock that is waited at, if the vault is locked.
    pub(crate) fn locked(&self) -> Option<LockView> {
        self.inner.locked.borrow().clone()
    }

    /// Opens the vault that is waited at. What comes of it is a [`Turn`].
    pub(crate) fn unlock(&self, key: Secret) {
        self.inner.say(&ToWorker::Unlock(key));
    }

    /// Locks all tabs, if there is a lock.
    pub(crate) fn lock_up(&self) {
        self.inner.say(&ToWorker::LockUp);
    }

    /// Tells all tabs that somebody is active in this one.
    pub(crate) fn active(&self, at_ms: u64) {
        self.inner.say(&ToWorker::Active { at_ms });
    }

    /// Nobody was active in this tab for so long: locks all tabs, unless there was somebody in another.
    pub(crate) fn idle(&self, now_ms: u64, limit_ms: u64) {
        self.inner.say(&ToWorker::Idle { now_ms, limit_ms });
    }

    /// Removes the locked account from this device. It ends as a log-out does.
    pub(crate) fn forget(&self) {
        self.inner.say(&ToWorker::Forget);
    }

    /// Has the worker prepare a file; calls back with how it goes. [`News::Done`], [`News::Drawn`] or
    /// [`News::Refused`] is the last of it.
    pub(crate) fn prepare(&self, job: Job, blob: Blob, listener: impl Fn(JobId, News) + 'static) -> JobId {
        let id = JobId(u64::from_le_bytes(platform::random_bytes()));
        let given = Given {
            job,
            blob: Some(blob),
            worker: self.inner.workers.get(),
            staged: None,
            listener: Rc::new(listener),
        };
        self.inner.give_job(id, &given);
        self.inner.jobs.borrow_mut().insert(id, given);
        id
    }

    /// Has the worker record a voice message from the sound that comes through a channel; as [`Self::prepare`].
    pub(crate) fn record(
        &self,
        job: Job,
        sound: &MessagePort,
        listener: impl Fn(JobId, News) + 'static,
    ) -> JobId {
        let id = JobId(u64::from_le_bytes(platform::random_bytes()));
        if let Some(running) = self.inner.running.borrow().as_ref() {
            // A worker that is gone tells nothing: its successor ends the job.
            let _ = running.hand_over(&ToWorker::Job { id, job: job.clone() }, sound);
        }
        let given = Given {
            job,
            blob: None,
            worker: self.inner.workers.get(),
            staged: None,
            listener: Rc::new(listener),
        };
        self.inner.jobs.borrow_mut().insert(id, given);
        id
    }

    /// Takes a job back.
    pub(crate) fn cancel_job(&self, id: JobId) {
        self.inner.say(&ToWorker::CancelJob(id));
    }

    /// No more sound comes for a voice message: what was heard becomes its file.
    pub(crate) fn end_voice(&self, id: JobId) {
        self.inner.say(&ToWorker::EndVoice(id));
    }

    /// Has the engine bring out what it can and overwrite its keys, and ends it with all of its memory. What does not answer in
    /// time is ended too.
    pub(crate) async fn wipe(&self) {
        let forgotten = Box::pin(self.request(Command::LogOut));
        let late = Box::pin(platform::pause(WIPE_MS));
        futures::future::select(forgotten, late).await;
        self.kill();
    }

    /// Ends the engine with all of its memory, now.
    pub(crate) fn kill(&self) {
        self.inner.end(StartError::Failed("the session ended".into()));
    }

    /// Where the account is kept.
    pub(crate) fn mode(&self) -> StorageMode {
        self.inner.settings.mode
    }
}

impl Inner {
    fn start_worker(self: &Rc<Self>) -> Result<(), StartError> {
        let worker = start_worker().map_err(|e| StartError::Failed(platform::error_text(&e)))?;
        self.workers.set(self.workers.get() + 1);
        self.started.set(false);
        let link = Rc::downgrade(self);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let (Some(link), Some(message)) = (Weak::upgrade(&link), from_js(event.data())) {
                link.hear(message);
            }
        });
        let link = Rc::downgrade(self);
        let on_error = Closure::<dyn Fn(web_sys::Event)>::new(move |_| {
            if let Some(link) = Weak::upgrade(&link) {
                // The callback that runs now belongs to the worker that is replaced: let it return first.
                wasm_bindgen_futures::spawn_local(async move { link.restart() });
            }
        });
        let start = ToWorker::Start {
            mode: self.settings.mode,
            profile: self.settings.profile.clone(),
            expect_account: self.settings.expect_account,
            sparing: self.settings.sparing,
        };
        let running = Running::new(worker, on_message, on_error);
        let posted = running.say(&start);
        *self.running.borrow_mut() = Some(running);
        posted.map_err(|e| StartError::Failed(platform::error_text(&e)))
    }

    /// Replaces a crashed worker, or ends the link when it crashes again and again.
    fn restart(self: &Rc<Self>) {
        if self.ended.get() {
            return;
        }
        let now = js_sys::Date::now();
        let crashes = {
            let mut crashes = self.crashes.borrow_mut();
            crashes.retain(|at| now - at < CRASH_WINDOW_MS);
            crashes.push(now);
            crashes.len()
        };
        // A memory store died with its worker: there is nothing to take up again.
        let kept = self.settings.mode == StorageMode::OwnDevice;
        if !kept || crashes > MAX_RESTARTS {
            self.fail(StartError::Failed("the engine stopped".into()));
        } else {
            self.start_again();
        }
    }

    /// Puts a fresh worker in the place of one that has ended.
    fn start_again(self: &Rc<Self>) {
        if !self.ended.get()
            && let Err(why) = self.start_worker()
        {
            self.fail(why);
        }
    }

    /// Ends, since there is no engine to be had. Who stands at the lock has given no command that would tell of it.
    fn fail(&self, why: StartError) {
        if self.locked.take().is_some() {
            self.tell_turn(Turn::Failed(why.clone()));
        }
        self.end(why);
    }

    /// Ends the worker; what was not answered is lost.
    fn end(&self, why: StartError) {
        self.ended.set(true);
        let running = self.running.borrow_mut().take();
        if let Some(running) = running {
            // The worker's own callback may be what brought us here: drop it when it has returned.
            wasm_bindgen_futures::spawn_local(async move { drop(running) });
        }
        if let Some(waiting) = self.waiting.borrow_mut().take() {
            let _ = waiting.send(Err(why));
        }
        self.unanswered.borrow_mut().clear();
        let jobs: Vec<JobId> = self.jobs.borrow().keys().copied().collect();
        for id in jobs {
            self.hear_news(id, News::Refused(Refusal::Lost));
        }
    }

    /// Says something to the worker that it need not answer.
    fn say(&self, message: &ToWorker) {
        if let Some(running) = self.running.borrow().as_ref() {
            // Fails only for what can't be copied, and bytes can.
            let _ = running.say(message);
        }
    }

    fn tell_turn(&self, turn: Turn) {
        let listener = self.on_turn.borrow().clone();
        if let Some(listener) = listener {
            listener(turn);
        }
    }

    fn give_job(&self, id: JobId, given: &Given) {
        if let (Some(running), Some(blob)) = (self.running.borrow().as_ref(), &given.blob) {
            let job = given.job.clone();
            // The blob itself stays where the browser keeps it.
            let message = with_payload(&ToWorker::Job { id, job }, blob);
            let _ = running.worker.post_message(&message);
        }
    }

    /// Gives a fresh worker what the one before was at.
    fn give_jobs_again(self: &Rc<Self>) {
        let mut lost = Vec::new();
        let now = self.workers.get();
        let mut jobs = self.jobs.borrow_mut();
        for (id, given) in jobs.iter_mut().filter(|(_, given)| given.worker != now) {
            given.worker = now;
            if let Some(half) = given.staged.take() {
                let (reply, _) = oneshot::channel();
                self.give(Command::DiscardFile(half), reply);
            }
            if given.blob.is_some() {
                self.give_job(*id, given);
            } else {
                lost.push(*id);
            }
        }
        drop(jobs);
        for id in lost {
            self.hear_news(id, News::Refused(Refusal::Lost));
        }
    }

    fn hear_news(&self, id: JobId, news: News) {
        let over = matches!(news, News::Done(_) | News::Drawn(_) | News::Refused(_));
        let listener = {
            let mut jobs = self.jobs.borrow_mut();
            let Some(given) = jobs.get_mut(&id) else { return };
            if let News::Staged(file) = &news {
                given.staged = Some(*file);
            }
            let listener = Rc::clone(&given.listener);
            if over {
                jobs.remove(&id);
            }
            listener
        };
        listener(id, news);
    }

    fn give(&self, command: Command, reply: oneshot::Sender<Result<Reply, LinkError>>) {
        if self.ended.get() {
            let _ = reply.send(Err(LinkError::Lost));
            return;
        }
        let request = RequestId(platform::random_bytes());
        if self.started.get() {
            self.post(request, &command);
        }
        self.unanswered
            .borrow_mut()
            .put(request, Unanswered { command, reply });
    }

    /// A copy that can't be posted stays unanswered and goes to the next worker.
    fn post(&self, request: RequestId, command: &Command) {
        self.say(&ToWorker::Command {
            request,
            command: command.clone(),
        });
    }

    fn hear(self: &Rc<Self>, message: FromWorker) {
        match message {
            FromWorker::Started => {
                let was_locked = self.locked.take().is_some();
                self.started.set(true);
                if let Some(waiting) = self.waiting.borrow_mut().take() {
                    let _ = waiting.send(Ok(()));
                }
                for (request, unanswered) in self.unanswered.borrow().all() {
                    self.post(*request, &unanswered.command);
                }
                self.give_jobs_again();
                if was_locked {
                    self.tell_turn(Turn::Open);
                }
            }
            FromWorker::Locked(view) => {
                self.started.set(false);
                *self.locked.borrow_mut() = Some(view.clone());
                match self.waiting.take() {
                    Some(waiting) => drop(waiting.send(Ok(()))),
                    None => self.tell_turn(Turn::Locked(view)),
                }
            }
            // Nobody hears of it yet. Another worker finds the lock, and waits at it.
            FromWorker::LockedUp if self.waiting.borrow().is_some() => {
                let link = Rc::clone(self);
                // The callback that runs now belongs to the worker that is replaced: let it return first.
                wasm_bindgen_futures::spawn_local(async move { link.start_again() });
            }
            FromWorker::LockedUp => {
                // Whoever hears of it stops waiting for answers before they are lost.
                self.tell_turn(Turn::LockedUp);
                self.end(StartError::Failed("locked".into()));
            }
            FromWorker::NotForgotten => self.tell_turn(Turn::NotForgotten),
            FromWorker::Refused(why) => self.fail(why),
            FromWorker::Reply { request, result } => {
                if let Ok(Reply::Snapshot(snapshot)) = &result {
                    self.note_account(snapshot.account.is_some());
                }
                let unanswered = self.unanswered.borrow_mut().take(request);
                if let Some(unanswered) = unanswered {
                    let _ = unanswered.reply.send(result.map_err(LinkError::from));
                }
            }
            FromWorker::Job { id, news } => self.hear_news(id, news),
            // Asked of other workers only.
            FromWorker::Lock(_) | FromWorker::Codes(_) => {}
            FromWorker::Event(event) => {
                let over = matches!(event, Event::LoggedOut);
                if over {
                    self.note_account(false);
                }
                let listeners = self.listeners.borrow().clone();
                for listener in listeners {
                    listener(event.clone());
                }
                if over {
                    self.end(StartError::StorageLost);
                }
            }
        }
    }

    /// Keeps the marker that tells the next visit to expect an account. A shared computer gets none.
    fn note_account(&self, exists: bool) {
        if self.settings.mode == StorageMode::OwnDevice {
            marker::set(exists);
        }
    }
}
