//! What a page has its worker prepare: files that were chosen, pictures that were cropped, and what the microphone hears.
//!
//! A job goes to the page's own worker together with a `Blob` (handed over, not copied) or with the end of a channel that
//! sound comes through. The worker prepares the file and gives it to the engine piece by piece, as a page's commands are
//! given, wherever the engine runs.

use holdfast_client::api::{Failure, FileId, LinkImage};
use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

/// A job's number, drawn by its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct JobId(pub(crate) u64);

/// What is to be prepared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    /// A chosen file, for a message.
    File {
        /// The message's conversation.
        conversation: Id,
        /// Its name; empty for what has none, such as a pasted picture.
        name: String,
        /// Not to be drawn anew: a picture keeps its pixels, and only what else is written in it goes, where that can be
        /// told apart.
        full_quality: bool,
        /// What the page saw of a film or a sound.
        seen: Seen,
    },
    /// A picture out of which the profile picture is cut.
    Picture(Square),
    /// A picture that a link's site offers. It is drawn anew, small, and comes back.
    LinkImage,
    /// A voice message: its samples come through the channel.
    Voice {
        /// The message's conversation.
        conversation: Id,
        /// Samples a second.
        rate: u32,
    },
}

/// What a page can tell of a film or sound, which a worker can't play. Zero where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Milliseconds.
    pub(crate) duration_ms: u32,
}

/// A square of a picture as it is shown: turned as the camera says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Square {
    /// Pixels from the left.
    pub(crate) x: u32,
    /// Pixels from the top.
    pub(crate) y: u32,
    /// Pixels of a side.
    pub(crate) side: u32,
}

/// How a job goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum News {
    /// The engine knows the file by this number from now on.
    Staged(FileId),
    /// Its bytes are being written.
    Written {
        /// Bytes that the engine has.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// The engine has the whole file.
    Done(FileId),
    /// A link's picture, drawn anew.
    Drawn(LinkImage),
    /// There will be no file.
    Refused(Refusal),
}

/// Why a file can't be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// It has no bytes.
    Empty,
    /// It is larger than what every client receives.
    TooLarge,
    /// The browser does not let us read it: it is gone, changed, or a folder.
    Unreadable,
    /// A picture that the browser can't draw, and that can't be cleaned of what else is written in it.
    Undrawable,
    /// A picture of more pixels than can be drawn safely.
    TooManyPixels,
    /// The microphone was heard for no more than a moment.
    TooShort,
    /// The engine did not take it.
    Failed(Failure),
    /// The worker ended in the middle of it.
    Lost,
    /// The user took it back.
    Cancelled,
}
