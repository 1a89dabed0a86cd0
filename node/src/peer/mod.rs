//! How nodes talk to each other: a sealed channel over any transport, and per-member queues that send many operations
//! in one exchange.

pub mod channel;
pub mod links;
pub mod transport;
pub mod wire;

/// The path of the member channel on a node's HTTP port.
pub const PEER_PATH: &str = "/peer/v1";

/// What a sealed request asks for; the first byte of its plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Client operations to run as a member of the same swarm.
    Operations,
    /// A layer of an onion request.
    Onion,
    /// Digests of the accounts of our swarm.
    Digests,
    /// What is held for some accounts.
    States,
    /// Full rows and operations.
    Fetch,
    /// Which of these rows and operations are missing.
    Wanted,
    /// Rows and operations that belong to the receiver's swarm.
    Deliver,
}

impl Call {
    const ALL: [Call; 7] = [
        Call::Operations,
        Call::Onion,
        Call::Digests,
        Call::States,
        Call::Fetch,
        Call::Wanted,
        Call::Deliver,
    ];

    /// The byte on the wire.
    pub fn byte(self) -> u8 {
        match self {
            Call::Operations => 1,
            Call::Onion => 2,
            Call::Digests => 3,
            Call::States => 4,
            Call::Fetch => 5,
            Call::Wanted => 6,
            Call::Deliver => 7,
        }
    }

    /// The call a byte stands for.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.byte() == byte)
    }
}
