//! Small seeded mutations of valid inputs, enough for a smoke run.

/// A fast generator for choosing mutations; nothing secret depends on it (SplitMix64).
pub struct Choices(u64);

impl Choices {
    /// Always the same choices for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        let choice = self.next().checked_rem(bound).unwrap_or_default();
        usize::try_from(choice).unwrap_or_default()
    }

    /// One of the elements.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let at = self.below(list.len());
        list.get(at)
    }
}

/// Pieces that parsers tend to stumble over.
const TOKENS: &[&[u8]] = &[
    b"",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e309",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"i0e",
    b"i-0e",
    b"de",
    b"le",
    b"0:",
    b"4294967296:",
    b"==",
    b"\xf0\x9f\x98\x80",
    b"\xc0\x80",
    b" ",
    b"all",
];

/// Longest input that grows further, bytes: more costs time and finds nothing.
const MAX_GROWTH: usize = 16 * 1024;

/// Changes an input a few times; `others` lend pieces.
pub fn mutate(choices: &mut Choices, mut input: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    for _ in 0..=choices.below(4) {
        step(choices, &mut input, others);
    }
    input
}

fn step(choices: &mut Choices, input: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = choices.below(input.len() + 1);
    match choices.below(8) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << choices.below(8);
            }
        }
        1 => {
            let value = u8::try_from(choices.below(256)).unwrap_or_default();
            if let Some(byte) = input.get_mut(at) {
                *byte = value;
            }
        }
        2 => input.truncate(at),
        3 => {
            let end = (at + 1 + choices.below(16)).min(input.len());
            input.drain(at.min(end)..end);
        }
        4 => insert(input, at, choices.pick(TOKENS).copied().unwrap_or_default()),
        5 => {
            let end = (at + choices.below(64)).min(input.len());
            let piece = input.get(at..end).unwrap_or_default().to_vec();
            let to = choices.below(input.len() + 1);
            insert(input, to, &piece);
        }
        6 => {
            let token = choices.pick(TOKENS).copied().unwrap_or_default();
            let end = (at + token.len()).min(input.len());
            input.splice(at..end, token.iter().copied());
        }
        _ => {
            let other = choices.pick(others).map(Vec::as_slice).unwrap_or_default();
            let from = choices.below(other.len() + 1);
            let end = (from + choices.below(64)).min(other.len());
            insert(input, at, other.get(from..end).unwrap_or_default());
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if input.len() < MAX_GROWTH {
        input.splice(at..at, piece.iter().copied());
    }
}
