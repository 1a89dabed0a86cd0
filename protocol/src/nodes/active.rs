//! `active_nodes_bin`: the nodes in swarms as 51-byte records (spec/03-network.md §1.4).

use super::ServiceNode;
use crate::keys::Ed25519PublicKey;
use crate::swarm::SwarmId;
use std::net::Ipv4Addr;

/// Bytes of one record: key 32, swarm 8, address 4, HTTPS port 2, OMQ/QUIC port 2, version 3.
pub const ACTIVE_NODE_SIZE: usize = 51;

/// The bytes are no list: their number is not divisible by 51.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("length is not a multiple of {ACTIVE_NODE_SIZE}")]
pub struct ActiveNodesError;

/// Decodes the records. Those with address 0, HTTPS port 0 or an unusable key are skipped.
///
/// # Errors
/// [`ActiveNodesError`]: then nothing of the reply is to be used.
pub fn decode_active_nodes(records: &[u8]) -> Result<Vec<ServiceNode>, ActiveNodesError> {
    let (records, rest) = records.as_chunks::<ACTIVE_NODE_SIZE>();
    if !rest.is_empty() {
        return Err(ActiveNodesError);
    }
    Ok(records.iter().filter_map(decode_record).collect())
}

fn decode_record(record: &[u8; ACTIVE_NODE_SIZE]) -> Option<ServiceNode> {
    let (key, rest) = record.split_first_chunk::<32>()?;
    let (swarm, rest) = rest.split_first_chunk::<8>()?;
    let (ip, rest) = rest.split_first_chunk::<4>()?;
    let (https_port, rest) = rest.split_first_chunk::<2>()?;
    let (omq_port, version) = rest.split_first_chunk::<2>()?;
    let version = <[u8; 3]>::try_from(version).ok()?;
    let (ip, https_port) = (Ipv4Addr::from(*ip), u16::from_be_bytes(*https_port));
    if ip.is_unspecified() || https_port == 0 {
        return None;
    }
    let node = ServiceNode::new(Ed25519PublicKey::from_bytes(key), ip, https_port).ok()?;
    Some(ServiceNode {
        omq_port: u16::from_be_bytes(*omq_port),
        version: version.map(u16::from),
        swarm: SwarmId(u64::from_be_bytes(*swarm)),
        ..node
    })
}

/// Encodes the nodes that are in a swarm; version parts above 255 are cut to it.
pub fn encode_active_nodes<'a>(nodes: impl IntoIterator<Item = &'a ServiceNode>) -> Vec<u8> {
    let mut out = Vec::new();
    for node in nodes.into_iter().filter(|node| node.swarm.is_assigned()) {
        out.extend_from_slice(node.ed25519.as_bytes());
        out.extend_from_slice(&node.swarm.0.to_be_bytes());
        out.extend_from_slice(&node.ip.octets());
        out.extend_from_slice(&node.https_port.to_be_bytes());
        out.extend_from_slice(&node.omq_port.to_be_bytes());
        out.extend(node.version.map(|part| u8::try_from(part).unwrap_or(u8::MAX)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Ed25519KeyPair;
    use proptest::prelude::*;

    fn node(seed: u8) -> ServiceNode {
        let key = Ed25519KeyPair::from_seed(&[seed; 32]).public();
        ServiceNode {
            omq_port: 22020,
            version: [2, 11, 3],
            swarm: SwarmId(0x0123_4567_89ab_cdef),
            ..ServiceNode::new(key, [1, 2, 3, 4].into(), 22021).unwrap()
        }
    }

    #[test]
    fn a_record_has_its_fields_in_order() {
        let record = encode_active_nodes(&[node(7)]);
        assert_eq!(&record[..32], node(7).ed25519.as_bytes());
        assert_eq!(
            data_encoding::HEXLOWER.encode(&record[32..]),
            "0123456789abcdef010203045605560402 0b03".replace(' ', "")
        );
    }

    #[test]
    fn other_lengths_are_refused_as_a_whole() {
        let mut records = encode_active_nodes(&[node(1), node(2)]);
        assert_eq!(decode_active_nodes(&records).unwrap(), [node(1), node(2)]);
        records.pop();
        assert_eq!(decode_active_nodes(&records), Err(ActiveNodesError));
    }

    #[test]
    fn unusable_records_are_skipped() {
        let mut records = encode_active_nodes(&[node(1), node(2), node(3), node(4)]);
        records[40..44].fill(0);
        records[51 + 44..51 + 46].fill(0);
        records[102..134].fill(0xff);
        assert_eq!(decode_active_nodes(&records).unwrap(), [node(4)]);
    }

    proptest! {
        #[test]
        fn decoding_inverts_encoding(seed: u8, ip in 1_u32.., https_port in 1_u16.., omq_port: u16, swarm in 0..u64::MAX, version: [u8; 3]) {
            let node = ServiceNode {
                ip: ip.into(),
                https_port,
                omq_port,
                swarm: SwarmId(swarm),
                version: version.map(u16::from),
                ..node(seed)
            };
            prop_assert_eq!(decode_active_nodes(&encode_active_nodes(&[node])).unwrap(), [node]);
        }
    }
}
