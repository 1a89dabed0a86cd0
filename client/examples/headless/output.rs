//! Events as lines of output.

use holdfast_client::api::{Event, FileState, Message, MessageKind, MessageState, Notice};
use holdfast_protocol::account::Id;
use serde_json::{Value, json};

/// What an event prints; most are of no interest here.
pub(super) fn told(event: &Event) -> Option<Value> {
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
