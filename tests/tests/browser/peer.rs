//! Somebody at another client: a native engine of the test's own, on the network under test. What it sends goes the same
//! way as what any client sends.

use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use holdfast_client::api::{
    Attachment, Command, Event, FILE_PIECE, FileId, FileInfo, FileState, Message, MessageState, NewLink,
    Place, Purpose, Reply, Snapshot, StagedFile,
};
use holdfast_client::ports::{HttpRequest, Method, Network as _};
use holdfast_client::store::memory::MemoryStore;
use holdfast_client::{Engine, EngineHandle, NetworkProfile, Options, native};
use holdfast_protocol::account::{Id, Seed};
use tokio::task::LocalSet;

use crate::network::Network;

/// How long anything may take before a test gives up: a message with files takes longest.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often something is looked at while waiting.
const GLANCE: Duration = Duration::from_millis(100);
/// So many of the newest messages are looked through.
const RECENT: u16 = 20;
/// More than any network profile has, bytes.
const MAX_PROFILE: usize = 64 * 1024;

/// A person at a native client. Needs a [`tokio::task::LocalSet`].
pub(crate) struct Peer {
    engine: EngineHandle,
    id: Id,
}

/// A file to send.
pub(crate) struct Sent {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its MIME type.
    pub(crate) content_type: &'static str,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
    /// Width and height in pixels; 0 to leave them out.
    pub(crate) size: (u32, u32),
    /// It is a voice message.
    pub(crate) voice: bool,
}

impl Sent {
    /// A file whose sizes are not told.
    pub(crate) fn new(name: &'static str, content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self {
            name,
            content_type,
            bytes,
            size: (0, 0),
            voice: false,
        }
    }
}

/// Looks again and again until `look` gives something.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(GLANCE).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, seen).await;
    seen.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Starts an engine on the network, which has no account yet.
async fn start(network: &Network) -> EngineHandle {
    let request = HttpRequest {
        method: Method::Get,
        url: format!("{}networks/default.json", network.app()),
        body: Vec::new(),
        timeout: Duration::from_secs(10),
        max_response: MAX_PROFILE,
        progress: None,
    };
    let answer = native::HttpNetwork::new()
        .send(request)
        .await
        .expect("the network's profile");
    let profile = NetworkProfile::from_json(&answer.body)
        .expect("a profile")
        .resolve(network.app().trim_end_matches('/'));
    let (engine, driver) = Engine::new(
        native::ports(Rc::new(MemoryStore::new())),
        profile,
        Options::default(),
    );
    tokio::task::spawn_local(driver);
    engine
}

/// Waits until the network has an account's name: until then a device that takes the account up does not find it.
pub(crate) async fn name_is_out(network: &Network, phrase: &str) {
    is_out(network, phrase, "the account's name", |snapshot| {
        snapshot
            .account
            .as_ref()
            .is_some_and(|account| !account.name.is_empty())
    })
    .await;
}

/// Waits until the network has a nickname that an account gave somebody, and with it who its contacts are.
pub(crate) async fn nickname_is_out(network: &Network, phrase: &str, nickname: &str) {
    is_out(network, phrase, nickname, |snapshot| {
        let mut all = snapshot.conversations.iter();
        all.any(|known| known.nickname.as_deref() == Some(nickname))
    })
    .await;
}

/// Waits until the network has it that an account pinned a conversation.
pub(crate) async fn pin_is_out(network: &Network, phrase: &str) {
    is_out(network, phrase, "a pin", |snapshot| {
        snapshot.conversations.iter().any(|known| known.priority > 0)
    })
    .await;
}

/// Waits until a device that takes an account up finds something.
async fn is_out(network: &Network, phrase: &str, what: &str, found: impl Fn(&Snapshot) -> bool) {
    let seed = Seed::from_phrase(phrase).expect("a phrase");
    let looks = async {
        let engine = start(network).await;
        let command = Command::RestoreAccount { seed, name: None };
        engine.request(command).await.expect("an account");
        until(what, async || {
            let Ok(Reply::Snapshot(snapshot)) = engine.request(Command::Snapshot).await else {
                return None;
            };
            found(&snapshot).then_some(())
        })
        .await;
    };
    LocalSet::new().run_until(looks).await;
}

impl Peer {
    /// Makes an account on the network.
    pub(crate) async fn join(network: &Network, name: &str) -> Peer {
        let engine = start(network).await;
        let command = Command::CreateAccount {
            name: name.to_owned(),
        };
        let snapshot = engine.request(command).await.expect("an account");
        let Reply::Snapshot(snapshot) = snapshot else {
            panic!("{snapshot:?}");
        };
        let id = snapshot.account.expect("an account").id;
        Peer { engine, id }
    }

    /// The account's id.
    pub(crate) fn id(&self) -> String {
        self.id.to_hex()
    }

    /// Carries out a command that must succeed.
    pub(crate) async fn ask(&self, command: Command) -> Reply {
        self.engine.request(command).await.expect("the command succeeds")
    }

    /// Accepts somebody's request, once it has come.
    pub(crate) async fn accept(&self, other: &str) {
        let other = Id::parse(other).expect("an id");
        until("a request", async || {
            self.engine.request(Command::AcceptRequest(other)).await.ok()
        })
        .await;
    }

    /// Accepts the first request that comes, and says whose it is.
    pub(crate) async fn accept_next(&self) -> String {
        let id = until("a request", async || {
            let Reply::Snapshot(snapshot) = self.ask(Command::Snapshot).await else {
                return None;
            };
            let mut all = snapshot.conversations.iter();
            let request = all.find(|known| known.place == Place::Requests)?;
            Some(request.id.to_hex())
        })
        .await;
        self.accept(&id).await;
        id
    }

    async fn stage(&self, purpose: Purpose, file: &Sent) -> FileId {
        let info = FileInfo {
            name: Some(file.name.to_owned()),
            content_type: file.content_type.to_owned(),
            size: file.bytes.len() as u64,
            width: file.size.0,
            height: file.size.1,
            ..FileInfo::default()
        };
        let staged = self
            .ask(Command::StageFile {
                purpose,
                info,
                voice: file.voice,
            })
            .await;
        let Reply::Staged(StagedFile { file: number, .. }) = staged else {
            panic!("{staged:?}");
        };
        for (piece, bytes) in file.bytes.chunks(FILE_PIECE).enumerate() {
            self.ask(Command::WriteFile {
                file: number,
                offset: (piece * FILE_PIECE) as u64,
                bytes: bytes.to_vec(),
            })
            .await;
        }
        number
    }

    /// Sends a message with files and waits until it is sent.
    pub(crate) async fn send(&self, to: &str, text: &str, files: &[Sent]) {
        let conversation = Id::parse(to).expect("an id");
        let mut numbers = Vec::new();
        for file in files {
            numbers.push(self.stage(Purpose::Message(conversation), file).await);
        }
        self.say(conversation, text, numbers, None).await;
    }

    /// Sends a text with what its link shows, and waits until it is sent.
    pub(crate) async fn send_link(&self, to: &str, text: &str, link: NewLink) {
        let conversation = Id::parse(to).expect("an id");
        self.say(conversation, text, Vec::new(), Some(link)).await;
    }

    async fn say(&self, conversation: Id, text: &str, files: Vec<FileId>, link: Option<NewLink>) {
        let mut events = self.engine.events();
        let accepted = self
            .ask(Command::SendText {
                conversation,
                body: text.to_owned(),
                reply_to: None,
                files,
                link,
            })
            .await;
        let Reply::Accepted(mut message) = accepted else {
            panic!("{accepted:?}");
        };
        let sent = async {
            while message.state != MessageState::Sent {
                assert!(!matches!(message.state, MessageState::Failed(_)), "{message:?}");
                if let Some(Event::Message(changed)) = events.next().await
                    && changed.id == message.id
                {
                    message = changed;
                }
            }
        };
        tokio::time::timeout(PATIENCE, sent)
            .await
            .expect("a sent message");
    }

    /// Sets the own profile picture and waits until messages tell it.
    pub(crate) async fn set_picture(&self, bytes: Vec<u8>) {
        let file = Sent::new("picture.png", "image/png", bytes);
        let staged = self.stage(Purpose::Picture, &file).await;
        let mut events = self.engine.events();
        self.ask(Command::SetPicture(Some(staged))).await;
        let told = async {
            while let Some(event) = events.next().await {
                if matches!(event, Event::Account(account) if account.picture == Some(staged) && !account.picture_waits)
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told)
            .await
            .expect("the picture is on the server");
    }

    /// Waits until a text has come in a conversation, and gives its message.
    pub(crate) async fn hears(&self, conversation: &str, text: &str) -> Message {
        until(&format!("“{text}”"), async || {
            let messages = self.recent(conversation, RECENT).await;
            messages.into_iter().find(|message| message.body == text)
        })
        .await
    }

    /// The newest message of a conversation.
    pub(crate) async fn newest(&self, conversation: &str) -> Message {
        self.recent(conversation, 1).await.pop().expect("a message")
    }

    /// Fetches a file that was sent in a conversation, once its message has come; gives that with it.
    pub(crate) async fn fetched(&self, conversation: &str, name: &str) -> (Message, Vec<u8>) {
        let (message, file) = until(name, async || {
            let messages = self.recent(conversation, RECENT).await;
            let (message, file) = messages.into_iter().find_map(|message| {
                let named = |file: &&Attachment| file.info.name.as_deref() == Some(name);
                let file = message.files.iter().find(named)?.clone();
                Some((message, file))
            })?;
            match file.state {
                FileState::Here => return Some((message, file)),
                FileState::Moving => {}
                _ => {
                    self.ask(Command::LoadFile(file.file)).await;
                }
            }
            None
        })
        .await;
        let mut content = Vec::new();
        while (content.len() as u64) < file.info.size {
            let piece = Command::ReadFile {
                file: file.file,
                offset: content.len() as u64,
            };
            match self.ask(piece).await {
                Reply::Bytes(bytes) if !bytes.is_empty() => content.extend(bytes),
                other => panic!("{other:?}"),
            }
        }
        (message, content)
    }

    /// The newest messages of a conversation, oldest first.
    pub(crate) async fn recent(&self, conversation: &str, limit: u16) -> Vec<Message> {
        let conversation = Id::parse(conversation).expect("an id");
        let page = self
            .ask(Command::Messages {
                conversation,
                anchor: holdfast_client::api::Anchor::Latest,
                limit,
            })
            .await;
        let Reply::Messages(page) = page else {
            panic!("{page:?}");
        };
        page.messages
    }
}
