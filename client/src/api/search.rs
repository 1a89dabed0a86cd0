//! What a search finds.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

use super::{Message, Position};

/// The answer to a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Conversations and contacts whose name, nickname or id matches, best first.
    pub conversations: Vec<Id>,
    /// Messages, newest first.
    pub messages: Vec<FoundMessage>,
    /// How many messages match in all, as far as was looked.
    pub total: u32,
    /// Whether everything was looked at: while the index is being read, an early answer may be partial, and asking again
    /// gives more.
    pub complete: bool,
    /// Whether older messages were left out for want of room: so many are not held in memory.
    pub limited: bool,
    /// Where to go on for more, if there is more.
    pub next: Option<Position>,
}

/// A message that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundMessage {
    /// The message.
    pub message: Message,
    /// Where the first hit lies in the text: start and end in bytes, on character boundaries.
    pub hit: (u32, u32),
}
