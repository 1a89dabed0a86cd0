//! Which swarm a node of a local network joins. Swarm ids follow the public network's rule
//! (spec/03-network.md §8.1); sizes are the operator's choice.

use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::swarm::{SwarmId, new_swarm_id};

use super::Node;

/// Gives every active node a swarm, changing as little as possible: new nodes join the smallest swarm, a swarm of twice
/// the target size is split, and inactive nodes leave theirs. True if anything changed.
pub fn assign(nodes: &mut [Node], target: usize) -> bool {
    let target = target.max(1);
    let mut changed = false;
    for node in nodes.iter_mut().filter(|n| !n.active && n.swarm.is_assigned()) {
        node.swarm = SwarmId::NONE;
        changed = true;
    }
    loop {
        let sizes = sizes(nodes);
        let crowded = sizes
            .iter()
            .find(|(_, size)| *size >= 2 * target)
            .map(|(id, _)| *id);
        if let Some(crowded) = crowded {
            let ids: Vec<SwarmId> = sizes.iter().map(|(id, _)| *id).collect();
            let new = new_swarm_id(&ids);
            let mut members: Vec<Ed25519PublicKey> = nodes
                .iter()
                .filter(|n| n.swarm == crowded)
                .map(Node::ed25519)
                .collect();
            members.sort();
            let moving = members.split_off(members.len() - target);
            for node in nodes.iter_mut().filter(|n| moving.contains(&n.ed25519())) {
                node.swarm = new;
            }
            changed = true;
            continue;
        }
        let smallest = sizes
            .iter()
            .min_by_key(|(id, size)| (*size, *id))
            .map(|(id, _)| *id);
        let Some(node) = nodes.iter_mut().find(|n| n.active && !n.swarm.is_assigned()) else {
            return changed;
        };
        node.swarm = smallest.unwrap_or(SwarmId(0));
        changed = true;
    }
}

/// The swarms in ascending order, with their sizes.
fn sizes(nodes: &[Node]) -> Vec<(SwarmId, usize)> {
    let mut sizes = std::collections::BTreeMap::new();
    for node in nodes.iter().filter(|n| n.active && n.swarm.is_assigned()) {
        *sizes.entry(node.swarm).or_insert(0) += 1;
    }
    sizes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::node;
    use super::*;

    fn unassigned(count: u8) -> Vec<Node> {
        (1..=count).map(|n| node(n, SwarmId::NONE.0)).collect()
    }

    #[test]
    fn eight_nodes_become_two_swarms_of_four() {
        let mut nodes = unassigned(8);
        assert!(assign(&mut nodes, 4));
        assert_eq!(
            sizes(&nodes),
            [(SwarmId(0), 4), (SwarmId(0x7fff_ffff_ffff_ffff), 4)]
        );
        assert!(!assign(&mut nodes, 4), "a settled network stays as it is");
    }

    #[test]
    fn one_by_one_leads_to_swarms_of_at_least_the_target() {
        let mut nodes = Vec::new();
        for new in unassigned(23) {
            nodes.push(new);
            assign(&mut nodes, 4);
            assert!(
                sizes(&nodes)
                    .iter()
                    .all(|(_, size)| nodes.len() < 4 || (4..8).contains(size))
            );
        }
    }

    #[test]
    fn an_inactive_node_leaves_its_swarm_and_comes_back() {
        let mut nodes = unassigned(8);
        assign(&mut nodes, 4);
        nodes[0].active = false;
        assert!(assign(&mut nodes, 4));
        assert_eq!(nodes[0].swarm, SwarmId::NONE);
        nodes[0].active = true;
        assign(&mut nodes, 4);
        assert!(sizes(&nodes).iter().all(|(_, size)| *size == 4));
    }
}
