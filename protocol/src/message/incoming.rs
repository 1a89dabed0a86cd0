//! Taking the layers off a stored message and checking each, in the order of `spec/02-messages-v1.md §3`.
//!
//! Nothing inside a message is believed before the sender's signature was checked, and nothing in the content can say
//! who the sender is. What depends on the receiver's own records (blocked senders, duplicates, deleted conversations)
//! is left to the client.

use super::MAX_STORED;
use super::padding::unpad;
use super::schema::{Content, Envelope, ProMessage, WebSocketMessage};
use super::senders::SenderCache;
use super::strict;
use super::v1::{self, V1Error};
use crate::account::{Account, Id};
use crate::keys::{Ed25519PublicKey, Signature};

/// First byte of messages in protocol version 2 (spec/11-protocol-v2.md §9.1); no frame starts with it.
const VERSION_2_MARK: u8 = 0x00;
/// Bytes of a Pro proof's revocation tag and of its rotating key.
const PRO_KEY_SIZE: usize = 32;

/// Why a message was refused: one variant for each check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reject {
    /// It is longer than a node stores.
    #[error("longer than a stored message can be")]
    TooLarge,
    /// It is a message of protocol version 2.
    #[error("a message of protocol version 2")]
    Version2,
    /// The frame does not parse.
    #[error("the frame does not parse")]
    Frame,
    /// The frame holds no request.
    #[error("the frame holds no request")]
    NoRequest,
    /// The request holds no body.
    #[error("the request holds no body")]
    NoBody,
    /// The envelope does not parse, or lacks type or timestamp.
    #[error("the envelope does not parse")]
    Envelope,
    /// The envelope names a source that is neither empty nor an id.
    #[error("the envelope's source is no id")]
    Source,
    /// The envelope holds no content.
    #[error("the envelope is empty")]
    NoContent,
    /// The ciphertext is too short to hold a signature.
    #[error("the ciphertext is too short")]
    TooShort,
    /// The sealed box does not open: it is for another account, or was changed.
    #[error("the sealed box does not open")]
    Sealed,
    /// The sender's signature is wrong: the message is forged, or was meant for somebody else.
    #[error("the sender's signature does not verify")]
    Signature,
    /// The sender's key stands for no account id.
    #[error("the sender's key has no account id")]
    SenderKey,
    /// The content does not parse, or lacks a required field.
    #[error("the content does not parse")]
    Content,
    /// The Pro signature has not 64 bytes.
    #[error("the Pro signature has a wrong size")]
    ProSignature,
    /// The message claims Pro but has no authenticated time to judge the claim by.
    #[error("a Pro message without its time")]
    ProTimestamp,
    /// The Pro proof lacks a part, or one has a wrong size.
    #[error("the Pro proof is malformed")]
    ProProof,
    /// The authenticated time is not the envelope's: somebody changed the envelope.
    #[error("the authenticated time differs from the envelope's")]
    Timestamp,
    /// Somebody else than the own account names a conversation to put the message into.
    #[error("a sync target from somebody else")]
    SyncTarget,
    /// A copy from an own device names no account as its conversation.
    #[error("the sync target is no account id")]
    SyncTargetId,
}

impl From<V1Error> for Reject {
    fn from(error: V1Error) -> Self {
        match error {
            V1Error::TooShort => Self::TooShort,
            V1Error::Sealed => Self::Sealed,
            V1Error::Signature => Self::Signature,
            V1Error::SenderKey => Self::SenderKey,
        }
    }
}

/// A message that passed every check this module makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Who sent it, by the key that signed it.
    pub sender: Id,
    /// The key itself, which the account id does not give.
    pub sender_ed25519: Ed25519PublicKey,
    /// When it was sent, network time in ms; authenticated unless the sender is an old client without `sigTimestamp`.
    pub sent_at: u64,
    /// What it says.
    pub content: Content,
    /// The conversation it belongs to: of an own message the one it was written in, else the sender.
    pub conversation: Id,
    /// What the sender claims to have Pro by, not judged yet.
    pub pro: Option<ProClaim>,
}

impl Received {
    /// Whether it was sent by the own account: a copy from another device, or a note to self.
    pub fn is_own(&self, account: &Account) -> bool {
        self.sender == account.id()
    }
}

/// What is needed to judge a claim of Pro (spec/02 §8): made only when both a signature and a `proMessage` are there.
#[derive(Debug, Clone, PartialEq)]
pub struct ProClaim {
    /// The signature, or a decoy.
    pub signature: Signature,
    /// What it covers: the envelope's content as it came.
    pub signed: Vec<u8>,
}

/// Opens and checks a message from the own swarm's namespace 0, given the stored bytes after base64.
pub fn decode_one_to_one(recipient: &Account, data: &[u8]) -> Result<Received, Reject> {
    decode_one_to_one_cached(recipient, &mut SenderCache::default(), data)
}

/// The same for one of many messages: quicker for a sender who was heard before.
pub fn decode_one_to_one_cached(
    recipient: &Account,
    senders: &mut SenderCache,
    data: &[u8],
) -> Result<Received, Reject> {
    if data.len() > MAX_STORED {
        return Err(Reject::TooLarge);
    }
    if data.first() == Some(&VERSION_2_MARK) {
        return Err(Reject::Version2);
    }
    let frame: WebSocketMessage = strict::decode(data).ok_or(Reject::Frame)?;
    let body = frame
        .request
        .ok_or(Reject::NoRequest)?
        .body
        .ok_or(Reject::NoBody)?;
    let envelope: Envelope = strict::decode(&body).ok_or(Reject::Envelope)?;
    check_source(envelope.source())?;
    let ciphertext = envelope.content.ok_or(Reject::NoContent)?;

    let opened = v1::decrypt_cached(recipient.x25519(), senders, &ciphertext)?;
    let sender = Id::account(opened.sender_x25519);
    let content: Content = strict::decode(unpad(&opened.content)).ok_or(Reject::Content)?;

    let signature = envelope
        .pro_sig
        .map(|bytes| Signature::from_slice(&bytes))
        .transpose()
        .map_err(|_| Reject::ProSignature)?;
    let pro = match (signature, &content.pro_message) {
        (Some(signature), Some(claim)) => {
            check_pro(claim, content.sig_timestamp())?;
            Some(ProClaim {
                signature,
                signed: ciphertext,
            })
        }
        _ => None,
    };
    // Absent or zero: a client from before this field.
    if !matches!(content.sig_timestamp, None | Some(0)) && content.sig_timestamp != Some(envelope.timestamp) {
        return Err(Reject::Timestamp);
    }
    let conversation = conversation_of(&content, sender, recipient.id())?;
    Ok(Received {
        sender,
        sender_ed25519: opened.sender,
        sent_at: envelope.timestamp,
        content,
        conversation,
        pro,
    })
}

/// Item 4: the source must be empty or an id. It never says who the sender is.
fn check_source(source: &str) -> Result<(), Reject> {
    let is_id = source.len() == Id::TEXT_SIZE && source.bytes().all(|byte| byte.is_ascii_hexdigit());
    if source.is_empty() || is_id {
        Ok(())
    } else {
        Err(Reject::Source)
    }
}

/// Items 11 and 12: a claim of Pro needs an authenticated time, and a proof all its parts.
fn check_pro(claim: &ProMessage, sig_timestamp: u64) -> Result<(), Reject> {
    if sig_timestamp == 0 {
        return Err(Reject::ProTimestamp);
    }
    let Some(proof) = &claim.proof else {
        return Ok(());
    };
    let complete = proof.revocation_tag().len() == PRO_KEY_SIZE
        && proof.rotating_public_key().len() == PRO_KEY_SIZE
        && proof.expiry_unix_ts.is_some()
        && proof.sig().len() == Signature::SIZE;
    if complete { Ok(()) } else { Err(Reject::ProProof) }
}

/// Item 17: which conversation a message belongs to. Only the own account may name another one than the sender's.
fn conversation_of(content: &Content, sender: Id, own: Id) -> Result<Id, Reject> {
    let target = content
        .data_message
        .as_ref()
        .map(|data| data.sync_target())
        .unwrap_or_default();
    if target.is_empty() {
        return Ok(sender);
    }
    if sender != own {
        return Err(Reject::SyncTarget);
    }
    Id::parse_account(target).map_err(|_| Reject::SyncTargetId)
}

#[cfg(test)]
mod tests;
