//! A queue per member: operations that wait for the same member travel together, and a member that stays silent is not
//! waited for again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use holdfast_protocol::keys::Ed25519PublicKey;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::Call;
use super::channel::Channel;
use super::transport::{PeerTransport, TransportError};
use super::wire::{Reader, Writer};
use crate::clock::Clock;
use crate::registry::Node;

/// How long a member may take for an operation (spec/03-network.md §3.8).
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
/// Operations in one exchange.
const MAX_BATCH: usize = 512;
/// Bytes of operations in one exchange, beyond which no further one is added.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Exchanges under way with one member: one on the wire while the next is being run.
const IN_FLIGHT: usize = 2;
/// Operations that may wait for one member; more are told at once that it is too slow.
const QUEUE: usize = 8_192;
/// How long a member that timed out is left alone.
const SILENCE: Duration = Duration::from_secs(10);

/// A client operation on its way to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// When the entry node accepted it, ms.
    pub at: u64,
    /// It comes late: it must not undo what happened since.
    pub late: bool,
    /// The RPC method.
    pub method: String,
    /// The bt-encoded parameters as the client signed them.
    pub params: Bytes,
}

/// A member's answer to one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardReply {
    /// HTTP-like status.
    pub code: u16,
    /// JSON for 200, else text.
    pub body: Bytes,
}

/// Encodes a batch of operations.
pub fn encode_forwards(batch: &[Forward]) -> Bytes {
    let mut out = Writer::new();
    out.len(batch.len());
    for forward in batch {
        out.u64(forward.at)
            .u8(u8::from(forward.late))
            .bytes(forward.method.as_bytes())
            .bytes(&forward.params);
    }
    out.finish()
}

/// Decodes a batch of operations.
pub fn decode_forwards(body: Bytes) -> Result<Vec<Forward>, super::wire::WireError> {
    let mut reader = Reader::new(body);
    let count = reader.count(17)?;
    let mut batch = Vec::with_capacity(count);
    for _ in 0..count {
        batch.push(Forward {
            at: reader.u64()?,
            late: reader.u8()? != 0,
            method: String::from_utf8(reader.bytes()?.to_vec()).map_err(|_| super::wire::WireError)?,
            params: reader.bytes()?,
        });
    }
    Ok(batch)
}

/// Encodes the answers to a batch.
pub fn encode_replies(replies: &[ForwardReply]) -> Bytes {
    let mut out = Writer::new();
    out.len(replies.len());
    for reply in replies {
        out.u16(reply.code).bytes(&reply.body);
    }
    out.finish()
}

fn decode_replies(body: Bytes) -> Result<Vec<ForwardReply>, super::wire::WireError> {
    let mut reader = Reader::new(body);
    let count = reader.count(6)?;
    let mut replies = Vec::with_capacity(count);
    for _ in 0..count {
        replies.push(ForwardReply {
            code: reader.u16()?,
            body: reader.bytes()?,
        });
    }
    Ok(replies)
}

type Outcome = Result<ForwardReply, TransportError>;
type Waiting = (Forward, oneshot::Sender<Outcome>);

struct Shared {
    channel: Arc<Channel>,
    transport: Arc<dyn PeerTransport>,
    clock: Arc<dyn Clock>,
    silent: Mutex<HashMap<Ed25519PublicKey, Instant>>,
}

/// All of a node's ways to other nodes.
pub struct Links {
    shared: Arc<Shared>,
    queues: Mutex<HashMap<Ed25519PublicKey, mpsc::Sender<Waiting>>>,
}

impl Links {
    /// Ways over this transport, sealed by this channel.
    pub fn new(channel: Arc<Channel>, transport: Arc<dyn PeerTransport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                channel,
                transport,
                clock,
                silent: Mutex::new(HashMap::new()),
            }),
            queues: Mutex::new(HashMap::new()),
        }
    }

    /// One exchange of its own with a node.
    pub async fn call(
        &self,
        to: &Node,
        call: Call,
        body: &[u8],
        timeout: Duration,
    ) -> Result<Bytes, TransportError> {
        self.shared.call(to, call, body, timeout).await
    }

    /// Sends an operation to a member, together with whatever else waits for it.
    pub async fn forward(&self, to: &Node, forward: Forward) -> Outcome {
        if self.is_silent(&to.ed25519()) {
            return Err(TransportError::Timeout);
        }
        let (sender, receiver) = oneshot::channel();
        let queue = self.queue(to);
        if queue.try_send((forward, sender)).is_err() {
            return Err(TransportError::Timeout);
        }
        // Waiting in the queue counts: a member that only just keeps up is as slow as its answer.
        match tokio::time::timeout(OPERATION_TIMEOUT, receiver).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(TransportError::Unreachable),
            Err(_) => Err(TransportError::Timeout),
        }
    }

    /// Sends several operations in one exchange; all are answered or none.
    pub async fn forward_all(
        &self,
        to: &Node,
        batch: &[Forward],
    ) -> Result<Vec<ForwardReply>, TransportError> {
        self.shared.exchange(to, batch).await
    }

    /// Whether the member timed out a moment ago.
    pub fn is_silent(&self, key: &Ed25519PublicKey) -> bool {
        let silent = self.shared.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.get(key).is_some_and(|until| Instant::now() < *until)
    }

    /// Notes that a node was heard from.
    pub fn heard(&self, key: &Ed25519PublicKey) {
        self.shared.heard(key);
    }

    fn queue(&self, to: &Node) -> mpsc::Sender<Waiting> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        match queues.get(&to.ed25519()) {
            Some(queue) if !queue.is_closed() => queue.clone(),
            _ => {
                let (sender, receiver) = mpsc::channel(QUEUE);
                tokio::spawn(drain(Arc::clone(&self.shared), to.clone(), receiver));
                queues.insert(to.ed25519(), sender.clone());
                sender
            }
        }
    }

    /// Forgets the queues, so that a member's new address is used from now on.
    pub fn reset(&self) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Shared {
    async fn call(
        &self,
        to: &Node,
        call: Call,
        body: &[u8],
        timeout: Duration,
    ) -> Result<Bytes, TransportError> {
        let sealed = self
            .channel
            .seal(&to.ed25519(), call, body, self.clock.now_ms())
            .map_err(|_| TransportError::NoAddress)?;
        let exchange = self.transport.send(to, sealed.message.clone(), timeout);
        let answer = tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(TransportError::Timeout))?;
        let opened = self
            .channel
            .open_reply(&sealed, answer)
            .map_err(|_| TransportError::Unreachable)?;
        self.heard(&to.ed25519());
        Ok(opened)
    }

    async fn exchange(&self, to: &Node, batch: &[Forward]) -> Result<Vec<ForwardReply>, TransportError> {
        let answer = self
            .call(to, Call::Operations, &encode_forwards(batch), OPERATION_TIMEOUT)
            .await;
        if answer == Err(TransportError::Timeout) {
            let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
            silent.insert(to.ed25519(), Instant::now() + SILENCE);
        }
        let replies = decode_replies(answer?).map_err(|_| TransportError::Unreachable)?;
        if replies.len() == batch.len() {
            Ok(replies)
        } else {
            Err(TransportError::Unreachable)
        }
    }

    fn heard(&self, key: &Ed25519PublicKey) {
        self.silent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

/// Empties one member's queue for as long as somebody may fill it.
async fn drain(shared: Arc<Shared>, to: Node, mut queue: mpsc::Receiver<Waiting>) {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    loop {
        // The slot first: while none is free, operations gather and travel together.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let Some((forward, sender)) = queue.recv().await else {
            return;
        };
        let mut size = forward.params.len();
        let (mut batch, mut senders) = (vec![forward], vec![sender]);
        while batch.len() < MAX_BATCH && size < MAX_BATCH_BYTES {
            let Ok((forward, sender)) = queue.try_recv() else {
                break;
            };
            size += forward.params.len();
            batch.push(forward);
            senders.push(sender);
        }
        let (shared, to) = (Arc::clone(&shared), to.clone());
        tokio::spawn(async move {
            let outcome = shared.exchange(&to, &batch).await;
            drop(slot);
            // Whoever stopped waiting keeps the operation for later itself.
            match outcome {
                Ok(replies) => {
                    for (sender, reply) in senders.into_iter().zip(replies) {
                        let _ = sender.send(Ok(reply));
                    }
                }
                Err(error) => {
                    for sender in senders {
                        let _ = sender.send(Err(error));
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_replies_survive_the_wire() {
        let batch = vec![Forward {
            at: 9,
            late: true,
            method: "store".to_owned(),
            params: Bytes::from_static(b"de"),
        }];
        assert_eq!(decode_forwards(encode_forwards(&batch)).unwrap(), batch);
        let replies = vec![ForwardReply {
            code: 421,
            body: Bytes::from_static(b"no"),
        }];
        assert_eq!(decode_replies(encode_replies(&replies)).unwrap(), replies);
    }
}
