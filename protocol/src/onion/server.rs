//! A server's side behind the last relay: opening what is posted to `…/lsrpc`, and answering in v4 or the old v3
//! (spec/03-network.md §4.4, spec/06-communities.md §4.1).

use super::PeelError;
use super::cipher::LayerKey;
use super::control::Control;
use super::frame::parse_frame;
use super::v4::V4Reply;
use super::{FrameError, MAX_PACKET_SIZE};
use crate::base64;
use crate::json::check_limits;
use crate::keys::X25519SecretKey;
use rand_core::CryptoRng;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A request as a server finds it: a [`super::v4::V4Request`] or a [`V3Request`], by the path it was posted to.
#[derive(Debug, Clone)]
pub struct ServerRequest {
    /// The decrypted request.
    pub plain: Vec<u8>,
    /// Seals the reply.
    pub reply_key: LayerKey,
}

/// Opens the body of a POST that a relay made.
///
/// # Errors
/// [`PeelError`] when it is no frame, or not encrypted to this server.
pub fn open_server_request(secret: &X25519SecretKey, posted: &[u8]) -> Result<ServerRequest, PeelError> {
    if posted.len() > MAX_PACKET_SIZE {
        return Err(PeelError::TooLarge);
    }
    let (data, control) = parse_frame(posted)?;
    let control = Control::parse(control)?;
    let reply_key = LayerKey::for_receiver(secret, &control.ephemeral_key()?, control.suite()?)
        .map_err(|_| PeelError::InvalidCiphertext)?;
    let plain = reply_key.open(data).map_err(|_| PeelError::InvalidCiphertext)?;
    Ok(ServerRequest { plain, reply_key })
}

/// Seals a v4 reply; raw bytes.
pub fn seal_v4_reply(key: &LayerKey, reply: &V4Reply, rng: &mut impl CryptoRng) -> Vec<u8> {
    key.seal(&reply.encode(), rng)
}

/// A v3 request, which old clients send to `/loki/v3/lsrpc` and `/oxen/v3/lsrpc`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct V3Request {
    /// The path; without a leading slash it is one of the legacy endpoints.
    pub endpoint: String,
    /// The HTTP method.
    #[serde(default = "get")]
    pub method: String,
    /// Header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// The body: a text or any JSON value.
    #[serde(default)]
    pub body: Value,
}

fn get() -> String {
    "GET".to_owned()
}

impl V3Request {
    /// Decodes.
    ///
    /// # Errors
    /// [`FrameError::Json`] for anything that is no such request.
    pub fn decode(plain: &[u8]) -> Result<Self, FrameError> {
        check_limits(plain, MAX_PACKET_SIZE).map_err(|_| FrameError::Json)?;
        serde_json::from_slice(plain).map_err(|_| FrameError::Json)
    }
}

/// Seals a v3 reply: base64 text. A status other than 2xx replaces the body.
pub fn seal_v3_reply(key: &LayerKey, status: u16, body: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
    let sealed = if matches!(status, 200..=299) {
        key.seal(body, rng)
    } else {
        key.seal(format!("{{\"status_code\":{status}}}").as_bytes(), rng)
    };
    base64::encode(&sealed).into_bytes()
}
