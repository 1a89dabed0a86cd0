//! How often a lock was tried in vain, and how long that makes the next try wait.
//!
//! It is kept on the device, so that neither a reload nor another tab begins afresh. Times are those of the wall clock: the
//! wait passes while the page is closed too. Whoever can set the clock can shorten it, and whoever can copy the record need
//! not wait at all; it is against guessing at the keyboard.

/// The wait after so many wrong tries in a row, in seconds; the last one holds from then on.
const WAITS: [u64; 10] = [0, 0, 0, 5, 15, 30, 60, 300, 900, 3600];

/// Bytes of the kept form: the number of tries (4, little-endian), when the last one was (8, little-endian).
const SIZE: usize = 12;

/// Wrong tries since the lock was last opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    wrong: u32,
    last_ms: u64,
}

impl Tries {
    /// How many there were.
    pub fn wrong(self) -> u32 {
        self.wrong
    }

    /// Milliseconds until the next try is allowed; `now_ms` is the wall clock's time.
    pub fn wait_ms(self, now_ms: u64) -> u64 {
        let at = usize::try_from(self.wrong).unwrap_or(usize::MAX);
        let seconds = WAITS.get(at).or(WAITS.last()).copied().unwrap_or(0);
        // A clock that was set back has the wait begin again rather than last for years.
        let passed = now_ms.saturating_sub(self.last_ms);
        (seconds * 1000).saturating_sub(passed)
    }

    /// As it is to be counted from now on: if the clock was set back, the last try is taken to have been now.
    #[must_use]
    pub fn settled(self, now_ms: u64) -> Self {
        Self {
            last_ms: self.last_ms.min(now_ms),
            ..self
        }
    }

    /// With one more. Counted before the try: whoever stops it in the middle has tried.
    #[must_use]
    pub fn counted(self, now_ms: u64) -> Self {
        Self {
            wrong: self.wrong.saturating_add(1),
            last_ms: now_ms,
        }
    }

    /// The bytes to keep.
    pub fn encode(self) -> Vec<u8> {
        let mut bytes = self.wrong.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.last_ms.to_le_bytes());
        bytes
    }

    /// Reads kept bytes; `None` if they are none of ours.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SIZE {
            return None;
        }
        let (wrong, rest) = bytes.split_first_chunk()?;
        Some(Self {
            wrong: u32::from_le_bytes(*wrong),
            last_ms: u64::from_le_bytes(rest.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Tries;

    const NOW: u64 = 1_800_000_000_000;

    fn after(wrong: u32) -> Tries {
        (0..wrong).fold(Tries::default(), |tries, _| tries.counted(NOW))
    }

    #[test]
    fn slips_cost_nothing_and_guessing_takes_longer_and_longer() {
        let waits: Vec<u64> = (0..12).map(|wrong| after(wrong).wait_ms(NOW) / 1000).collect();
        assert_eq!(waits, [0, 0, 0, 5, 15, 30, 60, 300, 900, 3600, 3600, 3600]);
    }

    #[test]
    fn the_wait_passes_by_the_clock() {
        let tries = after(4);
        assert_eq!(tries.wait_ms(NOW + 14_999), 1);
        assert_eq!(tries.wait_ms(NOW + 15_000), 0);
        assert_eq!(tries.wait_ms(NOW + 1_000_000), 0);
    }

    #[test]
    fn a_clock_set_back_makes_nobody_wait_for_years() {
        let (tries, earlier) = (after(4), NOW - 1_000_000_000);
        assert_eq!(tries.wait_ms(earlier), 15_000);
        let tries = tries.settled(earlier);
        assert_eq!(tries.wait_ms(earlier + 15_000), 0);
        assert_eq!(tries.wrong(), 4);
    }

    #[test]
    fn what_is_kept_comes_back() {
        for wrong in [0, 1, 7, 200] {
            let tries = after(wrong);
            assert_eq!(Tries::decode(&tries.encode()), Some(tries));
        }
        let most = Tries {
            wrong: u32::MAX,
            last_ms: u64::MAX,
        };
        assert_eq!(Tries::decode(&most.counted(u64::MAX).encode()), Some(most));
        assert_eq!(Tries::decode(&[0; 11]), None);
        assert_eq!(Tries::decode(&[0; 13]), None);
    }
}
