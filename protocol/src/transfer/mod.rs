//! The one-time transfer of an account from a device that has it to one that has none (`docs/account-transfer.md`).
//!
//! The new device ([`Asking`]) makes a throw-away account whose mailbox is the meeting place, and shows a [`Code`] with its key
//! and a commitment to a number that it keeps. The old device ([`Giving`]) makes a throw-away account too and answers with its
//! key. Only then the new device opens the commitment. Both now have an [`Agreement`]: a key, and six [`Digits`] that the user
//! carries from the new screen to the old one. If they are the same, the old device sends the [`Grant`]. No two of the three
//! messages can be told apart by who stores them: all have [`MESSAGE_SIZE`] bytes and look random.
//!
//! ```
//! use holdfast_protocol::account::Seed;
//! use holdfast_protocol::transfer::{Asking, Code, Giving, Grant};
//! # use rand_chacha::rand_core::SeedableRng;
//! # let mut rng = rand_chacha::ChaCha20Rng::from_seed([7; 32]);
//!
//! let now = 1_780_000_000_000;
//! let new = Asking::new(now, &mut rng);
//! let code = Code::read(&format!("https://chat.example.org/#/t/{}", new.code().data()))?;
//! code.check(now)?;
//! let old = Giving::new(code, &mut rng);
//!
//! let (who, at_new) = new.read_answer(&old.answer(&mut rng)?)?;
//! let at_old = old.read_opening(&new.opening(&who, &mut rng)?)?;
//! assert_eq!(at_old.digits().compare(&at_new.digits().to_string()), Some(true));
//!
//! let grant = Grant { seed: Seed::from_bytes(&[1; 16]), name: "Ann".to_owned() };
//! assert_eq!(at_new.open(&at_old.seal(&grant, &mut rng)?)?, grant);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agreement;
mod code;
mod message;
mod sides;
#[cfg(test)]
mod tests;

pub use agreement::{Agreement, Digits, Grant};
pub use code::{CODE_SIZE, Code, CodeError, LIFETIME_MS};
pub use message::{MESSAGE_SIZE, MessageError};
pub use sides::{Asking, Giving};

/// BLAKE2b's personalisation of everything here.
const PERSONAL: &[u8; 16] = b"HoldfastTransfer";
