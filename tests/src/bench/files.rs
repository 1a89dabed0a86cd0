//! Encrypting and decrypting files in both forms, piece by piece as a client does it, on one native thread and in
//! Chromium, and how long a person waits from dropping a file until it is sent.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use holdfast_protocol::file::stream::{self, Domain, SecretHasher, StreamSecret};
use holdfast_protocol::file::{AttachmentKey, FileKey, api, attachment};
use rand_core::CryptoRng;

use super::browser::{Browser, JOIN, figures};
use super::network::Network;
use super::{Outcome, percentile, print, print_speed};

/// The file, bytes: a large photograph.
const FILE: usize = 5_000_000;
/// Bytes that are handed over at a time.
const PIECE: usize = 64 * 1024;

/// How often a file is dropped and sent.
const DROPS: usize = 9;
/// Longest time that a file may take until it is sent.
const PATIENCE: Duration = Duration::from_secs(120);

/// Both forms.
pub fn run(rng: &mut impl CryptoRng) -> Outcome {
    let file: Vec<u8> = (0..FILE).map(|at| (at % 251) as u8).collect();
    let key = AttachmentKey::generate(rng);
    let mut out = Vec::with_capacity(2 * PIECE);
    print_speed("attachment_encrypt_native", FILE, || {
        out.clear();
        let mut encryptor = attachment::Encryptor::start(&key, rng, &mut out);
        for piece in file.chunks(PIECE) {
            out.clear();
            encryptor.push(piece, &mut out)?;
        }
        black_box(encryptor.finish(&mut out)?);
        Ok(())
    })?;
    let sent = attachment::encrypt(&file, rng)?;
    let key = FileKey::Legacy {
        key: sent.key,
        digest: sent.digest,
    };
    decrypt("attachment_decrypt_native", &key, &sent.body)?;

    print_speed("stream_key_native", FILE, || {
        let mut hasher = SecretHasher::new(&[1; 32], Domain::Attachment);
        hasher.push(&file);
        black_box(hasher.finish());
        Ok(())
    })?;
    let secret = StreamSecret::random(rng);
    print_speed("stream_encrypt_native", FILE, || {
        out.clear();
        let mut encryptor = stream::Encryptor::start(&secret, FILE, &mut out)?;
        for piece in file.chunks(PIECE) {
            out.clear();
            encryptor.push(piece, &mut out)?;
        }
        encryptor.finish()?;
        Ok(())
    })?;
    let body = stream::encrypt(&secret, &file)?;
    let key = FileKey::Stream {
        key: secret.key().clone(),
    };
    decrypt("stream_decrypt_native", &key, &body)?;

    print_speed("file_id_native", FILE, || {
        black_box(api::file_id(&file));
        Ok(())
    })
}

/// The same in Chromium, and the way of a whole file through the app.
pub async fn browser(folder: &Path) -> Outcome {
    let page = std::env::var_os("HOLDFAST_PAGE").ok_or("HOLDFAST_PAGE names no folder")?;
    let network = Network::start_with_site(&folder.join("page"), 2, Some(Path::new(&page)))?;
    let mut browser = Browser::start().await?;
    browser.open(&format!("{}#files", network.app)).await?;
    let names = [
        "attachment_encrypt",
        "attachment_decrypt",
        "stream_encrypt",
        "stream_decrypt",
    ];
    for (name, value, n) in figures(&mut browser, &names).await? {
        print(&format!("{name}_chromium"), value, "MB/s", n);
    }
    drop(browser);
    drop(network);
    drops(&Network::start(&folder.join("network"), 8)?).await
}

/// From letting go of a file over the note to self until its message is shown as sent: read, encrypted, kept, on the file
/// server and in the swarm. It holds no pattern, and the button that sends it is pressed as soon as it can be.
async fn drops(network: &Network) -> Outcome {
    let mut browser = Browser::start().await?;
    browser.open(&network.app).await?;
    for step in JOIN.iter().chain(&NOTES) {
        browser.until(step).await?;
    }
    let mut times = Vec::new();
    for number in 0..=DROPS {
        browser.run(&DROP.replace("NUMBER", &number.to_string())).await?;
        let told = browser.until_within(PATIENCE, "return window.dropped").await?;
        let ms = told.as_f64().ok_or_else(|| format!("the page says {told}"))?;
        // The first one finds everything cold.
        if number > 0 {
            times.push(Duration::from_secs_f64(ms / 1_000.0));
        }
    }
    for (share, label) in [(0.5, "p50"), (1.0, "max")] {
        let value = percentile(&mut times, share);
        print(
            &format!("drop_to_sent_5mb_chromium_{label}"),
            value,
            "ms",
            times.len(),
        );
    }
    Ok(())
}

/// Opens the note to self, one look at the page after another.
const NOTES: [&str; 4] = [
    "return document.querySelector('#open-network .light:not([data-light=bad])') && true",
    "document.querySelector('#new-conversation').click(); return true",
    "const b = document.querySelector('.link-card .row-link'); if (!b) return null; b.click(); return true",
    "return document.querySelector('#message-text') && document.querySelector('#attach') && true",
];

/// Drops a file, sends it, and leaves in `window.dropped` how long that took, or what went wrong.
const DROP: &str = "
window.dropped = null;
const bytes = new Uint8Array(5_000_000);
for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
const carried = new DataTransfer();
carried.items.add(new File([bytes], 'survey-NUMBER.dat', { type: 'application/octet-stream' }));
const frame = () => new Promise(requestAnimationFrame);
const until = async (look) => { while (!look()) await frame(); };
const own = () => [...document.querySelectorAll('article.own')].at(-1);
(async () => {
  const started = performance.now();
  document.querySelector('.conversation').dispatchEvent(
    new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: carried }));
  await until(() => document.querySelector('#send-message')?.disabled === false);
  document.querySelector('#send-message').click();
  await until(() => own()?.textContent.includes('survey-NUMBER.dat'));
  await until(() => {
    const state = own().querySelector('.state')?.dataset.state;
    if (state === 'failed') throw new Error('not sent');
    return state === 'sent';
  });
  window.dropped = performance.now() - started;
})().catch((error) => { window.dropped = String(error); });
";

fn decrypt(name: &str, key: &FileKey, body: &[u8]) -> Outcome {
    let size = u32::try_from(FILE)?;
    let mut out = Vec::with_capacity(2 * PIECE);
    print_speed(name, FILE, || {
        let mut decryptor = key.decryptor(size)?;
        for piece in body.chunks(PIECE) {
            out.clear();
            decryptor.push(piece, &mut out)?;
        }
        decryptor.finish(&mut out)?;
        Ok(())
    })
}
