//! A native client that speaks JSON lines, for tests and bots.
//!
//! ```text
//! headless --network PROFILE [--origin URL] [--data FILE] COMMAND
//! ```
//!
//! `PROFILE` is a network profile: a file, or an address such as `http://127.0.0.1:8080/networks/default.json`. Relative
//! addresses in it count from that address's origin, or from `--origin`. `FILE` keeps the account and its messages, sealed,
//! and `FILE.key` the vault key; without it everything is in memory.
//!
//! | command | does | prints |
//! | --- | --- | --- |
//! | `new NAME` | makes an account | `{"id","phrase"}` |
//! | `restore PHRASE…` | takes up an account by its phrase or hex seed | `{"id"}` |
//! | `id` | nothing | `{"id"}` |
//! | `send ID TEXT…` | sends a text and waits until it is sent or given up | `{"sent","sent_at"}`; exit status 1 when given up |
//! | `listen [SECONDS]` | prints what happens; sends each input line `{"to","text"}` | see below |
//!
//! `send` and `listen` make an account first where there is none. `listen` prints `{"event":"ready","id"}`, then
//! `{"event":"message","id","conversation","author","outgoing","kind","text","sent_at","state"}` for every new or changed
//! message, with `"quote"`, `"reactions"`, `"files"` (`{"file","name","type","size","state"}`) and `"expires"` where there are any; `{"event":"removed","conversation","id"}`,
//! `{"event":"cleared","conversation"}`, `{"event":"typing","conversation","typing"}`, `{"event":"notify","conversation",
//! "message"}`, and `{"event":"connected","connected"}` when polling starts or stops to work. It ends after the seconds, or
//! with its input when none are given. Errors are `{"error"}` with exit status 1.
//!
//! | input line | does |
//! | --- | --- |
//! | `{"to","text","reply_to","files"}` | sends a text, as an answer to a message if `reply_to` names one, with files if `files` is a list of their paths |
//! | `{"load"}` | fetches a file of a message by its number |
//! | `{"save","path"}` | writes a file of a message that is here to a path |
//! | `{"react","emoji","remove"}` | adds an emoji to a message, or removes it |
//! | `{"delete","scope"}` | deletes a list of messages: `device` (when left out), `own` or `everyone` |
//! | `{"read","up_to"}` | marks what was sent in a conversation up to a time as read |
//! | `{"typing","on"}` | types in a conversation, or stops |
//! | `{"disappearing","after_read","after_send"}` | sets the timer of a conversation in seconds; neither turns it off |
//! | `{"draft","text"}` | keeps a draft |
//! | `{"clear"}` | removes all messages of a conversation |
//! | `{"accept"}`, `{"decline"}`, `{"block","on"}` | answers a request; blocks or unblocks |
//! | `{"retry"}` | sends a failed message again |
//! | `{"set","value"}` | sets a preference, such as `read-receipts` |

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use holdfast_client::api::{
    Command, DeleteScope, Disappearing, Event, FILE_PIECE, FileId, FileInfo, FileState, Message, MessageId,
    MessageKind, MessageState, Notice, Purpose, Reply,
};
use holdfast_client::native;
use holdfast_client::ports::{HttpRequest, Method, Network, Store};
use holdfast_client::seal::{Sealed, VaultKey};
use holdfast_client::store::memory::MemoryStore;
use holdfast_client::store::sqlite::SqliteStore;
use holdfast_client::{Engine, EngineHandle, NetworkProfile, Options};
use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::file::{FileType, content_type_of};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

type Result<T> = std::result::Result<T, String>;

/// The largest profile that is read, bytes.
const MAX_PROFILE: usize = 64 * 1024;
/// `listen` without a time ends with its input; this stands for no end.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

struct Arguments {
    network: String,
    origin: Option<String>,
    data: Option<PathBuf>,
    command: Vec<String>,
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let code = match tokio::task::LocalSet::new().block_on(&runtime, run()) {
        Ok(code) => code,
        Err(error) => failed(&error),
    };
    // A thread may still wait for input.
    runtime.shutdown_background();
    code
}

fn failed(error: &str) -> ExitCode {
    print(&json!({ "error": error }));
    ExitCode::FAILURE
}

fn print(line: &Value) {
    let mut out = std::io::stdout().lock();
    // A reader that is gone needs no line.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn arguments() -> Result<Arguments> {
    let mut arguments = Arguments {
        network: String::new(),
        origin: None,
        data: None,
        command: Vec::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--network" if arguments.command.is_empty() => arguments.network = value()?,
            "--origin" if arguments.command.is_empty() => arguments.origin = Some(value()?),
            "--data" if arguments.command.is_empty() => arguments.data = Some(value()?.into()),
            _ => arguments.command.push(argument),
        }
    }
    if arguments.network.is_empty() || arguments.command.is_empty() {
        return Err(
            "usage: headless --network PROFILE [--data FILE] new|restore|id|send|listen …".to_owned(),
        );
    }
    Ok(arguments)
}

async fn run() -> Result<ExitCode> {
    let arguments = arguments()?;
    let profile = profile(&arguments).await?;
    let store = store(arguments.data.as_deref()).await?;
    let (engine, driver) = Engine::new(native::ports(store), profile, Options::default());
    let driver = tokio::task::spawn_local(driver);
    let words: Vec<&str> = arguments.command.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["new", name] => new(&engine, name).await,
        ["restore", phrase @ ..] => restore(&engine, &phrase.join(" ")).await,
        ["id"] => own_id(&engine).await.map(|id| shown_id(&id)),
        ["send", to, text @ ..] => send(&engine, to, &text.join(" ")).await,
        ["listen"] => listen(&engine, None).await,
        ["listen", seconds] => {
            let seconds = seconds.parse().map_err(|_| "SECONDS is a number".to_owned())?;
            listen(&engine, Some(Duration::from_secs(seconds))).await
        }
        _ => Err("no such command".to_owned()),
    };
    engine.shut_down();
    driver.await.map_err(|error| error.to_string())?;
    outcome
}

async fn profile(arguments: &Arguments) -> Result<NetworkProfile> {
    let address = &arguments.network;
    let (json, origin) = if address.contains("://") {
        let request = HttpRequest {
            method: Method::Get,
            url: address.clone(),
            body: Vec::new(),
            timeout: Duration::from_secs(10),
            max_response: MAX_PROFILE,
            progress: None,
        };
        let response = native::HttpNetwork::new()
            .send(request)
            .await
            .map_err(|error| error.to_string())?;
        if response.status != 200 {
            return Err(format!("{address} answers {}", response.status));
        }
        let start = address.find("://").map_or(0, |scheme| scheme + 3);
        let end = address[start..]
            .find('/')
            .map_or(address.len(), |slash| start + slash);
        (response.body, Some(address[..end].to_owned()))
    } else {
        (
            std::fs::read(address).map_err(|error| format!("{address}: {error}"))?,
            None,
        )
    };
    let profile = NetworkProfile::from_json(&json).map_err(|error| error.to_string())?;
    Ok(match arguments.origin.clone().or(origin) {
        Some(origin) => profile.resolve(&origin),
        None => profile,
    })
}

async fn store(data: Option<&Path>) -> Result<Rc<dyn Store>> {
    let Some(path) = data else {
        return Ok(Rc::new(MemoryStore::new()));
    };
    let mut key_path = path.as_os_str().to_owned();
    key_path.push(".key");
    let key = match std::fs::read(&key_path) {
        Ok(bytes) => VaultKey::from_bytes(
            &bytes
                .try_into()
                .map_err(|_| "the key file is damaged".to_owned())?,
        ),
        Err(_) => {
            let key = VaultKey::generate(&native::SystemRng);
            write_private(Path::new(&key_path), key.as_bytes()).map_err(|error| error.to_string())?;
            key
        }
    };
    let store = SqliteStore::open(path).map_err(|error| error.to_string())?;
    let sealed = Sealed::open(store, &key, Rc::new(native::SystemRng)).await;
    Ok(Rc::new(sealed.map_err(|error| error.to_string())?))
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

async fn ask(engine: &EngineHandle, command: Command) -> Result<Reply> {
    engine.request(command).await.map_err(|error| error.to_string())
}

async fn own_id(engine: &EngineHandle) -> Result<Id> {
    match ask(engine, Command::Snapshot).await? {
        Reply::Snapshot(snapshot) => snapshot
            .account
            .map(|account| account.id)
            .ok_or("there is no account".to_owned()),
        _ => Err("no snapshot".to_owned()),
    }
}

fn shown_id(id: &Id) -> ExitCode {
    print(&json!({ "id": id.to_hex() }));
    ExitCode::SUCCESS
}

async fn new(engine: &EngineHandle, name: &str) -> Result<ExitCode> {
    let command = Command::CreateAccount {
        name: name.to_owned(),
    };
    ask(engine, command).await?;
    let id = own_id(engine).await?;
    let Reply::Phrase(phrase) = ask(engine, Command::RevealPhrase).await? else {
        return Err("no phrase".to_owned());
    };
    print(&json!({ "id": id.to_hex(), "phrase": phrase }));
    Ok(ExitCode::SUCCESS)
}

async fn restore(engine: &EngineHandle, phrase: &str) -> Result<ExitCode> {
    let command = Command::RestoreAccount {
        seed: Seed::from_input(phrase).map_err(|error| error.to_string())?,
        name: None,
    };
    ask(engine, command).await?;
    own_id(engine).await.map(|id| shown_id(&id))
}

/// The account in the store, or a new one when there is none.
async fn any_account(engine: &EngineHandle) -> Result<Id> {
    if own_id(engine).await.is_err() {
        let command = Command::CreateAccount {
            name: "headless".to_owned(),
        };
        ask(engine, command).await?;
    }
    own_id(engine).await
}

async fn send_text(engine: &EngineHandle, to: &str, text: &str) -> Result<Message> {
    let command = Command::SendText {
        files: Vec::new(),
        link: None,
        reply_to: None,
        conversation: Id::parse_account(to).map_err(|error| error.to_string())?,
        body: text.to_owned(),
    };
    match ask(engine, command).await? {
        Reply::Accepted(message) => Ok(message),
        _ => Err("not accepted".to_owned()),
    }
}

async fn send(engine: &EngineHandle, to: &str, text: &str) -> Result<ExitCode> {
    any_account(engine).await?;
    let mut events = engine.events();
    let mut message = send_text(engine, to, text).await?;
    while !matches!(message.state, MessageState::Sent | MessageState::Failed(_)) {
        match events.next().await {
            Some(Event::Message(changed)) if changed.id == message.id => message = changed,
            Some(_) => {}
            None => return Err("the engine ended".to_owned()),
        }
    }
    let sent = message.state == MessageState::Sent;
    print(&json!({ "sent": sent, "sent_at": message.sent_at }));
    Ok(if sent {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn listen(engine: &EngineHandle, time: Option<Duration>) -> Result<ExitCode> {
    let mut events = engine.events();
    let id = any_account(engine).await?;
    print(&json!({ "event": "ready", "id": id.to_hex() }));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut input_open = true;
    let mut connected = false;
    let end = tokio::time::sleep(time.unwrap_or(FOREVER));
    tokio::pin!(end);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Network(status)) if status.connected != connected => {
                    connected = status.connected;
                    print(&json!({ "event": "connected", "connected": connected }));
                }
                Some(event) => told(&event).iter().for_each(print),
                None => return Ok(ExitCode::SUCCESS),
            },
            line = lines.next_line(), if input_open => match line {
                Ok(Some(line)) if line.trim().is_empty() => {}
                Ok(Some(line)) => {
                    if let Err(error) = send_line(engine, &line).await {
                        print(&json!({ "event": "error", "error": error }));
                    }
                }
                _ if time.is_none() => return Ok(ExitCode::SUCCESS),
                _ => input_open = false,
            },
            () = &mut end => return Ok(ExitCode::SUCCESS),
        }
    }
}

async fn send_line(engine: &EngineHandle, line: &str) -> Result<()> {
    let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if let Some(file) = line.get("save").and_then(Value::as_u64) {
        let path = line
            .get("path")
            .and_then(Value::as_str)
            .ok_or("path is missing")?;
        return save(engine, FileId(file), Path::new(path)).await;
    }
    let mut command = command(&line)?;
    if let (
        Command::SendText {
            conversation, files, ..
        },
        Some(paths),
    ) = (&mut command, line.get("files").and_then(Value::as_array))
    {
        for path in paths {
            let path = path.as_str().ok_or("files is no list of paths")?;
            files.push(stage(engine, *conversation, Path::new(path)).await?);
        }
    }
    ask(engine, command).await.map(drop)
}

/// Hands a file over for a message.
async fn stage(engine: &EngineHandle, conversation: Id, path: &Path) -> Result<FileId> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let found = FileType::of(&bytes);
    let content_type = match &name {
        Some(name) if found == FileType::Unknown => content_type_of(name),
        _ => found.content_type(""),
    };
    let command = Command::StageFile {
        purpose: Purpose::Message(conversation),
        info: FileInfo {
            name,
            content_type: content_type.to_owned(),
            size: bytes.len() as u64,
            ..FileInfo::default()
        },
        voice: false,
    };
    let Reply::Staged(staged) = ask(engine, command).await? else {
        return Err("not staged".to_owned());
    };
    for (index, piece) in bytes.chunks(FILE_PIECE).enumerate() {
        let command = Command::WriteFile {
            file: staged.file,
            offset: (index * FILE_PIECE) as u64,
            bytes: piece.to_vec(),
        };
        ask(engine, command).await?;
    }
    Ok(staged.file)
}

/// Writes a file that is here to a path.
async fn save(engine: &EngineHandle, file: FileId, path: &Path) -> Result<()> {
    let mut bytes = Vec::new();
    loop {
        let command = Command::ReadFile {
            file,
            offset: bytes.len() as u64,
        };
        let Reply::Bytes(piece) = ask(engine, command).await? else {
            return Err("no bytes".to_owned());
        };
        let last = piece.len() < FILE_PIECE;
        bytes.extend(piece);
        // A file of whole pieces ends where there is no further one.
        if last
            || ask(
                engine,
                Command::ReadFile {
                    file,
                    offset: bytes.len() as u64,
                },
            )
            .await
            .is_err()
        {
            break;
        }
    }
    std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    ask(engine, Command::FileSaved(file)).await.map(drop)
}

/// What a line asks for: its first known field says what, the others how.
fn command(line: &Value) -> Result<Command> {
    let text = |name: &str| {
        let value = line.get(name).and_then(Value::as_str);
        value.map(str::to_owned).ok_or(format!("{name} is missing"))
    };
    let id = |name: &str| Id::parse_account(&text(name)?).map_err(|error| error.to_string());
    let number = |name: &str| line.get(name).and_then(Value::as_u64);
    let message = |name: &str| {
        let number = number(name).ok_or(format!("{name} is no number"));
        number.map(MessageId)
    };
    let on = |name: &str| line.get(name).and_then(Value::as_bool).unwrap_or(name == "on");
    let seconds = |name: &str| number(name).and_then(|seconds| u32::try_from(seconds).ok());
    let first = [
        "to",
        "react",
        "delete",
        "read",
        "typing",
        "disappearing",
        "draft",
        "clear",
        "accept",
        "decline",
        "block",
        "retry",
        "load",
        "set",
    ];
    let first = first.into_iter().find(|name| line.get(name).is_some());
    Ok(match first.ok_or("no such line".to_owned())? {
        "to" => Command::SendText {
            files: Vec::new(),
            link: None,
            conversation: id("to")?,
            body: text("text").unwrap_or_default(),
            reply_to: number("reply_to").map(MessageId),
        },
        "react" => Command::React {
            message: message("react")?,
            emoji: text("emoji")?,
            add: !on("remove"),
        },
        "delete" => Command::DeleteMessages {
            messages: line
                .get("delete")
                .and_then(Value::as_array)
                .ok_or("delete is no list".to_owned())?
                .iter()
                .filter_map(Value::as_u64)
                .map(MessageId)
                .collect(),
            scope: match line.get("scope").and_then(Value::as_str) {
                None | Some("device") => DeleteScope::ThisDevice,
                Some("own") => DeleteScope::OwnDevices,
                Some("everyone") => DeleteScope::Everyone,
                Some(_) => return Err("no such scope".to_owned()),
            },
        },
        "read" => Command::MarkRead {
            conversation: id("read")?,
            up_to: number("up_to").unwrap_or(u64::MAX),
        },
        "typing" => Command::Typing {
            conversation: id("typing")?,
            typing: on("on"),
        },
        "disappearing" => Command::SetDisappearing {
            conversation: id("disappearing")?,
            mode: match (seconds("after_read"), seconds("after_send")) {
                (Some(seconds), _) => Disappearing::AfterRead(seconds),
                (None, Some(seconds)) => Disappearing::AfterSend(seconds),
                (None, None) => Disappearing::Off,
            },
        },
        "draft" => Command::SetDraft {
            conversation: id("draft")?,
            text: text("text")?,
        },
        "clear" => Command::ClearMessages(id("clear")?),
        "load" => Command::LoadFile(FileId(number("load").ok_or("load is no number")?)),
        "accept" => Command::AcceptRequest(id("accept")?),
        "decline" => Command::DeclineRequest(id("decline")?),
        "block" => Command::SetBlocked {
            id: id("block")?,
            blocked: on("on"),
        },
        "retry" => Command::Retry(message("retry")?),
        _ => Command::SetPreference {
            key: text("set")?,
            value: text("value")?,
        },
    })
}

/// What an event prints; most are of no interest here.
fn told(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Message(message) => shown(message),
        Event::MessageRemoved { conversation, id } => {
            json!({ "event": "removed", "conversation": conversation.to_hex(), "id": id.0 })
        }
        Event::MessagesCleared { conversation } => {
            json!({ "event": "cleared", "conversation": conversation.to_hex() })
        }
        Event::Typing { conversation, typing } => {
            json!({ "event": "typing", "conversation": conversation.to_hex(), "typing": typing })
        }
        Event::Notify {
            conversation,
            message,
            ..
        } => json!({ "event": "notify", "conversation": conversation.to_hex(), "message": message.0 }),
        _ => return None,
    })
}

fn shown(message: &Message) -> Value {
    let state = match message.state {
        MessageState::Received => "received",
        MessageState::Queued => "queued",
        MessageState::Sending => "sending",
        MessageState::Sent => "sent",
        MessageState::Read => "read",
        MessageState::Failed(_) => "failed",
    };
    let kind = match message.kind {
        MessageKind::Text => "text",
        MessageKind::Deleted => "deleted",
        MessageKind::Notice(Notice::Disappearing(_)) => "disappearing",
        MessageKind::Notice(Notice::RequestAccepted) => "accepted",
        MessageKind::Notice(Notice::MediaSaved) => "saved",
        MessageKind::Notice(Notice::MissedCall) => "call",
    };
    let mut line = json!({
        "event": "message",
        "id": message.id.0,
        "conversation": message.conversation.to_hex(),
        "author": message.author.to_hex(),
        "outgoing": message.outgoing,
        "kind": kind,
        "text": message.body,
        "sent_at": message.sent_at,
        "state": state,
    });
    if !message.files.is_empty() {
        let files = message.files.iter().map(|file| {
            let state = match file.state {
                FileState::Here => "here",
                FileState::NotLoaded => "not loaded",
                FileState::Moving => "moving",
                FileState::Failed => "failed",
                FileState::Expired => "expired",
                FileState::Damaged => "damaged",
            };
            json!({
                "file": file.file.0,
                "name": file.info.name,
                "type": file.info.content_type,
                "size": file.info.size,
                "state": state,
            })
        });
        line["files"] = files.collect();
    }
    if let Some(quote) = &message.quote {
        line["quote"] = json!({
            "author": quote.author.to_hex(),
            "sent_at": quote.sent_at,
            "found": quote.found.map(|id| id.0),
            "text": quote.text,
        });
    }
    if !message.reactions.is_empty() {
        let reactions = message.reactions.iter().map(|reaction| {
            let from: Vec<_> = reaction.from.iter().map(Id::to_hex).collect();
            json!({ "emoji": reaction.emoji, "from": from })
        });
        line["reactions"] = reactions.collect();
    }
    if let Some(expiry) = &message.expiry {
        line["expires"] = json!({ "at": expiry.at });
    }
    line
}
