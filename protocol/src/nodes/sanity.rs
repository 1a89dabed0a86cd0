//! Which addresses a node may have (spec/03-network.md §1.5).

use super::ServiceNode;
use std::net::Ipv4Addr;

/// Which nodes of a list are usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressPolicy {
    /// Globally routable addresses only: the public network, all of whose nodes have one.
    #[default]
    Public,
    /// Any address that a host can have: local networks.
    Local,
}

impl AddressPolicy {
    /// Whether a node has a usable address and a port to reach it at.
    pub const fn accepts(self, node: &ServiceNode) -> bool {
        match self {
            Self::Public => node.https_port != 0 && is_globally_routable(node.ip),
            Self::Local => {
                let reachable = node.https_port != 0 || matches!(node.http_port, Some(1..));
                reachable && !node.ip.is_unspecified() && !node.ip.is_broadcast() && !node.ip.is_multicast()
            }
        }
    }
}

/// Whether an address belongs to one host of the public internet: none of the special-purpose blocks of IANA's registry
/// (RFC 6890 and its successors), not multicast, not reserved.
pub const fn is_globally_routable(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Ed25519KeyPair;

    fn node(ip: [u8; 4], https_port: u16, http_port: Option<u16>) -> ServiceNode {
        let key = Ed25519KeyPair::from_seed(&[1; 32]).public();
        ServiceNode {
            http_port,
            ..ServiceNode::new(key, ip.into(), https_port).unwrap()
        }
    }

    #[test]
    fn special_addresses_are_refused_on_the_public_network() {
        for ip in [
            [0, 0, 0, 0],
            [255, 255, 255, 255],
            [10, 1, 2, 3],
            [100, 64, 0, 1],
            [127, 0, 0, 1],
            [169, 254, 1, 1],
            [172, 16, 0, 1],
            [172, 31, 255, 255],
            [192, 0, 2, 1],
            [192, 168, 0, 1],
            [198, 18, 0, 1],
            [198, 51, 100, 1],
            [203, 0, 113, 1],
            [224, 0, 0, 1],
            [240, 0, 0, 1],
        ] {
            assert!(!AddressPolicy::Public.accepts(&node(ip, 22021, None)), "{ip:?}");
        }
        for ip in [
            [1, 1, 1, 1],
            [172, 32, 0, 1],
            [100, 128, 0, 1],
            [192, 169, 0, 1],
            [223, 255, 255, 255],
        ] {
            assert!(AddressPolicy::Public.accepts(&node(ip, 22021, None)), "{ip:?}");
        }
    }

    #[test]
    fn a_node_needs_a_port() {
        assert!(!AddressPolicy::Public.accepts(&node([1, 1, 1, 1], 0, Some(80))));
        assert!(!AddressPolicy::Local.accepts(&node([127, 0, 0, 1], 0, None)));
        assert!(AddressPolicy::Local.accepts(&node([127, 0, 0, 1], 0, Some(8001))));
        assert!(!AddressPolicy::Local.accepts(&node([0, 0, 0, 0], 1, None)));
    }
}
