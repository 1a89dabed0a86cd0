//! The hash functions of the protocol in the few shapes it uses them: BLAKE2b with an exact digest length, plain, keyed
//! or personalised (`spec/01-accounts-and-crypto.md`, conventions), and Argon2id as libsodium parameterises it.
//!
//! A keyed BLAKE2b carries its digest length in its parameter block: a truncated longer hash is another value.

use argon2::{Algorithm, Argon2, Params, Version};
use blake2b_simd::Params as Blake2b;

/// Longest BLAKE2b digest or key in bytes.
pub const BLAKE2B_MAX: usize = 64;
/// Bytes in the unit of Argon2's memory cost.
const KIBIBYTE: usize = 1024;

/// Argon2 refused its parameters: time, memory, salt or output outside what the algorithm allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Argon2id parameters out of range")]
pub struct Argon2Error;

/// `BLAKE2b-N(parts)`: plain, over the concatenation of the parts. `N` is at most 64.
pub fn blake2b<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    finish(&Blake2b::new(), parts)
}

/// `BLAKE2b-N(parts, key)`: keyed. `N` and the key are at most 64 bytes long.
pub fn blake2b_keyed<const N: usize>(key: &[u8], parts: &[&[u8]]) -> [u8; N] {
    debug_assert!(key.len() <= BLAKE2B_MAX);
    let mut params = Blake2b::new();
    if key.len() <= BLAKE2B_MAX {
        params.key(key);
    }
    finish(&params, parts)
}

/// `BLAKE2b-N(parts, person)`: with 16 bytes of personalisation.
pub fn blake2b_personal<const N: usize>(personal: &[u8; 16], parts: &[&[u8]]) -> [u8; N] {
    finish(Blake2b::new().personal(personal), parts)
}

/// `crypto_pwhash` of libsodium: Argon2id 1.3 with one lane, `memory` in bytes, filling `output`.
pub fn argon2id13(
    password: &[u8],
    salt: &[u8],
    passes: u32,
    memory: usize,
    output: &mut [u8],
) -> Result<(), Argon2Error> {
    let memory = u32::try_from(memory / KIBIBYTE).map_err(|_| Argon2Error)?;
    let params = Params::new(memory, passes, 1, Some(output.len())).map_err(|_| Argon2Error)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password, salt, output)
        .map_err(|_| Argon2Error)
}

fn finish<const N: usize>(params: &Blake2b, parts: &[&[u8]]) -> [u8; N] {
    const { assert!(N > 0 && N <= BLAKE2B_MAX) };
    let mut params = params.clone();
    let mut state = params.hash_length(N).to_state();
    for part in parts {
        state.update(part);
    }
    let mut digest = [0; N];
    digest
        .iter_mut()
        .zip(state.finalize().as_bytes())
        .for_each(|(to, from)| *to = *from);
    digest
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
        assert_ne!(plain, blake2b_keyed::<24>(b"k", &[b"m"]));
        assert_ne!(plain, blake2b_personal::<24>(b"0123456789abcdef", &[b"m"]));
    }

    #[test]
    fn argon2_parameters_out_of_range_are_refused() {
        assert_eq!(
            argon2id13(b"p", b"short", 1, 8192, &mut [0; 32]),
            Err(Argon2Error)
        );
        assert_eq!(argon2id13(b"p", &[0; 16], 1, 0, &mut [0; 32]), Err(Argon2Error));
    }
}
