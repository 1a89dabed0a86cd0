//! Whose fault a failed onion request was (`spec/03-network.md §4.7`).
//!
//! Clear-text errors come from some hop, and any hop before the failing one can forge them. So a named key counts only
//! when it lies in this path or is the destination, a named hop never loses more than one strike, and the path always
//! takes one too: a hop that forges errors to steer the client soon loses its path, and with it its own standing.
//! What nobody explains, such as a time-out, is no proof against the destination either (`paths`).

use holdfast_protocol::keys::Ed25519PublicKey;

use super::transport::{GuardAnswer, SendError};

/// The longest clear-text error that is looked at, bytes: the longest known text and a key fit in.
const MAX_TEXT: usize = 256;

/// Who is to blame for a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nobody in the network: this device or the gateway.
    Nobody,
    /// The guard, which could not be reached.
    Guard,
    /// Nobody failed: the gateway's list lacks the guard.
    UnknownGuard,
    /// The guard, which answered that it is not ready.
    GuardBusy,
    /// A hop beyond the guard, by its place.
    Hop(usize),
    /// The destination, if the clear text may be believed.
    Destination,
    /// Somebody in the path, or the destination.
    Path,
}

/// Reads a failure to reach the guard.
pub(crate) fn of_send_error(error: SendError) -> Blame {
    match error {
        SendError::Offline | SendError::Gateway | SendError::Busy => Blame::Nobody,
        SendError::Guard => Blame::Guard,
        SendError::UnknownGuard => Blame::UnknownGuard,
        // Any hop and the destination can answer with too much.
        SendError::Timeout | SendError::TooLarge => Blame::Path,
    }
}

/// Reads an answer of the guard other than 200.
pub(crate) fn of_clear_answer(
    answer: &GuardAnswer,
    hops: &[Ed25519PublicKey],
    destination: &Ed25519PublicKey,
) -> Blame {
    let text = answer
        .body
        .get(..answer.body.len().min(MAX_TEXT))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    let named = match answer.status {
        502 => text
            .strip_prefix("Next node not found: ")
            .or_else(|| text.strip_prefix("Next node is currently unreachable: ")),
        503 => text.strip_prefix("Snode not ready: "),
        _ => None,
    };
    if let Some(key) = named.and_then(|key| Ed25519PublicKey::from_hex(key).ok()) {
        if key == *destination {
            return Blame::Destination;
        }
        return match hops.iter().position(|hop| *hop == key) {
            Some(0) => Blame::GuardBusy,
            Some(place) => Blame::Hop(place),
            None => Blame::Path,
        };
    }
    let guard_busy = match answer.status {
        503 => text.starts_with("Service node is not ready: ") || text == "Server busy, try again later",
        // What is answered further on comes sealed.
        429 => text == "Too Many Requests",
        _ => false,
    };
    if guard_busy { Blame::GuardBusy } else { Blame::Path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::node;

    fn blame(status: u16, text: &str) -> Blame {
        let hops = [1, 2, 3].map(|number| node(number, 0).ed25519);
        let answer = GuardAnswer {
            status,
            body: text.as_bytes().to_vec(),
        };
        of_clear_answer(&answer, &hops, &node(4, 0).ed25519)
    }

    #[test]
    fn only_members_of_the_path_and_the_destination_can_be_named() {
        let key = |number| node(number, 0).ed25519.to_hex();
        assert_eq!(
            blame(502, &format!("Next node not found: {}", key(2))),
            Blame::Hop(1)
        );
        assert_eq!(
            blame(502, &format!("Next node is currently unreachable: {}\n", key(3))),
            Blame::Hop(2)
        );
        assert_eq!(blame(503, &format!("Snode not ready: {}", key(3))), Blame::Hop(2));
        assert_eq!(
            blame(502, &format!("Next node not found: {}", key(4))),
            Blame::Destination
        );
        assert_eq!(
            blame(502, &format!("Next node not found: {}", key(9))),
            Blame::Path
        );
        assert_eq!(
            blame(503, &format!("Snode not ready: {}", key(1))),
            Blame::GuardBusy
        );
    }

    #[test]
    fn texts_are_matched_at_their_start_and_whole() {
        let key = node(2, 0).ed25519.to_hex();
        assert_eq!(blame(502, &format!("x Next node not found: {key}")), Blame::Path);
        assert_eq!(blame(502, &format!("Next node not found: {key}00")), Blame::Path);
        assert_eq!(blame(500, &format!("Next node not found: {key}")), Blame::Path);
        assert_eq!(blame(502, "Next node not found: zz"), Blame::Path);
    }

    #[test]
    fn busy_guards_and_silence_are_told_apart() {
        assert_eq!(
            blame(503, "Service node is not ready: not synced\n"),
            Blame::GuardBusy
        );
        assert_eq!(blame(503, "Server busy, try again later"), Blame::GuardBusy);
        assert_eq!(blame(429, "Too Many Requests"), Blame::GuardBusy);
        assert_eq!(blame(429, "Too Many Requests here"), Blame::Path);
        assert_eq!(blame(504, "Request time out"), Blame::Path);
        assert_eq!(blame(500, "Invalid response from snode"), Blame::Path);
        assert_eq!(of_send_error(SendError::Gateway), Blame::Nobody);
        assert_eq!(of_send_error(SendError::Busy), Blame::Nobody);
        assert_eq!(of_send_error(SendError::Timeout), Blame::Path);
        assert_eq!(of_send_error(SendError::Guard), Blame::Guard);
        assert_eq!(of_send_error(SendError::UnknownGuard), Blame::UnknownGuard);
        assert_eq!(of_send_error(SendError::TooLarge), Blame::Path);
    }
}
