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
/// Emoji that are joined to one, at most: a family has four.
const MAX_JOINED: usize = 4;

/// Whether a text is one emoji, as far as its form tells: a symbol, or several that are made to be drawn as one. What looks
/// like text or changes the direction of text is refused, and so is a row of emoji.
pub(crate) fn is_emoji(text: &str) -> bool {
    if text.len() > MAX_EMOJI {
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    match chars.as_slice() {
        // The two letters of a country.
        ['\u{1f1e6}'..='\u{1f1ff}', '\u{1f1e6}'..='\u{1f1ff}'] => true,
        // A key.
        ['0'..='9' | '#' | '*', rest @ ..] => matches!(rest, ['\u{20e3}'] | ['\u{fe0f}', '\u{20e3}']),
        // The flag of a part of a country, named by characters that are not shown.
        ['\u{1f3f4}', name @ .., '\u{e007f}'] => {
            !name.is_empty() && name.iter().all(|c| matches!(c, '\u{e0020}'..='\u{e007e}'))
        }
        _ => {
            let joined: Vec<&[char]> = chars.split(|c| *c == '\u{200d}').collect();
            joined.len() <= MAX_JOINED && joined.into_iter().all(is_symbol)
        }
    }
}

/// Whether this is one symbol or picture, maybe with a colour of skin.
fn is_symbol(chars: &[char]) -> bool {
    let Some((first, rest)) = chars.split_first() else {
        return false;
    };
    // Letters of countries and colours of skin are none by themselves.
    let symbol = matches!(
        first,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{2bff}'
            | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1f1e5}'
            | '\u{1f200}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}'
    );
    let colour = |c: &char| matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    let picture = |c: &char| *c == '\u{fe0f}';
    let drawn = match rest {
        [] => true,
        [one] => picture(one) || colour(one),
        [one, other] => picture(one) && colour(other) || colour(one) && picture(other),
        _ => false,
    };
    symbol && drawn
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
        if !record.has_room_for(&account.id(), emoji) {
            return Err(Failure::NotAllowed);
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
    use std::rc::Rc;

    use futures::executor::block_on;

    use super::*;
    use crate::Options;
    use crate::api::Command;
    use crate::driver::Driver;
    use crate::store::memory::MemoryStore;
    use crate::test_support::{CountingRng, ManualClock, id};
    use crate::testing::offline;

    const NOW: u64 = 1_780_000_000_000;

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
            "❤",
            "☝🏿",
            "🧑‍🦽‍➡️",
            "👩🏻‍❤️‍💋‍👨🏼",
            "👁️‍🗨️",
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
            "\u{e007f}",
            "\u{1f3f4}\u{e007f}",
            "😂\u{200d}",
            "\u{20e3}",
            "🇩",
            "🏽",
        ] {
            assert!(!is_emoji(text), "{text:?}");
        }
    }

    #[test]
    fn several_emoji_are_not_one() {
        for text in ["😂😂", "😂😂😂", "→→→", "🇩🇪🇫🇷", "1️⃣2️⃣", "👍🏽👍🏽", "❤️🔥"]
        {
            assert!(!is_emoji(text), "{text}");
        }
        let chain = ["👩"; 5].join("\u{200d}");
        assert!(chain.len() <= MAX_EMOJI && !is_emoji(&chain));
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

    fn filled() -> MessageRecord {
        let mut record = MessageRecord::text(id(2), false, "x".to_owned(), MessageState::Received);
        for at in 0..100u32 {
            let emoji = char::from_u32(0x1f300 + at).unwrap().to_string();
            assert!(record.react(word(&emoji, 2, u64::from(at), true)));
        }
        record
    }

    #[test]
    fn what_was_taken_back_makes_room() {
        let mut record = filled();
        assert!(!record.has_room_for(&id(1), "😂"));
        assert!(
            record.has_room_for(&id(2), "\u{1f300}"),
            "a word that stands there can change"
        );
        for (emoji, at) in [("\u{1f301}", 2_000), ("\u{1f302}", 1_000)] {
            assert!(record.react(word(emoji, 2, at, false)));
        }
        assert!(record.has_room_for(&id(1), "😂"));
        assert!(
            !record.react(word("😡", 1, 3_000, false)),
            "nothing is forgotten for nothing"
        );
        assert_eq!(record.reactions.len(), 100);
        assert!(record.react(word("😂", 1, 3_001, true)));
        assert_eq!((record.reactions.len(), shown(&record).len()), (100, 99));
        // The word about the other one was the older.
        let kept = |emoji: &str| record.reactions.iter().any(|word| word.emoji == emoji);
        assert!(kept("\u{1f301}") && !kept("\u{1f302}") && kept("😂"));
    }

    #[test]
    fn a_reaction_that_finds_no_room_is_not_sent() {
        block_on(async {
            let clock = Rc::new(ManualClock::new(NOW));
            let store: Rc<MemoryStore> = Rc::default();
            let (ports, profile) = offline(store, clock, Rc::new(CountingRng::default()));
            let (spawner, _driver) = Driver::new();
            let core = Core::new(ports, profile, Options::default(), spawner);
            let name = "Ann".to_owned();
            core.carry_out(None, Command::CreateAccount { name })
                .await
                .unwrap();
            let mut work = Work::begin(&core).await;
            let contact = work.contact(&id(2));
            (contact.approved, contact.approved_me) = (true, true);
            let message = work.insert(&id(2), NOW - 1_000, filled()).await.unwrap().id;
            work.commit().await.unwrap();
            let refused = core.react(message, "😂", true).await;
            assert_eq!(refused.unwrap_err(), Failure::NotAllowed);
            assert!(core.state.borrow().outbox.is_empty());
            let mut work = Work::begin(&core).await;
            work.update(message, |record| {
                record.react(word("\u{1f301}", 2, 2_000, false));
            })
            .await
            .unwrap();
            work.commit().await.unwrap();
            core.react(message, "😂", true).await.unwrap();
            let work = Work::begin(&core).await;
            let (.., record) = work.message(message).await.unwrap().unwrap();
            assert!(shown(&record).contains(&("😂".to_owned(), 1)));
            assert_eq!(core.state.borrow().outbox.len(), 1);
        });
    }
}
