//! The one-time transfer of an account from a device that has it to one that has none (`docs/account-transfer.md`).
//!
//! New device: [`Command::AskForAccount`](super::Command::AskForAccount), whose code is shown; its digits are shown once
//! somebody answered; [`Command::TakeAccount`](super::Command::TakeAccount) when the account is offered. Old device:
//! [`Command::AnswerTransfer`](super::Command::AnswerTransfer) with the code, then
//! [`Command::GiveAccount`](super::Command::GiveAccount) with the digits of the other screen. An engine knows one transfer at
//! a time, in memory only: an engine that takes over does not know it.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

/// What the new device shows to the old one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRequest {
    /// The code's data in base64url: what stands in a link after `#/t/`.
    pub code: String,
    /// When it is over, in network time, Unix milliseconds.
    pub expires_at: u64,
    /// How long that is from now, milliseconds.
    pub lasts_ms: u64,
}

/// Where a transfer stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferStage {
    /// New device: nobody has answered.
    Waiting,
    /// New device: somebody answered. The digits are to be typed there.
    Compare {
        /// Six decimal digits.
        digits: String,
    },
    /// New device: the account is here, and waits to be taken.
    Offered {
        /// Its Account ID.
        id: Id,
        /// Its display name; empty when the other device knows none.
        name: String,
    },
    /// Old device: the other one was answered; its digits are to be typed here.
    Answered,
    /// Old device: the account was sent, which can't be taken back.
    Given,
    /// It is over, and nothing of it is kept; on the old device an answer that nobody confirmed is, until its time is up, so
    /// that the same code gets the same one again.
    Over(TransferEnd),
}

/// Why a transfer ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransferEnd {
    /// Its time is up.
    Expired,
    /// Two devices answered the same code: one of them is somebody else's.
    TwoAnswers,
    /// The user ended it, began another one, or logged out.
    Stopped,
    /// The network does not take or give what is needed.
    Unreachable,
}

/// Why a command of a transfer was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TransferFault {
    /// It is no code of a transfer, or a damaged one.
    #[error("not a code for an account")]
    Code,
    /// A code of a later version.
    #[error("a code of a later version")]
    Version,
    /// The code's time is up.
    #[error("the code is not good any more")]
    Expired,
    /// Other digits than the ones on the other screen.
    #[error("not the digits of the other screen")]
    WrongDigits {
        /// How many tries are left.
        left: u8,
    },
    /// The last try was wrong: the transfer is over.
    #[error("wrong digits too often")]
    TooManyTries,
    /// The code was made on this device.
    #[error("the code of this device")]
    OwnCode,
    /// No transfer is running, or it is at another step; or it was to begin, and something else was asked for before it did.
    #[error("no transfer is at this step")]
    NotNow,
    /// The network does not take or give what is needed.
    #[error("the other device could not be reached")]
    Unreachable,
}
