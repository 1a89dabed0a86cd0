//! The JSON behind the blob of a frame: what tells a hop its part (spec/03-network.md §4.3).

use super::frame::FrameError;
use super::{MAX_RELAYS, Suite};
use crate::json::check_limits;
use crate::keys::{Ed25519PublicKey, X25519PublicKey};
use serde_json::{Map, Value};

/// Longest control text that is parsed, bytes. Clients write about 200; the desktop's `headers` object adds some more.
const MAX_CONTROL_SIZE: usize = 64 * 1024;

/// The port that a relay assumes when the control names none.
const DEFAULT_PORT: u16 = 443;

/// How the client wants the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyOptions {
    /// The body as a JSON value; otherwise as a JSON string that holds the JSON.
    pub json: bool,
    /// The sealed reply as base64 text; otherwise as raw bytes.
    pub base64: bool,
}

impl Default for ReplyOptions {
    fn default() -> Self {
        Self {
            json: false,
            base64: true,
        }
    }
}

/// A parsed control object. Unknown keys are ignored, and known ones are looked at only where they matter.
pub(super) struct Control(Map<String, Value>);

impl Control {
    pub(super) fn parse(text: &[u8]) -> Result<Self, FrameError> {
        check_limits(text, MAX_CONTROL_SIZE).map_err(|_| FrameError::Json)?;
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|_| FrameError::Json)
    }

    /// The client's key for the layer that the blob is.
    pub(super) fn ephemeral_key(&self) -> Result<X25519PublicKey, FrameError> {
        let text = self.text("ephemeral_key")?.ok_or(FrameError::Field)?;
        X25519PublicKey::from_hex(text).map_err(|_| FrameError::Field)
    }

    /// The suite of the layer that the blob is; aes-gcm when none is named.
    pub(super) fn suite(&self) -> Result<Suite, FrameError> {
        match self.text("enc_type")? {
            None => Ok(Suite::AesGcm),
            Some(name) => Suite::parse(name).ok_or(FrameError::Suite),
        }
    }

    /// The relays that the packet passed; what is beyond every limit is cut to just over the limit.
    pub(super) fn hop_no(&self) -> Result<u32, FrameError> {
        match self.0.get("hop_no") {
            None | Some(Value::Null) => Ok(0),
            Some(value) => {
                let number = value.as_u64().ok_or(FrameError::Field)?;
                Ok(u32::try_from(number).unwrap_or(u32::MAX).min(MAX_RELAYS + 1))
            }
        }
    }

    /// Whether the receiver is the destination: the key counts with any value.
    pub(super) fn is_final(&self) -> bool {
        self.0.contains_key("headers")
    }

    /// Whether the rest goes to a server.
    pub(super) fn is_to_server(&self) -> bool {
        self.0.contains_key("host")
    }

    pub(super) fn reply_options(&self) -> Result<ReplyOptions, FrameError> {
        let default = ReplyOptions::default();
        Ok(ReplyOptions {
            json: self.flag("json")?.unwrap_or(default.json),
            base64: self.flag("base64")?.unwrap_or(default.base64),
        })
    }

    /// The next node.
    pub(super) fn destination(&self) -> Result<Ed25519PublicKey, FrameError> {
        let text = self.text("destination")?.ok_or(FrameError::Field)?;
        Ed25519PublicKey::from_hex(text).map_err(|_| FrameError::Field)
    }

    pub(super) fn host(&self) -> Result<String, FrameError> {
        self.text("host")?.map(str::to_owned).ok_or(FrameError::Field)
    }

    pub(super) fn target(&self) -> Result<String, FrameError> {
        self.text("target")?.map(str::to_owned).ok_or(FrameError::Field)
    }

    pub(super) fn protocol(&self) -> Result<String, FrameError> {
        Ok(self.text("protocol")?.unwrap_or("https").to_owned())
    }

    pub(super) fn port(&self) -> Result<u16, FrameError> {
        match self.0.get("port") {
            None | Some(Value::Null) => Ok(DEFAULT_PORT),
            Some(value) => value
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
                .ok_or(FrameError::Field),
        }
    }

    fn text(&self, key: &str) -> Result<Option<&str>, FrameError> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(FrameError::Field),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, FrameError> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(FrameError::Field),
        }
    }
}
