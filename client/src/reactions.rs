//! Emoji under messages (`spec/02-messages-v1.md §5.4`). A reaction is a message of its own kind: it is sent, copied and
//! retried like one, and is kept with the message that it is about.

use holdfast_protocol::account::Id;
use holdfast_protocol::message::schema::{Content, DataMessage, Reaction, reaction};

use crate::api::{Failure, MessageId, MessageKind, MessageState, Reply, Standing};
use crate::arrival::Arrival;
use crate::core::Core;
use crate::expiry;
use crate::outbox::{Copies, Outgoing};
use crate::ports::StoreError;
use crate::records::{Lifetime, MarkRecord, MessageRecord, ReactionRecord, Target};
use crate::work::{Known, Work};

/// Own reactions within [`RATE_SPAN_MS`] (`spec/02-messages-v1.md §5.4`).
const RATE: usize = 20;
/// See [`RATE`]; milliseconds.
const RATE_SPAN_MS: u64 = 60_000;
/// The longest emoji, bytes: a family of four with skin tones has 41.
const MAX_EMOJI: usize = 64;
/// Reactions that are kept for a message which has not come.
const MAX_EARLY: usize = 20;

/// Whether a text can be one emoji: made of the characters that emoji are made of, and nothing else. What looks like
/// text or changes the direction of text is refused.
pub(crate) fn is_emoji(text: &str) -> bool {
    let part = |c: char| {
        matches!(c,
            // Symbols, pictures and flags.
            '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{2bff}'
            | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
    };
    let joint = |c: char| matches!(c, '\u{fe0f}' | '\u{200d}' | '\u{20e3}' | '\u{e0020}'..='\u{e007f}' | '0'..='9' | '#' | '*');
    let keycap = text.ends_with('\u{20e3}');
    !text.is_empty()
        && text.len() <= MAX_EMOJI
        && text.chars().all(|c| part(c) || joint(c))
        && (keycap || (text.chars().any(part) && !text.contains(|c: char| c.is_ascii())))
}

impl Core {
    /// Adds or takes back an own reaction.
    pub(crate) async fn react(&self, message: MessageId, emoji: &str, add: bool) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        if !is_emoji(emoji) {
            return Err(Failure::NotAllowed);
        }
        let mut work = Work::begin(self).await;
        let (conversation, position, record) = work.message(message).await?.ok_or(Failure::NotFound)?;
        match self.state.borrow().standing(&conversation) {
            Standing::Own | Standing::Active | Standing::OutgoingRequest => {}
            Standing::Blocked => return Err(Failure::Blocked),
            Standing::IncomingRequest | Standing::Fresh => return Err(Failure::NotAllowed),
        }
        if record.kind != MessageKind::Text || matches!(record.state, MessageState::Failed(_)) {
            return Err(Failure::NotAllowed);
        }
        let held = |word: &&ReactionRecord| word.from == account.id() && word.emoji == emoji;
        if record.reactions.iter().find(held).is_some_and(|word| word.on) == add {
            return Ok(Reply::Done);
        }
        self.note_reaction()?;
        let sent_at = work.next_sent_at(self.time.now());
        let word = ReactionRecord {
            emoji: emoji.to_owned(),
            from: account.id(),
            at: sent_at,
            on: add,
        };
        work.update(message, |record| {
            record.react(word);
        })
        .await?;
        let action = if add {
            reaction::Action::React
        } else {
            reaction::Action::Remove
        };
        let mut content = Content {
            data_message: Some(DataMessage {
                reaction: Some(Reaction {
                    id: position.sent_at,
                    author: record.author.to_hex(),
                    emoji: Some(emoji.to_owned()),
                    action: action.into(),
                    msg_id: None,
                }),
                ..DataMessage::default()
            }),
            ..Content::default()
        };
        expiry::write_mode(&mut content, work.disappearing(&conversation));
        let outgoing = Outgoing {
            conversation,
            content,
            sent_at,
            message: None,
            copies: Copies::Both,
            lifetime: Lifetime::LONGEST,
        };
        self.send_content(&mut work, &account, outgoing)?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Counts an own reaction against the limit.
    fn note_reaction(&self) -> Result<(), Failure> {
        let now = self.ports.clock.monotonic_ms();
        let mut state = self.state.borrow_mut();
        state.reacted.retain(|at| now.saturating_sub(*at) < RATE_SPAN_MS);
        if state.reacted.len() >= RATE {
            return Err(Failure::TooFast);
        }
        state.reacted.push(now);
        Ok(())
    }

    /// Somebody reacted, or takes it back.
    pub(crate) async fn take_reaction(
        &self,
        work: &mut Work<'_>,
        arrival: &Arrival,
        reaction: &Reaction,
        own: &Id,
    ) -> Result<(), StoreError> {
        let Some(target) = reacted_to(reaction).filter(|_| is_emoji(reaction.emoji())) else {
            return Ok(());
        };
        let conversation = arrival.conversation();
        let word = ReactionRecord {
            emoji: reaction.emoji().to_owned(),
            from: arrival.received.sender,
            at: arrival.received.sent_at,
            on: reaction.action() == reaction::Action::React,
        };
        match work.known(&conversation, &target).await? {
            Known::Present(id) => {
                let mut news = false;
                let (emoji, added) = (word.emoji.clone(), word.on);
                work.update(id, |record| {
                    if record.kind == MessageKind::Text {
                        news = record.react(word);
                    }
                })
                .await?;
                if news && added && target.author == *own {
                    self.notify(work, arrival, id, Some(emoji));
                }
            }
            Known::New if work.can_still_come(target.sent_at) => {
                let mut mark = work.mark(&conversation, &target).await?;
                if mark.reactions.len() < MAX_EARLY {
                    mark.reactions.push(word);
                    work.set_mark(&conversation, &target, mark)?;
                }
            }
            Known::New | Known::Gone(_) => {}
        }
        Ok(())
    }
}

/// What a reaction is about, if its author is an id.
pub(crate) fn reacted_to(reaction: &Reaction) -> Option<Target> {
    Some(Target {
        author: Id::parse(&reaction.author).ok()?,
        sent_at: reaction.id,
    })
}

/// What came before its message takes effect on it.
pub(crate) fn apply_early(record: &mut MessageRecord, mark: MarkRecord) {
    for word in mark.reactions {
        record.react(word);
    }
    if mark.read && record.outgoing {
        record.state = MessageState::Read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::id;

    #[test]
    fn emoji_are_emoji() {
        for emoji in [
            "😂",
            "🥰",
            "❤️",
            "👍🏽",
            "👨‍👩‍👧‍👦",
            "🇩🇪",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "1️⃣",
            "#️⃣",
            "ℹ️",
            "©️",
            "㊗️",
            "🅰️",
            "⬆️",
        ] {
            assert!(is_emoji(emoji), "{emoji}");
        }
        for text in [
            "",
            "a",
            "hello",
            "1",
            "12",
            "😂a",
            " ",
            "\u{202e}😂",
            "😂 😂",
            "é",
            "\u{fe0f}",
            "\u{200d}",
        ] {
            assert!(!is_emoji(text), "{text:?}");
        }
        assert!(!is_emoji(&"😂".repeat(17)));
    }

    fn word(emoji: &str, from: u8, at: u64, on: bool) -> ReactionRecord {
        ReactionRecord {
            emoji: emoji.to_owned(),
            from: id(from),
            at,
            on,
        }
    }

    fn shown(record: &MessageRecord) -> Vec<(String, usize)> {
        let position = crate::api::Position {
            sent_at: 1,
            id: MessageId(1),
        };
        let message = record
            .clone()
            .shown(id(1), position, &crate::files::Files::default());
        let counted = message.reactions.into_iter();
        counted
            .map(|reaction| (reaction.emoji, reaction.from.len()))
            .collect()
    }

    #[test]
    fn the_last_word_counts_in_whatever_order_it_comes() {
        let text = MessageRecord::text(id(1), true, "x".to_owned(), MessageState::Sent);
        let words = [
            word("😂", 1, 10, true),
            word("😂", 2, 11, true),
            word("😡", 1, 12, true),
            word("😂", 1, 13, false),
        ];
        let expected = [("😂".to_owned(), 1), ("😡".to_owned(), 1)];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let mut record = text.clone();
            for at in order {
                record.react(words[at].clone());
            }
            assert_eq!(shown(&record), expected, "{order:?}");
        }
    }

    #[test]
    fn nobody_fills_a_message_with_reactions() {
        let mut record = MessageRecord::text(id(1), true, "x".to_owned(), MessageState::Sent);
        for at in 0..1_000u32 {
            let emoji = char::from_u32(0x1f300 + at).unwrap().to_string();
            record.react(word(&emoji, 2, u64::from(at), true));
        }
        assert_eq!(shown(&record).len(), 100);
        assert!(record.react(word("\u{1f300}", 2, 2_000, false)));
    }
}
