//! Somebody at another client: a native engine of the test's own, on the network under test. What it sends goes the same
//! way as what any client sends.

use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use holdfast_client::api::{
    Attachment, Command, Event, FILE_PIECE, FileId, FileInfo, FileState, Message, MessageState, Place,
    Purpose, Reply, StagedFile,
};
use holdfast_client::ports::{HttpRequest, Method, Network as _};
use holdfast_client::store::memory::MemoryStore;
use holdfast_client::{Engine, EngineHandle, NetworkProfile, Options, native};
use holdfast_protocol::account::Id;

use crate::network::Network;

/// How long a message with files may take to be sent.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many of the newest messages are looked through for a file.
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

impl Peer {
    /// Makes an account on the network.
    pub(crate) async fn join(network: &Network, name: &str) -> Peer {
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
        let came = async {
            loop {
                if self.engine.request(Command::AcceptRequest(other)).await.is_ok() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, came).await.expect("a request");
    }

    /// Accepts the first request that comes, and says whose it is.
    pub(crate) async fn accept_next(&self) -> String {
        let came = async {
            loop {
                if let Reply::Snapshot(snapshot) = self.ask(Command::Snapshot).await
                    && let Some(request) = snapshot
                        .conversations
                        .iter()
                        .find(|known| known.place == Place::Requests)
                {
                    return request.id.to_hex();
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let id = tokio::time::timeout(PATIENCE, came).await.expect("a request");
        self.accept(&id).await;
        id
    }

    /// Waits until a text has come in a conversation.
    pub(crate) async fn reads(&self, conversation: &str, text: &str) {
        let came = async {
            loop {
                let messages = self.recent(conversation, RECENT).await;
                if messages.iter().any(|message| message.body == text) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, came).await.expect("the text");
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
        let mut events = self.engine.events();
        let accepted = self
            .ask(Command::SendText {
                conversation,
                body: text.to_owned(),
                reply_to: None,
                files: numbers,
                link: None,
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

    /// Waits until the newest message of a conversation has this text, and gives it.
    pub(crate) async fn hears(&self, conversation: &str, text: &str) -> Message {
        let came = async {
            loop {
                let newest = self.newest(conversation).await;
                if newest.body == text {
                    return newest;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, came).await;
        came.unwrap_or_else(|_| panic!("“{text}” did not come"))
    }

    /// The newest message of a conversation.
    pub(crate) async fn newest(&self, conversation: &str) -> Message {
        self.recent(conversation, 1).await.pop().expect("a message")
    }

    /// Fetches a file that was sent in a conversation, once its message has come; gives that with it.
    pub(crate) async fn fetched(&self, conversation: &str, name: &str) -> (Message, Vec<u8>) {
        let here = async {
            loop {
                let messages = self.recent(conversation, RECENT).await;
                let found = messages.into_iter().find_map(|message| {
                    let named = |file: &&Attachment| file.info.name.as_deref() == Some(name);
                    let file = message.files.iter().find(named)?.clone();
                    Some((message, file))
                });
                match found {
                    Some((message, file)) if file.state == FileState::Here => return (message, file),
                    Some((_, file)) if file.state != FileState::Moving => {
                        self.ask(Command::LoadFile(file.file)).await;
                    }
                    _ => {}
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let here = tokio::time::timeout(PATIENCE, here).await;
        let (message, file) = here.unwrap_or_else(|_| panic!("{name} did not come"));
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
