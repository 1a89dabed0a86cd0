//! The hash functions of the protocol in the few shapes it uses them: BLAKE2b with an exact digest length, plain, keyed
//! or personalised (`spec/01-accounts-and-crypto.md`, conventions), and Argon2id.
//!
//! A keyed BLAKE2b carries its digest length in its parameter block: a truncated longer hash is another value.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use blake2b_simd::Params as Blake2b;
use zeroize::Zeroize;

/// Longest BLAKE2b digest or key in bytes.
pub const BLAKE2B_MAX: usize = 64;
/// Bytes in the unit of Argon2's memory cost.
const KIBIBYTE: usize = 1024;

/// What Argon2id takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes. They are computed one after the other.
    pub lanes: u32,
}

/// Why Argon2id gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Argon2Error {
    /// Passes, memory, lanes, salt or output are outside what the algorithm allows.
    #[error("Argon2id parameters out of range")]
    Parameters,
    /// The memory that it takes is not there.
    #[error("not enough memory for Argon2id")]
    Memory,
}

/// The digest or the key has a length that BLAKE2b does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("BLAKE2b digests have 1 to 64 bytes, keys at most 64")]
pub struct Blake2bSizeError;

/// `BLAKE2b-N(parts)`: plain, over the concatenation of the parts. `N` is at most 64.
pub fn blake2b<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    finish(&mut Blake2b::new(), parts)
}

/// `BLAKE2b-N(parts, key)`: keyed. `N` and the key's length are at most 64.
pub fn blake2b_keyed<const N: usize, const K: usize>(key: &[u8; K], parts: &[&[u8]]) -> [u8; N] {
    const { assert!(K <= BLAKE2B_MAX) };
    finish(Blake2b::new().key(key), parts)
}

/// `BLAKE2b-N(parts, person)`: with 16 bytes of personalisation.
pub fn blake2b_personal<const N: usize>(personal: &[u8; 16], parts: &[&[u8]]) -> [u8; N] {
    finish(Blake2b::new().personal(personal), parts)
}

/// BLAKE2b with sizes that are known at run time only; an empty key is none.
pub fn blake2b_into(key: &[u8], message: &[u8], digest: &mut [u8]) -> Result<(), Blake2bSizeError> {
    if digest.is_empty() || digest.len() > BLAKE2B_MAX || key.len() > BLAKE2B_MAX {
        return Err(Blake2bSizeError);
    }
    fill(Blake2b::new().key(key), &[message], digest);
    Ok(())
}

/// `crypto_pwhash` of libsodium: Argon2id 1.3 with one lane, `memory` in bytes, filling `output`.
pub fn argon2id13(
    password: &[u8],
    salt: &[u8],
    passes: u32,
    memory: usize,
    output: &mut [u8],
) -> Result<(), Argon2Error> {
    let cost = Argon2Cost {
        memory_kib: u32::try_from(memory / KIBIBYTE).map_err(|_| Argon2Error::Parameters)?,
        passes,
        lanes: 1,
    };
    argon2id(password, salt, cost, output)
}

/// Argon2id 1.3 (RFC 9106), filling `output`. Its memory is wiped afterwards.
///
/// # Errors
/// [`Argon2Error`].
pub fn argon2id(
    password: &[u8],
    salt: &[u8],
    cost: Argon2Cost,
    output: &mut [u8],
) -> Result<(), Argon2Error> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(output.len()))
        .map_err(|_| Argon2Error::Parameters)?;
    let mut memory: Vec<Block> = Vec::new();
    // Where there is no room, that is an answer and not the end of the program.
    memory
        .try_reserve_exact(params.block_count())
        .map_err(|_| Argon2Error::Memory)?;
    memory.resize(params.block_count(), Block::new());
    let filled = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password,
        salt,
        output,
        &mut memory,
    );
    memory.zeroize();
    filled.map_err(|_| Argon2Error::Parameters)
}

fn finish<const N: usize>(params: &mut Blake2b, parts: &[&[u8]]) -> [u8; N] {
    const { assert!(N > 0 && N <= BLAKE2B_MAX) };
    let mut digest = [0; N];
    fill(params, parts, &mut digest);
    digest
}

fn fill(params: &mut Blake2b, parts: &[&[u8]], digest: &mut [u8]) {
    let mut state = params.hash_length(digest.len()).to_state();
    for part in parts {
        state.update(part);
    }
    digest
        .iter_mut()
        .zip(state.finalize().as_bytes())
        .for_each(|(to, from)| *to = *from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_hashed_as_one() {
        assert_eq!(blake2b::<32>(&[b"ab", b"", b"c"]), blake2b::<32>(&[b"abc"]));
    }

    #[test]
    fn length_key_and_personalisation_each_matter() {
        let plain = blake2b::<24>(&[b"m"]);
        assert_ne!(plain, blake2b::<32>(&[b"m"])[..24]);
        assert_ne!(plain, blake2b_keyed::<24, _>(b"k", &[b"m"]));
        assert_ne!(plain, blake2b_personal::<24>(b"0123456789abcdef", &[b"m"]));
    }

    #[test]
    fn sizes_known_at_run_time_give_the_same() {
        let mut digest = [0; 24];
        assert_eq!(blake2b_into(b"k", b"m", &mut digest), Ok(()));
        assert_eq!(digest, blake2b_keyed(b"k", &[b"m"]));
        assert_eq!(blake2b_into(&[], b"m", &mut digest), Ok(()));
        assert_eq!(digest, blake2b(&[b"m"]));
        assert_eq!(blake2b_into(&[], b"m", &mut []), Err(Blake2bSizeError));
        assert_eq!(blake2b_into(&[], b"m", &mut [0; 65]), Err(Blake2bSizeError));
        assert_eq!(blake2b_into(&[0; 65], b"m", &mut digest), Err(Blake2bSizeError));
    }

    #[test]
    fn argon2_parameters_out_of_range_are_refused() {
        assert_eq!(
            argon2id13(b"p", b"short", 1, 8192, &mut [0; 32]),
            Err(Argon2Error::Parameters)
        );
        assert_eq!(
            argon2id13(b"p", &[0; 16], 1, 0, &mut [0; 32]),
            Err(Argon2Error::Parameters)
        );
        let lanes = Argon2Cost {
            memory_kib: 8,
            passes: 1,
            lanes: 2,
        };
        assert_eq!(
            argon2id(b"p", &[0; 16], lanes, &mut [0; 32]),
            Err(Argon2Error::Parameters)
        );
    }
}
