//! How the return of an account is told, with true steps only.

use serde::{Deserialize, Serialize};

/// Where the return of an account stands. Everything in it has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreProgress {
    /// The step at hand.
    pub stage: RestoreStage,
    /// The display name, once the profile was found.
    pub name: Option<String>,
    /// Contacts found; `None` until the mailbox with them was read.
    pub contacts: Option<u32>,
    /// Groups and communities found; `None` until the mailbox with them was read.
    pub groups: Option<u32>,
    /// Messages read so far.
    pub messages: u32,
}

/// The step at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RestoreStage {
    /// No answer from the network yet.
    Connecting,
    /// Paths stand; the account's swarm is looked up.
    FindingSwarm,
    /// The swarm answers; the profile is looked for.
    LookingForProfile,
    /// The swarm's nodes answered and none has a profile. That does not say that there is none: the user may try again,
    /// go on with a new name, or check the phrase.
    NoProfile,
    /// The name is known, the app can be used, and the rest is being read.
    ReadingMailbox,
    /// Everything that the swarm holds was read.
    Complete,
}
