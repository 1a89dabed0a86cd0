//! The folded texts of many messages in memory, to be looked through from end to end.
//!
//! No lists of words: a hundred thousand messages are about six megabytes, and looking through them takes a few
//! milliseconds. Texts lie in blocks, so that a change moves little and a search can pause between two of them. They are
//! wiped when they go.

use std::collections::HashMap;

use holdfast_protocol::account::Id;
use zeroize::Zeroize;

use super::fold::fold;
use super::query::{Query, Word};
use crate::api::{MessageId, Position};

/// Bytes of text that fill a block.
const BLOCK: usize = 64 * 1024;
/// Bytes of one message that are looked through; a text that is sent has at most 2,000 code points.
const MAX_MESSAGE: usize = 16 * 1024;
/// What a message takes beside its text, bytes: entry, place in the map, end mark.
const OVERHEAD: usize = 48;
/// Bytes that the index takes at most, about 600,000 messages of usual length. What came first then stays, and it is
/// filled from the newest messages on.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Ends each text; no byte of UTF-8 is this one, so nothing is found across two messages.
const END: u8 = 0xFF;

/// A message that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Match {
    pub(crate) position: Position,
    /// Its conversation: see [`Index::conversation`].
    pub(crate) conversation: u32,
}

/// See the module's description.
pub(crate) struct Index {
    blocks: Vec<Block>,
    /// Which block a message lies in.
    places: HashMap<MessageId, usize>,
    conversations: Vec<Id>,
    numbers: HashMap<Id, u32>,
    /// How often each byte occurs: a search is led by the rarest one.
    counts: [u64; 256],
    bytes: usize,
    max_bytes: usize,
    full: bool,
}

#[derive(Default)]
struct Block {
    text: Vec<u8>,
    /// In the order of the text.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Where its text begins in the block.
    start: u32,
    conversation: u32,
    position: Position,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl Index {
    /// An empty index that takes at most so many bytes.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            blocks: Vec::new(),
            places: HashMap::new(),
            conversations: Vec::new(),
            numbers: HashMap::new(),
            counts: [0; 256],
            bytes: 0,
            max_bytes,
            full: false,
        }
    }

    /// Adds or changes a message; an empty text takes it out.
    pub(crate) fn put(&mut self, conversation: &Id, position: Position, body: &str) {
        let mut text = Vec::with_capacity(body.len() + 1);
        fold(body, |_, c| {
            if text.len() < MAX_MESSAGE {
                text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        });
        if !self.holds(position, &text) {
            self.remove(position.id);
            if !text.is_empty() {
                self.add(conversation, position, &text);
            }
        }
        text.zeroize();
    }

    fn holds(&self, position: Position, text: &[u8]) -> bool {
        let block = self.places.get(&position.id).and_then(|at| self.blocks.get(*at));
        block.is_some_and(|block| {
            let place = block.entries.iter().position(|entry| entry.position == position);
            place.is_some_and(|place| block.text_of(place) == text)
        })
    }

    fn add(&mut self, conversation: &Id, position: Position, text: &[u8]) {
        if self.bytes + text.len() + OVERHEAD > self.max_bytes {
            self.full = true;
            return;
        }
        let next = u32::try_from(self.conversations.len()).unwrap_or(u32::MAX);
        let conversation = *self.numbers.entry(*conversation).or_insert_with(|| {
            self.conversations.push(*conversation);
            next
        });
        let room = |block: &Block| block.text.is_empty() || block.text.len() + text.len() < BLOCK;
        if !self.blocks.last().is_some_and(room) {
            self.blocks.push(Block {
                // All of it at once: growing would leave copies behind.
                text: Vec::with_capacity(BLOCK.max(text.len() + 1)),
                entries: Vec::new(),
            });
        }
        let at = self.blocks.len().saturating_sub(1);
        if let Some(block) = self.blocks.last_mut() {
            block.entries.push(Entry {
                start: u32::try_from(block.text.len()).unwrap_or(u32::MAX),
                conversation,
                position,
            });
            block.text.extend_from_slice(text);
            block.text.push(END);
            self.places.insert(position.id, at);
            self.bytes += text.len() + OVERHEAD;
            self.count(text, 1);
        }
    }

    /// Takes a message out.
    pub(crate) fn remove(&mut self, id: MessageId) {
        let Some(block) = self.places.remove(&id).and_then(|at| self.blocks.get_mut(at)) else {
            return;
        };
        if let Some(place) = block.entries.iter().position(|entry| entry.position.id == id) {
            let mut text = block.text_of(place).to_vec();
            block.remove(place);
            self.bytes -= text.len() + OVERHEAD;
            self.count(&text, -1);
            text.zeroize();
        }
    }

    /// Takes all messages of a conversation out.
    pub(crate) fn remove_conversation(&mut self, conversation: &Id) {
        let Some(number) = self.numbers.get(conversation) else {
            return;
        };
        let entries = self.blocks.iter().flat_map(|block| &block.entries);
        let ids: Vec<_> = entries
            .filter(|entry| entry.conversation == *number)
            .map(|entry| entry.position.id)
            .collect();
        for id in ids {
            self.remove(id);
        }
    }

    fn count(&mut self, text: &[u8], by: i64) {
        for byte in text {
            if let Some(count) = self.counts.get_mut(usize::from(*byte)) {
                *count = count.saturating_add_signed(by);
            }
        }
    }

    /// How many blocks there are; a search goes through them one by one.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Whether something was left out for want of room.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Bytes that it takes, by its own reckoning.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages it holds.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> usize {
        self.places.len()
    }

    /// The conversation with a number.
    pub(crate) fn conversation(&self, number: u32) -> Option<&Id> {
        self.conversations.get(usize::try_from(number).ok()?)
    }

    /// Adds the messages of one block in which all words occur: of one conversation, or of all.
    pub(crate) fn search(&self, block: usize, query: &Query, within: Option<&Id>, found: &mut Vec<Match>) {
        let within = match within.map(|id| self.numbers.get(id)) {
            Some(None) => return,
            Some(Some(number)) => Some(*number),
            None => None,
        };
        // The word with the rarest byte leads; the others are looked for where it was found.
        let by_rarity = |word: &Word| {
            let count = |byte: &u8| self.counts.get(usize::from(*byte)).copied().unwrap_or_default();
            let counts = word.bytes.iter().map(count).enumerate();
            counts.min_by_key(|(_, count)| *count).unwrap_or_default()
        };
        let words: Vec<_> = query.words.iter().map(|word| (word, by_rarity(word))).collect();
        let Some((leader, (rare, _))) = words.iter().min_by_key(|(_, (_, count))| *count) else {
            return;
        };
        let Some(block) = self.blocks.get(block) else {
            return;
        };
        let mut from = 0;
        while let Some(at) = leader.find_by(&block.text, from, *rare) {
            let place = block
                .entries
                .partition_point(|entry| usize::try_from(entry.start).is_ok_and(|start| start <= at))
                .saturating_sub(1);
            let Some(entry) = block.entries.get(place) else {
                return;
            };
            let text = block.text_of(place);
            let wanted = within.is_none_or(|number| entry.conversation == number);
            if wanted
                && words
                    .iter()
                    .all(|(word, (rare, _))| word.find_by(text, 0, *rare).is_some())
            {
                found.push(Match {
                    position: entry.position,
                    conversation: entry.conversation,
                });
            }
            from = block.end_of(place) + 1;
        }
    }
}

impl Block {
    fn start_of(&self, place: usize) -> usize {
        let start = self.entries.get(place).map(|entry| entry.start);
        start
            .and_then(|start| usize::try_from(start).ok())
            .unwrap_or(self.text.len())
    }

    /// Where a text ends, before its mark.
    fn end_of(&self, place: usize) -> usize {
        self.start_of(place + 1).saturating_sub(1)
    }

    fn text_of(&self, place: usize) -> &[u8] {
        self.text
            .get(self.start_of(place)..self.end_of(place))
            .unwrap_or_default()
    }

    fn remove(&mut self, place: usize) {
        let (start, next) = (self.start_of(place), self.start_of(place + 1));
        let gone = next.saturating_sub(start);
        let left = self.text.len().saturating_sub(gone);
        self.text.copy_within(next.., start);
        // What is cut off must not stay behind in the spare room.
        if let Some(tail) = self.text.get_mut(left..) {
            tail.zeroize();
        }
        self.text.truncate(left);
        self.entries.remove(place);
        let gone = u32::try_from(gone).unwrap_or_default();
        for entry in self.entries.iter_mut().skip(place) {
            entry.start = entry.start.saturating_sub(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::id;

    fn at(number: u64) -> Position {
        Position {
            sent_at: number,
            id: MessageId(number),
        }
    }

    fn find(index: &Index, query: &str, within: Option<&Id>) -> Vec<u64> {
        let mut found = Vec::new();
        for block in 0..index.blocks() {
            index.search(block, &Query::new(query), within, &mut found);
        }
        found.sort();
        found.iter().map(|found| found.position.id.0).collect()
    }

    #[test]
    fn messages_are_found_changed_and_removed() {
        let mut index = Index::new(MAX_BYTES);
        index.put(&id(1), at(1), "See you at the Station");
        index.put(&id(2), at(2), "the station is closed");
        index.put(&id(1), at(3), "never mind");
        assert_eq!(find(&index, "station", None), [1, 2]);
        assert_eq!(find(&index, "station", Some(&id(2))), [2]);
        assert_eq!(find(&index, "station", Some(&id(3))), [0; 0]);
        assert_eq!(find(&index, "stat see", None), [1]);
        assert_eq!(find(&index, "closed never", None), [0; 0], "not across messages");
        index.put(&id(2), at(2), "the harbour is open");
        assert_eq!(find(&index, "station", None), [1]);
        assert_eq!(find(&index, "harbour", None), [2]);
        index.put(&id(2), at(2), "");
        assert_eq!(find(&index, "harbour", None), [0; 0]);
        index.remove_conversation(&id(1));
        assert_eq!((index.messages(), index.bytes()), (0, 0));
    }

    #[test]
    fn a_moved_message_has_its_new_place() {
        let mut index = Index::new(MAX_BYTES);
        index.put(&id(1), at(5), "text");
        let moved = Position { sent_at: 9, ..at(5) };
        index.put(&id(1), moved, "text");
        let mut found = Vec::new();
        index.search(0, &Query::new("text"), None, &mut found);
        assert_eq!(
            found.iter().map(|found| found.position).collect::<Vec<_>>(),
            [moved]
        );
    }

    #[test]
    fn a_removed_text_is_wiped() {
        let mut index = Index::new(MAX_BYTES);
        index.put(&id(1), at(1), "first secret");
        index.put(&id(1), at(2), "other");
        index.remove(MessageId(1));
        let block = &mut index.blocks[0];
        assert_eq!(block.text, b"other\xFF");
        let all = block.text.capacity();
        block.text.resize(all.min(64), b'-');
        assert!(!block.text.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn room_is_bounded_and_the_first_stay() {
        let mut index = Index::new(3 * (OVERHEAD + 4));
        for number in 1..=5 {
            index.put(&id(1), at(number), "text");
        }
        assert!(index.is_full());
        assert_eq!(find(&index, "text", None), [1, 2, 3]);
        index.remove(MessageId(2));
        index.put(&id(1), at(9), "text");
        assert_eq!(find(&index, "text", None), [1, 3, 9]);
    }

    #[test]
    fn an_endless_text_is_cut_on_a_character() {
        let mut index = Index::new(MAX_BYTES);
        index.put(&id(1), at(1), &"語".repeat(MAX_MESSAGE));
        let text = index.blocks[0].text_of(0);
        assert!(text.len() < MAX_MESSAGE + 4 && std::str::from_utf8(text).is_ok());
    }

    #[test]
    fn as_a_plain_search_would_find() {
        // A small alphabet makes near misses and overlaps likely.
        let mut seed = 7u64;
        let mut next = |bound: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % bound
        };
        let mut index = Index::new(MAX_BYTES);
        let mut texts: HashMap<u64, String> = HashMap::new();
        for _ in 0..4_000 {
            let number = 1 + next(1_500);
            if next(4) == 0 {
                index.remove(MessageId(number));
                texts.remove(&number);
                continue;
            }
            let text: String = (0..next(300))
                .map(|_| ["a", "b", "ä", " "][next(4) as usize])
                .collect();
            index.put(&id(1), at(number), &text);
            texts.insert(number, text);
        }
        assert!(index.blocks() > 1);
        for query in ["abb", "a b", "aba bab", "aaaaa bbbb", "b", "abababab"] {
            let words = Query::new(query).words;
            let fits = |text: &str| {
                let folded = super::super::fold::folded(text);
                words.iter().all(|word| word.find(folded.as_bytes(), 0).is_some())
            };
            let mut expected: Vec<_> = texts
                .iter()
                .filter(|(_, text)| fits(text))
                .map(|(number, _)| *number)
                .collect();
            expected.sort();
            assert_eq!(find(&index, query, None), expected, "{query}");
        }
    }
}
