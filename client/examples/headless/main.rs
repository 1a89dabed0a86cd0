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

mod input;
mod output;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use holdfast_client::api::{Command, Event, Message, MessageState, Reply};
use holdfast_client::native;
use holdfast_client::ports::{HttpRequest, Method, Network, Store};
use holdfast_client::seal::{Sealed, VaultKey};
use holdfast_client::store::memory::MemoryStore;
use holdfast_client::store::sqlite::SqliteStore;
use holdfast_client::{Engine, EngineHandle, NetworkProfile, Options};
use holdfast_protocol::account::{Id, Seed};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use input::send_line;
use output::told;

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
