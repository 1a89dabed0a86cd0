//! Decoding as proto2 means it: a message without one of its required fields is no message.
//!
//! The generated decoder fills in a default instead, which would let a call without an identifier or a reaction
//! without an action through (`spec/02-messages-v1.md §2.7, §3` item 9). The rules come from the schema, by `build.rs`.

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};

/// How deep groups (an old wire feature that no Session message uses) may nest before the input is refused.
const MAX_GROUP_DEPTH: u32 = 16;

/// What must hold for one message type.
pub(super) struct MessageRule {
    /// Fields that are required, or hold messages with rules of their own.
    fields: &'static [FieldRule],
}

struct FieldRule {
    number: u32,
    required: bool,
    repeated: bool,
    kind: FieldKind,
}

enum FieldKind {
    Scalar,
    /// The numbers that have a meaning; proto2 treats a field with another number as absent.
    Enum(&'static [i32]),
    /// Index of the message's rule.
    Message(usize),
}

/// A schema type that can be decoded strictly.
pub(crate) trait Checked: Message + Default {
    /// Index of its rule.
    const RULE: usize;
}

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Decodes a message, or `None` when the bytes are malformed or a required field is missing anywhere inside.
pub(crate) fn decode<M: Checked>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    complete(M::RULE, &[bytes])?;
    Some(message)
}

/// Walks the parts of one message (a singular message field that occurs twice is merged, so its parts count together).
fn complete(rule: usize, parts: &[&[u8]]) -> Option<()> {
    let fields = RULES.get(rule)?.fields;
    if fields.is_empty() {
        return Some(());
    }
    let mut seen = vec![false; fields.len()];
    let mut inner: Vec<Vec<&[u8]>> = vec![Vec::new(); fields.len()];
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() {
            let (number, wire) = decode_key(&mut rest).ok()?;
            let value = take_value(&mut rest, number, wire)?;
            let Some((at, field)) = fields
                .iter()
                .enumerate()
                .find(|(_, field)| field.number == number)
            else {
                continue;
            };
            let counts = match (&field.kind, &value) {
                (FieldKind::Scalar, _) => true,
                (FieldKind::Enum(numbers), Value::Varint(number)) => numbers.contains(&(*number as i32)),
                (FieldKind::Enum(_), _) => false,
                (FieldKind::Message(_), Value::Bytes(bytes)) => {
                    inner.get_mut(at)?.push(bytes);
                    true
                }
                (FieldKind::Message(_), _) => false,
            };
            *seen.get_mut(at)? |= counts;
        }
    }
    for ((field, seen), parts) in fields.iter().zip(&seen).zip(&inner) {
        if field.required && !seen {
            return None;
        }
        if let FieldKind::Message(rule) = field.kind
            && !parts.is_empty()
        {
            if field.repeated {
                parts.iter().try_for_each(|part| complete(rule, &[part]))?;
            } else {
                complete(rule, parts)?;
            }
        }
    }
    Some(())
}

/// A field's value as far as the rules need it.
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

fn take_value<'a>(rest: &mut &'a [u8], number: u32, wire: WireType) -> Option<Value<'a>> {
    match wire {
        WireType::Varint => decode_varint(rest).ok().map(Value::Varint),
        WireType::SixtyFourBit => take(rest, 8).map(|_| Value::Other),
        WireType::ThirtyTwoBit => take(rest, 4).map(|_| Value::Other),
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
            take(rest, length).map(Value::Bytes)
        }
        WireType::StartGroup => skip_group(rest, number, MAX_GROUP_DEPTH).map(|()| Value::Other),
        WireType::EndGroup => None,
    }
}

fn skip_group(rest: &mut &[u8], group: u32, depth: u32) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    loop {
        let (number, wire) = decode_key(rest).ok()?;
        match wire {
            WireType::EndGroup => return (number == group).then_some(()),
            WireType::StartGroup => skip_group(rest, number, depth)?,
            _ => take_value(rest, number, wire).map(|_| ())?,
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::super::schema::{CallMessage, Content, DataMessage, Envelope, Reaction, TypingMessage};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_complete_message_passes() {
        let content = Content {
            typing_message: Some(TypingMessage {
                timestamp: 0,
                action: 0,
            }),
            ..Content::default()
        };
        assert_eq!(decode::<Content>(&content.encode_to_vec()), Some(content));
    }

    #[test]
    fn a_missing_required_field_is_refused_at_any_depth() {
        assert_eq!(decode::<Envelope>(&[0x08, 6]), None);
        assert!(decode::<Envelope>(&[0x08, 6, 0x28, 1]).is_some());
        // Content { dataMessage { reaction { id = 1 } } }
        assert_eq!(decode::<Content>(&[0x0a, 4, 0x5a, 2, 0x08, 1]), None);
        // Content { callMessage { type = OFFER } }
        assert_eq!(decode::<Content>(&[0x1a, 2, 0x08, 1]), None);
    }

    #[test]
    fn an_unknown_number_does_not_fill_a_required_enum() {
        let call = |number| CallMessage {
            r#type: number,
            uuid: "u".to_owned(),
            ..CallMessage::default()
        };
        assert!(decode::<CallMessage>(&call(6).encode_to_vec()).is_some());
        assert_eq!(decode::<CallMessage>(&call(7).encode_to_vec()), None);
    }

    #[test]
    fn parts_of_one_message_count_together() {
        // typingMessage twice: once with its time, once with its action.
        let merged = decode::<Content>(&[0x32, 2, 0x08, 5, 0x32, 2, 0x10, 1]).unwrap();
        assert_eq!(
            merged.typing_message,
            Some(TypingMessage {
                timestamp: 5,
                action: 1
            })
        );
    }

    #[test]
    fn parts_of_different_messages_do_not_count_together() {
        // Two previews, one without its url.
        assert_eq!(decode::<DataMessage>(&[0x52, 3, 0x0a, 1, b'u', 0x52, 0]), None);
    }

    #[test]
    fn unknown_fields_and_groups_are_skipped() {
        // Field 19 as a group that holds field 1; then sigTimestamp.
        let bytes = [0x9b, 0x01, 0x08, 1, 0x9c, 0x01, 0x78, 9];
        assert_eq!(decode::<Content>(&bytes).unwrap().sig_timestamp, Some(9));
        let mut deep = [0x9b, 0x01].repeat(200);
        deep.extend([0x9c, 0x01].repeat(200));
        assert_eq!(decode::<Content>(&deep), None);
    }

    #[test]
    fn messages_are_never_printed() {
        let content = DataMessage {
            body: Some("secret".to_owned()),
            ..DataMessage::default()
        };
        assert_eq!(format!("{content:?}"), "DataMessage { .. }");
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(bytes: Vec<u8>) {
            let _ = decode::<Content>(&bytes);
            let _ = decode::<Envelope>(&bytes);
        }

        #[test]
        fn what_was_encoded_decodes(id: u64, author: String, emoji: Option<String>, msg_id: Option<i64>) {
            let reaction = Reaction { id, author, emoji, action: 1, msg_id };
            prop_assert_eq!(decode::<Reaction>(&reaction.encode_to_vec()), Some(reaction));
        }
    }
}
