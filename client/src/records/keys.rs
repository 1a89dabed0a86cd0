//! Under which keys records lie.

use holdfast_protocol::account::Id;
use holdfast_protocol::config::ConfigKind;
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::swarm::Namespace;

use super::Target;
use crate::api::{FileId, Gallery, MessageId, Position, RequestId};
use crate::ports::StoreError;

/// Bytes of an id in keys.
const ID: usize = 33;

pub(crate) const ACCOUNT: &[u8] = b"account";
pub(crate) const COUNTERS: &[u8] = b"counters";
pub(crate) const NODES: &[u8] = b"nodes";
pub(crate) const GUARDS: &[u8] = b"guards";
pub(crate) const STRIKES: &[u8] = b"strikes";
pub(crate) const TIME: &[u8] = b"time";
pub(crate) const RESTORE: &[u8] = b"restore";
pub(crate) const SYNC: &[u8] = b"sync";
/// In `Meta`: when the account was taken up on this device, network time in Unix milliseconds.
pub(crate) const SINCE: &[u8] = b"since";
const PREFERENCE: &[u8] = b"preference/";

pub(crate) fn preference(key: &str) -> Vec<u8> {
    [PREFERENCE, key.as_bytes()].concat()
}

pub(crate) fn preference_name(key: &[u8]) -> Option<&str> {
    key.strip_prefix(PREFERENCE)
        .and_then(|name| std::str::from_utf8(name).ok())
}

/// In `Meta`: a document of an account as it is, in the form of `Config::dump`.
pub(crate) fn config(account: &Id, kind: ConfigKind) -> Vec<u8> {
    document(b"config", account, kind)
}

/// In `Meta`: where earlier versions kept the same document as it was before edits that are not pushed yet.
pub(crate) fn config_base(account: &Id, kind: ConfigKind) -> Vec<u8> {
    document(b"config-base", account, kind)
}

fn document(name: &[u8], account: &Id, kind: ConfigKind) -> Vec<u8> {
    let namespace = kind.namespace().0.to_be_bytes();
    [name, b"/", account.as_bytes(), &namespace].concat()
}

pub(crate) fn id(id: &Id) -> Vec<u8> {
    id.as_bytes().to_vec()
}

pub(crate) fn read_id(key: &[u8]) -> Result<Id, StoreError> {
    Id::from_slice(key).map_err(|_| StoreError::Damaged)
}

/// Conversation, then sent time and number, big-endian: key order is display order.
pub(crate) fn message(conversation: &Id, position: Position) -> Vec<u8> {
    let mut key = Vec::with_capacity(ID + 16);
    key.extend_from_slice(conversation.as_bytes());
    key.extend_from_slice(&position.sent_at.to_be_bytes());
    key.extend_from_slice(&position.id.0.to_be_bytes());
    key
}

pub(crate) fn read_message(key: &[u8]) -> Result<(Id, Position), StoreError> {
    let (conversation, rest) = key.split_at_checked(ID).ok_or(StoreError::Damaged)?;
    let (sent_at, id) = rest.split_first_chunk::<8>().ok_or(StoreError::Damaged)?;
    let id: [u8; 8] = id.try_into().map_err(|_| StoreError::Damaged)?;
    let position = Position {
        sent_at: u64::from_be_bytes(*sent_at),
        id: MessageId(u64::from_be_bytes(id)),
    };
    Ok((read_id(conversation)?, position))
}

/// In `MessageIndex`: where a message lies, by its local number.
pub(crate) fn by_number(id: MessageId) -> Vec<u8> {
    [&b"n"[..], &id.0.to_be_bytes()].concat()
}

/// Whether a key of `MessageIndex` is one of [`by_number`].
pub(crate) fn is_by_number(key: &[u8]) -> bool {
    key.first() == Some(&b'n')
}

/// In `MessageIndex`: a message's local number by what makes it unique.
pub(crate) fn by_author(conversation: &Id, author: &Id, sent_at: u64) -> Vec<u8> {
    [
        &b"a"[..],
        conversation.as_bytes(),
        author.as_bytes(),
        &sent_at.to_be_bytes(),
    ]
    .concat()
}

/// In `MessageIndex`: the own messages of a sent time, as eight bytes each; nearly always one.
pub(crate) fn own_sent(sent_at: u64) -> Vec<u8> {
    [&b"o"[..], &sent_at.to_be_bytes()].concat()
}

/// In `MessageIndex`: the messages that answer a message, which may not be here, as eight bytes each.
pub(crate) fn answers(conversation: &Id, target: &Target) -> Vec<u8> {
    [
        &b"q"[..],
        conversation.as_bytes(),
        target.author.as_bytes(),
        &target.sent_at.to_be_bytes(),
    ]
    .concat()
}

/// In `Marks`. What an own device asked to delete names no conversation: it stands under the own id.
pub(crate) fn mark(conversation: &Id, author: &Id, sent_at: u64) -> Vec<u8> {
    [
        conversation.as_bytes(),
        author.as_bytes(),
        &sent_at.to_be_bytes()[..],
    ]
    .concat()
}

/// In `Marks`: up to when a conversation's messages were cleared.
pub(crate) fn cleared(conversation: &Id) -> Vec<u8> {
    [&b"cleared"[..], conversation.as_bytes()].concat()
}

/// In `Marks`: a call, by its text identifier, hashed to a fixed size. Own devices answer without naming the caller.
pub(crate) fn call(uuid: &str) -> Vec<u8> {
    let hash = blake2b_simd::Params::new().hash_length(16).hash(uuid.as_bytes());
    [&b"call"[..], hash.as_bytes()].concat()
}

/// In `Due`: when a message disappears, as eight bytes.
pub(crate) fn expiry(id: MessageId) -> Vec<u8> {
    [&b"e"[..], &id.0.to_be_bytes()].concat()
}

/// In `Due`: see [`JobRecord`].
pub(crate) fn job(number: u64) -> Vec<u8> {
    [&b"j"[..], &number.to_be_bytes()].concat()
}

/// In `Due`: the sent times of messages whose receipts are to be sent to a contact.
pub(crate) fn receipts(contact: &Id) -> Vec<u8> {
    [&b"r"[..], contact.as_bytes()].concat()
}

/// In `Due`: what is to go of a conversation.
pub(crate) fn clearing(conversation: &Id) -> Vec<u8> {
    [&b"c"[..], conversation.as_bytes()].concat()
}

/// What a key in `Due` stands for, and its rest.
pub(crate) fn read_due(key: &[u8]) -> Result<(u8, &[u8]), StoreError> {
    key.split_first()
        .map(|(kind, rest)| (*kind, rest))
        .ok_or(StoreError::Damaged)
}

/// In `Files`: what is known of a file's bytes.
pub(crate) fn file(id: FileId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

/// The number in a key of `Files`.
pub(crate) fn read_file(key: &[u8]) -> Result<FileId, StoreError> {
    let bytes = key.try_into().map_err(|_| StoreError::Damaged)?;
    Ok(FileId(u64::from_be_bytes(bytes)))
}

/// In `Pieces`: a piece of a file, by its number from the beginning.
pub(crate) fn piece(id: FileId, index: u32) -> Vec<u8> {
    [&id.0.to_be_bytes()[..], &index.to_be_bytes()].concat()
}

/// In `MessageIndex`: the message that a file belongs to.
pub(crate) fn file_message(id: FileId) -> Vec<u8> {
    [&b"f"[..], &id.0.to_be_bytes()].concat()
}

/// In `Gallery`: a message with files of a kind, in the order of its conversation. The value is empty.
pub(crate) fn gallery(conversation: &Id, which: Gallery, position: Position) -> Vec<u8> {
    let which = match which {
        Gallery::Media => b'm',
        Gallery::Documents => b'd',
    };
    let mut key = message(conversation, position);
    key.insert(ID, which);
    key
}

/// The message that a key of `Gallery` leads to.
pub(crate) fn read_gallery(key: &[u8]) -> Result<(Id, Position), StoreError> {
    let (conversation, rest) = key.split_at_checked(ID).ok_or(StoreError::Damaged)?;
    let (_, position) = rest.split_first().ok_or(StoreError::Damaged)?;
    read_message(&[conversation, position].concat())
}

/// In `MessageIndex`: the message that a numbered command made.
pub(crate) fn by_request(number: RequestId) -> Vec<u8> {
    [&b"r"[..], &number.0].concat()
}

/// In `Cursors`: how far an account's namespace was read on a node.
pub(crate) fn cursor(node: &Ed25519PublicKey, account: &Id, namespace: Namespace) -> Vec<u8> {
    [
        &node.as_bytes()[..],
        account.as_bytes(),
        &namespace.0.to_be_bytes(),
    ]
    .concat()
}

/// Whether a key of `Cursors` is about an account's namespace, on whatever node.
pub(crate) fn is_cursor_of(key: &[u8], account: &Id, namespace: Namespace) -> bool {
    let end = [&account.as_bytes()[..], &namespace.0.to_be_bytes()].concat();
    key.ends_with(&end)
}

pub(crate) fn outbox(id: MessageId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

/// A list of numbers of eight bytes each.
pub(crate) fn read_numbers(value: &[u8]) -> Vec<MessageId> {
    let (numbers, _) = value.as_chunks::<8>();
    numbers
        .iter()
        .map(|bytes| MessageId(u64::from_be_bytes(*bytes)))
        .collect()
}

pub(crate) fn read_number(key: &[u8]) -> Result<MessageId, StoreError> {
    let bytes = key.try_into().map_err(|_| StoreError::Damaged)?;
    Ok(MessageId(u64::from_be_bytes(bytes)))
}
