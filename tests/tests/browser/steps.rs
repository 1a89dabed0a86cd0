//! Two browsers of one account keep in step.

use crate::network::Network;
use crate::user::{Place, User};

/// Ada at two browsers, and Bert, with whom she has agreed to write.
pub(crate) struct Three {
    pub(crate) network: Network,
    pub(crate) first: User,
    pub(crate) second: User,
    pub(crate) bert: User,
    pub(crate) bert_id: String,
}

pub(crate) async fn three() -> Three {
    let network = Network::start();
    let (first, bert, second) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::join(&network, "Bert", Place::SharedComputer),
        User::arrive(&network)
    );
    let (ada_id, bert_id) = (first.id().await, bert.id().await);
    first.write_to(&bert_id).await;
    first.send("Hello Bert").await;
    first.delivered().await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    first.reads("Hello Ada").await;
    let phrase = first.phrase().await;
    second.restore(&phrase, Place::OwnDevice).await;
    second
        .browser
        .see(&format!("[data-conversation='{bert_id}']"))
        .await;
    Three {
        network,
        first,
        second,
        bert,
        bert_id,
    }
}

#[tokio::test]
async fn what_one_does_the_other_shows() {
    let Three {
        network: _network,
        first,
        second,
        bert,
        bert_id,
    } = three().await;
    let row = format!("[data-conversation='{bert_id}']");

    // The own name.
    first.browser.press("#open-profile").await;
    first.browser.press("#edit-name").await;
    first.browser.fill("#own-name", " Lovelace").await;
    first.browser.press("#save-name").await;
    second.browser.press("#open-profile").await;
    second.browser.read(".own-name", "Ada Lovelace").await;

    // A pin and a nickname.
    first.choose(&bert_id, "Pin").await;
    second.browser.see(&format!("{row} [title='Pinned']")).await;
    second.choose(&bert_id, "Add a nickname").await;
    second.browser.fill("#nickname", "Bertie").await;
    second.browser.press("#save-nickname").await;
    first.browser.read(&row, "Bertie").await;

    // What one has read is read for the other, and what it marks as unread is unread.
    first.browser.press("#open-settings").await;
    second.browser.press("#open-settings").await;
    bert.send("Are you there?").await;
    first.browser.see(&format!("{row} .unread")).await;
    second.browser.see(&format!("{row} .unread")).await;
    first.open(&bert_id).await;
    first.reads("Are you there?").await;
    second.browser.gone(&format!("{row} .unread")).await;
    first.browser.press("#open-settings").await;
    second.choose(&bert_id, "Mark as unread").await;
    first.browser.see(&format!("{row} .unread.marked")).await;

    // It stays so until it is opened again; one that is open meanwhile stays marked.
    first.open(&bert_id).await;
    first.browser.gone(&format!("{row} .unread")).await;
    second.browser.gone(&format!("{row} .unread")).await;
    first.choose(&bert_id, "Mark as unread").await;
    second.browser.see(&format!("{row} .unread.marked")).await;
    first.browser.see(&format!("{row} .unread.marked")).await;
    second.open(&bert_id).await;
    first.browser.gone(&format!("{row} .unread")).await;
    second.browser.gone(&format!("{row} .unread")).await;
    first.browser.press("#open-settings").await;
    second.browser.press("#open-settings").await;

    // Blocking takes the row away at both, and letting back brings it back.
    first.choose(&bert_id, "Block").await;
    first.browser.press("#confirm").await;
    second.browser.gone(&row).await;
    second.browser.press("#open-settings").await;
    second.browser.press("#settings-blocked").await;
    second
        .browser
        .press(&format!("[data-blocked='{bert_id}'] button"))
        .await;
    second.browser.press("#confirm").await;
    first.browser.see(&row).await;
    second.browser.see(&row).await;

    // A conversation that is deleted leaves both lists; the contact stays.
    first.choose(&bert_id, "Delete conversation").await;
    first.browser.press("#confirm").await;
    second.browser.gone(&row).await;
    second.browser.press("#new-conversation").await;
    second
        .browser
        .read(&format!("[data-contact='{bert_id}']"), "Bertie")
        .await;
}

#[tokio::test]
async fn a_killed_browser_catches_up_and_tells_what_it_had_not_told() {
    let Three {
        network,
        first,
        second,
        bert: _bert,
        bert_id,
    } = three().await;
    let row = format!("[data-conversation='{bert_id}']");
    // The change is durable here when it shows; the browser dies before or while telling the network.
    first.choose(&bert_id, "Add a nickname").await;
    first.browser.fill("#nickname", "Bertie").await;
    first.browser.press("#save-nickname").await;
    first.browser.read(&row, "Bertie").await;
    let first = first.killed(&network).await;
    first.browser.read(&row, "Bertie").await;
    second.browser.read(&row, "Bertie").await;
    second.choose(&bert_id, "Pin").await;
    second.browser.see(&format!("{row} [title='Pinned']")).await;
    let second = second.killed(&network).await;
    second.browser.see(&format!("{row} [title='Pinned']")).await;
    first.browser.see(&format!("{row} [title='Pinned']")).await;
}

#[tokio::test]
async fn timers_deletions_and_removed_contacts_are_the_same_in_both() {
    let Three {
        network: _network,
        first,
        second,
        bert,
        bert_id,
    } = three().await;
    let row = format!("[data-conversation='{bert_id}']");
    let timer = format!("{row} [title='Messages disappear']");

    // How long messages live: set by one, seen and turned off by the other.
    first.open(&bert_id).await;
    first.set_timer("#timer-read", "#timer-3600").await;
    second.browser.see(&timer).await;
    second.open(&bert_id).await;
    second
        .browser
        .read(".conversation .heading-sub", "after reading")
        .await;
    second.browser.read(".notice", "after they are read").await;
    second.browser.press("#conversation-menu").await;
    second.entry("Disappearing messages").await;
    second.browser.press("#timer-off").await;
    second.browser.press("#set-timer").await;
    second.browser.see("#set-timer[aria-disabled=true]").await;
    second.browser.press("#close-side").await;
    second.browser.gone(".side").await;
    first.browser.gone(&timer).await;
    first.browser.read(".notice", "no longer disappear").await;

    // A pin that is taken off again by the other.
    first.choose(&bert_id, "Pin").await;
    second.browser.see(&format!("{row} [title='Pinned']")).await;
    second.choose(&bert_id, "Unpin").await;
    first.browser.gone(&format!("{row} [title='Pinned']")).await;

    // What is deleted on all own devices stays with whom it was written to.
    second.right_click("Hello Bert").await;
    second.entry("Delete").await;
    second.browser.press("#delete-own").await;
    second.browser.press("#confirm").await;
    second.misses("Hello Bert").await;
    first.misses("Hello Bert").await;
    assert_eq!(bert.count("Hello Bert").await, 1);

    // What is deleted for everyone by one device, is so for the other, too.
    first.send("A slip of the pen").await;
    first.delivered().await;
    second.reads("A slip of the pen").await;
    second.right_click("A slip of the pen").await;
    second.entry("Delete").await;
    second.browser.press("#delete-everyone").await;
    second.browser.press("#confirm").await;
    for user in [&first, &second, &bert] {
        user.misses("A slip of the pen").await;
    }

    // A contact that is deleted leaves the list and the contacts of both.
    first.choose(&bert_id, "Delete contact").await;
    first.browser.press("#confirm").await;
    for user in [&first, &second] {
        user.browser.gone(&row).await;
        user.browser.press("#new-conversation").await;
        user.browser.see("#account-id").await;
        user.browser.gone(&format!("[data-contact='{bert_id}']")).await;
    }
}
