//! A node's side: taking one layer off (spec/03-network.md §4.3, §4.6).

use super::cipher::{LayerKey, Suite};
use super::control::{Control, ReplyOptions};
use super::frame::{FrameError, LENGTH_SIZE, parse_frame};
use super::{MAX_PACKET_SIZE, MAX_RELAYS};
use crate::bt::{self, Value};
use crate::keys::{Ed25519PublicKey, X25519PublicKey, X25519SecretKey};

/// What a node finds under its layer.
#[derive(Debug, Clone)]
pub enum Peeled {
    /// The request is for this node.
    Final {
        /// The JSON of a storage request.
        body: Vec<u8>,
        /// How the client wants the reply.
        options: ReplyOptions,
        /// Seals the reply.
        reply_key: LayerKey,
    },
    /// The rest goes to a server, as an HTTP POST.
    RelayToServer {
        /// Where to.
        target: ServerTarget,
        /// The body of the POST: the whole decrypted frame.
        frame: Vec<u8>,
        /// Seals this node's own refusal, such as 400 `Invalid url`.
        reply_key: LayerKey,
    },
    /// The rest goes to another node.
    RelayToNode {
        /// Its Ed25519 key.
        next: Ed25519PublicKey,
        /// What it gets.
        packet: RelayPacket,
    },
}

/// Why a layer cannot be taken off. The display text is what the node answers, with status 400.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PeelError {
    /// The packet is no frame, or its control is wrong.
    #[error("Error parsing onion request: {0}")]
    Packet(#[from] FrameError),
    /// The packet is larger than 10 MiB.
    #[error("Error parsing onion request: too large")]
    TooLarge,
    /// The packet passed more than 15 relays.
    #[error("onion request max path length exceeded")]
    PathTooLong,
    /// The layer is not for this node, or was changed.
    #[error("Invalid ciphertext")]
    InvalidCiphertext,
    /// What is under the layer is no frame, or says nothing useful. The answer is sealed with the layer's key.
    #[error("Invalid json")]
    InvalidJson(Box<LayerKey>),
}

/// An HTTP server as the client names it. Whether it may be contacted is for the node to decide: nothing here looks at
/// what the host resolves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTarget {
    /// Name or address.
    pub host: String,
    /// `https` when the client names none.
    pub protocol: String,
    /// 443 when the client names none.
    pub port: u16,
    /// The path.
    pub target: String,
}

impl ServerTarget {
    /// The URL to POST to; nothing when relays must refuse it: protocol other than http(s), a path that is none of the
    /// `/loki/…/lsrpc` and `/oxen/…/lsrpc` ones or has a query, or a host with characters that would change the URL's
    /// meaning.
    pub fn url(&self) -> Option<String> {
        let path = self.target.as_str();
        let allowed = matches!(self.protocol.as_str(), "http" | "https")
            && (path.starts_with("/loki/") || path.starts_with("/oxen/"))
            && path.ends_with("/lsrpc")
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\'))
            && !self.host.is_empty()
            && self.host.bytes().all(is_host_byte)
            && self.port != 0;
        allowed.then(|| format!("{}://{}:{}{}", self.protocol, self.host, self.port, path))
    }
}

/// Names, IPv4 addresses and bracketed IPv6 addresses.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
}

/// A packet between nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayPacket {
    /// The layer of the receiving node.
    pub data: Vec<u8>,
    /// The client's key for it.
    pub ephemeral_key: X25519PublicKey,
    /// Its suite.
    pub suite: Suite,
    /// Relays passed so far.
    pub hop_no: u32,
}

impl RelayPacket {
    /// The bt dict that nodes send each other.
    pub fn to_bt(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + 128);
        out.push(b'd');
        bt::write_bytes(&mut out, b"data");
        bt::write_bytes(&mut out, &self.data);
        bt::write_bytes(&mut out, b"enc_type");
        bt::write_bytes(&mut out, self.suite.as_str().as_bytes());
        bt::write_bytes(&mut out, b"ephemeral_key");
        bt::write_bytes(&mut out, self.ephemeral_key.as_bytes());
        bt::write_bytes(&mut out, b"hop_no");
        bt::write_int(&mut out, self.hop_no.into());
        out.push(b'e');
        out
    }

    /// Parses [`RelayPacket::to_bt`].
    ///
    /// # Errors
    /// [`PeelError::Packet`] for anything else.
    pub fn from_bt(packet: &[u8]) -> Result<Self, PeelError> {
        let Ok(Value::Dict(mut dict)) = bt::decode(packet) else {
            return Err(FrameError::Json.into());
        };
        let Some(Value::Bytes(data)) = dict.remove(&b"data"[..]) else {
            return Err(FrameError::Field.into());
        };
        let key = dict.get(&b"ephemeral_key"[..]).and_then(Value::as_bytes);
        let key = key.and_then(|key| X25519PublicKey::from_slice(key).ok());
        let suite = match dict.get(&b"enc_type"[..]) {
            None => Some(Suite::AesGcm),
            Some(name) => name
                .as_bytes()
                .and_then(|name| Suite::parse(core::str::from_utf8(name).ok()?)),
        };
        let hop_no = match dict.get(&b"hop_no"[..]) {
            None => Some(0),
            Some(number) => number.as_int().filter(|number| *number >= 0),
        };
        let hop_no = hop_no.ok_or(FrameError::Field)?;
        Ok(Self {
            data,
            ephemeral_key: key.ok_or(FrameError::Field)?,
            suite: suite.ok_or(FrameError::Suite)?,
            hop_no: u32::try_from(hop_no).unwrap_or(u32::MAX),
        })
    }

    /// Takes this node's layer off.
    ///
    /// # Errors
    /// [`PeelError`], whose text is the answer.
    pub fn peel(&self, secret: &X25519SecretKey) -> Result<Peeled, PeelError> {
        Layer {
            data: &self.data,
            ephemeral_key: self.ephemeral_key,
            suite: self.suite,
            hop_no: self.hop_no,
        }
        .peel(secret)
    }
}

/// A guard's side: takes the outermost layer off a client's packet.
///
/// # Errors
/// [`PeelError`], whose text is the answer.
pub fn peel(secret: &X25519SecretKey, packet: &[u8]) -> Result<Peeled, PeelError> {
    if packet.len() > MAX_PACKET_SIZE {
        return Err(PeelError::TooLarge);
    }
    let (data, control) = parse_frame(packet)?;
    let control = Control::parse(control)?;
    Layer {
        data,
        ephemeral_key: control.ephemeral_key()?,
        suite: control.suite()?,
        hop_no: control.hop_no()?,
    }
    .peel(secret)
}

/// The layer of this node, not yet opened.
struct Layer<'a> {
    data: &'a [u8],
    ephemeral_key: X25519PublicKey,
    suite: Suite,
    hop_no: u32,
}

impl Layer<'_> {
    fn peel(&self, secret: &X25519SecretKey) -> Result<Peeled, PeelError> {
        if self.hop_no > MAX_RELAYS {
            return Err(PeelError::PathTooLong);
        }
        let key = LayerKey::for_receiver(secret, &self.ephemeral_key, self.suite)
            .map_err(|_| PeelError::InvalidCiphertext)?;
        let plain = key.open(self.data).map_err(|_| PeelError::InvalidCiphertext)?;
        match self.interpret(&plain) {
            Ok(Part::Final { blob, options }) => Ok(Peeled::Final {
                body: keep_blob(plain, blob),
                options,
                reply_key: key,
            }),
            Ok(Part::Server(target)) => Ok(Peeled::RelayToServer {
                target,
                frame: plain,
                reply_key: key,
            }),
            Ok(Part::Node {
                blob,
                next,
                ephemeral_key,
                suite,
            }) => Ok(Peeled::RelayToNode {
                next,
                packet: RelayPacket {
                    data: keep_blob(plain, blob),
                    ephemeral_key,
                    suite,
                    hop_no: self.hop_no + 1,
                },
            }),
            Err(_) => Err(PeelError::InvalidJson(Box::new(key))),
        }
    }

    /// Decides by the control keys, in the order that all nodes use.
    fn interpret(&self, plain: &[u8]) -> Result<Part, FrameError> {
        let (blob, control) = parse_frame(plain)?;
        let control = Control::parse(control)?;
        let blob = blob.len();
        if control.is_final() {
            let options = control.reply_options()?;
            return Ok(Part::Final { blob, options });
        }
        if control.is_to_server() {
            return Ok(Part::Server(ServerTarget {
                host: control.host()?,
                protocol: control.protocol()?,
                port: control.port()?,
                target: control.target()?,
            }));
        }
        Ok(Part::Node {
            blob,
            next: control.destination()?,
            ephemeral_key: control.ephemeral_key()?,
            suite: control.suite()?,
        })
    }
}

/// A node's part in a request; `blob` is the blob's length.
enum Part {
    Final {
        blob: usize,
        options: ReplyOptions,
    },
    Server(ServerTarget),
    Node {
        blob: usize,
        next: Ed25519PublicKey,
        ephemeral_key: X25519PublicKey,
        suite: Suite,
    },
}

/// The blob of a frame, in the frame's own memory.
fn keep_blob(mut frame: Vec<u8>, blob: usize) -> Vec<u8> {
    frame.truncate(LENGTH_SIZE + blob);
    frame.drain(..LENGTH_SIZE.min(frame.len()));
    frame
}
