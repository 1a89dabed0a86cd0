//! What stays on the disk of a computer.

use crate::driver::Remains;
use crate::network::Network;
use crate::user::{Place, User};

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
        remains: visitor.browser.quit().await,
        secrets,
    }
}

/// Makes an account, looks at its phrase, and chats with somebody else; with everything that a disk shall not tell.
pub(crate) async fn live(network: &Network, place: Place) -> (User, Vec<Vec<u8>>) {
    let (visitor, friend) = futures::join!(
        User::join(network, "Visitor Quillfeather", place),
        User::join(network, "Friend Marrowbone", Place::SharedComputer),
    );
    let (own_id, friend_id) = (visitor.id().await, friend.id().await);
    let phrase = visitor.phrase().await;
    visitor.write_to(&friend_id).await;
    visitor.send("the heron lands at midnight").await;
    friend.open(&own_id).await;
    friend.reads("the heron lands at midnight").await;
    friend.send("bring a lantern of brass").await;
    visitor.reads("bring a lantern of brass").await;
    visitor
        .browser
        .fill("#message-text", "an unsent pelican draft")
        .await;
    drop(friend);
    let mut secrets: Vec<Vec<u8>> = [
        "Visitor Quillfeather",
        "Quillfeather",
        "Marrowbone",
        "heron lands",
        "lantern of brass",
        "unsent pelican",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    for id in [&own_id, &friend_id] {
        secrets.push(id.as_bytes().to_vec());
        secrets.push(id.to_uppercase().into_bytes());
        secrets.push(bytes_of(id));
    }
    // Single words may occur in the browser's own dictionaries; two in a row do not.
    let words: Vec<&str> = phrase.split(' ').collect();
    for pair in words.windows(2) {
        secrets.push(pair.join(" ").into_bytes());
    }
    (visitor, secrets)
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
    assert_eq!(visit.remains.files_with(&visit.secrets), Vec::<String>::new());
    assert_eq!(visit.remains.database_bytes(), 0, "no database was made");
}

#[tokio::test]
async fn an_own_device_keeps_only_sealed_records() {
    let visit = visit(Place::OwnDevice).await;
    assert!(visit.remains.database_bytes() > 0, "the account is kept");
    assert_eq!(visit.remains.files_with(&visit.secrets), Vec::<String>::new());
}
