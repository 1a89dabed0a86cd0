//! Voice messages and sounds: recorded, sent, played.

use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::files_sending::{awaiting, load_everything, staged, two};
use crate::files_showing::{Friends, voice, with_friends};
use crate::screens::pictures;
use crate::user::{Place, User};

impl User {
    /// What an attribute of an element is.
    async fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let element = self.browser.see(css).await;
        element.attr(name).await.expect("the page answers")
    }
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
async fn a_voice_message_plays_seeks_and_speeds_up() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
        } = friends;
        let voice = voice(24);
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
async fn after_a_voice_message_the_next_one_plays_if_that_is_wanted() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
        } = friends;
        let browser = &ada.browser;
        browser.press("#open-settings").await;
        browser.press("#settings-conversations").await;
        browser.press("#audio-autoplay:not(:checked)").await;
        browser.see("#audio-autoplay:checked").await;
        browser.reload().await;
        ada.open(&bert.id()).await;

        bert.send(&ada_id, "", &[voice(2)]).await;
        browser.see(".sound.voice").await;
        ada.loads("#load-always").await;
        bert.send(&ada_id, "And then", &[]).await;
        bert.send(&ada_id, "", &[voice(24)]).await;
        let buttons = "[...document.querySelectorAll('article.message .sound.voice [data-act=play]')]";
        let plays = |at: usize| {
            format!("return {buttons}[{at}]?.getAttribute('aria-label').startsWith('Pause') ?? null")
        };
        browser
            .until("both voice messages", async || {
                let count = browser.script(&format!("return {buttons}.length")).await;
                (count.as_u64() == Some(2)).then_some(())
            })
            .await;
        browser.script(&format!("{buttons}[0].click()")).await;
        browser
            .until("the second one to play", async || {
                (browser.script(&plays(1)).await == true).then_some(())
            })
            .await;
        assert_eq!(browser.script(&plays(0)).await, false);

        // The choice stays.
        browser.press("#open-settings").await;
        browser.press("#settings-conversations").await;
        browser.see("#audio-autoplay:checked").await;
        browser.is_quiet().await;
    })
    .await;
}

/// Has a finger come down on the button that records, move, or be lifted, so many pixels from where it came down.
async fn finger(browser: &Browser, event: &str, x: i32, y: i32) {
    let script = format!(
        "const button = document.querySelector('#record-voice'); \
         if ('{event}' === 'pointerdown') window.held = button.getBoundingClientRect(); \
         button.dispatchEvent(new PointerEvent('{event}', {{ bubbles: true, cancelable: true, composed: true, \
         pointerId: 7, pointerType: 'touch', isPrimary: true, \
         clientX: window.held.left + window.held.width / 2 + {x}, clientY: window.held.top + window.held.height / 2 + {y} }}));"
    );
    browser.see("#record-voice").await;
    browser.script(&script).await;
}

#[tokio::test]
async fn a_finger_locks_throws_away_and_sends_a_voice_message() {
    let two = two().await;
    let (ada, bert) = (&two.ada.browser, &two.bert.browser);
    // Up: it goes on by itself, whatever the finger does then, and can be heard before it is sent.
    finger(ada, "pointerdown", 0, 0).await;
    ada.see(".voice-lock").await;
    finger(ada, "pointermove", 0, -80).await;
    ada.gone(".voice-lock").await;
    finger(ada, "pointerup", 0, -80).await;
    ada.read(".voice-time", "0:01").await;
    ada.press("#stop-voice").await;
    staged(ada, 1).await;
    ada.press(".tray-item .tray-remove").await;
    ada.gone(".tray-item").await;

    // Towards the beginning of the line: away with it.
    finger(ada, "pointerdown", 0, 0).await;
    ada.see(".voice-lock").await;
    finger(ada, "pointermove", -100, 0).await;
    ada.gone(".voice-bar").await;
    finger(ada, "pointerup", -100, 0).await;
    assert!(!ada.has(".tray-item").await);

    // Held and let go: sent.
    finger(ada, "pointerdown", 0, 0).await;
    ada.see(".voice-lock").await;
    ada.read(".voice-time", "0:01").await;
    // Whoever speaks sees that they are heard.
    ada.until("a level that is not silence", async || {
        let bars = "const path = document.querySelector('.voice-level .meter path')?.getAttribute('d') ?? ''; \
             return [...path.matchAll(/v([0-9]+)/g)].some((bar) => Number(bar[1]) > 2)";
        (ada.script(bars).await == true).then_some(())
    })
    .await;
    finger(ada, "pointerup", 0, 0).await;
    bert.see("article.message .file-row.voice").await;
    let all = bert
        .driver()
        .find_all(By::Css("article.message .file-row.voice"))
        .await;
    assert_eq!(all.expect("the messages").len(), 1);
    ada.is_quiet().await;
}
