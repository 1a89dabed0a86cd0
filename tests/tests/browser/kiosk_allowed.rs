//! What an operator can allow at a kiosk: files, voices and paper, accounts that exist, and contacts alone.

use holdfast_protocol::account::Seed;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::Browser;
use crate::files_showing::downloaded;
use crate::kiosk::{Visit, at_kiosk};
use crate::network::Network;
use crate::peer::{Sent, name_is_out, nickname_is_out, pin_is_out};
use crate::screens::pictures;
use crate::traces::secrets;
use crate::user::{Place, User};

/// How the page's body is laid out on paper.
pub(crate) async fn on_paper(browser: &Browser) -> Value {
    let set = async |medium: &str| {
        browser
            .cdp("Emulation.setEmulatedMedia", json!({ "media": medium }))
            .await;
    };
    set("print").await;
    let layout = browser
        .script("return getComputedStyle(document.body).display")
        .await;
    set("").await;
    layout
}

#[tokio::test]
async fn files_voices_and_paper_are_there_where_they_are_allowed() {
    let allowed = json!({ "allow": ["send_files", "save_files", "voice", "print"] });
    at_kiosk(allowed, async |visit: Visit| {
        let (visitor, browser) = (&visit.visitor, &visit.visitor.browser);
        let folder = TempDir::new().expect("a temporary folder");
        visitor.downloads_to(folder.path()).await;
        visit.enter("Visitor").await;
        let id = visit.talk("Hello", "Hello visitor").await;
        browser.see("#attach").await;
        browser.see("#record-voice").await;
        assert_ne!(on_paper(browser).await, "none");

        let notes = Sent::new("Notes.txt", "text/plain", b"High water".to_vec());
        visit.desk.send(&id, "For the way", &[notes]).await;
        browser.read(".file-name", "Notes.txt").await;
        browser.press(".file-row[data-act=load]").await;
        browser.press("#load-once").await;
        browser.press(".file-row[data-act=save]").await;
        browser.read("dialog", "stays there when the session ends").await;
        let mut files = std::fs::read_dir(folder.path()).expect("the folder");
        assert!(files.next().is_none(), "nothing is written before the answer");
        browser.press("#confirm").await;
        assert_eq!(
            downloaded(visitor, folder.path(), "Notes.txt").await,
            b"High water"
        );
    })
    .await;
}

#[tokio::test]
async fn an_account_is_opened_before_the_camera_and_leaves_nothing() {
    let (mut network, folder) = (Network::start(), TempDir::new().expect("a temporary folder"));
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let phrase = ada.phrase().await;
    let seed = Seed::from_phrase(&phrase).expect("her phrase");
    let id = seed.id().to_hex();
    name_is_out(&network, &phrase).await;
    drop(ada);
    network.become_kiosk(&json!({
        "version": 1,
        "allow": ["restore"],
        "idle_seconds": 600,
        "leave_unread": true,
        "recent_days": 1,
    }));

    let visitor = User::arrive_with_code(&network, folder.path(), &seed.to_hex()).await;
    let browser = &visitor.browser;
    browser.press("#have-account").await;
    // That nothing need be typed is said before.
    browser.read(".step", "hold the QR code").await;
    browser
        .read("#leaves-unread", "does not mark anything as read")
        .await;
    browser.read("#recent-only", "last day").await;
    browser.press("#type-anyway").await;
    browser.press("#scan-phrase").await;
    browser.press("#scan-camera").await;
    visitor.recognises(&id).await;
    visitor.camera_is_off().await;
    browser.press("#restore-continue").await;
    visitor.home().await;
    browser.press("#open-settings").await;
    browser.see("#leaves-unread").await;
    browser.press("#settings-privacy").await;
    browser.see("#typing-indicators").await;
    assert!(!browser.has("#read-receipts").await, "nobody is told");
    browser.press("#end-session").await;
    browser.see(".kiosk-start").await;

    let mut secrets = secrets(&[&id], &phrase);
    secrets.push(seed.to_hex().as_bytes().to_vec());
    let remains = visitor.browser.quit_to_search().await;
    remains.hold_none_of(&secrets);
    assert_eq!(remains.database_bytes(), 0, "no database was made");
}

#[tokio::test]
async fn where_contacts_alone_can_be_written_to_an_account_finds_its_own_and_nobody_else() {
    let mut network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    ada.delivered().await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    ada.choose(&bert_id, "Add a nickname").await;
    ada.browser.fill("#nickname", "Bertie").await;
    ada.browser.press("#save-nickname").await;
    let phrase = ada.phrase().await;
    nickname_is_out(&network, &phrase, "Bertie").await;
    // Somebody whom she does not know has written too.
    let cleo = User::join(&network, "Cleo", Place::SharedComputer).await;
    let cleo_id = cleo.id().await;
    cleo.write_to(&ada_id).await;
    cleo.send("You don’t know me").await;
    cleo.delivered().await;
    drop((ada, cleo));

    network.become_kiosk(&json!({
        "version": 1, "contacts_only": true, "allow": ["restore", "account_id"], "idle_seconds": 600,
    }));
    let visitor = User::at_new_browser().await;
    let browser = &visitor.browser;
    browser.open(&network.app()).await;
    browser.see(".kiosk-start").await;
    assert!(
        !browser.has("#create-account").await,
        "a new account would have nobody"
    );
    browser.press("#have-account").await;
    browser.see("#type-anyway").await;
    assert!(!browser.has("#new-instead").await);
    browser.press("#type-anyway").await;
    visitor.enter_phrase(&phrase).await;
    browser.press("#restore-continue").await;
    visitor.home().await;
    browser.see(&format!(".row[data-conversation='{bert_id}']")).await;
    // Everything is here, the stranger's message too.
    browser.gone("#reading").await;
    browser.press("#new-conversation").await;
    browser.see(&format!(".people [data-contact='{bert_id}']")).await;
    pictures(browser, "kiosk-10-contacts").await;
    for absent in [
        "#account-id",
        "#scan-id",
        "#open-requests",
        &format!("[data-contact='{cleo_id}']"),
        &format!("[data-conversation='{cleo_id}']"),
    ] {
        assert!(!browser.has(absent).await, "{absent}");
    }
    browser
        .press(&format!(".people [data-contact='{bert_id}']"))
        .await;
    browser.read(".heading-name", "Bertie").await;
    visitor.reads("Hello Ada").await;
    visitor.send("From the library").await;
    bert.reads("From the library").await;
    // What is decided last goes out, although the session ends without a question, and whoever presses twice is no faster.
    visitor.choose(&bert_id, "Pin").await;
    browser
        .see(&format!(".row[data-conversation='{bert_id}'] [title='Pinned']"))
        .await;
    browser
        .script("const end = document.querySelector('#end-session'); end.click(); end.click()")
        .await;
    browser.see(".kiosk-start").await;
    pin_is_out(&network, &phrase).await;
}
