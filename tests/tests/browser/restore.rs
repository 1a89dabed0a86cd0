//! The way back of an account: true steps, what comes back, a browser killed in between, and a mailbox without a profile.

use crate::network::Network;
use crate::user::{Place, User};

#[tokio::test]
async fn contacts_nicknames_pins_and_blocks_come_back() {
    let network = Network::start();
    let (ada, other) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::arrive(&network)
    );
    let ada_id = ada.id().await;
    let mut ids = Vec::new();
    for name in ["Bert", "Cleo"] {
        other.create(name, Place::SharedComputer).await;
        let id = other.id().await;
        ada.write_to(&id).await;
        ada.send(&format!("Hello {name}")).await;
        ada.delivered().await;
        other.accept(&ada_id).await;
        other.send(&format!("{name} answers")).await;
        ada.reads(&format!("{name} answers")).await;
        other.end_session().await;
        ids.push(id);
    }
    let (bert, cleo) = (&ids[0], &ids[1]);
    ada.choose(bert, "Pin").await;
    ada.browser
        .see(&format!("[data-conversation='{bert}'] [title='Pinned']"))
        .await;
    ada.choose(bert, "Add a nickname").await;
    ada.browser.fill("#nickname", "Bertie").await;
    ada.browser.press("#save-nickname").await;
    ada.choose(cleo, "Block").await;
    ada.browser.press("#confirm").await;
    ada.browser.gone(&format!("[data-conversation='{cleo}']")).await;
    let phrase = ada.phrase().await;
    // Back at another browser, which is killed as soon as the return has begun.
    other.recognise(&phrase, Place::OwnDevice).await;
    other.browser.press("#restore-continue").await;
    other.browser.gone("#restore-continue").await;
    let other = other.killed(&network).await;
    other.home().await;
    other
        .browser
        .read(&format!("[data-conversation='{bert}']"), "Bertie")
        .await;
    other.browser.picture("restore-2-back").await;
    other
        .browser
        .see(&format!("[data-conversation='{bert}'] [title='Pinned']"))
        .await;
    other.browser.gone("#reading").await;
    assert!(!other.browser.has(&format!("[data-conversation='{cleo}']")).await);
    other.open(bert).await;
    other.reads("Hello Bert").await;
    other.reads("Bert answers").await;
    other.browser.press("#open-settings").await;
    other.browser.press("#settings-blocked").await;
    other.browser.see(&format!("[data-blocked='{cleo}']")).await;
    other.browser.press("#open-profile").await;
    other.browser.read(".own-name", "Ada").await;
}

#[tokio::test]
async fn a_mailbox_without_a_profile_gives_three_choices() {
    let (elsewhere, network) = (Network::start(), Network::start());
    let ada = User::join(&elsewhere, "Ada", Place::SharedComputer).await;
    let (phrase, id) = (ada.phrase().await, ada.id().await);
    drop(ada);
    let user = User::arrive(&network).await;
    user.recognise(&phrase, Place::OwnDevice).await;
    user.browser.press("#restore-continue").await;
    user.browser.see("#restore-new-name").await;
    user.browser.picture("restore-3-no-profile").await;

    // Asking again says the same, also after a reload; then a new name opens the account.
    user.browser.press("#restore-again").await;
    user.browser.reload().await;
    user.browser.press("#restore-new-name").await;
    user.browser.fill("#display-name", "Ada again").await;
    user.browser.press("#name-continue").await;
    user.home().await;
    assert_eq!(user.id().await, id);
    user.browser.read(".own-name", "Ada again").await;
}

#[tokio::test]
async fn the_way_back_can_be_given_up() {
    let (elsewhere, network) = (Network::start(), Network::start());
    let ada = User::join(&elsewhere, "Ada", Place::SharedComputer).await;
    let phrase = ada.phrase().await;
    drop(ada);
    let user = User::arrive(&network).await;
    user.recognise(&phrase, Place::OwnDevice).await;
    user.browser.press("#restore-continue").await;
    // Back to the words, which are asked for again: nothing of the account stays on the device.
    user.browser.press("#restore-check").await;
    user.browser.see("#phrase-continue").await;
    user.browser.reload().await;
    user.browser.see("#create-account").await;
}
