//! Files whose way is cut in the middle: the file server dies, the page is loaded anew, the gateway starts again, and what
//! arrives is what was sent, once.

use tempfile::TempDir;
use tokio::task::LocalSet;

use crate::choke::Way;
use crate::files_sending::{choose, staged};
use crate::files_showing::{Friends, downloaded, friends_on};
use crate::network::Network;
use crate::peer::Sent;
use crate::samples::noise;
use crate::user::Place;

/// The largest file that can be sent.
const LARGEST: usize = 9_828_080;
/// So many bytes of it have passed when everything falls over.
const MIDDLE: usize = 4_000_000;

#[tokio::test]
async fn a_file_on_its_way_there_survives_reload_gateway_and_a_killed_file_server() {
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
            let bytes = noise(LARGEST);
            let path = folder.path().join("survey.dat");
            std::fs::write(&path, &bytes).expect("a file of the test");
            choose(&ada.browser, "#pick-file", &[&path]).await;
            staged(&ada.browser, 1).await;

            network.choke().hold_after(Way::There, MIDDLE);
            ada.browser.press("#send-message").await;
            network.choke().held().await;
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

            let (_, arrived) = bert.fetched(&ada_id, "survey.dat").await;
            assert!(arrived == bytes, "every bit is the same");
            let messages = bert.recent(&ada_id, 20).await;
            let with_files = messages.iter().filter(|message| !message.files.is_empty());
            assert_eq!(with_files.count(), 1, "it was sent once");
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
