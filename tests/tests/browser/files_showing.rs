//! Files that others sent: shown, played, kept, saved, cleared and fetched again.

use std::path::Path;

use holdfast_client::api::{MessageKind, Notice};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::task::LocalSet;

use crate::network::Network;
use crate::peer::{Peer, Sent};
use crate::samples::{coast, noise, tone};
use crate::screens::pictures;
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
async fn with_friends(place: Place, test: impl AsyncFnOnce(Friends)) {
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

fn photo(seed: u32) -> Sent {
    Sent {
        size: (640, 480),
        ..Sent::new("coast.png", "image/png", coast(640, 480, seed))
    }
}

impl User {
    /// Waits until so many pictures are shown in the conversation.
    async fn sees_pictures(&self, count: u64) {
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

    /// Opens the conversation's gallery.
    async fn gallery(&self) {
        self.browser.press("#open-details").await;
        self.browser.press("#open-gallery").await;
        self.browser.see(".tabs").await;
    }

    /// What an attribute of an element is.
    async fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let element = self.browser.see(css).await;
        element.attr(name).await.expect("the page answers")
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
            network: _network,
            ada,
            ada_id,
            bert,
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
            network: _network,
            ada,
            ada_id,
            bert,
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
async fn the_viewer_is_used_by_keys_alone() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id,
            bert,
        } = friends;
        for seed in 0..3 {
            bert.send(&ada_id, ["One", "Two", "Three"][seed as usize], &[photo(seed)])
                .await;
        }
        ada.reads("Three").await;
        ada.loads("#load-always").await;
        ada.sees_pictures(3).await;
        // From the message field back to the newest picture.
        let newest = ada
            .browser
            .until("the newest picture", async || {
                let all = ada.browser.driver().find_all(By::Css(".tile-open")).await.ok()?;
                all.into_iter().next_back()
            })
            .await;
        newest.focus().await.expect("it takes the focus");
        ada.browser.keys(Key::Enter).await;
        ada.browser.see("dialog.viewer img.viewer-image").await;
        ada.browser.read(".viewer-caption", "Three").await;
        ada.browser.keys(Key::Left).await;
        ada.browser.read(".viewer-caption", "Two").await;
        ada.browser.keys(Key::Left).await;
        ada.browser.read(".viewer-caption", "One").await;
        // There is none before it: that way is closed, and not shown.
        ada.browser
            .until("no way to an earlier one", async || {
                ada.browser.has("#viewer-earlier:disabled").await.then_some(())
            })
            .await;
        ada.browser.keys(Key::Right).await;
        ada.browser.read(".viewer-caption", "Two").await;
        ada.browser.keys("+").await;
        ada.browser.see(".stage.magnified").await;
        ada.browser.keys(Key::Left).await;
        ada.browser.read(".viewer-caption", "Two").await;
        ada.browser.keys("0").await;
        ada.browser.gone(".stage.magnified").await;
        ada.browser.keys(Key::Escape).await;
        ada.browser.gone("dialog.viewer").await;
        let back = ada.browser.driver().active_element().await.expect("the focus");
        assert_eq!(
            back.id().await.expect("its id"),
            newest.id().await.expect("its id"),
            "the focus is where it was"
        );
        // The browser's own way back closes it too, and only it.
        ada.browser.keys(Key::Enter).await;
        ada.browser.see("dialog.viewer").await;
        ada.browser.back().await;
        ada.browser.gone("dialog.viewer").await;
        ada.browser.see(".conversation").await;
    })
    .await;
}

#[tokio::test]
async fn a_voice_message_plays_seeks_and_speeds_up() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id,
            bert,
        } = friends;
        let voice = Sent {
            voice: true,
            ..Sent::new("voice.wav", "audio/wav", tone(24))
        };
        bert.send(&ada_id, "", &[voice]).await;
        ada.browser.see(".sound.voice").await;
        ada.loads("#load-always").await;
        // Its length and loudness are found out here.
        ada.browser.read(".sound-time", "0:24").await;
        ada.browser
            .until("a drawing with a shape", async || {
                let path = ada.attribute(".wave path", "d").await?;
                (path.contains("v22") && path.contains("v2M")).then_some(())
            })
            .await;
        ada.browser.press("[data-act=play]").await;
        ada.browser.read(".sound-time", "0:01").await;
        assert!(
            ada.attribute("[data-act=play]", "aria-label")
                .await
                .is_some_and(|label| label.starts_with("Pause")),
            "the button says what it does"
        );
        ada.browser.press("[data-act=speed]").await;
        ada.browser.read("[data-act=speed]", "1.5×").await;
        // By keys to the middle and beyond.
        let slider = ada.browser.see(".track input").await;
        for _ in 0..3 {
            slider
                .send_keys(Key::PageUp)
                .await
                .expect("the slider takes keys");
        }
        ada.browser
            .until("a place further on", async || {
                let time = ada.browser.see(".sound-time").await.text().await.ok()?;
                let seconds: u32 = time.strip_prefix("0:")?.parse().ok()?;
                (seconds >= 6).then_some(())
            })
            .await;
        ada.browser.press("[data-act=play]").await;
        ada.browser
            .until("the pause", async || {
                let label = ada.attribute("[data-act=play]", "aria-label").await?;
                label.starts_with("Play").then_some(())
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_gallery_collects_and_cleared_files_come_back() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id,
            bert,
        } = friends;
        bert.send(&ada_id, "", &[photo(0), photo(1)]).await;
        bert.send(
            &ada_id,
            "",
            &[Sent::new("Chart.zip", "application/zip", noise(50_000))],
        )
        .await;
        ada.browser.see(".load-all").await;
        ada.browser.press(".load-all").await;
        ada.browser.press("#load-always").await;
        ada.sees_pictures(2).await;
        ada.gallery().await;
        ada.browser.read(".gallery-group h2", "Today").await;
        ada.browser
            .press(".gallery-tiles .tile:first-child .tile-open")
            .await;
        ada.browser.see("dialog.viewer img.viewer-image").await;
        ada.browser.press("#close-viewer").await;
        ada.browser.gone("dialog.viewer").await;
        ada.browser.see(".gallery-tiles").await;
        ada.browser.press("#gallery-documents").await;
        ada.browser.read(".gallery-rows", "Chart.zip").await;

        ada.browser.press("#open-settings").await;
        ada.browser.press("#settings-storage").await;
        ada.browser.read(".storage-total", "3 files").await;
        ada.browser.press("#clear-again").await;
        ada.browser.press("#confirm").await;
        ada.browser.read(".storage-total", "0 files").await;
        ada.open(&bert.id()).await;
        // What stands for them is still known, and a tap brings them back.
        ada.browser.press(".load-all").await;
        ada.sees_pictures(2).await;
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

#[tokio::test]
async fn a_contacts_picture_is_shown_wherever_they_are() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id,
            bert,
        } = friends;
        bert.set_picture(coast(300, 300, 2)).await;
        bert.send(&ada_id, "Do you see me?", &[]).await;
        ada.reads("Do you see me?").await;
        let row = format!(".row[data-conversation='{}'] .face img", bert.id());
        ada.browser.see(&row).await;
        ada.browser.see(".conversation .pane-header .face img").await;
        ada.browser.press("#open-details").await;
        ada.browser.press("#open-picture").await;
        ada.browser.see(".person img.viewer-image").await;
        ada.browser.keys(Key::Escape).await;
        ada.browser.gone("dialog.viewer").await;
        ada.browser.reload().await;
        ada.browser.see(&row).await;
    })
    .await;
}

#[tokio::test]
async fn files_can_be_looked_at() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id,
            bert,
        } = friends;
        bert.set_picture(coast(300, 300, 4)).await;
        let browser = &ada.browser;
        bert.send(&ada_id, "", &[photo(0)]).await;
        bert.send(
            &ada_id,
            "",
            &[Sent::new(
                "Tide tables 2026 for the northern reef.pdf",
                "application/pdf",
                noise(1_240_000),
            )],
        )
        .await;
        bert.send(
            &ada_id,
            "",
            &[Sent {
                voice: true,
                ..Sent::new("voice.wav", "audio/wav", tone(14))
            }],
        )
        .await;
        browser.see(".sound.voice").await;
        pictures(browser, "20-files-waiting").await;
        browser.press(".message [data-act=load]").await;
        browser.see("#load-always").await;
        pictures(browser, "21-files-question").await;
        browser.press("#load-always").await;
        ada.sees_pictures(1).await;
        bert.send(
            &ada_id,
            "Three of the same bay, from dawn to dusk",
            &[photo(1), photo(3), photo(5)],
        )
        .await;
        bert.send(&ada_id, "", &[photo(2), photo(4)]).await;
        bert.send(
            &ada_id,
            "",
            &[photo(0), photo(1), photo(2), photo(3), photo(4), photo(5)],
        )
        .await;
        bert.send(
            &ada_id,
            "And one that is high",
            &[Sent {
                size: (480, 800),
                ..Sent::new("high.png", "image/png", coast(480, 800, 1))
            }],
        )
        .await;
        bert.send(
            &ada_id,
            "",
            &[Sent::new("Harbour song.wav", "audio/wav", tone(75))],
        )
        .await;
        browser.read(".file-name", "Harbour song").await;
        browser.read(".sound-time", "0:14").await;
        browser.press(".sound.voice [data-act=play]").await;
        browser.see("[data-act=speed]").await;
        pictures(browser, "22-files").await;
        browser
            .script("document.querySelector('.messages').scrollTop = 0")
            .await;
        pictures(browser, "23-files-above").await;
        browser.press(".tile-open").await;
        browser.see("img.viewer-image").await;
        pictures(browser, "24-viewer").await;
        ada.browser.keys(Key::Escape).await;
        browser.gone("dialog.viewer").await;
        ada.gallery().await;
        pictures(browser, "25-gallery").await;
        browser.press("#gallery-documents").await;
        browser.see(".gallery-rows").await;
        pictures(browser, "26-gallery-documents").await;
        browser.press("#open-settings").await;
        browser.press("#settings-storage").await;
        browser.see(".storage-line").await;
        pictures(browser, "27-storage").await;
    })
    .await;
}
