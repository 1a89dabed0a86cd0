//! Measures version 1 encryption in a browser, one thread, and leaves the figures as JSON in the page's title:
//! `{"encrypt":{"value","n"},"decrypt":…,"decrypt_new_sender":…}`, in calls a second. `decrypt` is what a restored account
//! does, many messages of few senders; `decrypt_new_sender` forgets each. Opened with `#store` it runs the store suite
//! on the browser's IndexedDB instead; with `#fill=1,100000`, served beside the app, it fills the app's database with a
//! history of that many contacts and messages; with `#measure` it measures searching and reading it; with `#files` it
//! measures encrypting and decrypting files, in million bytes a second. It is built as the app is.
#![forbid(unsafe_code)]

mod engine;
mod files;
mod history;
mod platform;
mod store;

use std::hint::black_box;

use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::message::{SenderCache, v1};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use wasm_bindgen::JsValue;

/// A padded text message, bytes, as in the native measurement.
const MESSAGE: usize = 480;
/// Senders of the decrypted messages, as in the native measurement.
const SENDERS: usize = 10;
/// How long each call is repeated, milliseconds.
const RATE_TIME: f64 = 2_000.0;
/// Calls between two looks at the clock.
const BATCH: usize = 20;

fn main() -> Result<(), JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let performance = window.performance().ok_or("there is no clock")?;
    let document = window.document().ok_or("there is no page")?;
    let wanted = window.location().hash()?;
    if !wanted.is_empty() {
        wasm_bindgen_futures::spawn_local(async move {
            if let Some(history) = wanted.strip_prefix("#fill=") {
                history::fill_database(&document, history).await;
            } else if wanted == "#measure" {
                history::measure_database(&document, &performance).await;
            } else if wanted == "#files" {
                let mut rng = ChaCha20Rng::from_seed([9; 32]);
                match files::measure(&performance, &mut rng) {
                    Ok(figures) => document.set_title(&json(&figures)),
                    Err(error) => document.set_title(&error.to_string()),
                }
            } else {
                store::run().await;
                document.set_title(store::PASSED);
            }
        });
        return Ok(());
    }
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let sender = Account::from_seed(Seed::generate(&mut rng));
    let recipient = Account::from_seed(Seed::generate(&mut rng));
    let key = recipient.x25519().public();
    let content = [7; MESSAGE];
    let failed = |error: v1::V1Error| JsValue::from_str(&error.to_string());
    let mut messages = Vec::new();
    for _ in 0..SENDERS {
        let sender = Account::from_seed(Seed::generate(&mut rng));
        messages.push(v1::encrypt(sender.ed25519(), &key, &content, &mut rng).map_err(failed)?);
    }
    let mut senders = SenderCache::default();
    let mut figures = Vec::new();
    for name in ["encrypt", "decrypt", "decrypt_new_sender"] {
        let started = performance.now();
        let mut n = 0_u32;
        while performance.now() - started < RATE_TIME {
            for message in messages.iter().cycle().take(BATCH) {
                let secret = recipient.x25519();
                match name {
                    "encrypt" => drop(black_box(
                        v1::encrypt(sender.ed25519(), &key, &content, &mut rng).map_err(failed)?,
                    )),
                    "decrypt" => drop(black_box(
                        v1::decrypt_cached(secret, &mut senders, message).map_err(failed)?,
                    )),
                    _ => drop(black_box(v1::decrypt(secret, message).map_err(failed)?)),
                }
                n += 1;
            }
        }
        let value = f64::from(n) * 1_000.0 / (performance.now() - started);
        figures.push((name, value, n));
    }
    document.set_title(&json(&figures));
    Ok(())
}

/// Figures as the benches read them: names with a value and how many calls it rests on.
fn json(figures: &[files::Figure]) -> String {
    let entries: Vec<String> = figures
        .iter()
        .map(|(name, value, n)| format!("\"{name}\":{{\"value\":{value},\"n\":{n}}}"))
        .collect();
    format!("{{{}}}", entries.join(","))
}
