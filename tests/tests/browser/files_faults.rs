//! Files whose way is cut in the middle: the file server dies, the page is loaded anew, the gateway starts again, and what
//! arrives is what was sent, once.

use std::time::Duration;

use holdfast_protocol::file::FileType;
use tempfile::TempDir;
use tokio::task::LocalSet;

use crate::choke::Way;
use crate::driver::Browser;
use crate::files_sending::{KEEP_BLOBS, choose, staged, two_on};
use crate::files_showing::{Friends, downloaded, friends_on, photo};
use crate::files_stripped::{picks_own_picture, shown_blobs};
use crate::network::Network;
use crate::peer::{Peer, Sent};
use crate::samples::{coast, noise};
use crate::user::Place;

/// The largest file that can be sent.
const LARGEST: usize = 9_900_000;
/// So many bytes of it have passed when everything falls over.
const MIDDLE: usize = 4_000_000;
/// A file that takes no time.
const SMALL: usize = 100_000;
/// Why a message with a file was given up that the server found too large.
const TOO_LARGE: &str = "Not sent: the message is too large.";
/// So long a file that is wanted is tried to be fetched, and somewhat longer.
const GIVEN_UP: Duration = Duration::from_secs(300);
/// What a picture that is not there says.
const WORDS: &str = "return document.querySelector('.tile .cover-words')?.textContent";
/// So many of the newest messages at the other side are looked through.
const RECENT: u16 = 20;

/// Ada, half of whose largest file is on its way to Bert, and waits there.
struct Halfway {
    friends: Friends,
    bytes: Vec<u8>,
    folder: TempDir,
}

async fn halfway_there() -> Halfway {
    let friends = friends_on(Network::start_apart().await, Place::OwnDevice).await;
    let browser = &friends.ada.browser;
    let folder = TempDir::new().expect("a temporary folder");
    let bytes = noise(LARGEST);
    let path = folder.path().join("survey.dat");
    std::fs::write(&path, &bytes).expect("a file of the test");
    choose(browser, "#pick-file", &[&path]).await;
    staged(browser, 1).await;
    friends.network.choke().hold_after(Way::There, MIDDLE);
    browser.press("#send-message").await;
    friends.network.choke().held().await;
    Halfway {
        friends,
        bytes,
        folder,
    }
}

/// Makes sure that the file is at the other side, once, with every bit.
async fn arrived_once(bert: &Peer, ada_id: &str, bytes: &[u8]) {
    let (_, arrived) = bert.fetched(ada_id, "survey.dat").await;
    assert!(arrived == bytes, "every bit is the same");
    let messages = bert.recent(ada_id, RECENT).await;
    let with_files = messages.iter().filter(|message| !message.files.is_empty());
    assert_eq!(with_files.count(), 1, "it was sent once");
}

#[tokio::test]
async fn a_file_on_its_way_there_survives_reload_gateway_and_a_killed_file_server() {
    LocalSet::new()
        .run_until(async {
            let Halfway {
                friends:
                    Friends {
                        mut network,
                        ada,
                        ada_id,
                        bert,
                    },
                bytes,
                folder: _folder,
            } = halfway_there().await;
            network.apart().kill_files();
            ada.browser.reload().await;
            network.apart().kill_gateway();
            network.apart().start_gateway();
            ada.open(&bert.id()).await;
            ada.browser.read("article.own", "survey.dat").await;
            assert!(
                !ada.browser
                    .has("article.own.attached .state[data-state=sent]")
                    .await,
                "nothing is sent without its file"
            );
            network.choke().release();
            network.apart().start_files();
            ada.delivered().await;

            arrived_once(&bert, &ada_id, &bytes).await;
        })
        .await;
}

#[tokio::test]
async fn a_file_on_its_way_here_survives_reload_gateway_and_a_killed_file_server() {
    LocalSet::new()
        .run_until(async {
            let network = Network::start_apart().await;
            let Friends {
                mut network,
                ada,
                ada_id,
                bert,
            } = friends_on(network, Place::OwnDevice).await;
            let folder = TempDir::new().expect("a temporary folder");
            ada.downloads_to(folder.path()).await;
            let bytes = noise(LARGEST);
            let sent = Sent::new("survey.dat", "application/octet-stream", bytes.clone());
            bert.send(&ada_id, "", &[sent]).await;
            ada.browser.read(".file-name", "survey.dat").await;

            network.choke().hold_after(Way::Back, MIDDLE);
            ada.loads("#load-once").await;
            network.choke().held().await;
            network.apart().kill_files();
            ada.browser.reload().await;
            network.apart().kill_gateway();
            network.apart().start_gateway();
            ada.open(&bert.id()).await;
            ada.browser.read(".file-name", "survey.dat").await;
            assert!(
                !ada.browser.has(".file-row[data-act=save]").await,
                "what is half here can't be saved"
            );
            network.choke().release();
            network.apart().start_files();

            // It was asked for before, and comes by itself.
            ada.browser.press(".file-row[data-act=save]").await;
            let saved = downloaded(&ada, folder.path(), "survey.dat").await;
            assert!(saved == bytes, "every bit is the same");
        })
        .await;
}

#[tokio::test]
async fn a_picture_that_could_not_be_fetched_says_so_and_a_tap_tries_again() {
    LocalSet::new()
        .run_until(async {
            let network = Network::start_apart().await;
            let Friends {
                mut network,
                ada,
                ada_id,
                bert,
            } = friends_on(network, Place::OwnDevice).await;
            bert.send(&ada_id, "", &[photo(0)]).await;
            ada.browser.see(".tile.alone").await;
            network.apart().kill_files();
            ada.loads("#load-once").await;
            ada.browser
                .until_within(GIVEN_UP, "the end of the tries", async || {
                    let words = ada.browser.script(WORDS).await;
                    (words == "Could not be loaded").then_some(())
                })
                .await;
            network.apart().start_files();
            ada.browser.press(".tile [data-act=load]").await;
            ada.sees_pictures(1).await;
            ada.browser.gone(".tile .cover").await;
        })
        .await;
}

/// Waits until the page has shown so many different files of a type, and gives their bytes.
async fn shown(browser: &Browser, kind: FileType, count: usize) -> Vec<Vec<u8>> {
    browser
        .until(&format!("{count} files of type {kind:?}"), async || {
            let mut blobs = shown_blobs(browser).await;
            blobs.retain(|blob| FileType::of(blob) == kind);
            blobs.sort_unstable();
            blobs.dedup();
            (blobs.len() == count).then_some(blobs)
        })
        .await
}

#[tokio::test]
async fn pictures_a_voice_message_and_a_face_survive_reload_gateway_and_a_killed_file_server() {
    let mut two = two_on(Network::start_apart().await).await;
    let photos = [coast(320, 200, 1), coast(200, 320, 4)];
    let [first, second] = [0, 1].map(|at| two.write(&format!("coast-{at}.png"), &photos[at]));
    let face = two.write("me.png", &coast(700, 700, 2));
    let (ada, bert) = (&two.ada.browser, &two.bert.browser);
    // In a block, for its names are its own.
    let keep_blobs = format!("{{ {KEEP_BLOBS} }}");
    ada.before_each_page(&keep_blobs).await;
    bert.before_each_page(&keep_blobs).await;

    // On their way there: none has got anywhere when everything begins anew.
    two.network.apart().kill_files();
    picks_own_picture(ada, &face).await;
    ada.press("#save-picture").await;
    ada.gone(".crop").await;
    ada.see(".own-picture .help").await;
    two.ada.open(&two.bert_id).await;
    ada.press("#record-voice").await;
    ada.read(".voice-time", "0:01").await;
    ada.press("#stop-voice").await;
    staged(ada, 1).await;
    choose(ada, "#pick-media", &[&first, &second]).await;
    staged(ada, 3).await;
    ada.press("#send-message").await;
    ada.gone(".tray").await;
    ada.reload().await;
    two.network.apart().kill_gateway();
    two.network.apart().start_gateway();
    two.ada.open(&two.bert_id).await;
    assert!(
        !ada.has("article.own.attached .state[data-state=sent]").await,
        "nothing is sent without its files"
    );
    two.network.apart().start_files();
    two.ada.delivered().await;
    ada.press("#open-profile").await;
    ada.gone(".own-picture .help").await;
    ada.see(".identity .avatar img").await;
    let own_face = shown(ada, FileType::WebP, 1).await;
    two.ada.open(&two.bert_id).await;
    two.ada.send("Now with a face").await;
    ada.press("article.own.attached [data-act=play]").await;
    let sent_pictures = shown(ada, FileType::Png, 2).await;
    let sent_voice = shown(ada, FileType::Mp3, 1).await;

    // On their way here: the same once more.
    two.bert.reads("Now with a face").await;
    two.network.apart().kill_files();
    bert.press("article.message [data-act=load]").await;
    bert.press("#load-always").await;
    bert.see("article.message [data-act=cancel]").await;
    bert.reload().await;
    two.network.apart().kill_gateway();
    two.network.apart().start_files();
    two.network.apart().start_gateway();
    two.bert.open(&two.ada_id).await;
    bert.press("article.message.attached [data-act=play]").await;
    assert!(
        shown(bert, FileType::Png, 2).await == sent_pictures,
        "every bit is the same"
    );
    assert!(
        shown(bert, FileType::Mp3, 1).await == sent_voice,
        "every bit is the same"
    );
    bert.see(".conversation .heading-button .avatar img").await;
    assert!(
        shown(bert, FileType::WebP, 1).await == own_face,
        "the face is the same"
    );

    // And all of it is kept.
    bert.reload().await;
    two.network.apart().kill_files();
    two.bert.open(&two.ada_id).await;
    assert!(
        shown(bert, FileType::Png, 2).await == sent_pictures,
        "nothing is fetched again"
    );
    bert.see(".conversation .heading-button .avatar img").await;
}

#[tokio::test]
async fn a_file_that_is_stopped_on_its_way_stays_and_is_sent_later() {
    LocalSet::new()
        .run_until(async {
            let Halfway {
                friends:
                    Friends {
                        network,
                        ada,
                        ada_id,
                        bert,
                    },
                bytes,
                folder: _folder,
            } = halfway_there().await;
            // How far it is stands beside it, and it can be stopped.
            ada.browser.see("article.own [data-act=cancel] .ring").await;
            ada.browser.press("article.own [data-act=cancel]").await;
            ada.browser.read("article.own .failure", "you stopped it").await;
            network.choke().release();
            ada.browser.reload().await;
            ada.open(&bert.id()).await;
            ada.browser.read("article.own", "survey.dat").await;
            ada.browser.press("article.own [data-act=retry]").await;
            ada.delivered().await;

            arrived_once(&bert, &ada_id, &bytes).await;
        })
        .await;
}

#[tokio::test]
async fn a_message_that_failed_tells_why_in_its_details_and_is_sent_from_there() {
    LocalSet::new()
        .run_until(async {
            let network = Network::start_apart().await;
            let Friends {
                mut network,
                ada,
                ada_id,
                bert,
            } = friends_on(network, Place::OwnDevice).await;
            let browser = &ada.browser;
            let folder = TempDir::new().expect("a temporary folder");
            let bytes = noise(SMALL);
            let path = folder.path().join("survey.dat");
            std::fs::write(&path, &bytes).expect("a file of the test");
            // From now on the server answers 413 to what it took before.
            network.apart().kill_files();
            network.apart().start_files_taking(SMALL / 2);
            choose(browser, "#pick-file", &[&path]).await;
            staged(browser, 1).await;
            ada.send("The survey").await;

            // The message says it, the list does, and everything about the message does.
            browser.read("article.own .failure", TOO_LARGE).await;
            browser.see("article.own .state[data-state=failed]").await;
            let row = format!(".row[data-conversation='{}']", bert.id());
            browser.see(&format!("{row} .state[data-state=failed]")).await;
            ada.right_click("The survey").await;
            ada.entry("Info").await;
            browser.read(".side .facts dd", TOO_LARGE).await;
            browser.picture("message-failed-info").await;
            let heard = bert.recent(&ada_id, RECENT).await;
            assert!(heard.iter().all(|message| message.body != "The survey"));

            // Sent from its details once it is taken again, which tell that too.
            network.apart().kill_files();
            network.apart().start_files();
            browser.press("#info-retry").await;
            browser.gone("#info-retry").await;
            browser.read(".side .facts dd", "Sent").await;
            browser.press("#close-side").await;
            browser.gone(".side").await;
            ada.delivered().await;
            browser.gone("article.own .failure").await;
            browser.gone(&format!("{row} .state[data-state=failed]")).await;

            arrived_once(&bert, &ada_id, &bytes).await;
            let heard = bert.recent(&ada_id, RECENT).await;
            let surveys = heard.iter().filter(|message| message.body == "The survey");
            assert_eq!(surveys.count(), 1, "it was sent once");
            assert_eq!(ada.count("The survey").await, 1);
        })
        .await;
}
