//! How many members of a swarm have proved that they stored something (`spec/03-network.md §3.8`): one alone may say so and keep
//! nothing.

use std::collections::{HashMap, HashSet};

use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::MessageHash;

/// Who has signed to have stored what, over the answers of several members, and who was asked for more.
#[derive(Default)]
pub(crate) struct Proofs {
    signed: HashMap<MessageHash, HashSet<Ed25519PublicKey>>,
    /// Since somebody signed anything.
    asked: HashSet<Ed25519PublicKey>,
}

impl Proofs {
    /// These members signed.
    pub(crate) fn signed(&mut self, hash: &MessageHash, members: impl IntoIterator<Item = Ed25519PublicKey>) {
        self.signed.entry(*hash).or_default().extend(members);
    }

    /// Whether anybody has signed anything.
    pub(crate) fn any(&self) -> bool {
        self.signed.values().any(|members| !members.is_empty())
    }

    /// A member was asked and answered, or neither it nor its path did. What failed before anybody had signed does not count:
    /// then mostly the paths are to blame.
    pub(crate) fn asked(&mut self, member: &Ed25519PublicKey) {
        if self.any() {
            self.asked.insert(*member);
        }
    }

    /// The member to ask next: one that was not asked yet.
    pub(crate) fn next<'a>(&self, members: &'a [ServiceNode]) -> Option<&'a ServiceNode> {
        members.iter().find(|node| !self.asked.contains(&node.ed25519))
    }

    /// Whether something counts as stored: by half of the members, or by any of them where all others were asked in vain.
    pub(crate) fn suffice(&self, hash: &MessageHash, members: &[ServiceNode]) -> bool {
        let Some(signed) = self.signed.get(hash) else {
            return false;
        };
        let has_signed = |node: &&ServiceNode| signed.contains(&node.ed25519);
        let count = members.iter().filter(has_signed).count();
        let heard = |node: &ServiceNode| has_signed(&node) || self.asked.contains(&node.ed25519);
        count > 0 && (count * 2 >= members.len() || members.iter().all(heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::node;

    fn hash(letter: &str) -> MessageHash {
        letter.repeat(43).parse().unwrap()
    }

    fn keys(numbers: &[u8]) -> Vec<Ed25519PublicKey> {
        numbers.iter().map(|number| node(*number, 0).ed25519).collect()
    }

    #[test]
    fn half_of_the_members_are_enough_and_one_of_four_is_not() {
        let members = [1, 2, 3, 4].map(|number| node(number, 0));
        let mut proofs = Proofs::default();
        assert!(!proofs.suffice(&hash("A"), &members));
        // Not a member.
        proofs.signed(&hash("A"), keys(&[1, 9]));
        assert!(!proofs.suffice(&hash("A"), &members));
        proofs.signed(&hash("A"), keys(&[3]));
        assert!(proofs.suffice(&hash("A"), &members));
        assert!(!proofs.suffice(&hash("B"), &members));
        assert!(!proofs.suffice(&hash("A"), &[]));
    }

    #[test]
    fn in_the_smallest_swarms_one_is_half() {
        let members = [1, 2].map(|number| node(number, 0));
        let mut proofs = Proofs::default();
        proofs.signed(&hash("A"), keys(&[2]));
        assert!(proofs.suffice(&hash("A"), &members));
        assert!(proofs.suffice(&hash("A"), &members[1..]));
        assert!(!proofs.suffice(&hash("A"), &members[..1]));
    }

    #[test]
    fn the_only_one_that_is_left_is_enough_once_the_others_were_asked() {
        let members = [1, 2, 3, 4].map(|number| node(number, 0));
        let mut proofs = Proofs::default();
        for member in keys(&[2, 3, 4]) {
            proofs.asked(&member);
        }
        proofs.signed(&hash("A"), keys(&[1]));
        assert!(
            !proofs.suffice(&hash("A"), &members),
            "only what was asked since then"
        );
        for member in keys(&[1, 2, 3]) {
            proofs.asked(&member);
        }
        assert!(!proofs.suffice(&hash("A"), &members));
        assert_eq!(proofs.next(&members), Some(&members[3]));
        proofs.asked(&members[3].ed25519);
        assert!(proofs.suffice(&hash("A"), &members));
        assert!(!proofs.suffice(&hash("B"), &members), "nobody has it");
        assert_eq!(proofs.next(&members), None);
    }
}
