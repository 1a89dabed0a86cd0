//! The message around a message in which clients store the four configs of an account, for the sake of readers from
//! before configs were stored as they are (spec/04-configs.md §7.5).

use super::ConfigKind;
use crate::account::Account;
use crate::message::schema::{
    Content, Envelope, SharedConfigMessage, WebSocketMessage, WebSocketRequestMessage, web_socket_message,
};
use crate::message::{decode_strictly, v1};
use prost::Message;

/// Envelope type of messages from the account itself.
const TYPE_SESSION_MESSAGE: u32 = 6;
/// What stands where messages carry their sent time.
const TIMESTAMP: u64 = 1;
/// Ends the content. No zeros follow it here.
const TERMINATOR: u8 = 0x80;

/// Wraps an encrypted config message. The same inputs give the same bytes. `None` for an account whose own key cannot
/// be encrypted to, which no seed gives.
pub fn wrap(account: &Account, kind: ConfigKind, seqno: i64, sealed: Vec<u8>) -> Option<Vec<u8>> {
    let shared = SharedConfigMessage {
        kind: kind.number(),
        seqno,
        data: sealed,
    };
    let content = Content {
        shared_config_message: Some(shared),
        ..Content::default()
    };
    let mut padded = content.encode_to_vec();
    padded.push(TERMINATOR);
    let own = account.x25519().public();
    let sealed = v1::encrypt_deterministic(account.ed25519(), &own, &padded).ok()?;
    let envelope = Envelope {
        r#type: TYPE_SESSION_MESSAGE,
        timestamp: TIMESTAMP,
        content: Some(sealed),
        ..Envelope::default()
    };
    let request = WebSocketRequestMessage {
        verb: Some(String::new()),
        path: Some(String::new()),
        body: Some(envelope.encode_to_vec()),
        request_id: Some(0),
        headers: Vec::new(),
    };
    let frame = WebSocketMessage {
        r#type: Some(web_socket_message::Type::Request.into()),
        request: Some(request),
    };
    Some(frame.encode_to_vec())
}

/// Takes the wrapper off. `None` when there is none, or it is another account's or another config's; then the bytes may
/// be the encrypted message itself.
pub fn unwrap(account: &Account, kind: ConfigKind, stored: &[u8]) -> Option<Vec<u8>> {
    let frame: WebSocketMessage = decode_strictly(stored)?;
    let envelope: Envelope = decode_strictly(&frame.request?.body?)?;
    let opened = v1::decrypt(account.x25519(), &envelope.content?).ok()?;
    if opened.sender != account.ed25519().public() {
        return None;
    }
    let end = opened.content.iter().rposition(|byte| *byte != 0)?;
    let (last, content) = opened.content.get(..=end)?.split_last()?;
    if *last != TERMINATOR {
        return None;
    }
    let content: Content = decode_strictly(content)?;
    let shared = content.shared_config_message?;
    (shared.kind == kind.number()).then_some(shared.data)
}
