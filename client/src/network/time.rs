//! Network time: this machine's clock, corrected by the median of what several nodes say (`spec/03-network.md §5`).

use std::cell::Cell;
use std::rc::Rc;

use crate::ports::Clock;

/// A step of the wall clock against the monotonic one beyond this means that the machine slept or was set.
const STEP_MS: i64 = 5_000;
/// A change beyond this needs two nodes that agree.
const LARGE_CHANGE_MS: i64 = 10 * 60 * 1_000;
/// Two of three nodes agree when their samples are this close: the tolerance of a signature is 60 s.
const AGREEMENT_MS: i64 = 30_000;
/// Two nodes that nobody stands beside agree when they are this close: what lies between them must not be further from the
/// truth than a store may be ahead, 10 s, if one of them lies.
const PAIR_AGREEMENT_MS: i64 = 15_000;
/// How many nodes are asked.
pub(crate) const SAMPLES: usize = 3;
/// Beyond this the user is told: signatures would be refused (`spec/03-network.md §3.2`).
pub(crate) const WRONG_CLOCK_MS: i64 = 60_000;

/// The network's time as known now.
pub(crate) struct NetworkTime {
    clock: Rc<dyn Clock>,
    anchor: Cell<Option<Anchor>>,
    /// From the last session: better than nothing until the network was asked.
    remembered: Cell<i64>,
}

#[derive(Clone, Copy)]
struct Anchor {
    network: i64,
    wall: i64,
    monotonic: i64,
}

impl NetworkTime {
    pub(crate) fn new(clock: Rc<dyn Clock>) -> Self {
        Self {
            clock,
            anchor: Cell::new(None),
            remembered: Cell::new(0),
        }
    }

    /// Unix milliseconds as the network has them, as far as known.
    pub(crate) fn now(&self) -> u64 {
        let wall = signed(self.clock.now_ms());
        let now = match self.anchor.get() {
            None => wall.saturating_add(self.remembered.get()),
            Some(anchor) => {
                let monotonic = signed(self.clock.monotonic_ms()) - anchor.monotonic;
                let by_wall = wall - anchor.wall;
                // A monotonic clock may stand still while the machine sleeps; a wall clock may be set back.
                let passed = if by_wall > monotonic + STEP_MS {
                    by_wall
                } else {
                    monotonic
                };
                anchor.network.saturating_add(passed)
            }
        };
        u64::try_from(now).unwrap_or(0)
    }

    /// Network time minus this machine's.
    pub(crate) fn offset(&self) -> i64 {
        signed(self.now()) - signed(self.clock.now_ms())
    }

    /// Whether the network's time is known from this session, and no step of a clock has put it in doubt.
    pub(crate) fn is_known(&self) -> bool {
        self.anchor.get().is_some_and(|anchor| {
            let monotonic = signed(self.clock.monotonic_ms()) - anchor.monotonic;
            let wall = signed(self.clock.now_ms()) - anchor.wall;
            (wall - monotonic).abs() <= STEP_MS
        })
    }

    /// Takes an offset that was agreed on.
    pub(crate) fn set(&self, offset: i64) {
        let wall = signed(self.clock.now_ms());
        self.anchor.set(Some(Anchor {
            network: wall.saturating_add(offset),
            wall,
            monotonic: signed(self.clock.monotonic_ms()),
        }));
    }

    /// Starts from the last session's offset.
    pub(crate) fn remember(&self, offset: i64) {
        self.remembered.set(offset);
    }

    /// An offset from one answer: the server's time plus half the way, against the local time at receipt.
    pub(crate) fn sample(&self, server_ms: u64, round_trip_ms: u64) -> i64 {
        signed(server_ms)
            .saturating_add(signed(round_trip_ms / 2))
            .saturating_sub(signed(self.clock.now_ms()))
    }
}

fn signed(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

/// The offset that samples agree on, or `None` when they should not change anything. One node alone never sets the clock.
pub(crate) fn agreed(samples: &[i64], current: i64) -> Option<i64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    let (median, agree) = match sorted.len() {
        0 | 1 => return None,
        even if even % 2 == 0 => {
            let (low, high) = (*sorted.get(middle - 1)?, *sorted.get(middle)?);
            let between = low.saturating_add(high.saturating_sub(low) / 2);
            // With each other: each is only half as far from what lies between them.
            (between, high.abs_diff(low) <= PAIR_AGREEMENT_MS.unsigned_abs())
        }
        _ => {
            let median = *sorted.get(middle)?;
            let near = |sample: &&i64| sample.abs_diff(median) <= AGREEMENT_MS.unsigned_abs();
            (median, sorted.iter().filter(near).count() >= 2)
        }
    };
    let large = median.abs_diff(current) > LARGE_CHANGE_MS.unsigned_abs();
    if agree || (sorted.len() >= SAMPLES && !large) {
        Some(median)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::ManualClock;

    #[test]
    fn one_node_never_sets_the_clock() {
        assert_eq!(agreed(&[], 0), None);
        assert_eq!(agreed(&[5_000], 0), None);
        assert_eq!(agreed(&[0, 3_600_000], 0), None);
        assert_eq!(agreed(&[100, 200, 90_000_000], 0), Some(200));
    }

    #[test]
    fn an_hour_is_believed_when_two_agree() {
        assert_eq!(agreed(&[3_600_000, 3_600_100, 0], 0), Some(3_600_000));
        assert_eq!(agreed(&[3_600_000, 3_601_000], 0), Some(3_600_500));
        assert_eq!(agreed(&[3_600_000, 7_200_000, 0], 0), None);
    }

    #[test]
    fn two_nodes_are_compared_with_each_other() {
        assert_eq!(agreed(&[0, 60_000], 0), None);
        assert_eq!(agreed(&[0, 16_000], 0), None);
        assert_eq!(agreed(&[14_000, 0], 0), Some(7_000));
        // The median of three is what one of them said.
        assert_eq!(agreed(&[0, 29_000, 29_500], 0), Some(29_000));
    }

    #[test]
    fn the_offset_counts_half_the_way() {
        let clock = Rc::new(ManualClock::new(1_000_000));
        let time = NetworkTime::new(clock);
        assert_eq!(time.sample(1_000_500, 200), 600);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_move_network_time() {
        let clock = Rc::new(ManualClock::new(10_000_000));
        let time = NetworkTime::new(clock.clone());
        time.set(3_600_000);
        clock.advance(1_000);
        assert!(time.is_known());
        clock.set_wall(10_000_000 - 7_200_000);
        assert_eq!(time.now(), 13_601_000);
        assert!(!time.is_known());
    }

    #[test]
    fn sleep_moves_network_time_though_the_monotonic_clock_stood_still() {
        let clock = Rc::new(ManualClock::new(10_000_000));
        let time = NetworkTime::new(clock.clone());
        time.set(0);
        clock.set_wall(10_000_000 + 600_000);
        assert_eq!(time.now(), 10_600_000);
        assert!(!time.is_known());
    }
}
