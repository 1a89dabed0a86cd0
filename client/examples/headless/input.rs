//! What lines of input ask for.

use std::path::Path;

use holdfast_client::EngineHandle;
use holdfast_client::api::{
    Command, DeleteScope, Disappearing, FILE_PIECE, FileId, FileInfo, MessageId, Purpose, Reply,
};
use holdfast_protocol::account::Id;
use holdfast_protocol::file::{FileType, content_type_of};
use serde_json::Value;

use super::{Result, ask};

/// Carries out an input line.
pub(super) async fn send_line(engine: &EngineHandle, line: &str) -> Result<()> {
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
