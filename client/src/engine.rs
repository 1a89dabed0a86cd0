//! The engine's outside: [`Engine::new`] gives a handle for front ends and a driver that runs it.

use std::rc::Rc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::{Stream, StreamExt};

use crate::api::{Command, Event, Failure, Reply, RequestId};
use crate::core::Core;
use crate::driver::{Driver, Spawner};
use crate::ports::Ports;
use crate::profile::NetworkProfile;

/// How often a node is polled that can't hold a retrieve open (`spec/03-network.md §6`, as desktop does).
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// What differs between installations of the engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often to poll a node that can't hold a request open until something arrives.
    pub poll_interval: Duration,
    /// What is read here stays unread elsewhere: read positions and marks are not pushed, and no receipts are sent. What
    /// other devices push is taken over as ever (`spec/12-client-behaviour.md §12.2`, rule 7).
    pub leave_unread: bool,
    /// The store is gone with the front end: what is decided here is pushed as soon as it can be, not some seconds later.
    pub fleeting: bool,
    /// Messages that are older when they come are not taken, and conversations without any are found by name only; all for
    /// none (`§12.2`, rule 7).
    pub recent: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            poll_interval: POLL_INTERVAL,
            leave_unread: false,
            fleeting: false,
            recent: None,
        }
    }
}

/// Makes engines.
pub struct Engine;

impl Engine {
    /// An engine over these ports. It does nothing until its driver is polled; then it takes up the account that the
    /// store holds, reaches for the network, and answers requests.
    #[allow(clippy::new_ret_no_self, reason = "the engine is its two ends")]
    pub fn new(ports: Ports, profile: NetworkProfile, options: Options) -> (EngineHandle, Driver) {
        let (spawner, driver) = Driver::new();
        let core = Core::new(ports, profile, options, spawner.clone());
        let (requests, incoming) = mpsc::unbounded();
        spawner.spawn(run(core.clone(), incoming));
        let handle = EngineHandle {
            requests,
            spawner,
            core,
        };
        (handle, driver)
    }
}

/// A request on its way to the engine.
struct Request {
    number: Option<RequestId>,
    command: Command,
    answer: oneshot::Sender<Result<Reply, Failure>>,
}

/// Speaks to a running engine. Clones speak to the same one.
#[derive(Clone)]
pub struct EngineHandle {
    requests: mpsc::UnboundedSender<Request>,
    spawner: Spawner,
    core: Rc<Core>,
}

impl EngineHandle {
    /// Carries out a command. What it changes is durable when this returns.
    ///
    /// # Errors
    /// Why nothing changed; [`Failure::Storage`] also when the driver is gone.
    pub async fn request(&self, command: Command) -> Result<Reply, Failure> {
        self.ask(None, command).await
    }

    /// Carries out a command that may have been given before under the same number, to this engine or an earlier one
    /// over the same store. A text is accepted once; every other command may be repeated without harm.
    ///
    /// # Errors
    /// As [`EngineHandle::request`].
    pub async fn request_numbered(&self, number: RequestId, command: Command) -> Result<Reply, Failure> {
        self.ask(Some(number), command).await
    }

    async fn ask(&self, number: Option<RequestId>, command: Command) -> Result<Reply, Failure> {
        let (answer, reply) = oneshot::channel();
        let request = Request {
            number,
            command,
            answer,
        };
        let gone = || Failure::Storage("the engine has ended".to_owned());
        self.requests.unbounded_send(request).map_err(|_| gone())?;
        reply.await.map_err(|_| gone())?
    }

    /// Everything that changes from now on, to each listener.
    pub fn events(&self) -> impl Stream<Item = Event> + Unpin + 'static {
        self.core.subscribe()
    }

    /// Ends the driver. What was acknowledged is in the store.
    pub fn shut_down(&self) {
        self.spawner.stop();
    }
}

/// Whether a command need not wait for those that change the store, nor they for it: it changes nothing there, or waits for the
/// network first.
fn runs_beside(command: &Command) -> bool {
    matches!(
        command,
        Command::Snapshot
            | Command::Messages { .. }
            | Command::Search { .. }
            | Command::MessageDetails(_)
            | Command::RevealPhrase
            | Command::LookAtLink(_)
            | Command::Wake
            | Command::Connectivity { .. }
            | Command::AskForAccount
            | Command::AnswerTransfer(_)
            | Command::GiveAccount { .. }
            | Command::EndTransfer
            | Command::ClearAccount
    )
}

/// The first task: loads the state, starts the others, then carries out commands. Those that change the store run in the
/// order in which they came, so that texts are sent in the order in which they were given.
async fn run(core: Rc<Core>, mut incoming: mpsc::UnboundedReceiver<Request>) {
    let loaded = core.load().await;
    if loaded.is_ok() {
        core.spawner.spawn(core.clone().run_list());
        core.spawner.spawn(core.clone().run_paths());
        core.spawner.spawn(core.clone().run_time());
        core.start_session();
    }
    while let Some(request) = incoming.next().await {
        match &loaded {
            Err(_) if matches!(request.command, Command::LogOut) => {
                // The way out of a store that can't be read.
                let _ = request.answer.send(core.carry_out(None, request.command).await);
            }
            Err(error) => {
                let _ = request.answer.send(Err(error.clone().into()));
            }
            Ok(()) if runs_beside(&request.command) => {
                let core = core.clone();
                core.clone().spawner.spawn(async move {
                    let reply = core.carry_out(request.number, request.command).await;
                    let _ = request.answer.send(reply);
                });
            }
            Ok(()) => {
                let reply = core.carry_out(request.number, request.command).await;
                let _ = request.answer.send(reply);
            }
        }
    }
    core.spawner.stop();
}
