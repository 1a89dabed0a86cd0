//! Files on their way out: chosen, dropped, pasted, recorded; what of them leaves the device, and what the tray keeps.

use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::files_showing::downloaded;
use crate::network::Network;
use crate::samples::noise;
use crate::screens::pictures;
use crate::user::{Place, User};

/// What a camera wrote into a picture, to be looked for in what arrives.
const CAMERA: &[u8] = b"KELPCAM-9000";
/// Puts every blob that the page makes an address of into `window.blobs`.
const KEEP_BLOBS: &str = "window.blobs = []; const make = URL.createObjectURL; \
     URL.createObjectURL = (blob) => { window.blobs.push(blob); return make.call(URL, blob); };";

/// Ada and Bert, who have agreed to write to each other, with their conversation open.
struct Two {
    network: Network,
    ada: User,
    bert: User,
    ada_id: String,
    bert_id: String,
    files: TempDir,
}

async fn two() -> Two {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    ada.delivered().await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    bert.browser.script(KEEP_BLOBS).await;
    let files = TempDir::new().expect("a temporary folder");
    Two {
        network,
        ada,
        bert,
        ada_id,
        bert_id,
        files,
    }
}

impl Two {
    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, bytes).expect("a file of the test");
        path
    }
}

/// Waits for an input for files, which need not be seen, and chooses some there.
pub(crate) async fn choose(browser: &Browser, input: &str, paths: &[&Path]) {
    let input = browser
        .until(&format!("input {input}"), async || {
            browser.driver().find(By::Css(input)).await.ok()
        })
        .await;
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    input
        .send_keys(names.join("\n"))
        .await
        .expect("the input takes files");
}

/// Waits until so many files are staged and nothing is being prepared.
pub(crate) async fn staged(browser: &Browser, count: usize) {
    browser
        .until(&format!("{count} staged files"), async || {
            let items = browser.driver().find_all(By::Css(".tray-item")).await.ok()?;
            let busy = browser.has(".tray-item .ring").await;
            (items.len() == count && !busy).then_some(())
        })
        .await;
}

/// Fetches everything that waits for a tap; the first time the question is answered that comes with it.
async fn load_everything(browser: &Browser) {
    browser.see("article.message [data-act=load]").await;
    browser
        .until("everything to be fetched", async || {
            if let Ok(always) = browser.driver().find(By::Css("#load-always")).await {
                // It may close at this moment.
                let _ = always.click().await;
                return None;
            }
            match browser
                .driver()
                .find(By::Css("article.message [data-act=load]"))
                .await
            {
                Ok(button) => {
                    let _ = button.click().await;
                    None
                }
                Err(_) => (!browser.has("article.message [data-act=cancel]").await).then_some(()),
            }
        })
        .await;
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

/// A script whose `await`s are waited for.
pub(crate) fn awaiting(script: &str) -> String {
    format!("return (async () => {{ {script} }})();")
}

fn decoded(base64: &Value) -> Vec<u8> {
    let text = base64.as_str().unwrap_or_else(|| panic!("bytes: {base64}"));
    BASE64.decode(text.as_bytes()).expect("base 64")
}

/// The blobs that the page has shown, from the first on.
async fn shown_blobs(browser: &Browser) -> Vec<Vec<u8>> {
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
async fn files_are_dropped_pasted_refused_in_words_and_kept_over_a_reload() {
    let two = two().await;
    let ada = &two.ada.browser;
    // Dropped: the place to drop shows while they hover.
    let carry = "window.carried = new DataTransfer(); \
         window.carried.items.add(new File(['tide tables'], 'tides.txt', { type: 'text/plain' }));";
    ada.script(carry).await;
    let drag = |name: &str| {
        format!(
            "document.querySelector('.conversation').dispatchEvent(new DragEvent('{name}', {{ bubbles: true, cancelable: true, dataTransfer: window.carried }}));"
        )
    };
    ada.script(&drag("dragenter")).await;
    ada.script(&drag("dragover")).await;
    ada.read(".drop-target", "Bert").await;
    pictures(ada, "files-drop").await;
    ada.script(&drag("drop")).await;
    ada.gone(".drop-target").await;
    staged(ada, 1).await;

    // Pasted: a picture that has no name.
    let paste = "const canvas = new OffscreenCanvas(64, 64); canvas.getContext('2d').fillRect(0, 0, 64, 64); \
         const data = new DataTransfer(); data.items.add(new File([await canvas.convertToBlob()], 'image.png', { type: 'image/png' })); \
         document.querySelector('#message-text').dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data }));";
    ada.script(&awaiting(paste)).await;
    staged(ada, 2).await;

    // Too large and empty: refused by name, what was there stays.
    let large = two.write("film.bin", &vec![7; 9_828_081]);
    let empty = two.write("nothing.txt", b"");
    choose(ada, "#pick-file", &[&large, &empty]).await;
    ada.read(".refused", "film.bin is too large. Files can have up to 9.8 MB.")
        .await;
    ada.read(".refused", "nothing.txt is empty.").await;
    staged(ada, 2).await;
    pictures(ada, "files-refused").await;
    ada.press("#dismiss-refused").await;
    ada.gone(".refused").await;

    // A reload keeps the tray, another tab shows it too, and what one removes the other loses.
    ada.reload().await;
    two.ada.open(&two.bert_id).await;
    staged(ada, 2).await;
    ada.read(".tray", "tides.txt").await;
    let first = ada.tab().await;
    ada.new_tab().await;
    ada.open(&two.network.app()).await;
    two.ada.open(&two.bert_id).await;
    staged(ada, 2).await;
    ada.press(".tray-item:last-child .tray-remove").await;
    staged(ada, 1).await;
    ada.go_to(&first).await;
    staged(ada, 1).await;

    // A document and a picture go as two messages: other clients show one document of a message.
    ada.script(&awaiting(paste)).await;
    staged(ada, 2).await;
    two.ada.send("For tomorrow").await;
    two.ada.delivered().await;
    ada.gone(".tray").await;
    two.bert.reads("For tomorrow").await;
    let bert = &two.bert.browser;
    bert.read("article.message.attached", "tides.txt").await;
    bert.see("article.message.attached .tile").await;
    let messages = bert.driver().find_all(By::Css("article.message.attached")).await;
    assert_eq!(messages.expect("the messages").len(), 2);
    ada.is_quiet().await;
}

#[tokio::test]
async fn nothing_is_attached_before_the_other_side_accepts() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::join(&network, "Bert", Place::SharedComputer),
    );
    let bert_id = bert.id().await;
    ada.write_to(&bert_id).await;
    ada.send("Hello").await;
    ada.delivered().await;
    ada.browser.press("#attach").await;
    ada.browser.read(".refused", "accepted your request").await;
    ada.browser.press("#dismiss-refused").await;
    ada.browser.press("#record-voice").await;
    ada.browser.read(".refused", "accepted your request").await;
}

#[tokio::test]
async fn the_largest_file_arrives_bit_for_bit() {
    let two = two().await;
    let (ada, bert) = (&two.ada.browser, &two.bert.browser);
    let bytes = noise(9_828_080);
    let path = two.write("survey.dat", &bytes);
    choose(ada, "#pick-file", &[&path]).await;
    staged(ada, 1).await;
    ada.press("#send-message").await;
    two.ada.delivered().await;
    load_everything(bert).await;
    let folder = TempDir::new().expect("a temporary folder");
    two.bert.downloads_to(folder.path()).await;
    bert.press("article.message.attached [data-act=save]").await;
    let saved = downloaded(&two.bert, folder.path(), "survey.dat").await;
    assert!(saved == bytes, "every bit is the same");
}

#[tokio::test]
async fn a_voice_message_is_recorded_heard_kept_and_plays_at_the_other_side() {
    let two = two().await;
    let (ada, bert) = (&two.ada.browser, &two.bert.browser);
    ada.press("#record-voice").await;
    ada.read(".voice-time", "0:02").await;
    pictures(ada, "voice-recording").await;
    ada.press("#stop-voice").await;
    staged(ada, 1).await;
    ada.see(".tray-item .file-row.voice").await;
    pictures(ada, "voice-recorded").await;
    ada.press(".tray-item .sound-button").await;
    ada.see(".tray-item .sound-speed").await;
    // It is a file of the draft now.
    ada.reload().await;
    two.ada.open(&two.bert_id).await;
    staged(ada, 1).await;
    ada.press("#send-message").await;
    two.ada.delivered().await;
    load_everything(bert).await;
    bert.press("article.message.attached [data-act=play]").await;
    let decode = "const found = window.blobs.find((blob) => blob.type === 'audio/mpeg'); if (!found) return null; \
         const bytes = await found.arrayBuffer(); \
         const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes.slice(0)); \
         let loudest = 0; for (const sample of sound.getChannelData(0)) loudest = Math.max(loudest, Math.abs(sample)); \
         return [sound.duration, loudest, bytes.byteLength];";
    let heard = bert
        .until("the recording", async || {
            let heard = bert.script(&awaiting(decode)).await;
            heard.is_array().then_some(heard)
        })
        .await;
    let [seconds, loudest, bytes] = [0_usize, 1, 2].map(|at| heard[at].as_f64().unwrap_or_default());
    assert!(seconds > 1.9, "what was recorded is there: {seconds} s");
    assert!(
        (5_000.0..9_000.0).contains(&(bytes / seconds)),
        "48 kbit/s: {bytes} bytes"
    );
    assert!(loudest > 0.02, "the fake microphone beeps: {loudest}");
    let told = bert.see("article.message.attached .sound-time").await;
    assert!(told.text().await.expect("a time").contains("0:0"));

    // Thrown away is gone; sent while it runs is sent.
    ada.press("#record-voice").await;
    ada.read(".voice-time", "0:01").await;
    ada.press("#discard-voice").await;
    ada.gone(".voice-bar").await;
    assert!(!ada.has(".tray-item").await);
    ada.press("#record-voice").await;
    ada.read(".voice-time", "0:01").await;
    ada.press("#record-voice").await;
    bert.until("the second voice message", async || {
        let all = bert
            .driver()
            .find_all(By::Css("article.message .file-row.voice"))
            .await
            .ok()?;
        (all.len() == 2).then_some(())
    })
    .await;
    ada.is_quiet().await;
}

#[tokio::test]
async fn an_own_picture_is_cut_saved_and_seen_by_the_other_side() {
    let two = two().await;
    let (ada, bert) = (&two.ada.browser, &two.bert.browser);
    let photo = as_from_a_camera(&drawn(ada, 900, 700, "image/jpeg").await);
    let path = two.write("me.jpg", &photo);
    ada.press("#open-profile").await;
    ada.see("#choose-picture").await;
    choose(ada, "#pick-picture", &[&path]).await;
    ada.see(".crop").await;
    ada.until("the picture in its window", async || {
        let width = ada
            .script("return document.querySelector('.crop img').offsetWidth;")
            .await;
        (width.as_u64()? > 100).then_some(())
    })
    .await;
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
