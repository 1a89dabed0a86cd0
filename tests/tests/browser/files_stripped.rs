//! What cameras and phones write into pictures and films, and none of which leaves the device.

use std::path::Path;

use data_encoding::BASE64;
use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::files_sending::{awaiting, choose, load_everything, staged, two};
use crate::files_showing::{Friends, with_friends};
use crate::screens::pictures;
use crate::user::Place;

/// What a camera wrote into a picture, to be looked for in what arrives.
const CAMERA: &[u8] = b"KELPCAM-9000";

/// The menu's entry on phones.
const TAKE_PHOTO: &str = "Take a photo";

/// Has a page told that the main pointer is a finger.
pub(crate) const FINGER: &str = "{ const asks = globalThis.matchMedia.bind(globalThis); \
     globalThis.matchMedia = (query) => asks(query === '(pointer: coarse)' ? 'all' : query); }";

/// Keeps how the camera was asked for, in place of the browser's own window.
const OPENS_CAMERA: &str = "document.querySelector('#take-photo').addEventListener('click', (event) => { \
     event.preventDefault(); globalThis.asked = event.target.getAttribute('capture') + ' ' + event.target.accept; });";

/// The words of the open menu.
async fn menu(browser: &Browser) -> String {
    let words = browser
        .script("return document.querySelector('dialog.menu').textContent")
        .await;
    words.as_str().expect("words").to_owned()
}

/// A picture that the browser draws, as it encodes it.
async fn drawn(browser: &Browser, width: u32, height: u32, form: &str) -> Vec<u8> {
    let script = format!(
        "const canvas = new OffscreenCanvas({width}, {height}); const c = canvas.getContext('2d'); \
         const g = c.createLinearGradient(0, 0, {width}, {height}); g.addColorStop(0, '#0a6b5b'); g.addColorStop(1, '#e8c07a'); \
         c.fillStyle = g; c.fillRect(0, 0, {width}, {height}); c.fillStyle = '#fff'; c.fillRect(0, 0, {width} / 4, {height} / 4); \
         const bytes = new Uint8Array(await (await canvas.convertToBlob({{ type: '{form}', quality: 0.92 }})).arrayBuffer()); \
         let text = ''; for (const byte of bytes) text += String.fromCharCode(byte); return btoa(text);"
    );
    decoded(&browser.script(&awaiting(&script)).await)
}

fn decoded(base64: &Value) -> Vec<u8> {
    let text = base64.as_str().unwrap_or_else(|| panic!("bytes: {base64}"));
    BASE64.decode(text.as_bytes()).expect("base 64")
}

/// The blobs that the page has shown, from the first on.
pub(crate) async fn shown_blobs(browser: &Browser) -> Vec<Vec<u8>> {
    let script = "const all = []; for (const blob of window.blobs) { const bytes = new Uint8Array(await blob.arrayBuffer()); \
         let text = ''; for (const byte of bytes) text += String.fromCharCode(byte); all.push(btoa(text)); } return all;";
    let all = browser.script(&awaiting(script)).await;
    all.as_array().expect("a list").iter().map(decoded).collect()
}

/// A JPEG picture with what cameras write: which way up it was held, by what, and where.
fn as_from_a_camera(jpeg: &[u8]) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = tag.to_le_bytes().to_vec();
        entry.extend(kind.to_le_bytes());
        entry.extend(count.to_le_bytes());
        entry.extend(value.to_le_bytes());
        entry
    };
    // Three entries of 12 bytes, their count before and the next directory after them.
    let name_at = 8 + 2 + 3 * 12 + 4;
    let place_at = name_at + CAMERA.len() as u32 + 1;
    tiff.extend(3_u16.to_le_bytes());
    tiff.extend(entry(0x010f, 2, CAMERA.len() as u32 + 1, name_at));
    tiff.extend(entry(0x0112, 3, 1, 6));
    tiff.extend(entry(0x8825, 4, 1, place_at));
    tiff.extend(0_u32.to_le_bytes());
    tiff.extend(CAMERA);
    tiff.push(0);
    tiff.extend(2_u16.to_le_bytes());
    tiff.extend(entry(1, 2, 2, u32::from(b'N')));
    tiff.extend(entry(2, 5, 3, place_at + 2 + 2 * 12 + 4));
    tiff.extend(0_u32.to_le_bytes());
    for number in [54_u32, 1, 19, 1, 3_311, 100] {
        tiff.extend(number.to_le_bytes());
    }
    let mut out = jpeg[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend((tiff.len() as u16 + 8).to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(tiff);
    out.extend(&jpeg[2..]);
    out
}

/// A film as phones write it, as far as a client looks at it: it says where it was taken, and has no pictures.
fn film_with_place() -> Vec<u8> {
    let boxed = |name: &[u8; 4], content: &[u8]| {
        let mut out = (content.len() as u32 + 8).to_be_bytes().to_vec();
        out.extend(name);
        out.extend(content);
        out
    };
    let place = boxed(b"udta", &boxed(b"\xa9xyz", b"\0\x12\x15\xc7+54.3213-004.0150/"));
    let directory = boxed(b"moov", &[boxed(b"mvhd", &[0; 100]), place].concat());
    let begin = boxed(b"ftyp", b"isom\0\0\x02\0isommp41");
    [begin, directory, boxed(b"mdat", &[0x5a; 40_000])].concat()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn pictures_go_in_one_message_with_their_caption_and_without_the_place() {
    let two = two().await;
    let (ada, bert) = (&two.ada.browser, &two.bert.browser);
    let photo = as_from_a_camera(&drawn(ada, 640, 400, "image/jpeg").await);
    assert!(holds(&photo, CAMERA) && holds(&photo, b"Exif"));
    let first = two.write("reef.jpg", &photo);
    let second = two.write("chart.png", &drawn(ada, 300, 300, "image/png").await);
    let film = film_with_place();
    let third = two.write("waves.mp4", &film);
    choose(ada, "#pick-media", &[&first, &second, &third]).await;
    staged(ada, 3).await;
    pictures(ada, "files-tray").await;
    two.ada.send("The reef at noon").await;
    two.ada.delivered().await;
    ada.gone(".tray").await;
    two.bert.reads("The reef at noon").await;
    load_everything(bert).await;
    bert.until("both pictures", async || {
        let shown = bert
            .driver()
            .find_all(By::Css("article.message img.tile-image"))
            .await
            .ok()?;
        let blobs = bert.script("return window.blobs.length;").await;
        (shown.len() == 2 && blobs.as_u64()? >= 3).then_some(())
    })
    .await;
    let count = bert.driver().find_all(By::Css("article.message.attached")).await;
    assert_eq!(count.expect("the messages").len(), 1, "one message");
    let blobs = shown_blobs(bert).await;
    let arrived = blobs
        .iter()
        .find(|blob| blob.starts_with(b"\xff\xd8\xff"))
        .expect("the photo arrived");
    for trace in [CAMERA, b"Exif", b"http://ns.adobe.com/xap"] {
        assert!(
            !holds(arrived, trace),
            "{} left the device",
            String::from_utf8_lossy(trace)
        );
    }
    let film_there = blobs
        .iter()
        .find(|blob| holds(blob, b"ftyp"))
        .expect("the film arrived");
    assert_eq!(film_there.len(), film.len());
    assert!(
        holds(&film, b"+54.3213") && !holds(film_there, b"+54.3213"),
        "the place stayed"
    );
    assert_eq!(film_there[film.len() - 40_000..], film[film.len() - 40_000..]);
    // It was held on its side: what arrives stands upright by itself.
    let sizes = bert
        .script(
            "return [...document.querySelectorAll('article.message img.tile-image')].map((i) => [i.naturalWidth, i.naturalHeight]);",
        )
        .await;
    assert_eq!(sizes, serde_json::json!([[400, 640], [300, 300]]));
    ada.is_quiet().await;
}

#[tokio::test]
async fn a_file_in_full_quality_keeps_its_pixels_and_loses_the_place() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id,
            bert,
        } = friends;
        let browser = &ada.browser;
        let photo = as_from_a_camera(&drawn(browser, 640, 400, "image/jpeg").await);
        let film = film_with_place();
        let (place, notes) = (b"+54.3213", b"KELPCAM-9000 is the camera's name.");
        assert!(holds(&photo, CAMERA) && holds(&photo, b"Exif") && holds(&film, place));
        let folder = TempDir::new().expect("a temporary folder");
        for (name, bytes) in [
            ("reef.jpg", &photo[..]),
            ("waves.mp4", &film[..]),
            ("notes.txt", &notes[..]),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("a file of the test");
        }
        let [first, second, third] =
            ["reef.jpg", "waves.mp4", "notes.txt"].map(|name| folder.path().join(name));
        choose(browser, "#pick-file", &[&first, &second, &third]).await;
        staged(browser, 3).await;
        ada.send("In full quality").await;
        ada.delivered().await;
        browser.gone(".tray").await;

        let (message, arrived) = bert.fetched(&ada_id, "reef.jpg").await;
        let mut infos = message.files.iter().map(|file| &file.info);
        let info = infos.find(|info| info.name.as_deref() == Some("reef.jpg"));
        let sides = info.map(|info| (info.width, info.height));
        assert_eq!(sides, Some((400, 640)), "it says still which way up it is");
        for trace in [CAMERA, b"http://ns.adobe.com/xap"] {
            assert!(
                !holds(&arrived, trace),
                "{} left the device",
                String::from_utf8_lossy(trace)
            );
        }
        // From the first table on, which follows what programs write, nothing is different.
        let pixels = |jpeg: &[u8]| {
            let table = jpeg.windows(2).position(|pair| pair == b"\xff\xdb");
            jpeg[table.expect("a table")..].to_vec()
        };
        assert!(pixels(&arrived) == pixels(&photo), "the pixels are the same");

        let (_, arrived) = bert.fetched(&ada_id, "waves.mp4").await;
        assert_eq!(arrived.len(), film.len());
        assert!(!holds(&arrived, place), "the place stayed");
        assert_eq!(arrived[film.len() - 40_000..], film[film.len() - 40_000..]);
        let (_, arrived) = bert.fetched(&ada_id, "notes.txt").await;
        assert_eq!(arrived, notes, "what is no picture goes as it is");
    })
    .await;
}

/// Chooses a picture of the own profile, up to where it is cut.
pub(crate) async fn picks_own_picture(browser: &Browser, path: &Path) {
    browser.press("#open-profile").await;
    browser.see("#choose-picture").await;
    choose(browser, "#pick-picture", &[path]).await;
    browser.see(".crop").await;
    browser
        .until("the picture in its window", async || {
            let width = browser
                .script("return document.querySelector('.crop img').offsetWidth;")
                .await;
            (width.as_u64()? > 100).then_some(())
        })
        .await;
}

#[tokio::test]
async fn an_own_picture_is_cut_saved_and_seen_by_the_other_side() {
    let two = two().await;
    let (ada, bert) = (&two.ada.browser, &two.bert.browser);
    let photo = as_from_a_camera(&drawn(ada, 900, 700, "image/jpeg").await);
    let path = two.write("me.jpg", &photo);
    picks_own_picture(ada, &path).await;
    // By keys: enlarged twice, moved to the beginning.
    let stage = ada.see(".crop").await;
    stage.focus().await.expect("it takes the focus");
    stage.send_keys("++").await.expect("it takes keys");
    stage.send_keys(Key::Left).await.expect("it takes keys");
    pictures(ada, "picture-crop").await;
    ada.press("#save-picture").await;
    ada.gone(".crop").await;
    ada.see(".identity .avatar img").await;
    pictures(ada, "picture-own").await;
    two.ada.open(&two.bert_id).await;
    two.ada.send("Now with a face").await;
    two.bert.reads("Now with a face").await;
    bert.see(".conversation .heading-button .avatar img").await;
    let small = shown_blobs(bert).await;
    assert!(!small.is_empty());
    for blob in &small {
        assert!(!holds(blob, CAMERA));
    }

    // Removed: initials again, at both sides.
    ada.press("#open-profile").await;
    ada.press("#remove-picture").await;
    ada.press("#confirm").await;
    ada.gone(".identity .avatar img").await;
    two.ada.open(&two.bert_id).await;
    two.ada.send("And without").await;
    two.bert.open(&two.ada_id).await;
    two.bert.reads("And without").await;
    bert.gone(".conversation .heading-button .avatar img").await;
    ada.is_quiet().await;
}

#[tokio::test]
async fn a_photo_is_taken_where_there_is_a_finger_and_leaves_without_the_place() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id,
            bert,
        } = friends;
        let browser = &ada.browser;
        // A computer with a mouse has no camera at hand.
        browser.press("#attach").await;
        browser.read(".menu-item", "File, full quality").await;
        assert!(!menu(browser).await.contains(TAKE_PHOTO));

        browser.before_each_page(FINGER).await;
        browser.reload().await;
        ada.open(&bert.id()).await;
        browser.press("#attach").await;
        browser.read(".menu-item", TAKE_PHOTO).await;
        browser.script(OPENS_CAMERA).await;
        ada.entry(TAKE_PHOTO).await;
        browser
            .until("the camera to be asked for", async || {
                let asked = browser.script("return globalThis.asked").await;
                (asked == "environment image/*").then_some(())
            })
            .await;

        let photo = as_from_a_camera(&drawn(browser, 640, 400, "image/jpeg").await);
        assert!(holds(&photo, CAMERA) && holds(&photo, b"Exif"));
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("image.jpg");
        std::fs::write(&path, &photo).expect("a file of the test");
        choose(browser, "#take-photo", &[&path]).await;
        staged(browser, 1).await;
        ada.send("Just now").await;
        ada.delivered().await;
        browser.gone(".tray").await;

        let message = bert.hears(&ada_id, "Just now").await;
        let [file] = &message.files[..] else {
            panic!("{message:?}");
        };
        let name = file.info.name.as_deref().expect("a name");
        let (_, arrived) = bert.fetched(&ada_id, name).await;
        assert!(arrived.starts_with(b"\xff\xd8\xff"), "it is a photo still");
        for trace in [CAMERA, b"Exif"] {
            assert!(
                !holds(&arrived, trace),
                "{} left the device",
                String::from_utf8_lossy(trace)
            );
        }
    })
    .await;
}
