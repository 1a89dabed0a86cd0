//! The way back of an account: true steps, what comes back, a browser killed in between, and a mailbox without a profile.

use std::time::Duration;

use thirtyfour::prelude::*;

use crate::network::Network;
use crate::peer::{name_is_out, nickname_is_out};
use crate::screens::pictures;
use crate::user::{Place, User};

/// The steps until the profile is there, in their order.
const STEPS: [&str; 4] = [
    "Connect to the network",
    "Find your mailbox",
    "Read your profile",
    "Contacts and messages",
];
/// Keeps what the page says of the way back, as kind and words: the step at hand, the greeting, what was found so far, and
/// the notice at the end. Some of it stands there for a moment only.
const KEEP_TOLD: &str = "
    globalThis.told = [];
    const kinds = {
        step: '.steps [aria-current=step] > span:nth-of-type(2)',
        hello: '#reading h2',
        found: '#reading p',
        notice: '.toast',
    };
    const last = {};
    const look = () => {
        for (const [kind, css] of Object.entries(kinds)) {
            const words = document.querySelector(css)?.textContent;
            if (!words || words === last[kind]) continue;
            last[kind] = words;
            globalThis.told.push([kind, words]);
        }
    };
    const whole = { attributes: true, characterData: true, childList: true, subtree: true };
    new MutationObserver(look).observe(document, whole);";
/// Longer than a network takes to be found again, with all pauses between tries.
const LONG: Duration = Duration::from_secs(150);

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
    // And once more while the mailbox is read, or as soon as something of it is there.
    other
        .browser
        .see(&format!("#reading, [data-conversation='{bert}']"))
        .await;
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
    for text in ["Hello Bert", "Bert answers"] {
        assert_eq!(other.count(text).await, 1, "{text}");
    }
    other.browser.press("#open-settings").await;
    other.browser.press("#settings-blocked").await;
    other.browser.see(&format!("[data-blocked='{cleo}']")).await;
    other.browser.press("#open-profile").await;
    other.browser.read(".own-name", "Ada").await;
}

#[tokio::test]
async fn every_step_of_the_way_back_is_shown_once_it_is_true() {
    // The page comes from a gateway that goes on while the nodes are gone.
    let mut network = Network::start_apart().await;
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

    let other = User::arrive(&network).await;
    let browser = &other.browser;
    browser.script(KEEP_TOLD).await;
    other.recognise(&phrase, Place::OwnDevice).await;
    network.stop();
    browser.press("#restore-continue").await;
    browser.read(".steps [aria-current=step]", STEPS[0]).await;
    browser.read("h1", "Bringing your account back").await;
    pictures(browser, "restore-1-steps").await;
    // Nobody answers: after a while the step that stands still is named, with the ways on. Asking again changes nothing.
    browser.read("#standstill h2", "Nobody answers yet").await;
    browser.read("#standstill", STEPS[0]).await;
    browser.see("#restore-new-name").await;
    browser.press("#restore-again").await;
    browser.read("#restore-again", "Asking").await;
    pictures(browser, "restore-4-standstill").await;
    network.resume();
    let told = browser
        .until_within(LONG, "everything to be here", async || {
            let told = browser.script("return globalThis.told").await;
            let told: Vec<(String, String)> = serde_json::from_value(told).ok()?;
            let ended = told
                .iter()
                .any(|(_, words)| words.starts_with("Everything is here"));
            ended.then_some(told)
        })
        .await;
    let of = |wanted: &str| -> Vec<&str> {
        told.iter()
            .filter(|(kind, _)| kind == wanted)
            .map(|(_, words)| words.as_str())
            .collect()
    };
    let steps: Vec<Option<usize>> = of("step")
        .into_iter()
        .map(|words| STEPS.iter().position(|step| *step == words))
        .collect();
    assert_eq!(steps.first(), Some(&Some(0)), "{told:?}");
    assert!(steps.is_sorted_by(|a, b| a < b), "none goes back: {told:?}");
    assert_eq!(of("hello"), ["Hello Ada"]);
    assert!(
        of("found")
            .iter()
            .all(|words| words.starts_with("Reading your mailbox")),
        "{told:?}"
    );
    assert!(
        !browser.has("#standstill").await,
        "the screen of the steps is gone"
    );
    let notice = of("notice").join(" ");
    assert!(
        notice.starts_with("Everything is here: 1 contact · ") && notice.ends_with(" messages"),
        "{notice}"
    );
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    let place = |kind: &str| kinds.iter().position(|known| *known == kind);
    assert!(
        place("step") < place("hello") && place("hello") < place("notice"),
        "{told:?}"
    );
    browser.gone("#reading").await;
    browser
        .read(&format!("[data-conversation='{bert_id}']"), "Bertie")
        .await;
    other.open(&bert_id).await;
    other.reads("Hello Bert").await;
    other.reads("Hello Ada").await;
}

#[tokio::test]
async fn a_mailbox_without_a_profile_gives_three_choices() {
    let (elsewhere, mut network) = (Network::start(), Network::start());
    let ada = User::join(&elsewhere, "Ada", Place::SharedComputer).await;
    let (phrase, id) = (ada.phrase().await, ada.id().await);
    drop(ada);
    let user = User::arrive(&network).await;
    user.recognise(&phrase, Place::OwnDevice).await;
    user.browser.press("#restore-continue").await;
    user.browser.see("#restore-new-name").await;
    user.browser.picture("restore-3-no-profile").await;

    // Without a connection that is said, and leads to no panel: none is shown before the account is back.
    network.stop();
    user.browser.press("#restore-again").await;
    user.browser.see(".bars .bar").await;
    assert!(!user.browser.has(".bar-action").await);
    network.resume();
    user.browser.gone(".bars .bar").await;

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
async fn without_an_answer_the_account_opens_with_a_new_name() {
    let mut network = Network::start_apart().await;
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let (phrase, id) = (ada.phrase().await, ada.id().await);
    name_is_out(&network, &phrase).await;
    drop(ada);
    let user = User::arrive(&network).await;
    user.recognise(&phrase, Place::OwnDevice).await;
    network.stop();
    user.browser.press("#restore-continue").await;
    user.browser.read("#standstill h2", "Nobody answers yet").await;
    user.browser.press("#restore-new-name").await;
    user.browser.fill("#display-name", "Ada again").await;
    user.browser.press("#name-continue").await;
    user.home().await;
    assert_eq!(user.id().await, id);
    user.browser.read(".own-name", "Ada again").await;
    // The profile that is found once somebody answers is the one that counts.
    network.resume();
    user.browser
        .until_within(LONG, "the name of the profile", async || {
            let name = user.browser.driver().find(By::Css(".own-name")).await.ok()?;
            (name.text().await.ok()? == "Ada").then_some(())
        })
        .await;
}

#[tokio::test]
async fn who_is_blocked_just_before_a_session_ends_is_blocked() {
    let network = Network::start();
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

    let shared = User::arrive(&network).await;
    shared.restore(&phrase, Place::SharedComputer).await;
    // Rows move no more.
    shared.browser.gone("#reading").await;
    shared.choose(&bert_id, "Block").await;
    shared.browser.press("#confirm").await;
    let row = format!("[data-conversation='{bert_id}']");
    shared.browser.gone(&row).await;
    shared.end_session().await;
    ada.browser.gone(&row).await;
}

#[tokio::test]
async fn at_a_shared_computer_it_is_said_what_nobody_can_protect_from() {
    let network = Network::start();
    let user = User::arrive(&network).await;
    user.browser.press("#have-account").await;
    user.browser.press("#shared-computer").await;
    for words in [
        "can record every key",
        "Extensions of this browser",
        "can’t be changed or withdrawn",
    ] {
        user.browser.read("#caution li", words).await;
    }
    pictures(&user.browser, "restore-5-shared").await;
    user.browser.open(&network.app()).await;
    user.browser.press("#have-account").await;
    user.browser.press("#own-device").await;
    user.browser.see("#phrase-continue").await;
    assert!(!user.browser.has("#caution").await, "nothing to warn of");
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
