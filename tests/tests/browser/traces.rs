//! What stays on the disk of a computer.

use crate::network::Network;
use crate::remains::Remains;
use crate::user::{Place, User};

/// What is said in front of a browser that is searched afterwards, and what is written there and not sent.
pub(crate) const QUESTION: &str = "the heron lands at midnight";
/// As [`QUESTION`].
pub(crate) const ANSWER: &str = "bring a lantern of brass";
/// As [`QUESTION`].
pub(crate) const DRAFT: &str = "an unsent pelican draft";
/// The name that somebody uses there.
pub(crate) const VISITOR: &str = "Visitor Quillfeather";
/// Parts of all these, and of the name of whoever is written to: each would give them away.
const PARTS: [&str; 5] = [
    "Quillfeather",
    "Marrowbone",
    "heron lands",
    "lantern of brass",
    "unsent pelican",
];

/// What a person did in a browser, and what must not be found there afterwards.
struct Visit {
    remains: Remains,
    secrets: Vec<Vec<u8>>,
}

/// Makes an account, looks at its phrase, chats with somebody else, and leaves.
async fn visit(place: Place) -> Visit {
    let network = Network::start();
    let (visitor, secrets) = live(&network, place).await;
    Visit {
        remains: visitor.browser.quit_to_search().await,
        secrets,
    }
}

/// Makes an account, looks at its phrase, and chats with somebody else; with everything that a disk shall not tell.
pub(crate) async fn live(network: &Network, place: Place) -> (User, Vec<Vec<u8>>) {
    let (visitor, friend) = futures::join!(
        User::join(network, VISITOR, place),
        User::join(network, "Friend Marrowbone", Place::SharedComputer),
    );
    let (own_id, friend_id) = (visitor.id().await, friend.id().await);
    let phrase = visitor.phrase().await;
    visitor.write_to(&friend_id).await;
    visitor.send(QUESTION).await;
    friend.open(&own_id).await;
    friend.reads(QUESTION).await;
    friend.send(ANSWER).await;
    visitor.reads(ANSWER).await;
    visitor.browser.fill("#message-text", DRAFT).await;
    drop(friend);
    let secrets = secrets(&[&own_id, &friend_id], &phrase);
    (visitor, secrets)
}

/// What must not be found of what was said, of these accounts, and of a phrase, in each form that it could have.
pub(crate) fn secrets(ids: &[&str], phrase: &str) -> Vec<Vec<u8>> {
    let parts = PARTS.map(|part| part.as_bytes().to_vec());
    let ids = ids.iter().flat_map(|id| {
        [
            id.as_bytes().to_vec(),
            id.to_uppercase().into_bytes(),
            bytes_of(id),
        ]
    });
    // Single words may occur in the browser's own dictionaries; two in a row do not.
    let words: Vec<&str> = phrase.split(' ').collect();
    let pairs = words.windows(2).map(|pair| pair.join(" ").into_bytes());
    parts.into_iter().chain(ids).chain(pairs).collect()
}

/// The key that an Account ID stands for.
pub(crate) fn bytes_of(hex: &str) -> Vec<u8> {
    // Without the prefix: the key itself.
    let digits = hex.as_bytes().get(2..).unwrap_or_default();
    digits
        .chunks(2)
        .map(|pair| {
            let text = std::str::from_utf8(pair).expect("hex digits");
            u8::from_str_radix(text, 16).expect("hex digits")
        })
        .collect()
}

#[tokio::test]
async fn a_shared_computer_keeps_nothing() {
    let visit = visit(Place::SharedComputer).await;
    visit.remains.hold_none_of(&visit.secrets);
    assert_eq!(visit.remains.database_bytes(), 0, "no database was made");
}

#[tokio::test]
async fn an_own_device_keeps_only_sealed_records() {
    let visit = visit(Place::OwnDevice).await;
    assert!(visit.remains.database_bytes() > 0, "the account is kept");
    visit.remains.hold_none_of(&visit.secrets);
}
