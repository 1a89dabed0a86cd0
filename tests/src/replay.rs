//! A random source that gives back recorded draws, for known answers that depend on randomness.

use rand_core::{TryCryptoRng, TryRng};
use std::collections::VecDeque;
use std::convert::Infallible;

/// Gives the recorded byte strings in order. A draw of another length, or one more than there are, gives zeros and is
/// remembered as a mismatch.
#[derive(Debug, Default)]
pub struct ReplayRng {
    draws: VecDeque<Vec<u8>>,
    mismatch: bool,
}

impl ReplayRng {
    /// Replays these draws.
    pub fn new(draws: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            draws: draws.into_iter().collect(),
            mismatch: false,
        }
    }

    /// Whether exactly the recorded draws were made.
    pub fn is_spent(&self) -> bool {
        self.draws.is_empty() && !self.mismatch
    }
}

impl TryRng for ReplayRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        match self.draws.pop_front() {
            Some(draw) if draw.len() == out.len() => out.copy_from_slice(&draw),
            _ => {
                self.mismatch = true;
                out.fill(0);
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for ReplayRng {}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    #[test]
    fn draws_come_back_in_order_and_mismatches_show() {
        let mut rng = ReplayRng::new([vec![1, 2], vec![3]]);
        let mut two = [0; 2];
        rng.fill_bytes(&mut two);
        assert_eq!(two, [1, 2]);
        assert!(!rng.is_spent());
        rng.fill_bytes(&mut two);
        assert_eq!(two, [0, 0]);
        assert!(!rng.is_spent());
    }
}
