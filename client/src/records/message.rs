//! A message as it is kept, and what was said about it.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

use super::{AttachmentRecord, LinkRecord};
use crate::api::{
    Expiry, FileId, LinkPreview, Message, MessageKind, MessageState, Notice, Position, Quote, Reaction,
};
use crate::files::Files;

/// Reactions that are kept of one message, whoever they are from: no honest conversation of two comes near.
const MAX_REACTIONS: usize = 100;

/// A message, in `Messages` under [`keys::message`], which holds its conversation and position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageRecord {
    pub(crate) author: Id,
    pub(crate) outgoing: bool,
    pub(crate) kind: MessageKind,
    pub(crate) body: String,
    pub(crate) files: Vec<AttachmentRecord>,
    pub(crate) link: Option<LinkRecord>,
    pub(crate) quote: Option<Target>,
    pub(crate) reactions: Vec<ReactionRecord>,
    pub(crate) expiry: Option<Expiry>,
    pub(crate) state: MessageState,
    /// The storage hash on the own swarm, for deleting and for changing its expiry there.
    pub(crate) hash: Option<String>,
    /// Unix milliseconds; `None` for what was written here.
    pub(crate) received_at: Option<u64>,
}

/// A message as others refer to it, within a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) author: Id,
    /// Unix milliseconds.
    pub(crate) sent_at: u64,
}

/// The last word of somebody about an emoji under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReactionRecord {
    pub(crate) emoji: String,
    pub(crate) from: Id,
    /// Sent time of the word, Unix milliseconds: an older one that comes later does not count.
    pub(crate) at: u64,
    /// Added, or taken back.
    pub(crate) on: bool,
}

impl MessageRecord {
    /// A text as somebody wrote it.
    pub(crate) fn text(author: Id, outgoing: bool, body: String, state: MessageState) -> Self {
        Self {
            author,
            outgoing,
            kind: MessageKind::Text,
            body,
            files: Vec::new(),
            link: None,
            quote: None,
            reactions: Vec::new(),
            expiry: None,
            state,
            hash: None,
            received_at: None,
        }
    }

    /// Something that happened.
    pub(crate) fn notice(author: Id, outgoing: bool, notice: Notice, state: MessageState) -> Self {
        Self {
            kind: MessageKind::Notice(notice),
            ..Self::text(author, outgoing, String::new(), state)
        }
    }

    /// The message without what has to be looked up: the quoted message is not found yet.
    pub(crate) fn shown(self, conversation: Id, position: Position, files: &Files) -> Message {
        let link = self.link.map(|link| LinkPreview {
            url: link.url,
            title: link.title,
            image: link.image.map(|image| files.shown(image)),
        });
        Message {
            id: position.id,
            conversation,
            author: self.author,
            outgoing: self.outgoing,
            kind: self.kind,
            body: self.body,
            files: self.files.into_iter().map(|file| files.shown(file)).collect(),
            link,
            quote: self.quote.map(|target| Quote {
                author: target.author,
                sent_at: target.sent_at,
                found: None,
                text: String::new(),
                files: None,
            }),
            reactions: shown_reactions(self.reactions),
            expiry: self.expiry,
            sent_at: position.sent_at,
            state: self.state,
        }
    }

    /// Every file that belongs to it.
    pub(crate) fn all_files(&self) -> impl Iterator<Item = &AttachmentRecord> {
        let image = self.link.as_ref().and_then(|link| link.image.as_ref());
        self.files.iter().chain(image)
    }

    /// A file that belongs to it, to change what is said of it.
    pub(crate) fn file_mut(&mut self, file: FileId) -> Option<&mut AttachmentRecord> {
        let image = self.link.as_mut().and_then(|link| link.image.as_mut());
        self.files.iter_mut().chain(image).find(|held| held.file == file)
    }

    /// Whether it makes its conversation unread until it was seen.
    pub(crate) fn counts(&self) -> bool {
        !self.outgoing
            && matches!(
                self.kind,
                MessageKind::Text | MessageKind::Notice(Notice::MissedCall)
            )
    }

    /// Whether somebody's word about an emoji can be kept: [`Self::react`] takes it.
    pub(crate) fn has_room_for(&self, from: &Id, emoji: &str) -> bool {
        let held = |word: &ReactionRecord| !word.on || (word.from == *from && word.emoji == emoji);
        self.reactions.len() < MAX_REACTIONS || self.reactions.iter().any(held)
    }

    /// Adds what somebody says about an emoji; `false` when it changes nothing. Where there is no room, it takes the place
    /// of the oldest word that took something back.
    pub(crate) fn react(&mut self, word: ReactionRecord) -> bool {
        let same = |held: &&mut ReactionRecord| held.from == word.from && held.emoji == word.emoji;
        let full = self.reactions.len() >= MAX_REACTIONS;
        match self.reactions.iter_mut().find(same) {
            Some(held) if held.at >= word.at => false,
            // The latest word counts, so that all devices agree in whatever order they hear.
            Some(held) => std::mem::replace(held, word.clone()).on != word.on,
            None if full => {
                let over = self.reactions.iter_mut().filter(|held| word.on && !held.on);
                let Some(place) = over.min_by_key(|held| held.at) else {
                    return false;
                };
                *place = word;
                true
            }
            None => {
                let changed = word.on;
                self.reactions.push(word);
                changed
            }
        }
    }

    /// Leaves nothing but that there was a message: its author removed it for everyone.
    pub(crate) fn empty(&mut self) {
        self.kind = MessageKind::Deleted;
        self.body = String::new();
        self.files = Vec::new();
        self.link = None;
        self.quote = None;
        self.reactions = Vec::new();
        self.hash = None;
    }
}

/// One entry for each emoji, in the order of first use.
fn shown_reactions(mut words: Vec<ReactionRecord>) -> Vec<Reaction> {
    words.retain(|word| word.on);
    words.sort_by(|one, other| (one.at, &one.emoji, one.from).cmp(&(other.at, &other.emoji, other.from)));
    let mut shown: Vec<Reaction> = Vec::new();
    for word in words {
        match shown.iter_mut().find(|reaction| reaction.emoji == word.emoji) {
            Some(reaction) => reaction.from.push(word.from),
            None => shown.push(Reaction {
                emoji: word.emoji,
                from: vec![word.from],
            }),
        }
    }
    shown
}
