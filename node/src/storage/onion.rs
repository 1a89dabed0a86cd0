//! Onion requests: taking our layer off and doing what is under it (spec/03-network.md §4).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::onion::{
    Body as SealedBody, LayerKey, MAX_ONION_REPLY_SIZE, PeelError, Peeled, RelayPacket, ReplyOptions,
    ServerTarget, peel, seal_reply,
};
use holdfast_protocol::swarm::request::{MAX_WAIT_MS, Request};

use super::reply::{Body, Reply};
use super::{Inner, service};
use crate::net::client::CallError;
use crate::peer::Call;
use crate::peer::transport::TransportError;
use crate::peer::wire::{Reader, Writer};

/// How long the next node may take: the network's 30 s (spec/03-network.md §4.9) and what a waiting retrieve may add.
const HOP_TIMEOUT: Duration = Duration::from_millis(30_000 + MAX_WAIT_MS);
/// How long a server behind us may take.
const SERVER_TIMEOUT: Duration = Duration::from_secs(25);
/// The codes that travel through a relay; others become 500 (spec/03-network.md §3.6).
const RELAYED_CODES: [u16; 15] = [
    200, 400, 401, 403, 404, 406, 410, 413, 421, 425, 429, 500, 502, 503, 504,
];

/// What goes back to the hop before: a status and bytes.
pub(super) struct HopReply {
    pub(super) code: u16,
    pub(super) body: Bytes,
}

impl HopReply {
    fn text(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            body: Bytes::from(text.into()),
        }
    }
}

/// A client's packet at its guard.
pub(super) async fn at_guard(inner: &Arc<Inner>, packet: &[u8]) -> HopReply {
    inner.metrics.onion.add_one();
    proceed(inner, peel(&inner.onion_secret, packet)).await
}

/// A packet from another node.
pub(super) async fn at_relay(inner: &Arc<Inner>, packet: &[u8]) -> Bytes {
    inner.metrics.onion.add_one();
    let reply = if inner.not_ready().is_some() {
        HopReply::text(503, format!("Snode not ready: {}", inner.public))
    } else {
        let peeled = RelayPacket::from_bt(packet).and_then(|packet| packet.peel(&inner.onion_secret));
        proceed(inner, peeled).await
    };
    let mut out = Writer::new();
    out.u16(reply.code).raw(&reply.body);
    out.finish()
}

fn proceed(inner: &Arc<Inner>, peeled: Result<Peeled, PeelError>) -> BoxFuture<'_, HopReply> {
    async move {
        match peeled {
            Ok(Peeled::Final {
                body,
                options,
                reply_key,
            }) => {
                let reply = answer(inner, body).await;
                seal(inner, &reply_key, options, &reply)
            }
            Ok(Peeled::RelayToNode { next, packet }) => to_node(inner, &next, &packet).await,
            Ok(Peeled::RelayToServer {
                target,
                frame,
                reply_key,
            }) => to_server(inner, &target, frame, &reply_key).await,
            Err(PeelError::InvalidJson(key)) => seal(
                inner,
                &key,
                ReplyOptions::default(),
                &Reply::text(400, "Invalid json"),
            ),
            Err(error) => HopReply::text(400, error.to_string()),
        }
    }
    .boxed()
}

/// Answers a storage request that came through an onion.
async fn answer(inner: &Arc<Inner>, body: Vec<u8>) -> Reply {
    inner.metrics.requests.add_one();
    match Request::from_json(&body) {
        Ok(request) => {
            drop(body);
            service::run(inner, request).await
        }
        Err(refusal) => refusal.into(),
    }
}

fn seal(inner: &Inner, key: &LayerKey, options: ReplyOptions, reply: &Reply) -> HopReply {
    let body = match &reply.body {
        Body::Json(json) => SealedBody::Json(json),
        Body::Text(text) => SealedBody::Text(text),
        Body::Binary(bytes) => SealedBody::Binary(bytes),
    };
    let sealed = inner.with_random(|random| seal_reply(key, options, reply.code, body, random));
    HopReply {
        code: 200,
        body: Bytes::from(sealed),
    }
}

async fn to_node(inner: &Arc<Inner>, next: &Ed25519PublicKey, packet: &RelayPacket) -> HopReply {
    let list = inner.list();
    let Some(node) = list.get(next) else {
        return HopReply::text(502, format!("Next node not found: {next}"));
    };
    inner.metrics.relayed.add_one();
    let unreachable = || HopReply::text(502, format!("Next node is currently unreachable: {next}"));
    match inner
        .links
        .call(node, Call::Onion, &packet.to_bt(), HOP_TIMEOUT)
        .await
    {
        Ok(reply) => {
            let mut reader = Reader::new(reply);
            match reader.u16() {
                Ok(code) => HopReply {
                    code: if RELAYED_CODES.contains(&code) { code } else { 500 },
                    body: reader.rest(),
                },
                Err(_) => HopReply::text(500, "Invalid response from snode"),
            }
        }
        Err(TransportError::Timeout) => HopReply::text(504, "Request time out"),
        Err(TransportError::Refused(503)) => HopReply::text(503, format!("Snode not ready: {next}")),
        Err(TransportError::Refused(_)) => HopReply::text(500, "Invalid response from snode"),
        Err(TransportError::NoAddress | TransportError::Unreachable) => unreachable(),
    }
}

async fn to_server(inner: &Arc<Inner>, target: &ServerTarget, frame: Vec<u8>, key: &LayerKey) -> HopReply {
    let refusal = || {
        seal(
            inner,
            key,
            ReplyOptions::default(),
            &Reply::text(400, "Invalid url"),
        )
    };
    let Some(url) = target.url() else { return refusal() };
    inner.metrics.relayed.add_one();
    let answer = inner
        .servers
        .post(
            &url,
            "application/octet-stream",
            frame.into(),
            MAX_ONION_REPLY_SIZE,
            SERVER_TIMEOUT,
        )
        .await;
    match answer {
        Ok(answer) => HopReply {
            code: if RELAYED_CODES.contains(&answer.status) {
                answer.status
            } else {
                500
            },
            body: answer.body,
        },
        // A private address is refused as a bad URL is: the caller learns nothing about what is there.
        Err(CallError::Forbidden) => refusal(),
        Err(CallError::Timeout) => HopReply::text(504, "Request time out"),
        Err(CallError::Unreachable | CallError::Tls | CallError::TooLarge) => {
            HopReply::text(502, "Could not reach the server")
        }
    }
}
