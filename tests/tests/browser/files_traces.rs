//! What files leave on the disk of a computer: nothing at a shared one, and nothing that can be read at an own one.

use tempfile::TempDir;

use crate::files_sending::{choose, staged};
use crate::files_showing::{Friends, with_friends};
use crate::peer::Sent;
use crate::samples::{noise, png};
use crate::user::Place;

/// What stands in the documents, over and over.
const RECEIVED: &str = "the cormorant keeps a ledger of brine. ";
/// As [`RECEIVED`].
const STAGED: &str = "a gannet counts the unpaid herring. ";
/// How often.
const TIMES: usize = 8_000;
/// The side of the picture, in pixels.
const SIDE: u32 = 64;
/// Bytes of it that occur nowhere else.
const GRAINS: std::ops::Range<usize> = 1_000..1_048;

async fn leaves_nothing_to_read(place: Place) {
    with_friends(place, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
        } = friends;
        let grains = noise((SIDE * SIDE * 3) as usize);
        let picture = png(SIDE, SIDE, |x, y| {
            let at = ((y * SIDE + x) * 3) as usize;
            [grains[at], grains[at + 1], grains[at + 2]]
        });
        let picture = Sent {
            size: (SIDE, SIDE),
            ..Sent::new("grain.png", "image/png", picture)
        };
        let ledger = RECEIVED.repeat(TIMES).into_bytes();
        bert.send(&ada_id, "", &[picture]).await;
        bert.send(
            &ada_id,
            "",
            &[Sent::new("Ledger.txt", "text/plain", ledger.clone())],
        )
        .await;
        ada.browser.read(".file-name", "Ledger.txt").await;
        ada.loads("#load-always").await;
        ada.sees_pictures(1).await;
        ada.browser.see(".file-row[data-act=save]").await;
        // And one that waits to be sent.
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("Herring.txt");
        std::fs::write(&path, STAGED.repeat(TIMES)).expect("a file of the test");
        choose(&ada.browser, "#pick-file", &[&path]).await;
        staged(&ada.browser, 1).await;

        let remains = ada.browser.quit_to_search().await;
        let secrets = [RECEIVED.as_bytes(), STAGED.as_bytes(), &grains[GRAINS]];
        remains.hold_none_of(&secrets.map(<[u8]>::to_vec));
        match place {
            Place::OwnDevice => assert!(remains.database_bytes() > ledger.len(), "they are kept"),
            Place::SharedComputer => assert_eq!(remains.database_bytes(), 0, "no database was made"),
        }
    })
    .await;
}

#[tokio::test]
async fn files_at_a_shared_computer_are_in_memory_only() {
    leaves_nothing_to_read(Place::SharedComputer).await;
}

#[tokio::test]
async fn files_on_an_own_device_are_sealed() {
    leaves_nothing_to_read(Place::OwnDevice).await;
}
