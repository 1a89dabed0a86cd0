//! Between the records of this device and those of a backup file. What comes from a file is cut and checked as what comes
//! from the network is.

use holdfast_protocol::account::Id;
use holdfast_protocol::backup::{self, Quote, Reaction, Timer};
use holdfast_protocol::file::{
    Dimensions, FileKey, FileUrl, LinkPreview, clean_content_type, clean_file_name,
};
use holdfast_protocol::message::name::received_name;
use holdfast_protocol::message::{MAX_BODY_PRO, cut_body};
use holdfast_protocol::swarm::MessageHash;

use crate::api::{
    Disappearing, Expiry, FileId, FileInfo, FileKind, MAX_FILE_PREVIEW, MAX_FILES, MAX_WAVEFORM, MessageKind,
    MessageState, Notice, Notify, Position,
};
use crate::reactions::is_emoji;
use crate::records::{
    AttachmentRecord, ContactRecord, ConversationRecord, Fault, LinkRecord, MessageRecord, ReactionRecord,
    Source, Target, kind_of,
};

fn timer(mode: Disappearing) -> Option<Timer> {
    match mode {
        Disappearing::Off => None,
        Disappearing::AfterRead(seconds) => Some(Timer {
            after_read: true,
            seconds,
        }),
        Disappearing::AfterSend(seconds) => Some(Timer {
            after_read: false,
            seconds,
        }),
    }
}

fn mode(timer: Option<Timer>) -> Disappearing {
    match timer {
        Some(Timer { seconds: 0, .. }) | None => Disappearing::Off,
        Some(timer) if timer.after_read => Disappearing::AfterRead(timer.seconds),
        Some(timer) => Disappearing::AfterSend(timer.seconds),
    }
}

/// A conversation as it is written.
pub(super) fn conversation(
    id: &Id,
    held: &ConversationRecord,
    contact: Option<&ContactRecord>,
) -> backup::Conversation {
    backup::Conversation {
        id: id.as_bytes().to_vec(),
        read_up_to: held.read_up_to,
        draft: held.draft.clone(),
        auto_load: held.auto_load,
        contact: contact
            .filter(|contact| contact.is_shared())
            .map(|contact| backup::Contact {
                name: contact.name.clone().unwrap_or_default(),
                nickname: contact.nickname.clone().unwrap_or_default(),
                approved: contact.approved,
                approved_me: contact.approved_me,
                blocked: contact.blocked,
                priority: contact.priority,
                silent: contact.notify == Notify::Nothing,
                muted_until: contact.muted_until,
                disappearing: timer(contact.disappearing),
                created: contact.created,
            }),
    }
}

/// A contact as it is kept. Names of a file are as trustworthy as names of a profile.
pub(super) fn read_contact(contact: &backup::Contact) -> ContactRecord {
    ContactRecord {
        name: received_name(&contact.name),
        nickname: received_name(&contact.nickname),
        approved: contact.approved,
        approved_me: contact.approved_me,
        blocked: contact.blocked,
        priority: contact.priority,
        notify: if contact.silent {
            Notify::Nothing
        } else {
            Notify::All
        },
        muted_until: contact.muted_until,
        disappearing: mode(contact.disappearing),
        created: contact.created,
        ..ContactRecord::default()
    }
}

/// A message as it is written; `None` for one that was not sent.
pub(super) fn message(position: Position, record: &MessageRecord) -> Option<backup::Message> {
    let read = match record.state {
        MessageState::Received | MessageState::Sent => false,
        MessageState::Read => true,
        MessageState::Queued | MessageState::Sending | MessageState::Failed(_) => return None,
    };
    let (kind, rule) = match record.kind {
        MessageKind::Text => (backup::Message::TEXT, None),
        MessageKind::Deleted => (backup::Message::DELETED, None),
        MessageKind::Notice(Notice::Disappearing(mode)) => (backup::Message::TIMER, timer(mode)),
        MessageKind::Notice(Notice::RequestAccepted) => (backup::Message::ACCEPTED, None),
        MessageKind::Notice(Notice::MediaSaved) => (backup::Message::MEDIA_SAVED, None),
        MessageKind::Notice(Notice::MissedCall) => (backup::Message::MISSED_CALL, None),
    };
    let reaction = |word: &ReactionRecord| Reaction {
        emoji: word.emoji.clone(),
        from: word.from.as_bytes().to_vec(),
        at: word.at,
        on: word.on,
    };
    Some(backup::Message {
        author: record.author.as_bytes().to_vec(),
        sent_at: position.sent_at,
        kind,
        body: record.body.clone(),
        files: record.files.iter().map(attachment).collect(),
        link: record.link.as_ref().map(|link| backup::Link {
            url: link.url.clone(),
            title: link.title.clone(),
            image: link.image.as_ref().map(attachment),
        }),
        quote: record.quote.map(|quote| Quote {
            author: quote.author.as_bytes().to_vec(),
            sent_at: quote.sent_at,
        }),
        reactions: record.reactions.iter().map(reaction).collect(),
        expiry: record.expiry.map(|expiry| backup::Expiry {
            rule: timer(expiry.mode),
            at: expiry.at.unwrap_or(0),
        }),
        read,
        hash: record.hash.clone().unwrap_or_default(),
        received_at: record.received_at.unwrap_or(0),
        timer: rule,
    })
}

fn attachment(record: &AttachmentRecord) -> backup::Attachment {
    let info = &record.info;
    let mut written = backup::Attachment {
        name: info.name.clone().unwrap_or_default(),
        content_type: info.content_type.clone(),
        voice: info.kind == FileKind::Voice,
        size: info.size,
        width: info.width,
        height: info.height,
        duration_ms: info.duration_ms,
        preview: info.preview.clone(),
        waveform: info.waveform.clone(),
        ..backup::Attachment::default()
    };
    if let Some(source) = &record.source {
        written.url = source.url.to_string();
        written.until = source.until;
        match &source.key {
            FileKey::Legacy { key, digest } => {
                written.key = key.as_bytes().to_vec();
                written.digest = digest.as_bytes().to_vec();
            }
            FileKey::Stream { key } => written.key = key.as_bytes().to_vec(),
        }
    }
    written
}

/// Whoever is named, if it is one of the two in a conversation.
fn of_two(own: &Id, conversation: &Id, named: &[u8]) -> Option<Id> {
    let id = Id::from_slice(named).ok()?;
    (id == *own || id == *conversation).then_some(id)
}

/// How others refer to a message; `None` for what can't be one of this conversation.
pub(super) fn target(own: &Id, conversation: &Id, written: &backup::Message) -> Option<Target> {
    Some(Target {
        author: of_two(own, conversation, &written.author)?,
        sent_at: written.sent_at,
    })
}

/// What a message answers, if that can be a message of this conversation.
pub(super) fn quoted(own: &Id, conversation: &Id, written: &backup::Message) -> Option<Target> {
    let quote = written.quote.as_ref()?;
    Some(Target {
        author: of_two(own, conversation, &quote.author)?,
        sent_at: quote.sent_at,
    })
}

/// A message as it is kept: how others refer to it, and its record, whose files have no numbers yet. `None` for what can't
/// be a message of this conversation.
pub(super) fn read_message(
    own: &Id,
    conversation: &Id,
    written: &backup::Message,
    now: u64,
) -> Option<(Target, MessageRecord)> {
    let target = target(own, conversation, written)?;
    let outgoing = target.author == *own;
    let kind = match written.kind {
        backup::Message::TEXT => MessageKind::Text,
        backup::Message::DELETED => MessageKind::Deleted,
        backup::Message::TIMER => MessageKind::Notice(Notice::Disappearing(mode(written.timer))),
        backup::Message::ACCEPTED => MessageKind::Notice(Notice::RequestAccepted),
        backup::Message::MEDIA_SAVED => MessageKind::Notice(Notice::MediaSaved),
        backup::Message::MISSED_CALL => MessageKind::Notice(Notice::MissedCall),
        _ => return None,
    };
    let state = match (outgoing, written.read) {
        (false, _) => MessageState::Received,
        (true, false) => MessageState::Sent,
        (true, true) => MessageState::Read,
    };
    let mut record = MessageRecord {
        kind,
        expiry: expiry(written.expiry),
        hash: written
            .hash
            .parse::<MessageHash>()
            .ok()
            .map(|hash| hash.as_str().to_owned()),
        received_at: Some(written.received_at).filter(|at| *at != 0),
        ..MessageRecord::text(target.author, outgoing, String::new(), state)
    };
    if kind == MessageKind::Text {
        record.body = cut_body(&written.body, MAX_BODY_PRO).to_owned();
        let files = written.files.iter().take(MAX_FILES);
        record.files = files.map(|file| read_attachment(file, now)).collect();
        let link = written.link.as_ref().map(|link| read_link(link, now));
        record.link = link.filter(|link| link.is_shown_under(&record.body));
        record.quote = quoted(own, conversation, written);
        for word in &written.reactions {
            let from = of_two(own, conversation, &word.from);
            if let Some(from) = from.filter(|_| is_emoji(&word.emoji)) {
                record.react(ReactionRecord {
                    emoji: word.emoji.clone(),
                    from,
                    at: word.at,
                    on: word.on,
                });
            }
        }
    }
    Some((target, record))
}

fn read_link(written: &backup::Link, now: u64) -> LinkRecord {
    LinkRecord {
        url: written.url.clone(),
        title: LinkPreview::clean_title(&written.title).unwrap_or_default(),
        image: written.image.as_ref().map(|image| read_attachment(image, now)),
    }
}

fn expiry(written: Option<backup::Expiry>) -> Option<Expiry> {
    let written = written?;
    let mode = mode(written.rule);
    (mode != Disappearing::Off).then_some(Expiry {
        mode,
        at: Some(written.at).filter(|at| *at != 0),
    })
}

fn read_attachment(written: &backup::Attachment, now: u64) -> AttachmentRecord {
    let content_type = clean_content_type(&written.content_type).unwrap_or_default();
    let source = FileUrl::parse(&written.url).ok().and_then(|url| {
        let key = FileKey::decide(&url, &written.key, &written.digest).ok()?;
        let until = written.until;
        Some(Source { url, key, until })
    });
    let on_server = source.as_ref().is_some_and(|source| source.until > now);
    let whole = |bytes: &[u8], most: usize| {
        if bytes.len() > most {
            return Vec::new();
        }
        bytes.to_vec()
    };
    let (width, height) = Dimensions::new(written.width, written.height)
        .map_or((0, 0), |dimensions| (dimensions.width, dimensions.height));
    AttachmentRecord {
        // Given when its message is taken.
        file: FileId(0),
        info: FileInfo {
            name: clean_file_name(&written.name),
            kind: kind_of(&content_type, written.voice),
            content_type,
            size: written.size,
            width,
            height,
            duration_ms: written.duration_ms,
            preview: whole(&written.preview, MAX_FILE_PREVIEW),
            waveform: whole(&written.waveform, MAX_WAVEFORM),
        },
        source,
        fault: (!on_server).then_some(Fault::Expired),
    }
}
