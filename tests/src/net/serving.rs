//! What the network answers an engine: its gateways, its seed, and its nodes, those that lie among them.

use std::net::{IpAddr, Ipv4Addr};

use holdfast_client::ports::{HttpRequest, HttpResponse, NetworkError};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::{NodeList, NodeState, ServiceNode};
use holdfast_protocol::onion::{self, Body, Peeled};
use holdfast_protocol::swarm::request::Request;

use super::{Fault, GATEWAY, LATENCY, OTHER_GATEWAY, SEED, THIRD_GATEWAY, TestRng, World};

impl World {
    pub(super) async fn serve(&self, request: HttpRequest) -> Result<HttpResponse, NetworkError> {
        tokio::time::sleep(LATENCY).await;
        let answer = if let Some(path) = request.url.strip_prefix(GATEWAY) {
            self.gateway(GATEWAY, path, request.body).await
        } else if let Some(path) = request.url.strip_prefix(OTHER_GATEWAY) {
            self.gateway(OTHER_GATEWAY, path, request.body).await
        } else if let Some(path) = request.url.strip_prefix(THIRD_GATEWAY) {
            self.gateway(THIRD_GATEWAY, path, request.body).await
        } else if request.url == SEED {
            let list = String::from_utf8(list_response(&self.list()).body).unwrap();
            Ok(response(200, &[], format!(r#"{{"result":{list}}}"#).into_bytes()))
        } else {
            self.direct(&request.url, request.body).await
        };
        tokio::time::sleep(LATENCY).await;
        answer
    }

    /// A node at its own address.
    async fn direct(&self, url: &str, body: Vec<u8>) -> Result<HttpResponse, NetworkError> {
        let asked = |node: &&ServiceNode| format!("{}/onion_req/v2", node.base_url()) == url;
        let list = self.list();
        let node = list.iter().find(asked).ok_or(NetworkError::Unreachable)?;
        self.guards_used.borrow_mut().push(node.ed25519);
        let answer = self.at_guard(&node.ed25519, body).await;
        let (status, body) = answer.ok_or(NetworkError::Unreachable)?;
        Ok(response(status, &[], body))
    }

    async fn gateway(
        &self,
        name: &'static str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<HttpResponse, NetworkError> {
        if !self.gateway_up.get() {
            return Err(NetworkError::Unreachable);
        }
        if path == "/bundled.json" {
            let bundled = self.bundled.borrow().clone();
            return bundled
                .map(|nodes| list_response(&nodes))
                .ok_or(NetworkError::Unreachable);
        }
        if self.gateway_busy.get() {
            return Ok(response(429, &[("x-gateway-error", "busy")], Vec::new()));
        }
        if path == "/v1/nodes" {
            let told = self.false_lists.borrow().get(name).cloned();
            return Ok(list_response(&told.unwrap_or_else(|| self.list())));
        }
        let Some(key) = path.strip_prefix("/v1/onion/") else {
            return Ok(response(404, &[], Vec::new()));
        };
        let guard = Ed25519PublicKey::from_hex(key).unwrap();
        self.packets.set(self.packets.get() + 1);
        self.guards_used.borrow_mut().push(guard);
        let Some(answer) = self.at_guard(&guard, body).await else {
            return Ok(response(502, &[("x-gateway-error", "guard-connect")], Vec::new()));
        };
        if !self.gateway_up.get() {
            return Err(NetworkError::Unreachable);
        }
        let (status, body) = answer;
        Ok(response(200, &[("x-guard-status", &status.to_string())], body))
    }

    /// What a guard answers; `None` when it can't be reached.
    async fn at_guard(&self, guard: &Ed25519PublicKey, packet: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        // What lies behind the last hop is reached from here too.
        if self.shared.any_lies() || self.files.borrow().is_some() {
            return self.through_liars(*guard, packet).await;
        }
        let node = self.shared.node(guard)?;
        match self.shared.fault(guard) {
            Fault::Dead => return None,
            Fault::Silent => std::future::pending().await,
            Fault::Slow(duration) => tokio::time::sleep(duration).await,
            _ => {}
        }
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let answer = node
            .handle(&http::Method::POST, "/onion_req/v2", packet.into(), peer)
            .await;
        match self.shared.fault(guard) {
            Fault::Dead | Fault::DiesAnswering => None,
            _ => Some((answer.status, answer.body.to_vec())),
        }
    }

    /// The same with hops played here, so that each of them and the destination may lie. The store behind is real.
    async fn through_liars(&self, guard: Ed25519PublicKey, packet: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        if let Fault::LosesLarge(most) = self.shared.fault(&guard)
            && packet.len() > most
        {
            return Some((504, b"Request time out".to_vec()));
        }
        let mut at = guard;
        let mut peeled = onion::peel(&self.shared.keys(&guard)?.x25519(), &packet);
        loop {
            let gone = |text: &str| Some((502, format!("{text}: {}", at.to_hex()).into_bytes()));
            match self.shared.fault(&at) {
                Fault::Dead if at == guard => return None,
                Fault::Dead => return gone("Next node is currently unreachable"),
                Fault::Silent => std::future::pending().await,
                Fault::Slow(duration) => tokio::time::sleep(duration).await,
                Fault::GarbageHop => return Some((200, vec![0xa5; 333])),
                Fault::ForgingHop(status, text) => {
                    let (own, is_final) = (at, matches!(peeled, Ok(Peeled::Final { .. })));
                    // It answers for itself, to look alive.
                    if !is_final {
                        return Some((status, text.replace("{own}", &own.to_hex()).into_bytes()));
                    }
                }
                _ => {}
            }
            tokio::time::sleep(LATENCY).await;
            match peeled {
                Ok(Peeled::RelayToNode { next, packet, .. }) => {
                    at = next;
                    let Some(keys) = self.shared.keys(&at) else {
                        return Some((502, format!("Next node not found: {at}").into_bytes()));
                    };
                    peeled = packet.peel(&keys.x25519());
                }
                Ok(Peeled::Final {
                    body,
                    options,
                    reply_key,
                    ..
                }) => {
                    let (status, answer) = self.at_destination(&at, body).await;
                    let body = match std::str::from_utf8(&answer) {
                        Ok(json) if json.starts_with('{') => Body::Json(&answer),
                        Ok(text) => Body::Text(text),
                        Err(_) => Body::Binary(&answer),
                    };
                    return Some((
                        200,
                        onion::seal_reply(&reply_key, options, status, body, &mut TestRng),
                    ));
                }
                Ok(Peeled::RelayToServer { target, frame, .. }) => {
                    let files = self.files.borrow().clone();
                    let answer = match files {
                        Some(files) => files.post(&target, frame).await,
                        None => None,
                    };
                    let unreachable = || (502, b"Could not reach the server".to_vec());
                    return Some(answer.unwrap_or_else(unreachable));
                }
                _ => return Some((400, b"Invalid ciphertext".to_vec())),
            }
        }
    }

    async fn at_destination(&self, key: &Ed25519PublicKey, body: Vec<u8>) -> (u16, Vec<u8>) {
        let mut body = body;
        match (self.shared.fault(key), Request::from_json(&body)) {
            (Fault::Lying(lie), Ok(request)) => {
                if let Some(answer) = lie(&request) {
                    return answer;
                }
            }
            (Fault::WrongClock, Ok(request)) if stores(&request) => {
                return (406, b"Timestamp error".to_vec());
            }
            (Fault::Stock, Ok(Request::Batch(mut batch))) => {
                batch.wait_ms = None;
                body = Request::Batch(batch).to_json_body();
            }
            _ => {}
        }
        let node = self.shared.node(key).unwrap();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let answer = node
            .handle(&http::Method::POST, "/storage_rpc/v1", body.into(), peer)
            .await;
        let mut body = answer.body.to_vec();
        if matches!(self.shared.fault(key), Fault::Stock)
            && let Ok(text) = std::str::from_utf8(&body)
        {
            body = text.replace("\"wait\":25000", "\"other\":0").into_bytes();
        }
        (answer.status, body)
    }
}

/// Whether a request, or one in it, is to store something.
fn stores(request: &Request) -> bool {
    match request {
        Request::Store(_) => true,
        Request::Batch(batch) | Request::Sequence(batch) => batch.requests.iter().any(stores),
        _ => false,
    }
}

fn list_response(nodes: &[ServiceNode]) -> HttpResponse {
    let list = NodeList {
        states: nodes.iter().map(NodeState::of).collect(),
        ..NodeList::default()
    };
    response(200, &[], list.to_json())
}

fn response(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> HttpResponse {
    HttpResponse {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body,
    }
}
