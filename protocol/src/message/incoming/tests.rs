//! One test for each reason to refuse a message, and for what must pass all the same.

use super::*;
use crate::account::{Account, Seed};
use crate::message::schema::{
    DataMessage, ProProof, TypingMessage, WebSocketRequestMessage, web_socket_message,
};
use crate::message::{outgoing, pad};
use proptest::prelude::*;
use prost::Message;
use rand_core::SeedableRng;

const SENT_AT: u64 = 1_700_000_000_123;

fn alice() -> Account {
    Account::from_seed(Seed::from_bytes(&[1; 16]))
}

fn bob() -> Account {
    Account::from_seed(Seed::from_bytes(&[2; 16]))
}

fn rng() -> rand_chacha::ChaCha20Rng {
    rand_chacha::ChaCha20Rng::from_seed([3; 32])
}

fn hello() -> Content {
    Content {
        data_message: Some(DataMessage {
            body: Some("hello".to_owned()),
            ..DataMessage::default()
        }),
        sig_timestamp: Some(SENT_AT),
        ..Content::default()
    }
}

fn ciphertext(from: &Account, padded: &[u8]) -> Vec<u8> {
    v1::encrypt(from.ed25519(), &bob().x25519().public(), padded, &mut rng()).unwrap()
}

/// An envelope as older senders make it.
fn envelope(content: &Content) -> Envelope {
    Envelope {
        r#type: 6,
        timestamp: SENT_AT,
        content: Some(ciphertext(&alice(), &pad(&content.encode_to_vec()))),
        ..Envelope::default()
    }
}

fn frame(body: Option<Vec<u8>>) -> Vec<u8> {
    WebSocketMessage {
        r#type: Some(web_socket_message::Type::Request.into()),
        request: Some(WebSocketRequestMessage {
            verb: Some("PUT".to_owned()),
            path: Some("/api/v1/message".to_owned()),
            body,
            request_id: Some(77),
            headers: Vec::new(),
        }),
    }
    .encode_to_vec()
}

fn receive(envelope: &Envelope) -> Result<Received, Reject> {
    decode_one_to_one(&bob(), &frame(Some(envelope.encode_to_vec())))
}

#[test]
fn a_message_of_an_older_sender_passes() {
    let received = receive(&envelope(&hello())).unwrap();
    assert_eq!(received.sender, alice().id());
    assert_eq!(received.sender_ed25519, alice().ed25519().public());
    assert_eq!(received.conversation, alice().id());
    assert_eq!((received.sent_at, received.content), (SENT_AT, hello()));
    assert!(received.pro.is_none());
}

#[test]
fn outer_layers() {
    assert_eq!(
        decode_one_to_one(&bob(), &vec![8; MAX_STORED + 1]),
        Err(Reject::TooLarge)
    );
    assert_eq!(decode_one_to_one(&bob(), &[0, 4, 1]), Err(Reject::Version2));
    assert_eq!(decode_one_to_one(&bob(), &[0xff]), Err(Reject::Frame));
    assert_eq!(decode_one_to_one(&bob(), &[]), Err(Reject::NoRequest));
    assert_eq!(decode_one_to_one(&bob(), &[0x08, 1]), Err(Reject::NoRequest));
    assert_eq!(decode_one_to_one(&bob(), &frame(None)), Err(Reject::NoBody));
    assert_eq!(
        decode_one_to_one(&bob(), &frame(Some(vec![0x08, 6]))),
        Err(Reject::Envelope)
    );
    assert_eq!(
        decode_one_to_one(&bob(), &frame(Some(vec![0xff]))),
        Err(Reject::Envelope)
    );
}

#[test]
fn envelope_fields() {
    let good = envelope(&hello());
    for (source, verdict) in [
        (String::new(), None),
        (alice().id().to_hex(), None),
        ("05".to_owned(), Some(Reject::Source)),
        ("g".repeat(66), Some(Reject::Source)),
    ] {
        let with = Envelope {
            source: Some(source),
            ..good.clone()
        };
        assert_eq!(receive(&with).err(), verdict);
    }
    let any_type = Envelope {
        r#type: 101,
        ..good.clone()
    };
    assert!(receive(&any_type).is_ok());
    let empty = Envelope {
        content: None,
        ..good.clone()
    };
    assert_eq!(receive(&empty), Err(Reject::NoContent));
    for (size, verdict) in [
        (63, Some(Reject::ProSignature)),
        (64, None),
        (0, Some(Reject::ProSignature)),
    ] {
        let with = Envelope {
            pro_sig: Some(vec![7; size]),
            ..good.clone()
        };
        assert_eq!(receive(&with).err(), verdict);
    }
}

#[test]
fn encryption() {
    let with = |content| Envelope {
        content: Some(content),
        ..envelope(&hello())
    };
    assert_eq!(receive(&with(vec![1; v1::OVERHEAD - 1])), Err(Reject::TooShort));
    let mut changed = ciphertext(&alice(), &pad(&hello().encode_to_vec()));
    changed[60] ^= 1;
    assert_eq!(receive(&with(changed)), Err(Reject::Sealed));
    let inner = v1::sign_for_recipient(alice().ed25519(), &alice().x25519().public(), b"x");
    let passed_on = crate::sealed_box::seal(&bob().x25519().public(), &inner, &mut rng()).unwrap();
    assert_eq!(receive(&with(passed_on)), Err(Reject::Signature));
}

#[test]
fn content_must_parse_with_all_required_fields() {
    let with = |padded: &[u8]| Envelope {
        content: Some(ciphertext(&alice(), padded)),
        ..envelope(&hello())
    };
    assert_eq!(receive(&with(&[0xff, 0x80, 0])), Err(Reject::Content));
    // typingMessage without its action
    assert_eq!(receive(&with(&[0x32, 2, 0x08, 1, 0x80, 0])), Err(Reject::Content));
    let typing = Content {
        typing_message: Some(TypingMessage {
            timestamp: SENT_AT,
            action: 0,
        }),
        ..Content::default()
    };
    assert!(receive(&with(&pad(&typing.encode_to_vec()))).is_ok());
}

#[test]
fn pro_claims() {
    let proof = ProProof {
        revocation_tag: Some(vec![1; 32]),
        rotating_public_key: Some(vec![2; 32]),
        expiry_unix_ts: Some(3),
        sig: Some(vec![4; 64]),
    };
    let verdict = |proof: Option<ProProof>, sig_timestamp: Option<u64>| {
        let content = Content {
            pro_message: Some(ProMessage {
                proof,
                ..ProMessage::default()
            }),
            sig_timestamp,
            ..hello()
        };
        receive(&Envelope {
            pro_sig: Some(vec![7; 64]),
            ..envelope(&content)
        })
    };
    let claimed = verdict(Some(proof.clone()), Some(SENT_AT)).unwrap().pro.unwrap();
    assert_eq!(claimed.signature, Signature::from([7; 64]));
    assert!(verdict(None, Some(SENT_AT)).is_ok());
    assert_eq!(verdict(Some(proof.clone()), None), Err(Reject::ProTimestamp));
    assert_eq!(verdict(Some(proof.clone()), Some(0)), Err(Reject::ProTimestamp));
    for broken in [
        ProProof {
            revocation_tag: None,
            ..proof.clone()
        },
        ProProof {
            rotating_public_key: Some(vec![2; 31]),
            ..proof.clone()
        },
        ProProof {
            expiry_unix_ts: None,
            ..proof.clone()
        },
        ProProof {
            sig: Some(vec![4; 65]),
            ..proof
        },
    ] {
        assert_eq!(verdict(Some(broken), Some(SENT_AT)), Err(Reject::ProProof));
    }
}

#[test]
fn the_authenticated_time_must_be_the_envelopes() {
    for (sig_timestamp, verdict) in [
        (None, None),
        (Some(0), None),
        (Some(SENT_AT), None),
        (Some(SENT_AT + 1), Some(Reject::Timestamp)),
    ] {
        let content = Content {
            sig_timestamp,
            ..hello()
        };
        assert_eq!(receive(&envelope(&content)).err(), verdict);
    }
}

#[test]
fn only_the_own_account_names_a_conversation() {
    let with = |sync_target: &str| Content {
        data_message: Some(DataMessage {
            body: Some("hello".to_owned()),
            sync_target: Some(sync_target.to_owned()),
            ..DataMessage::default()
        }),
        ..Content::default()
    };
    let own = |sync_target: &str| {
        let stored =
            outgoing::encode_one_to_one(&bob(), &bob().id(), &with(sync_target), SENT_AT, &mut rng())
                .unwrap();
        decode_one_to_one(&bob(), &stored)
    };
    assert_eq!(
        receive(&envelope(&with(&alice().id().to_hex()))),
        Err(Reject::SyncTarget)
    );
    assert_eq!(
        receive(&envelope(&with(&bob().id().to_hex()))),
        Err(Reject::SyncTarget)
    );
    let copy = own(&alice().id().to_hex()).unwrap();
    assert_eq!(copy.conversation, alice().id());
    assert!(copy.is_own(&bob()));
    assert_eq!(own(&bob().id().to_hex()).unwrap().conversation, bob().id());
    assert_eq!(own("").unwrap().conversation, bob().id());
    assert_eq!(own(&format!("15{}", "ab".repeat(32))), Err(Reject::SyncTargetId));
}

#[test]
fn only_the_recipient_can_read() {
    let stored = outgoing::encode_one_to_one(&alice(), &bob().id(), &hello(), SENT_AT, &mut rng()).unwrap();
    assert_eq!(decode_one_to_one(&bob(), &stored).unwrap().content, hello());
    assert_eq!(decode_one_to_one(&alice(), &stored), Err(Reject::Sealed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_are_refused(bytes: Vec<u8>) {
        prop_assert!(decode_one_to_one(&bob(), &bytes).is_err());
    }

    #[test]
    fn a_changed_or_cut_message_never_says_something_else(at: usize, flip in 1_u8..) {
        let stored = outgoing::encode_one_to_one(&alice(), &bob().id(), &hello(), SENT_AT, &mut rng()).unwrap();
        let mut changed = stored.clone();
        changed[at % stored.len()] ^= flip;
        if let Ok(received) = decode_one_to_one(&bob(), &changed) {
            prop_assert_eq!((received.sender, received.sent_at), (alice().id(), SENT_AT));
            prop_assert_eq!(received.content, hello());
        }
        if let Ok(received) = decode_one_to_one(&bob(), &stored[..at % stored.len()]) {
            prop_assert_eq!(received.content, hello());
        }
    }

    #[test]
    fn text_survives_all_layers(body: String, sent_at: u64) {
        let content = Content {
            data_message: Some(DataMessage { body: Some(body), ..DataMessage::default() }),
            ..Content::default()
        };
        let stored = outgoing::encode_one_to_one(&alice(), &bob().id(), &content, sent_at, &mut rng()).unwrap();
        let received = decode_one_to_one(&bob(), &stored).unwrap();
        prop_assert_eq!(received.content.data_message, content.data_message);
        prop_assert_eq!((received.sent_at, received.content.sig_timestamp), (sent_at, Some(sent_at)));
    }
}
