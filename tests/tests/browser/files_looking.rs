//! Where files are looked at: the viewer, the gallery, the pictures of people; and all of it to be looked at.

use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::files_showing::{Friends, downloaded, photo, voice, with_friends};
use crate::peer::Sent;
use crate::samples::{coast, noise, tone};
use crate::screens::pictures;
use crate::user::{Place, User};

impl User {
    /// Opens the conversation's gallery.
    pub(crate) async fn gallery(&self) {
        self.browser.press("#open-details").await;
        self.browser.press("#open-gallery").await;
        self.browser.see(".tabs").await;
    }

    /// Opens the page of the settings about what files take up.
    async fn storage(&self) {
        self.browser.press("#open-settings").await;
        self.browser.press("#settings-storage").await;
    }

    /// Waits until that page, opened anew, says how many bytes there may be.
    async fn may_keep(&self, bytes: &str) {
        let chosen = "return document.querySelector('#file-quota')?.value";
        self.browser
            .until("the amount that was chosen", async || {
                self.storage().await;
                self.browser.see("#file-quota").await;
                (self.browser.script(chosen).await == bytes).then_some(())
            })
            .await;
    }

    /// Does something to the middle of the viewer's stage, and waits until its picture is so many times as large.
    async fn magnifies(&self, act: &str, times: &str) {
        let script = format!(
            "const stage = document.querySelector('.stage'); const at = stage.getBoundingClientRect(); \
             const place = {{ bubbles: true, cancelable: true, clientX: at.left + at.width / 2, \
             clientY: at.top + at.height / 2 }}; {act}"
        );
        self.browser.script(&script).await;
        let zoom = "return document.querySelector('.slide')?.style.getPropertyValue('--zoom')";
        self.browser
            .until(&format!("a picture {times} times as large"), async || {
                (self.browser.script(zoom).await == times).then_some(())
            })
            .await;
    }
}

/// A finger taps twice.
const TAP_TWICE: &str = "for (const kind of ['pointerdown', 'pointerup', 'pointerdown', 'pointerup']) \
     stage.dispatchEvent(new PointerEvent(kind, { ...place, pointerId: 9, pointerType: 'touch', isPrimary: true }));";

/// The wheel turns by so many pixels.
fn wheel(pixels: i32) -> String {
    format!("stage.dispatchEvent(new WheelEvent('wheel', {{ ...place, deltaY: {pixels} }}));")
}

#[tokio::test]
async fn the_viewer_is_used_by_keys_alone_or_by_wheel_and_taps() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
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
        // The wheel magnifies by degrees, two taps at once; neither makes a picture smaller than its whole.
        ada.magnifies(&wheel(-400), "2.226").await;
        ada.magnifies(&wheel(2_000), "1.000").await;
        ada.browser.gone(".stage.magnified").await;
        ada.magnifies(TAP_TWICE, "2.500").await;
        ada.browser.see(".stage.magnified").await;
        ada.magnifies(TAP_TWICE, "1.000").await;
        ada.browser.gone(".stage.magnified").await;
        let folder = TempDir::new().expect("a temporary folder");
        ada.downloads_to(folder.path()).await;
        let saves = ada.browser.see("#viewer-save").await;
        saves.focus().await.expect("it takes the focus");
        ada.browser.keys(Key::Enter).await;
        assert_eq!(
            downloaded(&ada, folder.path(), "coast.png").await,
            photo(1).bytes,
            "what is saved is what was sent"
        );
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
async fn the_gallery_collects_and_cleared_files_come_back() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
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

        ada.storage().await;
        ada.browser.read(".storage-total", "3 files").await;
        ada.browser.press("#clear-again").await;
        ada.browser.press("#confirm").await;
        ada.browser.read(".storage-total", "0 files").await;
        ada.open(&bert.id()).await;
        // What stands for them is still known, here and in the gallery, and a tap brings them back.
        ada.browser.see(".messages .tile-preview").await;
        ada.gallery().await;
        ada.browser.see(".gallery-tiles .tile-preview").await;
        assert!(!ada.browser.has(".gallery-tiles .tile-image").await);
        ada.storage().await;
        ada.open(&bert.id()).await;
        ada.browser.press(".load-all").await;
        ada.sees_pictures(2).await;

        // How much there may be is kept.
        ada.storage().await;
        ada.browser.read(".storage-total", "2 files").await;
        ada.browser.press("#file-quota option[value='1000000000']").await;
        ada.may_keep("1000000000").await;
        ada.browser.reload().await;
        ada.may_keep("1000000000").await;
        // All of it goes.
        ada.browser.press("#clear-all").await;
        ada.browser.press("#confirm").await;
        ada.browser.read(".storage-total", "0 files").await;
        ada.open(&bert.id()).await;
        ada.browser.see(".load-all").await;
    })
    .await;
}

#[tokio::test]
async fn a_contacts_picture_is_shown_wherever_they_are() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
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
            ada, ada_id, bert, ..
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
        bert.send(&ada_id, "", &[voice(14)]).await;
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
