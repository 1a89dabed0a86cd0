//! A real film, recorded by the browser under test: chosen and sent, received, shown as a tile, and played.

use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::task::LocalSet;

use crate::driver::Browser;
use crate::files_sending::{choose, staged};
use crate::files_showing::{Friends, friends_on};
use crate::network::Network;
use crate::peer::Sent;
use crate::screens::pictures;
use crate::user::Place;

/// The film's width and height, pixels.
const SIZE: (u32, u32) = (320, 180);
/// Records a film of a second and a half: a sun that goes over the sky.
const RECORD: &str = "
    const done = arguments[0];
    const canvas = document.createElement('canvas');
    canvas.width = 320;
    canvas.height = 180;
    const brush = canvas.getContext('2d');
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm' });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = async () => done([...new Uint8Array(await new Blob(parts).arrayBuffer())]);
    let step = 0;
    const drawing = setInterval(() => {
        brush.fillStyle = `hsl(${200 + step} 55% 60%)`;
        brush.fillRect(0, 0, 320, 180);
        brush.fillStyle = '#fff4d6';
        brush.beginPath();
        brush.arc(30 + 8 * step, 60, 18, 0, 7);
        brush.fill();
        step += 1;
    }, 50);
    recorder.start();
    setTimeout(() => { clearInterval(drawing); recorder.stop(); }, 1500);";
/// The films whose picture is shown in tiles, as width and height.
const TILES: &str = "return [...document.querySelectorAll('video.tile-image')] \
    .filter(film => film.readyState >= 2).map(film => [film.videoWidth, film.videoHeight])";
/// How far the opened film was played, seconds.
const PLAYED: &str = "return document.querySelector('dialog.viewer video')?.currentTime ?? 0";

async fn recorded(browser: &Browser) -> Vec<u8> {
    let film = browser
        .driver()
        .execute_async(RECORD, Vec::new())
        .await
        .expect("a film");
    let bytes: Vec<u8> = serde_json::from_value(film.json().clone()).expect("its bytes");
    assert!(bytes.len() > 1_000, "there is something in it");
    bytes
}

/// Waits until the conversation shows so many films' pictures.
async fn sees_films(browser: &Browser, count: usize) {
    let expected = Value::from(vec![Value::from(vec![SIZE.0, SIZE.1]); count]);
    browser
        .until(&format!("{count} films"), async || {
            (browser.script(TILES).await == expected).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_film_is_sent_received_shown_and_played() {
    LocalSet::new()
        .run_until(async {
            let Friends {
                network: _network,
                ada,
                ada_id,
                bert,
            } = friends_on(Network::start(), Place::OwnDevice).await;
            let browser = &ada.browser;
            let film = recorded(browser).await;

            // It waits for a tap, then its first picture is there.
            bert.send(
                &ada_id,
                "The bay",
                &[Sent::new("bay.webm", "video/webm", film.clone())],
            )
            .await;
            ada.reads("The bay").await;
            browser.see(".tile.alone").await;
            ada.loads("#load-once").await;
            sees_films(browser, 1).await;
            browser.press(".tile-open").await;
            browser.see("dialog.viewer video").await;
            browser
                .until("the film to play", async || {
                    (browser.script(PLAYED).await.as_f64()? > 0.2).then_some(())
                })
                .await;
            pictures(browser, "files-film").await;
            ada.browser.keys(Key::Escape).await;
            browser.gone("dialog.viewer").await;

            // The way back: a chosen film says how large it is, and arrives as it was.
            let folder = TempDir::new().expect("a temporary folder");
            let path = folder.path().join("sun.webm");
            std::fs::write(&path, &film).expect("a file of the test");
            choose(browser, "#pick-media", &[&path]).await;
            staged(browser, 1).await;
            browser.press("#send-message").await;
            ada.delivered().await;
            let (message, arrived) = bert.fetched(&ada_id, "sun.webm").await;
            assert!(arrived == film, "every bit is the same");
            let info = &message.files.first().expect("the film").info;
            assert_eq!((info.width, info.height), SIZE);
            sees_films(browser, 2).await;
            browser.is_quiet().await;
        })
        .await;
}
