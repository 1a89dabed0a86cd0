//! What random histories have in common: numbers that come again with their seed, which histories a run goes through, and
//! what a failed one leaves behind.

use std::cell::RefCell;
use std::ops::Range;

use holdfast_client::native::SystemRng;
use holdfast_client::ports::Rng;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Numbers that look random and come again with their seed.
pub struct Dice(u64);

impl Dice {
    /// Those of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below a bound that is not 0.
    pub fn roll(&mut self, bound: u64) -> u64 {
        // SplitMix64: neighbouring seeds give histories that have nothing in common.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// One of so many.
    pub fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.roll(count as u64)).unwrap()
    }

    /// Yes or no.
    pub fn coin(&mut self) -> bool {
        self.roll(2) == 0
    }
}

/// Randomness for an engine that comes again with its seed.
pub struct SeededRng(RefCell<ChaCha20Rng>);

impl SeededRng {
    /// That of a seed.
    pub fn new(seed: u64) -> Self {
        Self(RefCell::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.borrow_mut().fill_bytes(bytes);
    }
}

/// The seeds of the histories that a run goes through. Of the variables that begin with `prefix`, `…_HISTORIES` says how
/// many instead of the usual number, `…_HISTORIES_FROM` with which one to begin, so that several processes share
/// thousands of them, and `…_HISTORY` picks one alone.
pub fn histories(prefix: &str, usual: u64) -> Range<u64> {
    let asked = |rest: &str| -> Option<u64> {
        let value = std::env::var(format!("{prefix}_{rest}")).ok()?;
        Some(value.parse().unwrap())
    };
    if let Some(one) = asked("HISTORY") {
        return one..one + 1;
    }
    let first = asked("HISTORIES_FROM").unwrap_or(0);
    first..first + asked("HISTORIES").unwrap_or(usual)
}

/// What was done in a history. When it fails, this is printed, and how it is repeated alone: with the same acts and the
/// same keys, nodes and waits as far as engines draw them. What the nodes draw is not seeded.
pub struct Acts {
    prefix: &'static str,
    seed: u64,
    start: tokio::time::Instant,
    acts: RefCell<Vec<String>>,
}

impl Acts {
    /// Those of a history whose variables begin with `prefix`, none yet.
    pub fn new(prefix: &'static str, seed: u64) -> Self {
        Self {
            prefix,
            seed,
            start: tokio::time::Instant::now(),
            acts: RefCell::default(),
        }
    }

    /// Notes what was done, and when.
    pub fn note(&self, act: &str) {
        let at = self.start.elapsed().as_millis();
        self.acts.borrow_mut().push(format!("{at:>9} ms  {act}"));
    }
}

impl Drop for Acts {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (prefix, seed) = (self.prefix, self.seed);
            let acts = self.acts.take();
            eprintln!(
                "history {seed} failed; {prefix}_HISTORY={seed} repeats it alone. What was done:\n{}",
                acts.join("\n")
            );
        }
    }
}

/// The system's randomness as the protocol crate takes it.
pub struct TestRng;

impl rand_core::TryRng for TestRng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        SystemRng.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        SystemRng.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        SystemRng.fill(bytes);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for TestRng {}
