//! An answer before it is put on a carrier: over HTTP as it is, in a batch as a JSON value, in an onion reply sealed.

use std::borrow::Cow;

use holdfast_protocol::swarm::request::RequestError;
use serde::Serialize;

/// The contents of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// JSON text.
    Json(Vec<u8>),
    /// Plain text.
    Text(Cow<'static, str>),
    /// Bytes; base64 in JSON.
    Binary(Vec<u8>),
}

/// A status and what comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) body: Body,
}

impl Reply {
    /// A JSON answer.
    pub(super) fn json(code: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => Self {
                code,
                body: Body::Json(json),
            },
            Err(_) => Self::text(500, "request failed"),
        }
    }

    /// JSON that is written already.
    pub(super) fn raw(code: u16, json: Vec<u8>) -> Self {
        Self {
            code,
            body: Body::Json(json),
        }
    }

    /// A plain text.
    pub(super) fn text(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            body: Body::Text(text.into()),
        }
    }

    /// The answer for a failure of ours, with its reason in the log only.
    pub(super) fn failure(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Self::text(500, "request failed")
    }

    /// Whether the code is 2xx.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Appends the body as a JSON value.
    pub(super) fn write_value(&self, out: &mut Vec<u8>) {
        match &self.body {
            Body::Json(json) => out.extend_from_slice(json),
            // Strings always serialize, into a Vec that takes everything.
            Body::Text(text) => drop(serde_json::to_writer(&mut *out, text)),
            Body::Binary(bytes) => {
                out.push(b'"');
                out.extend_from_slice(data_encoding::BASE64.encode(bytes).as_bytes());
                out.push(b'"');
            }
        }
    }
}

impl From<RequestError> for Reply {
    fn from(error: RequestError) -> Self {
        Self::text(error.code, error.text)
    }
}
