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
    /// Who was asked for what, since somebody signed any of what was asked for together.
    asked: HashMap<MessageHash, HashSet<Ed25519PublicKey>>,
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

    /// Whether any of these members has signed this.
    pub(crate) fn begun(&self, hash: &MessageHash, members: &[ServiceNode]) -> bool {
        let signed = self.signed.get(hash);
        signed.is_some_and(|signed| members.iter().any(|node| signed.contains(&node.ed25519)))
    }

    /// A member was asked for this, together, and answered or refused, or neither it nor its path did. What failed before
    /// anybody had signed any of it does not count: then mostly the paths are to blame.
    pub(crate) fn asked(&mut self, hashes: &[MessageHash], member: &Ed25519PublicKey) {
        if hashes.iter().any(|hash| self.signed.contains_key(hash)) {
            for hash in hashes {
                self.asked.entry(*hash).or_default().insert(*member);
            }
        }
    }

    fn was_asked(&self, hash: &MessageHash, node: &ServiceNode) -> bool {
        let asked = self.asked.get(hash);
        asked.is_some_and(|asked| asked.contains(&node.ed25519))
    }

    /// The member to ask for this next: one that was not asked yet.
    pub(crate) fn next<'a>(&self, hash: &MessageHash, members: &'a [ServiceNode]) -> Option<&'a ServiceNode> {
        members.iter().find(|node| !self.was_asked(hash, node))
    }

    /// Whether something counts as stored: by half of the members, or by any of them where all others were asked in vain. Those
    /// that are `out`, having failed too often, count as asked: each message would wait for every one of them anew.
    pub(crate) fn suffice(
        &self,
        hash: &MessageHash,
        members: &[ServiceNode],
        out: impl Fn(&Ed25519PublicKey) -> bool,
    ) -> bool {
        let Some(signed) = self.signed.get(hash) else {
            return false;
        };
        let has_signed = |node: &&ServiceNode| signed.contains(&node.ed25519);
        let count = members.iter().filter(has_signed).count();
        let heard =
            |node: &ServiceNode| has_signed(&node) || self.was_asked(hash, node) || out(&node.ed25519);
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

    fn none_out(_: &Ed25519PublicKey) -> bool {
        false
    }

    #[test]
    fn half_of_the_members_are_enough_and_one_of_four_is_not() {
        let members = [1, 2, 3, 4].map(|number| node(number, 0));
        let mut proofs = Proofs::default();
        assert!(!proofs.suffice(&hash("A"), &members, none_out));
        // Not a member.
        proofs.signed(&hash("A"), keys(&[1, 9]));
        assert!(!proofs.suffice(&hash("A"), &members, none_out));
        proofs.signed(&hash("A"), keys(&[3]));
        assert!(proofs.suffice(&hash("A"), &members, none_out));
        assert!(!proofs.suffice(&hash("B"), &members, none_out));
        assert!(!proofs.suffice(&hash("A"), &[], none_out));
    }

    #[test]
    fn in_the_smallest_swarms_one_is_half() {
        let members = [1, 2].map(|number| node(number, 0));
        let mut proofs = Proofs::default();
        proofs.signed(&hash("A"), keys(&[2]));
        assert!(proofs.suffice(&hash("A"), &members, none_out));
        assert!(proofs.suffice(&hash("A"), &members[1..], none_out));
        assert!(!proofs.suffice(&hash("A"), &members[..1], none_out));
    }

    #[test]
    fn the_only_one_that_is_left_is_enough_once_the_others_were_asked() {
        let members = [1, 2, 3, 4].map(|number| node(number, 0));
        let one = [hash("A")];
        let mut proofs = Proofs::default();
        for member in keys(&[2, 3, 4]) {
            proofs.asked(&one, &member);
        }
        proofs.signed(&hash("A"), keys(&[1]));
        assert!(
            !proofs.suffice(&hash("A"), &members, none_out),
            "only what was asked since then"
        );
        for member in keys(&[1, 2, 3]) {
            proofs.asked(&one, &member);
        }
        assert!(!proofs.suffice(&hash("A"), &members, none_out));
        assert_eq!(proofs.next(&hash("A"), &members), Some(&members[3]));
        proofs.asked(&one, &members[3].ed25519);
        assert!(proofs.suffice(&hash("A"), &members, none_out));
        assert!(!proofs.suffice(&hash("B"), &members, none_out), "nobody has it");
        assert_eq!(proofs.next(&hash("A"), &members), None);
    }

    #[test]
    fn who_was_asked_for_one_message_was_not_asked_for_the_next() {
        let members = [1, 2, 3].map(|number| node(number, 0));
        let mut proofs = Proofs::default();
        proofs.signed(&hash("A"), keys(&[1]));
        for member in keys(&[1, 2, 3]) {
            proofs.asked(&[hash("A")], &member);
        }
        proofs.signed(&hash("B"), keys(&[1]));
        assert!(proofs.suffice(&hash("A"), &members, none_out));
        assert!(!proofs.suffice(&hash("B"), &members, none_out));
        for member in keys(&[2, 3]) {
            proofs.asked(&[hash("A"), hash("B")], &member);
        }
        assert!(proofs.suffice(&hash("B"), &members, none_out));
    }

    #[test]
    fn those_that_failed_too_often_are_not_waited_for_once_somebody_has_signed() {
        let members = [1, 2, 3].map(|number| node(number, 0));
        let gone = keys(&[2, 3]);
        let out = |key: &Ed25519PublicKey| gone.contains(key);
        let mut proofs = Proofs::default();
        assert!(!proofs.suffice(&hash("A"), &members, out));
        assert!(!proofs.begun(&hash("A"), &members));
        proofs.signed(&hash("A"), keys(&[1]));
        assert!(proofs.begun(&hash("A"), &members));
        assert!(!proofs.begun(&hash("A"), &members[1..]), "no member any more");
        assert!(proofs.suffice(&hash("A"), &members, out));
        assert!(!proofs.suffice(&hash("A"), &members, |key| *key == gone[0]));
    }
}
