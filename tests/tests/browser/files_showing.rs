//! Files that others sent: shown, kept, saved, and gone from the server.

use std::path::Path;

use holdfast_client::api::{MessageKind, Notice};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::LocalSet;

use crate::network::Network;
use crate::peer::{Peer, Sent};
use crate::samples::{coast, noise, tone};
use crate::user::{Place, User};

/// A picture that was shown: its natural width is known only then.
const SHOWN: &str = "return [...document.querySelectorAll('img.tile-image')].filter(i => i.complete && i.naturalWidth).length";

/// Ada at a browser, and Bert at a native client, who have agreed to write.
pub(crate) struct Friends {
    pub(crate) network: Network,
    pub(crate) ada: User,
    pub(crate) ada_id: String,
    pub(crate) bert: Peer,
}

/// Runs a test with the two.
pub(crate) async fn with_friends(place: Place, test: impl AsyncFnOnce(Friends)) {
    let run = async { test(friends_on(Network::start(), place).await).await };
    LocalSet::new().run_until(run).await;
}

/// Has both join a network and agree to write.
pub(crate) async fn friends_on(network: Network, place: Place) -> Friends {
    let ada = User::join(&network, "Ada", place).await;
    let ada_id = ada.id().await;
    let bert = Peer::join(&network, "Bert").await;
    ada.write_to(&bert.id()).await;
    ada.send("Hello Bert").await;
    ada.delivered().await;
    bert.accept(&ada_id).await;
    bert.send(&ada_id, "Hello Ada", &[]).await;
    ada.reads("Hello Ada").await;
    Friends {
        network,
        ada,
        ada_id,
        bert,
    }
}

/// A photograph to send.
pub(crate) fn photo(seed: u32) -> Sent {
    Sent {
        size: (640, 480),
        ..Sent::new("coast.png", "image/png", coast(640, 480, seed))
    }
}

/// A voice message of so many seconds, to send.
pub(crate) fn voice(seconds: u32) -> Sent {
    Sent {
        voice: true,
        ..Sent::new("voice.wav", "audio/wav", tone(seconds))
    }
}

impl User {
    /// Waits until so many pictures are shown in the conversation.
    pub(crate) async fn sees_pictures(&self, count: u64) {
        self.browser
            .until(&format!("{count} pictures"), async || {
                (self.browser.script(SHOWN).await.as_u64() == Some(count)).then_some(())
            })
            .await;
    }

    /// Loads a file by its tile, and answers the question that comes with the first one.
    pub(crate) async fn loads(&self, answer: &str) {
        self.browser.press(".message [data-act=load]").await;
        self.browser.press(answer).await;
    }

    /// Has the browser write downloads to a folder.
    pub(crate) async fn downloads_to(&self, folder: &Path) {
        self.browser
            .cdp(
                "Browser.setDownloadBehavior",
                json!({ "behavior": "allow", "downloadPath": folder.display().to_string() }),
            )
            .await;
    }
}

/// Waits until a download is complete and gives its bytes.
pub(crate) async fn downloaded(user: &User, folder: &Path, name: &str) -> Vec<u8> {
    let file = folder.join(name);
    user.browser
        .until(&format!("{name} in the downloads"), async || {
            // While it is written it has another name, and an empty file holds this one's place.
            std::fs::read(&file).ok().filter(|bytes| !bytes.is_empty())
        })
        .await
}

#[tokio::test]
async fn a_picture_waits_for_a_tap_and_later_ones_come_by_themselves() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network,
            ada,
            ada_id,
            bert,
        } = friends;
        bert.send(&ada_id, "From the reef", &[photo(0)]).await;
        ada.reads("From the reef").await;
        // Its frame has its size before it is loaded.
        let frame = ada.browser.see(".tile.alone").await;
        let before = frame.rect().await.expect("its place");
        assert_eq!(
            ada.browser.script(SHOWN).await.as_u64(),
            Some(0),
            "nothing is fetched unasked"
        );
        ada.loads("#load-always").await;
        ada.sees_pictures(1).await;
        let after = ada
            .browser
            .see(".tile.alone")
            .await
            .rect()
            .await
            .expect("its place");
        assert_eq!(
            (before.width, before.height),
            (after.width, after.height),
            "nothing jumps"
        );

        bert.send(&ada_id, "", &[photo(1), photo(2), photo(3), photo(4)])
            .await;
        ada.sees_pictures(4).await;
        ada.browser.read(".tile-more", "+1").await;
        ada.browser.press("#open-details").await;
        ada.browser.see("#auto-load:checked").await;

        // A reload keeps them, without anything being fetched again.
        ada.browser.reload().await;
        ada.open(&bert.id()).await;
        ada.sees_pictures(4).await;
        drop(network);
    })
    .await;
}

#[tokio::test]
async fn what_is_saved_is_what_was_sent() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
        } = friends;
        let folder = TempDir::new().expect("a temporary folder");
        ada.downloads_to(folder.path()).await;
        let content = noise(700_001);
        bert.send(
            &ada_id,
            "",
            &[Sent::new("Tide tables.pdf", "application/pdf", content.clone())],
        )
        .await;
        ada.browser.read(".file-name", "Tide tables.pdf").await;
        ada.loads("#load-once").await;
        ada.browser.press(".file-row[data-act=save]").await;
        assert_eq!(downloaded(&ada, folder.path(), "Tide tables.pdf").await, content);
        // The other side is told, as other clients do.
        let saved = MessageKind::Notice(Notice::MediaSaved);
        ada.browser
            .until("the notice at the other side", async || {
                (bert.newest(&ada_id).await.kind == saved).then_some(())
            })
            .await;
        // Asked once: the next one is fetched by its tap alone, and not before.
        bert.send(
            &ada_id,
            "",
            &[Sent::new("Chart.zip", "application/zip", noise(9_000))],
        )
        .await;
        ada.browser.read(".file-name", "Chart.zip").await;
        ada.browser.press(".file-row[data-act=load]").await;
        ada.browser
            .press(".message:last-of-type .file-row[data-act=save]")
            .await;
        assert_eq!(downloaded(&ada, folder.path(), "Chart.zip").await, noise(9_000));
    })
    .await;
}

#[tokio::test]
async fn a_shared_computer_warns_before_a_file_is_written() {
    with_friends(Place::SharedComputer, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
        } = friends;
        let folder = TempDir::new().expect("a temporary folder");
        ada.downloads_to(folder.path()).await;
        bert.send(
            &ada_id,
            "",
            &[Sent::new("Notes.txt", "text/plain", b"High water".to_vec())],
        )
        .await;
        ada.browser.read(".file-name", "Notes.txt").await;
        ada.loads("#load-once").await;
        ada.browser.press(".file-row[data-act=save]").await;
        ada.browser
            .read("dialog", "stays there when the session ends")
            .await;
        assert!(
            std::fs::read_dir(folder.path())
                .expect("the folder")
                .next()
                .is_none(),
            "nothing is written before the answer"
        );
        ada.browser.press("#confirm").await;
        assert_eq!(downloaded(&ada, folder.path(), "Notes.txt").await, b"High water");
        ada.browser.press("#open-settings").await;
        ada.browser.press("#settings-storage").await;
        ada.browser.read(".warning", "in memory only").await;
    })
    .await;
}

#[tokio::test]
async fn a_file_that_the_server_has_no_more_says_so() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            mut network,
            ada,
            ada_id,
            bert,
        } = friends;
        bert.send(&ada_id, "", &[photo(0)]).await;
        bert.send(
            &ada_id,
            "",
            &[Sent::new("Chart.zip", "application/zip", noise(20_000))],
        )
        .await;
        ada.browser.read(".file-name", "Chart.zip").await;
        network.forget_files();
        ada.connected().await;
        ada.loads("#load-once").await;
        ada.browser
            .read(".tile .lost-words", "Not on the file server any more")
            .await;
        ada.browser.press(".file-row[data-act=load]").await;
        ada.browser
            .read(".file-sub", "Not on the file server any more")
            .await;
        // Nothing is left that could be pressed in vain.
        assert!(!ada.browser.has(".message [data-act=load]").await);
    })
    .await;
}
