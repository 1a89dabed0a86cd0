//! Randomness: what is chosen, and the port as the protocol crate takes it.

use std::rc::Rc;
use std::time::Duration;

use super::Core;

impl Core {
    /// Secure randomness in the form that the protocol crate takes.
    pub(crate) fn rng(&self) -> PortRng {
        PortRng(self.ports.rng.clone())
    }

    /// A number below `bound`; 0 when there is nothing to choose.
    pub(crate) fn random_below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.ports.rng.fill(&mut bytes);
        // The bias of a 64-bit remainder over a few thousand nodes is far below anything that could be seen.
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        u64::from_le_bytes(bytes)
            .checked_rem(bound)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0)
    }

    /// Puts a list into random order.
    pub(crate) fn shuffle<T>(&self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.random_below(end + 1));
        }
    }

    /// A duration within half and one and a half times the given one, so that clients do not act in step.
    pub(crate) fn jitter(&self, around: Duration) -> Duration {
        let thousandths = u32::try_from(500 + self.random_below(1_001)).unwrap_or(1_000);
        around.saturating_mul(thousandths) / 1_000
    }
}

/// The randomness port as the protocol crate's generator.
pub(crate) struct PortRng(pub(crate) Rc<dyn crate::ports::Rng>);

impl rand_core::TryRng for PortRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for PortRng {}
