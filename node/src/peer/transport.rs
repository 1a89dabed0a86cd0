//! Carrying sealed messages to a node: over HTTP(S), or in memory in tests.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use super::PEER_PATH;
use crate::net::client::{CallError, HttpClient};
use crate::registry::Node;

/// Largest message between nodes, in bytes: an onion packet (10 MiB) and its seal.
pub const MAX_PEER_MESSAGE: usize = 11 * 1024 * 1024;

/// Why a message did not reach a node or brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The node has no usable address.
    #[error("no contact details")]
    NoAddress,
    /// No connection, or it broke.
    #[error("could not reach the node")]
    Unreachable,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The node refused the message: it is not ready, or does not know us.
    #[error("refused with status {0}")]
    Refused(u16),
}

/// Carries one sealed message to a node and its sealed answer back.
pub trait PeerTransport: Send + Sync + 'static {
    /// Sends; the future ends by the timeout at the latest.
    fn send(
        &self,
        to: &Node,
        message: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, TransportError>>;
}

/// The transport of real networks.
pub struct HttpTransport {
    client: HttpClient,
}

impl HttpTransport {
    /// A transport that reaches private addresses only if the network is local.
    pub fn new(local_network: bool) -> Result<Self, crate::net::tls::TlsError> {
        let tls = crate::net::tls::client_unverified()?;
        Ok(Self {
            client: HttpClient::new(tls, local_network),
        })
    }
}

impl PeerTransport for HttpTransport {
    fn send(
        &self,
        to: &Node,
        message: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, TransportError>> {
        let url = to.url(PEER_PATH);
        let client = self.client.clone();
        Box::pin(async move {
            let url = url.ok_or(TransportError::NoAddress)?;
            let answer = client
                .post(
                    &url,
                    "application/octet-stream",
                    message,
                    MAX_PEER_MESSAGE,
                    timeout,
                )
                .await
                .map_err(|error| match error {
                    CallError::Forbidden => TransportError::NoAddress,
                    CallError::Timeout => TransportError::Timeout,
                    CallError::Unreachable | CallError::Tls | CallError::TooLarge => {
                        TransportError::Unreachable
                    }
                })?;
            if answer.status == 200 {
                Ok(answer.body)
            } else {
                Err(TransportError::Refused(answer.status))
            }
        })
    }
}
