//! Points and scalars: decoding with every check libsodium makes, strict verification, and the unclamped products
//! that blinding needs (`spec/01-accounts-and-crypto.md §3`).

use super::{Ed25519PublicKey, KeyError, Signature, X25519PublicKey};
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::IsIdentity;
use ed25519_dalek::{Verifier, VerifyingKey};
use std::sync::LazyLock;

/// The low byte of 2^255 − 19, whose other bytes are all ones: what an encoded y must stay below.
const FIELD_PRIME_LOW: u8 = 0xed;

/// The encodings of the eight small-order points. `R` of a signature must be none of them.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> =
    LazyLock::new(|| curve25519_dalek::constants::EIGHT_TORSION.map(|point| point.compress().to_bytes()));

/// A public key that was decompressed once, for those who verify and convert it.
pub(crate) struct DecodedKey(VerifyingKey);

impl DecodedKey {
    /// Decompresses; refuses non-canonical encodings, bytes that are no point, and points of small order.
    pub(crate) fn new(key: &Ed25519PublicKey) -> Result<Self, KeyError> {
        if !is_canonical(key.as_bytes()) {
            return Err(KeyError::InvalidPoint);
        }
        let decoded = VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| KeyError::InvalidPoint)?;
        if decoded.is_weak() {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self(decoded))
    }

    /// See [`Ed25519PublicKey::verify`].
    pub(crate) fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        let parsed = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        // The equation is checked by comparing the computed R with the given bytes, so that a signature that passes
        // has a canonical R, and looking R up among eight encodings decides its order without decompressing it.
        self.0
            .verify(message, &parsed)
            .map_err(|_| KeyError::BadSignature)?;
        if SMALL_ORDER.contains(parsed.r_bytes()) {
            return Err(KeyError::BadSignature);
        }
        Ok(())
    }

    /// See [`Ed25519PublicKey::to_x25519`].
    pub(crate) fn to_x25519(&self) -> Result<X25519PublicKey, KeyError> {
        let point = self.0.to_edwards();
        if !is_torsion_free(&point) {
            return Err(KeyError::MixedOrder);
        }
        Ok(X25519PublicKey::from(point.to_montgomery().to_bytes()))
    }
}

/// Decodes a point of the prime-order subgroup other than the identity.
fn prime_order_point(key: &Ed25519PublicKey) -> Result<EdwardsPoint, KeyError> {
    let point = DecodedKey::new(key)?.0.to_edwards();
    if !is_torsion_free(&point) {
        return Err(KeyError::MixedOrder);
    }
    Ok(point)
}

/// `mul(k, P)` of spec/01 §3.5: no clamping; fails for every `P` that [`prime_order_point`] refuses and for `k = 0`.
pub(crate) fn multiply(scalar: &Scalar, key: &Ed25519PublicKey) -> Result<Ed25519PublicKey, KeyError> {
    let product = prime_order_point(key)? * scalar;
    if product.is_identity() {
        return Err(KeyError::SmallOrder);
    }
    Ok(Ed25519PublicKey::from(product.compress().to_bytes()))
}

/// `mulbase(k)` of spec/01 §3.5.
pub(crate) fn multiply_base(scalar: &Scalar) -> Ed25519PublicKey {
    Ed25519PublicKey::from(EdwardsPoint::mul_base(scalar).compress().to_bytes())
}

/// `reduce(x)`: 64 little-endian bytes modulo the group order.
pub(crate) fn scalar_from_wide(bytes: &[u8; 64]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(bytes)
}

/// Whether the encoded y (without the sign bit) is below the field prime.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff) || *low < FIELD_PRIME_LOW
}

/// Whether the point is in the prime-order subgroup.
///
/// Points here are public, so the sparse digits of ℓ − 1 may show in the time taken; that is a quarter faster than
/// the library's own constant-time product with ℓ. `(ℓ − 1)·P = −P` exactly when `ℓ·P` is the identity. The identity
/// itself passes; callers come here through [`DecodedKey::new`], which refuses it.
fn is_torsion_free(point: &EdwardsPoint) -> bool {
    let minus_one = -Scalar::ONE;
    EdwardsPoint::vartime_double_scalar_mul_basepoint(&minus_one, point, &Scalar::ZERO) == -point
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::CompressedEdwardsY;

    #[test]
    fn torsion_check_agrees_with_the_library() {
        let base = EdwardsPoint::mul_base(&Scalar::from(5_u8));
        for torsion in EIGHT_TORSION {
            let point = base + torsion;
            assert_eq!(is_torsion_free(&point), point.is_torsion_free());
            assert_eq!(is_torsion_free(&torsion), torsion.is_torsion_free());
        }
    }

    #[test]
    fn mixed_and_small_order_points_are_told_apart() {
        let base = EdwardsPoint::mul_base(&Scalar::from(5_u8));
        for torsion in &EIGHT_TORSION[1..] {
            let mixed = Ed25519PublicKey::from((base + torsion).compress().to_bytes());
            assert_eq!(mixed.to_x25519(), Err(KeyError::MixedOrder));
            assert_eq!(multiply(&Scalar::ONE, &mixed), Err(KeyError::MixedOrder));
            let small = Ed25519PublicKey::from(torsion.compress().to_bytes());
            assert_eq!(small.to_x25519(), Err(KeyError::SmallOrder));
        }
    }

    #[test]
    fn a_zero_product_is_refused() {
        let key = multiply_base(&Scalar::from(9_u8));
        assert_eq!(multiply(&Scalar::ZERO, &key), Err(KeyError::SmallOrder));
    }

    #[test]
    fn non_canonical_y_is_refused() {
        // y = p + 3 is the same point as y = 3 in a lenient decoder.
        let mut bytes = [0xff; 32];
        bytes[0] = 0xf0;
        bytes[31] = 0x7f;
        assert!(CompressedEdwardsY(bytes).decompress().is_some());
        assert_eq!(
            Ed25519PublicKey::from(bytes).to_x25519(),
            Err(KeyError::InvalidPoint)
        );
    }
}
