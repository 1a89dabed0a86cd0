//! What a try at the lock costs: Argon2id with what new locks take, natively on one thread and in the app's own worker in
//! Chromium, where a person waits for it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use holdfast_client::lock::{Cost, LockRecord, Passphrase};
use holdfast_client::ports::Rng;
use holdfast_client::seal::VaultKey;

use super::browser::{Browser, JOIN};
use super::network::Network;
use super::{Outcome, percentile, print};

/// Tries that are measured. A first one warms up and is not counted.
const TRIES: usize = 9;
/// What the lock is set with.
const PASSPHRASE: &str = "tide reef lantern brass";

/// Bytes of no consequence.
struct Sixes;

impl Rng for Sixes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(6);
    }
}

/// Both.
pub async fn run(network: &Network) -> Outcome {
    native()?;
    chromium(network).await
}

/// Opens a record with its passphrase.
fn native() -> Outcome {
    let passphrase = Passphrase::chosen(PASSPHRASE.as_bytes().to_vec())?;
    let vault = VaultKey::from_bytes(&[7; 32]);
    let lock = LockRecord::new(&vault, &passphrase, Cost::NEW, &Sixes)?;
    let mut times = Vec::new();
    for number in 0..=TRIES {
        let started = Instant::now();
        drop(black_box(lock.open(&passphrase)?));
        if number > 0 {
            times.push(started.elapsed());
        }
    }
    print_times("lock_try_native", &mut times);
    Ok(())
}

/// Sets a lock and locks, one look at the page after another.
const LOCK: [&str; 4] = [
    "document.querySelector('#open-settings').click(); return true",
    "const b = document.querySelector('#settings-lock'); if (!b) return null; b.click(); return true",
    "const b = document.querySelector('#set-passphrase'); if (!b) return null;
     for (const id of ['new-passphrase', 'repeat-passphrase']) {
       const i = document.getElementById(id);
       i.value = 'PASSPHRASE'; i.dispatchEvent(new Event('input', { bubbles: true }));
     }
     b.click(); return true",
    LOCK_AGAIN,
];
/// Locks once that can be done.
const LOCK_AGAIN: &str =
    "const b = document.querySelector('#lock-now'); if (!b) return null; b.click(); return true";
/// Waits for the lock screen, tries a wrong passphrase there, and leaves in `window.tried` how many milliseconds it took until
/// another one could be tried.
const TRY_IN_VAIN: &str = "
const button = document.querySelector('#unlock');
const field = document.querySelector('#passphrase');
if (!button || !field) return null;
window.tried = null;
field.value = 'tide reef lantern'; field.dispatchEvent(new Event('input', { bubbles: true }));
let busy = false;
const started = performance.now();
new MutationObserver((_, observer) => {
  if (button.ariaDisabled === 'true') { busy = true; return; }
  if (!busy) return;
  observer.disconnect();
  window.tried = performance.now() - started;
}).observe(button, { attributes: true });
button.click();
return true";
/// Opens the lock.
const OPEN: &str = "
const field = document.querySelector('#passphrase');
field.value = 'PASSPHRASE'; field.dispatchEvent(new Event('input', { bubbles: true }));
document.querySelector('#unlock').click();
return true";

/// One wrong try after another on the lock screen of the app; with a right one between them none has to wait for its turn.
async fn chromium(network: &Network) -> Outcome {
    let mut browser = Browser::start().await?;
    browser.open(&network.app).await?;
    for step in JOIN.iter().chain(&LOCK) {
        browser.until(&with_passphrase(step)).await?;
    }
    let mut times = Vec::new();
    for number in 0..=TRIES {
        browser.until(TRY_IN_VAIN).await?;
        let told = browser.until("return window.tried").await?;
        let ms = told.as_f64().ok_or_else(|| format!("the page says {told}"))?;
        if number > 0 {
            times.push(Duration::from_secs_f64(ms / 1_000.0));
        }
        browser.until(&with_passphrase(OPEN)).await?;
        browser.until(LOCK_AGAIN).await?;
    }
    print_times("lock_try_chromium", &mut times);
    Ok(())
}

fn with_passphrase(script: &str) -> String {
    script.replace("PASSPHRASE", PASSPHRASE)
}

fn print_times(name: &str, times: &mut [Duration]) {
    for (share, label) in [(0.5, "p50"), (1.0, "max")] {
        let value = percentile(times, share);
        print(&format!("{name}_{label}"), value, "ms", times.len());
    }
}
