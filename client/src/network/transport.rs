//! Brings an onion packet to its guard, through a gateway or directly, and tells the gateway's failures from the guard's.

use std::time::Duration;

use holdfast_protocol::nodes::ServiceNode;

use crate::api::Trouble;
use crate::core::Core;
use crate::ports::{HttpRequest, HttpResponse, Method, NetworkError, Progress};
use crate::profile::NetworkProfile;

/// The largest answer to an onion packet: a node's 10 MiB (`spec/03-network.md §7.3`) and slack for headers.
const MAX_ANSWER: usize = 10 * 1024 * 1024 + 64 * 1024;
/// The largest node list: some ten times today's (1,553 nodes, 680 kB).
pub(crate) const MAX_LIST: usize = 8 * 1024 * 1024;
/// How long fetching a list may take.
pub(crate) const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// A gateway counts as unreachable after this many failures in a row: one may be an accident.
const GATEWAY_FAILURES: u32 = 2;
/// How much longer to wait for a gateway than for the guard behind it.
const GATEWAY_SLACK: Duration = Duration::from_secs(2);

/// What the guard answered, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GuardAnswer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why the guard did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// This device has no connection.
    Offline,
    /// The gateway failed; says nothing of the guard.
    Gateway,
    /// The gateway is there and has no room now; says nothing of the guard.
    Busy,
    /// The guard could not be reached.
    Guard,
    /// The gateway does not know the guard: its list is another one.
    UnknownGuard,
    /// Nobody answered in time: the guard or anything behind it.
    Timeout,
    /// More came back than any node may answer; says nothing of the gateway.
    TooLarge,
}

impl Core {
    /// Posts a packet to a guard.
    pub(crate) async fn send_packet(
        &self,
        guard: &ServiceNode,
        packet: Vec<u8>,
        timeout: Duration,
        progress: Option<Progress>,
    ) -> Result<GuardAnswer, SendError> {
        if !self.net.online.get() {
            return Err(SendError::Offline);
        }
        if self.profile.direct {
            return self.send_direct(guard, packet, timeout, progress).await;
        }
        let Some(gateway) = self.net.gateway(&self.profile) else {
            return Err(SendError::Gateway);
        };
        let path = format!("v1/onion/{}", guard.ed25519.to_hex());
        let request = HttpRequest {
            method: Method::Post,
            url: NetworkProfile::below(&gateway, &path),
            body: packet,
            timeout: timeout + GATEWAY_SLACK,
            max_response: MAX_ANSWER,
            progress,
        };
        let outcome = read_gateway(self.ports.network.send(request).await);
        match &outcome {
            Err(SendError::Gateway) => self.gateway_failed(),
            Err(SendError::Busy) => self.gateway_busy(),
            Err(SendError::Offline) => self.went_offline(),
            // A time-out may be the gateway's or the guard's; it changes neither count.
            Err(SendError::Timeout) => {}
            Ok(_) | Err(SendError::Guard | SendError::UnknownGuard | SendError::TooLarge) => {
                self.gateway_works();
            }
        }
        outcome
    }

    async fn send_direct(
        &self,
        guard: &ServiceNode,
        packet: Vec<u8>,
        timeout: Duration,
        progress: Option<Progress>,
    ) -> Result<GuardAnswer, SendError> {
        let request = HttpRequest {
            method: Method::Post,
            url: format!("{}/onion_req/v2", guard.base_url()),
            body: packet,
            timeout,
            max_response: MAX_ANSWER,
            progress,
        };
        match self.ports.network.send(request).await {
            Ok(response) => {
                self.is_online();
                Ok(GuardAnswer {
                    status: response.status,
                    body: response.body,
                })
            }
            Err(NetworkError::Offline) => {
                self.went_offline();
                Err(SendError::Offline)
            }
            Err(NetworkError::Timeout) => Err(SendError::Timeout),
            Err(NetworkError::TooLarge) => Err(SendError::TooLarge),
            Err(NetworkError::Unreachable) => Err(SendError::Guard),
        }
    }

    /// Fetches a public file, such as a node list.
    pub(crate) async fn fetch_file(&self, url: &str) -> Result<Vec<u8>, NetworkError> {
        let response = self.fetch_answer(url).await?;
        if response.status == 200 {
            Ok(response.body)
        } else {
            Err(NetworkError::Unreachable)
        }
    }

    /// The same, whatever its status.
    pub(crate) async fn fetch_answer(&self, url: &str) -> Result<HttpResponse, NetworkError> {
        let url = if url.contains("://") || url.starts_with('/') {
            url.to_owned()
        } else {
            format!("/{url}")
        };
        let request = HttpRequest {
            method: Method::Get,
            url,
            body: Vec::new(),
            timeout: LIST_TIMEOUT,
            max_response: MAX_LIST,
            progress: None,
        };
        self.ports.network.send(request).await
    }

    /// The present gateway failed: the next one takes its turn.
    pub(crate) fn gateway_failed(&self) {
        let failures = self.net.gateway_failures.get().saturating_add(1);
        self.net.gateway_failures.set(failures);
        self.net.next_gateway();
        let gateways = u32::try_from(self.profile.gateways.len()).unwrap_or(u32::MAX);
        if failures >= GATEWAY_FAILURES.max(gateways) {
            self.trouble(Trouble::GatewayUnreachable);
        }
    }

    /// The gateway answered that it has no room: another one may have some, and it is no failure of anybody's.
    pub(crate) fn gateway_busy(&self) {
        self.gateway_works();
        self.net.next_gateway();
    }

    /// The gateway answered.
    pub(crate) fn gateway_works(&self) {
        self.net.gateway_failures.set(0);
        self.trouble_over(Trouble::GatewayUnreachable);
        self.is_online();
    }

    fn is_online(&self) {
        if self.net.online.get() {
            self.trouble_over(Trouble::Offline);
        }
    }

    fn went_offline(&self) {
        self.trouble(Trouble::Offline);
    }
}

/// Whether a gateway says that it has no room now.
pub(crate) fn is_busy(response: &HttpResponse) -> bool {
    response.header("x-gateway-error") == Some("busy")
}

/// Reads what came back through a gateway (`spec/03-network.md §7.3`).
fn read_gateway(outcome: Result<HttpResponse, NetworkError>) -> Result<GuardAnswer, SendError> {
    let response = match outcome {
        Ok(response) => response,
        Err(NetworkError::Offline) => return Err(SendError::Offline),
        Err(NetworkError::Timeout) => return Err(SendError::Timeout),
        Err(NetworkError::TooLarge) => return Err(SendError::TooLarge),
        Err(NetworkError::Unreachable) => return Err(SendError::Gateway),
    };
    if is_busy(&response) {
        return Err(SendError::Busy);
    }
    if let Some(error) = response.header("x-gateway-error") {
        return Err(match error {
            "unknown-guard" => SendError::UnknownGuard,
            "guard-connect" | "guard-tls" => SendError::Guard,
            "guard-timeout" => SendError::Timeout,
            "too-large" | "answer-too-large" => SendError::TooLarge,
            _ => SendError::Gateway,
        });
    }
    let status = response
        .header("x-guard-status")
        .and_then(|status| status.trim().parse().ok());
    match status {
        Some(status) if response.status == 200 => Ok(GuardAnswer {
            status,
            body: response.body,
        }),
        // Somebody in front of the gateway answered, or something that is no gateway.
        _ => Err(SendError::Gateway),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)]) -> Result<HttpResponse, NetworkError> {
        Ok(HttpResponse {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: b"body".to_vec(),
        })
    }

    #[test]
    fn a_guards_status_comes_from_its_header_only() {
        let answer = read_gateway(response(200, &[("x-guard-status", "502")])).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (502, &b"body"[..]));
        assert_eq!(read_gateway(response(200, &[])), Err(SendError::Gateway));
        assert_eq!(read_gateway(response(502, &[])), Err(SendError::Gateway));
        assert_eq!(
            read_gateway(response(500, &[("x-guard-status", "200")])),
            Err(SendError::Gateway)
        );
    }

    #[test]
    fn a_gateways_errors_are_told_from_the_guards() {
        let error = |name| read_gateway(response(502, &[("x-gateway-error", name)])).unwrap_err();
        assert_eq!(error("unknown-guard"), SendError::UnknownGuard);
        assert_eq!(error("guard-connect"), SendError::Guard);
        assert_eq!(error("guard-tls"), SendError::Guard);
        assert_eq!(error("guard-timeout"), SendError::Timeout);
        assert_eq!(error("too-large"), SendError::TooLarge);
        assert_eq!(error("answer-too-large"), SendError::TooLarge);
        assert_eq!(error("something-new"), SendError::Gateway);
        assert_eq!(error("busy"), SendError::Busy);
        assert_eq!(
            read_gateway(Err(NetworkError::Unreachable)),
            Err(SendError::Gateway)
        );
        assert_eq!(read_gateway(Err(NetworkError::Offline)), Err(SendError::Offline));
        assert_eq!(
            read_gateway(Err(NetworkError::TooLarge)),
            Err(SendError::TooLarge)
        );
    }
}
