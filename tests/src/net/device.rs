//! A machine with an engine on it: its ports, its crashes, and what a front end would ask.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};
use holdfast_client::api::{
    Anchor, Command, Conversation, Event, Failure, Found, Message, MessageKind, MessageState, NetworkStatus,
    Reply, Snapshot,
};
use holdfast_client::native::SystemRng;
use holdfast_client::ports::{Clock, HttpRequest, HttpResponse, Network, NetworkError, Ports, Rng, Store};
use holdfast_client::store::memory::MemoryStore;
use holdfast_client::{Engine, EngineHandle, NetworkProfile, Options};
use holdfast_protocol::account::{Id, Seed};

use super::{SeededRng, World};

/// How a machine hangs on the network.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cable {
    /// Everything goes through.
    In,
    /// Nothing new goes out; what is under way is answered.
    Out,
    /// Nothing new goes out, and what is under way is carried out without an answer.
    Cut,
}

/// How often a machine that sleeps is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// One machine's network port.
struct Port {
    world: World,
    cable: Rc<Cell<Cable>>,
    clock: Rc<SkewedClock>,
}

impl Network for Port {
    fn send(&self, request: HttpRequest) -> LocalBoxFuture<'_, Result<HttpResponse, NetworkError>> {
        async move {
            self.clock.awake.awoken().await;
            if self.cable.get() != Cable::In {
                return Err(NetworkError::Offline);
            }
            let naps = self.clock.awake.naps.get();
            let timeout = request.timeout;
            let answer = tokio::time::timeout(timeout, self.world.serve(request))
                .await
                .unwrap_or(Err(NetworkError::Timeout));
            if self.cable.get() == Cable::Cut {
                return Err(NetworkError::Offline);
            }
            if self.clock.awake.naps.get() == naps {
                return answer;
            }
            // No connection outlives a sleep.
            self.clock.awake.awoken().await;
            Err(NetworkError::Timeout)
        }
        .boxed_local()
    }
}

/// How long a machine was awake: what its timers go by.
struct Awake {
    start: tokio::time::Instant,
    /// Since when it sleeps.
    asleep_since: Cell<Option<tokio::time::Instant>>,
    /// How long it slept before.
    slept: Cell<Duration>,
    /// How often it fell asleep.
    naps: Cell<u32>,
}

impl Awake {
    fn elapsed(&self) -> Duration {
        let until = self.asleep_since.get().unwrap_or_else(tokio::time::Instant::now);
        until.duration_since(self.start).saturating_sub(self.slept.get())
    }

    /// Waits until it does not sleep.
    async fn awoken(&self) {
        while self.asleep_since.get().is_some() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// One machine's clock: virtual time, wrong by so many milliseconds.
struct SkewedClock {
    start: tokio::time::Instant,
    base_ms: u64,
    skew_ms: Cell<i64>,
    awake: Rc<Awake>,
}

impl Clock for SkewedClock {
    fn now_ms(&self) -> u64 {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap();
        (self.base_ms + passed).saturating_add_signed(self.skew_ms.get())
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.awake.elapsed().as_millis()).unwrap()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let awake = self.awake.clone();
        let end = awake.elapsed().saturating_add(duration);
        let mut timer = tokio::time::sleep(duration);
        async move {
            loop {
                timer.await;
                awake.awoken().await;
                let left = end.saturating_sub(awake.elapsed());
                if left.is_zero() {
                    return;
                }
                timer = tokio::time::sleep(left);
            }
        }
        .boxed_local()
    }
}

/// A machine with an engine on it, which can crash and start again over the same store.
pub struct Device {
    profile: NetworkProfile,
    options: Options,
    ports: Ports,
    /// What survives.
    pub store: Rc<dyn Store>,
    clock: Rc<SkewedClock>,
    cable: Rc<Cell<Cable>>,
    /// The running engine.
    pub engine: EngineHandle,
    driver: Option<tokio::task::JoinHandle<()>>,
    /// Every event since the engine started.
    pub events: Rc<RefCell<Vec<Event>>>,
}

impl Device {
    /// A device with an empty memory store.
    pub fn new(world: &World) -> Self {
        Self::with(world, Rc::new(MemoryStore::new()), 0, world.profile())
    }

    /// A device with an empty memory store, whose engine is told more.
    pub fn with_options(world: &World, options: Options) -> Self {
        let store = Rc::new(MemoryStore::new());
        Self::over(world, store, 0, world.profile(), options, Rc::new(SystemRng))
    }

    /// A device over a store, with a clock that is off, on a profile.
    pub fn with(world: &World, store: Rc<dyn Store>, skew_ms: i64, profile: NetworkProfile) -> Self {
        let rng = Rc::new(SystemRng);
        Self::over(world, store, skew_ms, profile, Options::default(), rng)
    }

    /// A device over a store, whose engine's randomness comes again with its seed.
    pub fn seeded(world: &World, store: Rc<dyn Store>, seed: u64) -> Self {
        let rng = Rc::new(SeededRng::new(seed));
        Self::over(world, store, 0, world.profile(), Options::default(), rng)
    }

    fn over(
        world: &World,
        store: Rc<dyn Store>,
        skew_ms: i64,
        profile: NetworkProfile,
        options: Options,
        rng: Rc<dyn Rng>,
    ) -> Self {
        let start = tokio::time::Instant::now();
        let clock = Rc::new(SkewedClock {
            start,
            base_ms: world.now_ms(),
            skew_ms: Cell::new(skew_ms),
            awake: Rc::new(Awake {
                start,
                asleep_since: Cell::default(),
                slept: Cell::default(),
                naps: Cell::default(),
            }),
        });
        let cable = Rc::new(Cell::new(Cable::In));
        let ports = Ports {
            network: Rc::new(Port {
                world: world.clone(),
                cable: cable.clone(),
                clock: clock.clone(),
            }),
            store: store.clone(),
            clock: clock.clone(),
            rng,
        };
        let events = Rc::default();
        let (engine, driver) = start_engine(&ports, &profile, &options, &events);
        Self {
            profile,
            options,
            ports,
            store,
            clock,
            cable,
            engine,
            driver: Some(driver),
            events,
        }
    }

    /// Stops the engine where it is, as when a tab is closed.
    pub fn crash(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.abort();
        }
    }

    /// Starts an engine over the same store.
    pub async fn restart(&mut self) {
        self.crash();
        tokio::task::yield_now().await;
        self.events = Rc::default();
        let started = start_engine(&self.ports, &self.profile, &self.options, &self.events);
        self.engine = started.0;
        self.driver = Some(started.1);
    }

    /// Pulls or plugs in the cable.
    pub fn set_online(&self, online: bool) {
        self.cable.set(if online { Cable::In } else { Cable::Out });
    }

    /// Cuts the cable until it is plugged in again: what is under way is carried out, but its answer is lost.
    pub fn cut_off(&self) {
        self.cable.set(Cable::Cut);
    }

    /// The machine falls asleep: its timers stand still, and its connections end. Nothing can be asked of it then.
    pub fn falls_asleep(&self) {
        let awake = &self.clock.awake;
        awake.asleep_since.set(Some(tokio::time::Instant::now()));
        awake.naps.set(awake.naps.get() + 1);
    }

    /// It wakes. Its engine hears of it by a command, if at all.
    pub fn wakes(&self) {
        let awake = &self.clock.awake;
        if let Some(since) = awake.asleep_since.take() {
            awake.slept.set(awake.slept.get() + since.elapsed());
        }
    }

    /// Sets the machine's clock off by so much.
    pub fn set_skew(&self, skew_ms: i64) {
        self.clock.skew_ms.set(skew_ms);
    }

    /// Carries out a command that must succeed.
    pub async fn ask(&self, command: Command) -> Reply {
        self.engine.request(command).await.unwrap()
    }

    /// Makes an account.
    pub async fn create(&self, name: &str) -> Id {
        let command = Command::CreateAccount {
            name: name.to_owned(),
        };
        self.ask(command).await;
        self.id().await
    }

    /// Takes up an account.
    pub async fn restore(&self, seed: Seed) {
        self.ask(Command::RestoreAccount { seed, name: None }).await;
    }

    /// The account's seed.
    pub async fn seed(&self) -> Seed {
        match self.ask(Command::RevealPhrase).await {
            Reply::Phrase(phrase) => Seed::from_phrase(&phrase).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The whole state.
    pub async fn snapshot(&self) -> Snapshot {
        match self.ask(Command::Snapshot).await {
            Reply::Snapshot(snapshot) => *snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// The account's id.
    pub async fn id(&self) -> Id {
        self.snapshot().await.account.unwrap().id
    }

    /// The network panel.
    pub async fn network(&self) -> NetworkStatus {
        self.snapshot().await.network
    }

    /// Hands a text over.
    pub async fn send(&self, to: Id, text: &str) -> Result<Message, Failure> {
        let command = Command::SendText {
            files: Vec::new(),
            link: None,
            reply_to: None,
            conversation: to,
            body: text.to_owned(),
        };
        match self.engine.request(command).await? {
            Reply::Accepted(message) => Ok(message),
            other => panic!("{other:?}"),
        }
    }

    /// All messages of a conversation, oldest first, read in windows as a front end does.
    pub async fn messages(&self, conversation: Id) -> Vec<Message> {
        let mut all: Vec<Message> = Vec::new();
        let mut anchor = Anchor::Latest;
        loop {
            let command = Command::Messages {
                conversation,
                anchor,
                limit: 50,
            };
            let page = match self.engine.request(command).await {
                Ok(Reply::Messages(page)) => page,
                Err(Failure::NotFound) => return all,
                other => panic!("{other:?}"),
            };
            let more = page.more_before;
            let mut messages = page.messages;
            messages.append(&mut all);
            all = messages;
            match all.first() {
                Some(first) if more => anchor = Anchor::Before(first.position()),
                _ => return all,
            }
        }
    }

    /// The texts of a conversation, oldest first, without what is only told.
    pub async fn texts(&self, conversation: Id) -> Vec<String> {
        self.messages(conversation)
            .await
            .into_iter()
            .filter(|message| !matches!(message.kind, MessageKind::Notice(_)))
            .map(|message| message.body)
            .collect()
    }

    /// The conversation as listed.
    pub async fn conversation(&self, id: Id) -> Option<Conversation> {
        self.snapshot()
            .await
            .conversations
            .into_iter()
            .find(|conversation| conversation.id == id)
    }

    /// What is found for some words, maybe in one conversation alone, once everything was looked through.
    pub async fn find(&self, query: &str, within: Option<Id>) -> Found {
        loop {
            let command = Command::Search {
                query: query.to_owned(),
                conversation: within,
                limit: 20,
                after: None,
            };
            match self.ask(command).await {
                Reply::Found(found) if found.complete => return found,
                Reply::Found(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits until a conversation has so many texts, and gives them.
    pub async fn wait_for_texts(&self, conversation: Id, count: usize, longest: Duration) -> Vec<String> {
        let reached = async {
            loop {
                let total = self.engine.request(Command::Messages {
                    conversation,
                    anchor: Anchor::Latest,
                    limit: 1,
                });
                if let Ok(Reply::Messages(page)) = total.await
                    && page.total as usize >= count
                    && self.texts(conversation).await.len() >= count
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(longest, reached).await.is_err() {
            let (texts, status) = (self.texts(conversation).await, self.network().await);
            panic!(
                "only {} of {count} after {longest:?}: {texts:?} {status:?}",
                texts.len()
            );
        }
        self.texts(conversation).await
    }

    /// Waits until every own message of a conversation is sent, and no copy is left to send.
    pub async fn wait_until_sent(&self, conversation: Id, longest: Duration) {
        let done = async {
            loop {
                let messages = self.messages(conversation).await;
                let sent = |message: &Message| !message.outgoing || message.state == MessageState::Sent;
                if messages.iter().all(sent) && self.network().await.outbox == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(longest, done).await.is_err() {
            let states: Vec<_> = self
                .messages(conversation)
                .await
                .into_iter()
                .map(|message| message.state)
                .collect();
            panic!(
                "not sent after {longest:?}: {states:?} {:?}",
                self.snapshot().await.network
            );
        }
    }

    /// Waits until something holds of the state.
    pub async fn wait_for(
        &self,
        what: &str,
        longest: Duration,
        holds: impl Fn(&Snapshot) -> bool,
    ) -> Snapshot {
        let reached = async {
            loop {
                let snapshot = self.snapshot().await;
                if holds(&snapshot) {
                    return snapshot;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(longest, reached).await {
            Ok(snapshot) => snapshot,
            Err(_) => panic!("{what}: not after {longest:?}: {:?}", self.snapshot().await),
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.crash();
    }
}

fn start_engine(
    ports: &Ports,
    profile: &NetworkProfile,
    options: &Options,
    events: &Rc<RefCell<Vec<Event>>>,
) -> (EngineHandle, tokio::task::JoinHandle<()>) {
    let (engine, driver) = Engine::new(ports.clone(), profile.clone(), options.clone());
    let mut stream = engine.events();
    let events = events.clone();
    tokio::task::spawn_local(async move {
        while let Some(event) = stream.next().await {
            events.borrow_mut().push(event);
        }
    });
    (engine, tokio::task::spawn_local(driver))
}
