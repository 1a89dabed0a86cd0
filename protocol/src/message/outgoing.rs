//! Putting all layers around a content (`spec/02-messages-v1.md §2`).

use super::envelope::{decoy_signature, wrap};
use super::padding::{pad_in_place, padded_size};
use super::schema::Content;
use super::{MAX_STORED, v1};
use crate::account::{Account, Id};
use crate::keys::X25519SecretKey;
use crate::sealed_box;
use prost::Message;
use rand_core::CryptoRng;

/// Why a message could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutgoingError {
    /// One-to-one messages go to account ids only.
    #[error("the recipient is not an account")]
    NotAnAccount,
    /// The recipient's key is of low order: nobody has a secret for it.
    #[error("the recipient's key is not usable")]
    RecipientKey,
    /// The stored form would be longer than a node takes.
    #[error("the message takes {size} bytes, more than {MAX_STORED}")]
    TooLarge {
        /// Bytes of the stored form.
        size: usize,
    },
}

/// The stored form of a one-to-one message, a sync copy or a note to self (then the recipient is the sender).
///
/// `timestamp_ms` is the sent time, network time in ms; it becomes the envelope's timestamp and the content's
/// `sigTimestamp`, which receivers require to be equal. The sender has no Pro, so a decoy takes the place of the
/// Pro signature.
pub fn encode_one_to_one(
    sender: &Account,
    recipient: &Id,
    content: &Content,
    timestamp_ms: u64,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, OutgoingError> {
    let key = recipient.x25519().ok_or(OutgoingError::NotAnAccount)?;
    let mut content = content.clone();
    content.sig_timestamp = Some(timestamp_ms);

    let length = content.encoded_len();
    let mut buffer = Vec::with_capacity(padded_size(length) + v1::OVERHEAD);
    buffer.resize(sealed_box::OVERHEAD, 0);
    content.encode_raw(&mut buffer);
    pad_in_place(&mut buffer, sealed_box::OVERHEAD);
    let ciphertext = v1::seal(&X25519SecretKey::generate(rng), sender.ed25519(), &key, buffer)
        .map_err(|_| OutgoingError::RecipientKey)?;
    let stored = wrap(ciphertext, timestamp_ms, &decoy_signature(rng));
    if stored.len() > MAX_STORED {
        return Err(OutgoingError::TooLarge { size: stored.len() });
    }
    Ok(stored)
}

/// The content of the copy to the own swarm, from which the sender's other devices learn of a message
/// (spec/02 §6.1): the conversation is named, the profile left out. Encode it to the own id with the same timestamp.
pub fn sync_copy(content: &Content, conversation: &Id) -> Content {
    let mut copy = content.clone();
    if let Some(data) = &mut copy.data_message {
        data.sync_target = Some(conversation.to_hex());
        data.profile = None;
        data.profile_key = None;
    }
    copy
}

/// A message identifier: drawn once a message, before the copies for recipient and own swarm part
/// (spec/11-protocol-v2.md §10.1).
pub fn new_message_id(rng: &mut impl CryptoRng) -> i64 {
    let mut bytes = [0; 8];
    rng.fill_bytes(&mut bytes);
    i64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{IdKind, Seed};
    use crate::message::schema::DataMessage;
    use rand_core::SeedableRng;

    const SENT_AT: u64 = 1_754_971_101_000;

    fn account(byte: u8) -> Account {
        Account::from_seed(Seed::from_bytes(&[byte; 16]))
    }

    fn text(body: &str) -> Content {
        Content {
            data_message: Some(DataMessage {
                body: Some(body.to_owned()),
                ..DataMessage::default()
            }),
            ..Content::default()
        }
    }

    fn rng() -> rand_chacha::ChaCha20Rng {
        rand_chacha::ChaCha20Rng::from_seed([8; 32])
    }

    #[test]
    fn the_worked_example_has_the_published_bytes_and_sizes() {
        let mut content = text("hello");
        content.sig_timestamp = Some(SENT_AT);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&content.encode_to_vec()),
            "0a070a0568656c6c6f78c8aeb7e38933"
        );
        let stored =
            encode_one_to_one(&account(1), &account(2).id(), &text("hello"), SENT_AT, &mut rng()).unwrap();
        assert_eq!(stored.len(), 398);
        let hex = data_encoding::HEXLOWER.encode(&stored);
        assert!(hex.starts_with("08011289030a0012001a8003080628c8aeb7e38933380142b002"));
        assert!(hex.ends_with("2000"));
        assert_eq!(
            stored.get(stored.len() - 68..stored.len() - 66),
            Some(&[0x5a, 0x40][..])
        );
    }

    #[test]
    fn only_accounts_receive() {
        let group = Id::new(IdKind::Group, &[1; 32]);
        let refused = encode_one_to_one(&account(1), &group, &text("x"), SENT_AT, &mut rng());
        assert_eq!(refused, Err(OutgoingError::NotAnAccount));
        let nobody = Id::new(IdKind::Account, &[0; 32]);
        let refused = encode_one_to_one(&account(1), &nobody, &text("x"), SENT_AT, &mut rng());
        assert_eq!(refused, Err(OutgoingError::RecipientKey));
    }

    #[test]
    fn what_no_node_takes_is_refused() {
        let long = encode_one_to_one(
            &account(1),
            &account(2).id(),
            &text(&"x".repeat(MAX_STORED)),
            SENT_AT,
            &mut rng(),
        );
        assert!(matches!(long, Err(OutgoingError::TooLarge { size }) if size > MAX_STORED));
        let fits = encode_one_to_one(
            &account(1),
            &account(2).id(),
            &text(&"x".repeat(76_300)),
            SENT_AT,
            &mut rng(),
        );
        assert!(fits.unwrap().len() <= MAX_STORED);
    }

    #[test]
    fn a_sync_copy_names_the_conversation_and_no_profile() {
        let mut content = text("x");
        let data = content.data_message.as_mut().unwrap();
        data.profile = Some(crate::message::schema::LokiProfile::default());
        data.profile_key = Some(vec![1; 32]);
        let copy = sync_copy(&content, &account(2).id()).data_message.unwrap();
        assert_eq!(copy.sync_target, Some(account(2).id().to_hex()));
        assert!(copy.profile.is_none() && copy.profile_key.is_none());
        assert_eq!(copy.body.as_deref(), Some("x"));
    }

    #[test]
    fn equal_contents_give_different_bytes() {
        let mut rng = rng();
        let mut encode =
            || encode_one_to_one(&account(1), &account(2).id(), &text("x"), SENT_AT, &mut rng).unwrap();
        assert_ne!(encode(), encode());
        assert_ne!(new_message_id(&mut rng), new_message_id(&mut rng));
    }
}
