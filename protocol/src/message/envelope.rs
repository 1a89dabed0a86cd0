//! The two outer layers of a stored one-to-one message: the envelope with the sent time, and the frame around it
//! (`spec/02-messages-v1.md §2.3, §2.4`).

use super::schema::{Envelope, WebSocketMessage, WebSocketRequestMessage, web_socket_message};
use crate::keys::Signature;
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use prost::Message;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Envelope type of one-to-one messages and sync copies.
const TYPE_SESSION_MESSAGE: u32 = 6;
/// What senders put into `sourceDevice`.
const SOURCE_DEVICE: u32 = 1;

/// A `proSig` for a sender without Pro: it looks like a signature and verifies under nothing, so that envelopes of
/// people with and without Pro cannot be told apart (spec/02 §2.3).
pub(super) fn decoy_signature(rng: &mut impl CryptoRng) -> Signature {
    let point = EdwardsPoint::mul_base(&random_scalar(rng)).compress();
    let mut bytes = [0; Signature::SIZE];
    let (r, s) = bytes.split_at_mut(Signature::SIZE / 2);
    r.copy_from_slice(point.as_bytes());
    s.copy_from_slice(random_scalar(rng).as_bytes());
    Signature::from(bytes)
}

/// A uniform scalar other than zero.
fn random_scalar(rng: &mut impl CryptoRng) -> Zeroizing<Scalar> {
    loop {
        let mut wide = Zeroizing::new([0; 64]);
        rng.fill_bytes(wide.as_mut_slice());
        let scalar = Scalar::from_bytes_mod_order_wide(&wide);
        if scalar != Scalar::ZERO {
            return Zeroizing::new(scalar);
        }
    }
}

/// Wraps a one-to-one ciphertext into envelope and frame.
pub(super) fn wrap(ciphertext: Vec<u8>, timestamp_ms: u64, pro_signature: &Signature) -> Vec<u8> {
    let envelope = Envelope {
        r#type: TYPE_SESSION_MESSAGE,
        source: None,
        timestamp: timestamp_ms,
        source_device: Some(SOURCE_DEVICE),
        content: Some(ciphertext),
        server_timestamp: None,
        pro_sig: Some(pro_signature.as_bytes().to_vec()),
    };
    WebSocketMessage {
        r#type: Some(web_socket_message::Type::Request.into()),
        request: Some(WebSocketRequestMessage {
            verb: Some(String::new()),
            path: Some(String::new()),
            body: Some(envelope.encode_to_vec()),
            request_id: Some(0),
            headers: Vec::new(),
        }),
    }
    .encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Ed25519PublicKey;
    use rand_core::SeedableRng;

    #[test]
    fn a_decoy_looks_like_a_signature_and_verifies_under_nothing() {
        let mut rng = rand_chacha::ChaCha20Rng::from_seed([4; 32]);
        let decoy = decoy_signature(&mut rng);
        assert_ne!(decoy, decoy_signature(&mut rng));
        let (r, s) = decoy.as_bytes().split_at(32);
        assert!(Ed25519PublicKey::from_slice(r).unwrap().to_x25519().is_ok());
        assert!(bool::from(
            Scalar::from_canonical_bytes(s.try_into().unwrap()).is_some()
        ));
        let pair = crate::keys::Ed25519KeyPair::generate(&mut rng);
        assert!(pair.public().verify(b"", &decoy).is_err());
    }
}
