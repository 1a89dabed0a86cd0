//! The two devices: what each of them keeps in memory, says and understands (`docs/account-transfer.md`, Messages).

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::PERSONAL;
use super::agreement::Agreement;
use super::code::{COMMITMENT, Code};
use super::message::{ANSWER, MESSAGE_SIZE, MessageError, OPENING, contents_of, ends, padded, sized, take};
use crate::account::{Account, Seed};
use crate::hash::blake2b_personal;
use crate::keys::X25519PublicKey;
use crate::sealed_box;

/// Bytes of the number that the new device commits itself to.
const NUMBER: usize = 32;
/// Bytes of what is in a sealed message.
const CONTENT: usize = MESSAGE_SIZE - sealed_box::OVERHEAD;

/// What commits the new device to its number without telling it.
fn commitment(number: &[u8; NUMBER]) -> [u8; COMMITMENT] {
    blake2b_personal(PERSONAL, &[number])
}

/// The new device.
pub struct Asking {
    meeting: Account,
    number: Zeroizing<[u8; NUMBER]>,
    code: Code,
}

impl Asking {
    /// Makes the throw-away account and the code; `now_ms` in network time.
    pub fn new(now_ms: u64, rng: &mut impl CryptoRng) -> Self {
        let meeting = Account::from_seed(Seed::generate(rng));
        let mut number = Zeroizing::new([0; NUMBER]);
        rng.fill_bytes(number.as_mut_slice());
        let code = Code::new(
            meeting.ed25519().public(),
            meeting.x25519().public(),
            commitment(&number),
            now_ms,
        );
        Self {
            meeting,
            number,
            code,
        }
    }

    /// What to show.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The throw-away account, into whose mailbox answers and grant come.
    pub fn meeting(&self) -> &Account {
        &self.meeting
    }

    /// Reads an answer: the key of who answered, which is also their mailbox, and what the two then have in common. Only
    /// the first one may be gone on with.
    ///
    /// # Errors
    /// Any of [`MessageError`].
    pub fn read_answer(&self, message: &[u8]) -> Result<(X25519PublicKey, Agreement), MessageError> {
        let contents = Zeroizing::new(sealed_box::open(self.meeting.x25519(), sized(message)?)?);
        let (key, rest) = take(contents_of(ANSWER, &contents)?)?;
        let (commitment, padding) = take::<COMMITMENT>(rest)?;
        ends(padding)?;
        if !bool::from(commitment.ct_eq(self.code.commitment())) {
            return Err(MessageError::OtherCode);
        }
        let key = X25519PublicKey::from_bytes(key);
        let shared = self.meeting.x25519().diffie_hellman(&key)?;
        Ok((key, Agreement::new(&shared, &self.code, &key, &self.number)))
    }

    /// The message that opens the commitment, for who answered.
    ///
    /// # Errors
    /// [`MessageError::Key`].
    pub fn opening(&self, to: &X25519PublicKey, rng: &mut impl CryptoRng) -> Result<Vec<u8>, MessageError> {
        let contents = padded::<CONTENT>(&[&[OPENING], self.number.as_slice()]);
        Ok(sealed_box::seal(to, contents.as_slice(), rng)?)
    }
}

impl core::fmt::Debug for Asking {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Asking(..)")
    }
}

/// The old device.
pub struct Giving {
    code: Code,
    meeting: Account,
}

impl Giving {
    /// Takes up a code that was checked, and makes a throw-away account.
    pub fn new(code: Code, rng: &mut impl CryptoRng) -> Self {
        Self {
            code,
            meeting: Account::from_seed(Seed::generate(rng)),
        }
    }

    /// The throw-away account, into whose mailbox the opening comes.
    pub fn meeting(&self) -> &Account {
        &self.meeting
    }

    /// The answer.
    ///
    /// # Errors
    /// [`MessageError::Key`].
    pub fn answer(&self, rng: &mut impl CryptoRng) -> Result<Vec<u8>, MessageError> {
        let key = self.meeting.x25519().public();
        let parts: [&[u8]; 3] = [&[ANSWER], key.as_bytes(), self.code.commitment()];
        let contents = padded::<CONTENT>(&parts);
        Ok(sealed_box::seal(self.code.meeting(), contents.as_slice(), rng)?)
    }

    /// Reads what opens the code's commitment: what both devices have in common.
    ///
    /// # Errors
    /// Any of [`MessageError`].
    pub fn read_opening(&self, message: &[u8]) -> Result<Agreement, MessageError> {
        let contents = Zeroizing::new(sealed_box::open(self.meeting.x25519(), sized(message)?)?);
        let (number, padding) = take(contents_of(OPENING, &contents)?)?;
        ends(padding)?;
        if !bool::from(commitment(number).ct_eq(self.code.commitment())) {
            return Err(MessageError::OtherCode);
        }
        let shared = self.meeting.x25519().diffie_hellman(self.code.meeting())?;
        let answer = self.meeting.x25519().public();
        Ok(Agreement::new(&shared, &self.code, &answer, number))
    }
}

impl core::fmt::Debug for Giving {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Giving(..)")
    }
}
