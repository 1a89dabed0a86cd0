//! Files on their way out: chosen, dropped, pasted, refused, the largest; and what the tray keeps.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::files_showing::downloaded;
use crate::network::Network;
use crate::samples::noise;
use crate::screens::pictures;
use crate::user::{Place, User};

/// Puts every blob that the page makes an address of into `window.blobs`.
pub(crate) const KEEP_BLOBS: &str = "window.blobs = []; const make = URL.createObjectURL; \
     URL.createObjectURL = (blob) => { window.blobs.push(blob); return make.call(URL, blob); };";

/// Ada and Bert, who have agreed to write to each other, with their conversation open.
pub(crate) struct Two {
    pub(crate) network: Network,
    pub(crate) ada: User,
    pub(crate) bert: User,
    pub(crate) ada_id: String,
    pub(crate) bert_id: String,
    files: TempDir,
}

pub(crate) async fn two() -> Two {
    two_on(Network::start()).await
}

/// Both on that network.
pub(crate) async fn two_on(network: Network) -> Two {
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
    /// Writes a file to be chosen.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
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
pub(crate) async fn load_everything(browser: &Browser) {
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

/// A script whose `await`s are waited for.
pub(crate) fn awaiting(script: &str) -> String {
    format!("return (async () => {{ {script} }})();")
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
    let large = two.write("film.bin", &vec![7; 9_900_001]);
    let empty = two.write("nothing.txt", b"");
    choose(ada, "#pick-file", &[&large, &empty]).await;
    ada.read(".refused", "film.bin is too large. Files can have up to 9.9 MB.")
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
    let bytes = noise(9_900_000);
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
