//! Which swarm keeps an account's messages, and which id a new swarm takes (spec/03-network.md §2.1, §8.1).

use core::fmt;

/// The number of a swarm. Written as hex without leading zeros; `2^64 − 1` means "in no swarm".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwarmId(pub u64);

/// The text is no swarm id: empty, longer than 16 digits, or not hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a swarm id")]
pub struct SwarmIdError;

impl SwarmId {
    /// The id of nodes that are in no swarm.
    pub const NONE: Self = Self(u64::MAX);

    /// Parses 1 to 16 hex digits.
    pub fn parse(text: &str) -> Result<Self, SwarmIdError> {
        if text.is_empty() || text.len() > 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SwarmIdError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| SwarmIdError)
    }

    /// Whether this names a swarm, not the absence of one.
    pub const fn is_assigned(self) -> bool {
        self.0 != Self::NONE.0
    }
}

impl fmt::Display for SwarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl serde::Serialize for SwarmId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> serde::Deserialize<'de> for SwarmId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
            Self::parse(&text).map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// The position of an account on the 2^64 ring: the XOR of the four big-endian words of its key (the 32 bytes after the
/// prefix, so that `03X` and `05X` share a place).
pub fn swarm_space(key: &[u8; 32]) -> u64 {
    let (words, _) = key.as_chunks::<8>();
    words
        .iter()
        .fold(0, |place, word| place ^ u64::from_be_bytes(*word))
}

/// The swarm that keeps the account with this key. `ids` must be sorted ascending and without [`SwarmId::NONE`].
/// Nothing when there is no swarm.
pub fn swarm_of(key: &[u8; 32], ids: &[SwarmId]) -> Option<SwarmId> {
    nearest(swarm_space(key), ids)
}

/// The swarm nearest to a place on the ring; a tie goes to the one below.
fn nearest(place: u64, ids: &[SwarmId]) -> Option<SwarmId> {
    let first = ids.first()?;
    let last = ids.last()?;
    let above = ids.partition_point(|id| id.0 < place);
    let right = ids.get(above).unwrap_or(first);
    let left = above
        .checked_sub(1)
        .and_then(|below| ids.get(below))
        .unwrap_or(last);
    let to_right = right.0.wrapping_sub(place);
    let to_left = place.wrapping_sub(left.0);
    Some(if to_right < to_left || right == left {
        *right
    } else {
        *left
    })
}

/// The id that the next new swarm takes: the middle of the largest gap, the first one if several are largest; 0 when there
/// is no swarm (spec/03 §8.1). `ids` must be sorted ascending and without [`SwarmId::NONE`].
pub fn new_swarm_id(ids: &[SwarmId]) -> SwarmId {
    const MAX: u64 = u64::MAX - 1;
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
        return SwarmId(0);
    };
    let mut widest = (0, *first);
    for (id, next) in ids.iter().zip(ids.iter().skip(1)) {
        let gap = next.0.saturating_sub(id.0);
        if gap > widest.0 {
            widest = (gap, *id);
        }
    }
    // One swarm at 0 leaves a wrap gap of MAX + 1, which still fits: MAX is 2^64 − 2.
    let wrap = (MAX.saturating_sub(last.0))
        .saturating_add(first.0)
        .saturating_add(1);
    if wrap > widest.0 {
        widest = (wrap, *last);
    }
    let (gap, start) = widest;
    let step = gap / 2;
    let room = MAX.saturating_sub(start.0);
    SwarmId(if step > room {
        step - room - 1
    } else {
        start.0 + step
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(list: &[u64]) -> Vec<SwarmId> {
        list.iter().copied().map(SwarmId).collect()
    }

    #[test]
    fn published_places() {
        for (key, place) in [
            (
                "3506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8",
                17589930838143112648,
            ),
            (
                "cf27da303a50ac8c4b2d43d27259505c9bcd73fc21cf2a57902c3d050730b604",
                10370619079776428163,
            ),
            (
                "d3511706b8b34f6e8411bf07bd22ba6b2435ca56846fbccf6eb1e166a6cd15cc",
                2144983569669512198,
            ),
        ] {
            let key = data_encoding::HEXLOWER.decode(key.as_bytes()).unwrap();
            assert_eq!(swarm_space(&key.try_into().unwrap()), place);
        }
    }

    #[test]
    fn published_swarms() {
        let mut list = ids(&[100, 200, 300, 399, 498, 596, 694]);
        for (place, swarm) in [
            (0, 100),
            (0x95, 100),
            (0x96, 100),
            (0x97, 200),
            (0x1c0, 399),
            (0x1c1, 498),
            (0x223, 498),
            (0x224, 596),
            (1 << 63, 694),
            (0xa000_0000_0000_0000, 100),
            (u64::MAX, 100),
            ((1 << 63) + 0x18d, 694),
            ((1 << 63) + 0x18e, 100),
        ] {
            assert_eq!(nearest(place, &list), Some(SwarmId(swarm)), "{place:x}");
        }
        let top = u64::MAX - 19;
        list.push(SwarmId(top));
        assert_eq!(nearest(0x28, &list), Some(SwarmId(top)));
        assert_eq!(nearest(0x29, &list), Some(SwarmId(100)));
        list.insert(0, SwarmId(0));
        assert_eq!(nearest(u64::MAX, &list), Some(SwarmId(0)));
    }

    #[test]
    fn no_swarm_and_one_swarm() {
        assert_eq!(nearest(5, &[]), None);
        assert_eq!(nearest(5, &ids(&[9])), Some(SwarmId(9)));
    }

    #[test]
    fn new_swarms_halve_the_widest_gap() {
        let mut list = Vec::new();
        for expected in ["0", "7fffffffffffffff", "bfffffffffffffff", "3fffffffffffffff"] {
            let id = new_swarm_id(&list);
            assert_eq!(id.to_string(), expected, "{list:?}");
            list.push(id);
            list.sort();
        }
    }

    #[test]
    fn a_wrapping_gap_may_end_below_its_start() {
        assert_eq!(
            new_swarm_id(&ids(&[u64::MAX - 2, u64::MAX - 1])).0,
            u64::MAX / 2 - 1
        );
    }

    #[test]
    fn ids_are_hex_without_leading_zeros() {
        assert_eq!(SwarmId(0).to_string(), "0");
        assert_eq!(
            SwarmId::parse("b1ffffffffffffff"),
            Ok(SwarmId(0xb1ff_ffff_ffff_ffff))
        );
        for bad in ["", "+1", "0x1", "11111111111111111"] {
            assert_eq!(SwarmId::parse(bad), Err(SwarmIdError), "{bad}");
        }
    }
}
