//! What a message is: the one kind of content that counts, and whether it is valid as such
//! (`spec/02-messages-v1.md §4.1, §5, §6.2, §6.3`).

use super::MAX_ATTACHMENTS;
use super::schema::{
    CallMessage, Content, DataExtractionNotification, DataMessage, GroupUpdateMessage,
    MessageRequestResponse, Reaction, ReceiptMessage, TypingMessage, UnsendRequest, call_message,
    data_extraction_notification, data_message, receipt_message,
};
use crate::account::Id;

/// The kinds of content. When a message carries several, the first in this order counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<'a> {
    /// Messages were read.
    ReadReceipt(&'a ReceiptMessage),
    /// Somebody types, or stopped.
    Typing(&'a TypingMessage),
    /// Somebody saved media.
    DataExtraction(&'a DataExtractionNotification),
    /// Somebody changed their disappearing setting; mode and timer stand in the content.
    TimerUpdate(&'a DataMessage),
    /// A message is to be deleted.
    Unsend(&'a UnsendRequest),
    /// A message request was accepted.
    RequestResponse(&'a MessageRequestResponse),
    /// Call signalling.
    Call(&'a CallMessage),
    /// Something about a group.
    GroupUpdate(&'a GroupUpdateMessage),
    /// An emoji on a message; the rest of the data message is nothing to show.
    Reaction(&'a Reaction, &'a DataMessage),
    /// Something to show.
    Visible(&'a DataMessage),
}

/// Why a content is dropped although it parses (item 18 of spec/02 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Invalid {
    /// It carries no kind of message at all.
    #[error("nothing in it")]
    Nothing,
    /// A visible message without text, attachment, invitation or reaction.
    #[error("nothing to show")]
    Blank,
    /// More attachments than a message has.
    #[error("too many attachments")]
    TooManyAttachments,
    /// A reaction without emoji.
    #[error("a reaction without emoji")]
    NoEmoji,
    /// A delivery receipt or a screenshot notice: no longer in use.
    #[error("no longer in use")]
    Obsolete,
    /// A typing indicator whose time is not the message's.
    #[error("the typing indicator's time differs")]
    TypingTime,
    /// A request response that says no, which no client sends.
    #[error("a request response that says no")]
    NotApproved,
    /// A call message without identifier, or without the session descriptions its step needs.
    #[error("an incomplete call message")]
    IncompleteCall,
}

impl<'a> Kind<'a> {
    /// Finds the kind that counts and checks what it needs. `sent_at` is the envelope's timestamp in ms.
    pub fn of(content: &'a Content, sent_at: u64) -> Result<Self, Invalid> {
        let data = content.data_message.as_ref();
        if let Some(receipt) = &content.receipt_message {
            let read = receipt.r#type() == receipt_message::Type::Read;
            valid(read, Invalid::Obsolete, Self::ReadReceipt(receipt))
        } else if let Some(typing) = &content.typing_message {
            valid(
                typing.timestamp == sent_at,
                Invalid::TypingTime,
                Self::Typing(typing),
            )
        } else if let Some(notice) = &content.data_extraction_notification {
            let saved = notice.r#type() == data_extraction_notification::Type::MediaSaved;
            valid(saved, Invalid::Obsolete, Self::DataExtraction(notice))
        } else if let Some(data) = data.filter(|data| is_timer_update(data)) {
            Ok(Self::TimerUpdate(data))
        } else if let Some(unsend) = &content.unsend_request {
            Ok(Self::Unsend(unsend))
        } else if let Some(response) = &content.message_request_response {
            valid(
                response.is_approved,
                Invalid::NotApproved,
                Self::RequestResponse(response),
            )
        } else if let Some(call) = &content.call_message {
            valid(is_complete(call), Invalid::IncompleteCall, Self::Call(call))
        } else if let Some(update) = data.and_then(|data| data.group_update_message.as_ref()) {
            Ok(Self::GroupUpdate(update))
        } else if let Some(data) = data {
            Self::of_data(data)
        } else {
            Err(Invalid::Nothing)
        }
    }

    fn of_data(data: &'a DataMessage) -> Result<Self, Invalid> {
        if let Some(reaction) = &data.reaction {
            let emoji = !reaction.emoji().is_empty();
            return valid(emoji, Invalid::NoEmoji, Self::Reaction(reaction, data));
        }
        if data.attachments.len() > MAX_ATTACHMENTS {
            return Err(Invalid::TooManyAttachments);
        }
        let shows = !data.body().trim().is_empty()
            || !data.attachments.is_empty()
            || data.open_group_invitation.is_some();
        valid(shows, Invalid::Blank, Self::Visible(data))
    }

    /// Whether another device of the own account sends this kind (spec/02 §6.2); everything else from self is dropped.
    pub fn allowed_from_self(&self, in_group: bool) -> bool {
        match self {
            Self::Visible(_) | Self::Reaction(..) | Self::TimerUpdate(_) | Self::Unsend(_) => true,
            Self::Call(call) => matches!(
                call.r#type(),
                call_message::Type::Answer | call_message::Type::EndCall
            ),
            Self::GroupUpdate(_) => in_group,
            Self::ReadReceipt(_) | Self::Typing(_) | Self::DataExtraction(_) | Self::RequestResponse(_) => {
                false
            }
        }
    }

    /// Whether this kind is taken from a blocked sender (spec/02 §6.3): what keeps a group consistent, and nothing
    /// that reaches out to the user.
    pub fn allowed_from_blocked(&self, in_group: bool) -> bool {
        match self {
            Self::GroupUpdate(update) => {
                update.promote_message.is_some() || (in_group && update.invite_message.is_none())
            }
            _ => false,
        }
    }

    /// Whether a message of this kind may open a conversation (spec/02 §9.3).
    pub fn opens_conversation(&self) -> bool {
        matches!(self, Self::Visible(_) | Self::GroupUpdate(_))
    }
}

/// Whether a request to delete a message of `author` counts when it comes from `sender` (spec/02 §5.9): people delete
/// their own messages, and own devices any message on the other own devices.
pub fn unsend_allowed(request: &UnsendRequest, sender: &Id, own: &Id) -> bool {
    sender == own || Id::parse(&request.author) == Ok(*sender)
}

fn valid<'a>(holds: bool, otherwise: Invalid, kind: Kind<'a>) -> Result<Kind<'a>, Invalid> {
    if holds { Ok(kind) } else { Err(otherwise) }
}

/// Other bits of the flags are ignored.
fn is_timer_update(data: &DataMessage) -> bool {
    data.flags() & data_message::Flags::ExpirationTimerUpdate as u32 != 0
}

/// spec/02 §5.12.
fn is_complete(call: &CallMessage) -> bool {
    let needs_none = matches!(
        call.r#type(),
        call_message::Type::PreOffer | call_message::Type::EndCall
    );
    !call.uuid.is_empty() && (needs_none || !call.sdps.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, Seed};
    use crate::message::schema::{
        AttachmentPointer, GroupUpdateInviteMessage, GroupUpdatePromoteMessage, OpenGroupInvitation,
    };

    const SENT_AT: u64 = 5;

    fn data(data: DataMessage) -> Content {
        Content {
            data_message: Some(data),
            ..Content::default()
        }
    }

    fn body(text: &str) -> DataMessage {
        DataMessage {
            body: Some(text.to_owned()),
            ..DataMessage::default()
        }
    }

    #[test]
    fn visible_messages_need_something_to_show() {
        assert!(matches!(
            Kind::of(&data(body("x")), SENT_AT),
            Ok(Kind::Visible(_))
        ));
        assert_eq!(Kind::of(&data(body(" \n")), SENT_AT), Err(Invalid::Blank));
        assert_eq!(Kind::of(&Content::default(), SENT_AT), Err(Invalid::Nothing));
        let invitation = DataMessage {
            open_group_invitation: Some(OpenGroupInvitation::default()),
            ..DataMessage::default()
        };
        assert!(Kind::of(&data(invitation), SENT_AT).is_ok());
        let files = |count| DataMessage {
            attachments: vec![AttachmentPointer::default(); count],
            ..DataMessage::default()
        };
        assert!(Kind::of(&data(files(32)), SENT_AT).is_ok());
        assert_eq!(
            Kind::of(&data(files(33)), SENT_AT),
            Err(Invalid::TooManyAttachments)
        );
    }

    #[test]
    fn the_first_kind_counts() {
        let mut content = data(DataMessage {
            flags: Some(2),
            ..body("x")
        });
        assert!(matches!(Kind::of(&content, SENT_AT), Ok(Kind::TimerUpdate(_))));
        content.typing_message = Some(TypingMessage {
            timestamp: SENT_AT,
            action: 0,
        });
        assert!(matches!(Kind::of(&content, SENT_AT), Ok(Kind::Typing(_))));
        content.receipt_message = Some(ReceiptMessage {
            r#type: 1,
            ..ReceiptMessage::default()
        });
        assert!(matches!(Kind::of(&content, SENT_AT), Ok(Kind::ReadReceipt(_))));
        // Unknown flag bits do not make a timer update.
        let other = DataMessage {
            flags: Some(5),
            ..body("x")
        };
        assert!(matches!(Kind::of(&data(other), SENT_AT), Ok(Kind::Visible(_))));
    }

    #[test]
    fn what_is_not_valid_as_its_kind() {
        let reaction = DataMessage {
            reaction: Some(Reaction::default()),
            ..DataMessage::default()
        };
        assert_eq!(Kind::of(&data(reaction), SENT_AT), Err(Invalid::NoEmoji));
        let late = Content {
            typing_message: Some(TypingMessage::default()),
            ..Content::default()
        };
        assert_eq!(Kind::of(&late, SENT_AT), Err(Invalid::TypingTime));
        let delivered = Content {
            receipt_message: Some(ReceiptMessage::default()),
            ..Content::default()
        };
        assert_eq!(Kind::of(&delivered, SENT_AT), Err(Invalid::Obsolete));
        let screenshot = Content {
            data_extraction_notification: Some(DataExtractionNotification {
                r#type: 1,
                ..DataExtractionNotification::default()
            }),
            ..Content::default()
        };
        assert_eq!(Kind::of(&screenshot, SENT_AT), Err(Invalid::Obsolete));
        let no = Content {
            message_request_response: Some(MessageRequestResponse::default()),
            ..Content::default()
        };
        assert_eq!(Kind::of(&no, SENT_AT), Err(Invalid::NotApproved));
    }

    #[test]
    fn calls_need_what_their_step_needs() {
        let call = |number, sdps: usize, uuid: &str| Content {
            call_message: Some(CallMessage {
                r#type: number,
                sdps: vec![String::new(); sdps],
                uuid: uuid.to_owned(),
                ..CallMessage::default()
            }),
            ..Content::default()
        };
        let valid = |content: Content| Kind::of(&content, SENT_AT).is_ok();
        assert!(valid(call(1, 1, "u")) && valid(call(5, 0, "u")) && valid(call(6, 0, "u")));
        assert!(!valid(call(1, 0, "u")) && !valid(call(5, 0, "")));
        let answer = call(2, 1, "u");
        let offer = call(1, 1, "u");
        assert!(Kind::of(&answer, SENT_AT).unwrap().allowed_from_self(false));
        assert!(!Kind::of(&offer, SENT_AT).unwrap().allowed_from_self(false));
    }

    #[test]
    fn a_blocked_sender_only_keeps_groups_consistent() {
        let update = |update| {
            data(DataMessage {
                group_update_message: Some(update),
                ..DataMessage::default()
            })
        };
        let invite = update(GroupUpdateMessage {
            invite_message: Some(GroupUpdateInviteMessage::default()),
            ..GroupUpdateMessage::default()
        });
        let promote = update(GroupUpdateMessage {
            promote_message: Some(GroupUpdatePromoteMessage::default()),
            ..GroupUpdateMessage::default()
        });
        let allowed =
            |content: &Content, in_group| Kind::of(content, SENT_AT).unwrap().allowed_from_blocked(in_group);
        assert!(!allowed(&invite, true) && !allowed(&invite, false));
        assert!(allowed(&promote, true) && allowed(&promote, false));
        assert!(!allowed(&data(body("x")), true));
        assert!(Kind::of(&invite, SENT_AT).unwrap().allowed_from_self(true));
        assert!(!Kind::of(&invite, SENT_AT).unwrap().allowed_from_self(false));
    }

    #[test]
    fn people_delete_their_own_messages_only() {
        let id = |byte| Account::from_seed(Seed::from_bytes(&[byte; 16])).id();
        let request = |author: Id| UnsendRequest {
            timestamp: 1,
            author: author.to_hex(),
            msg_id: None,
        };
        let (own, other, third) = (id(1), id(2), id(3));
        assert!(unsend_allowed(&request(other), &other, &own));
        assert!(unsend_allowed(&request(other), &own, &own));
        assert!(!unsend_allowed(&request(own), &other, &own));
        assert!(!unsend_allowed(&request(third), &other, &own));
    }
}
