//! Signed releases: the first visit keeps one, bad ones are refused, a good one comes when the user says so, and what is kept
//! starts without a server.

use std::path::PathBuf;

use holdfast_node::release::{MANIFEST, SIGNATURE, sign_folder};
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_tests::site::unpacked;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::By;

use crate::driver::Browser;
use crate::files_sending::awaiting;
use crate::network::{Network, built_app};
use crate::screens::pictures;
use crate::user::{Place, User};

/// The words of the app in English.
pub(crate) const WORDS: &str = "languages/en.json";
/// The heading of the settings in those.
const HEADING: &str = "settings.title";

fn keys(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[seed; 32])
}

/// A copy of the built app, and one of how it was last published.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Site {
        let site = Site {
            folder: TempDir::new().expect("a temporary folder"),
        };
        unpacked(&built_app(), &site.path()).expect("a copy of the app");
        site
    }

    /// A site whose first release, number 10, is signed with the first key.
    pub(crate) fn signed() -> Site {
        let site = Site::new();
        site.sign(10, 1);
        site.publish();
        site
    }

    /// The folder that is served.
    fn path(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    fn published(&self) -> PathBuf {
        self.folder.path().join("published")
    }

    pub(crate) fn sign(&self, number: u64, key: u8) -> String {
        let made = sign_folder(&self.path(), number, &keys(key), None).expect("a signed site");
        made.fingerprint.short()
    }

    /// Remembers the site as it is.
    fn publish(&self) {
        unpacked(&self.path(), &self.published()).expect("a copy of the site");
    }

    /// Makes the site as it was remembered.
    pub(crate) fn restore(&self) {
        unpacked(&self.published(), &self.path()).expect("a copy of the site");
    }

    /// Has the settings called something else, as a new version might.
    pub(crate) fn call_settings(&self, heading: &str) {
        let file = self.path().join(WORDS);
        let text = std::fs::read_to_string(&file).expect("the words");
        let mut words: Value = serde_json::from_str(&text).expect("JSON");
        match words.get_mut(HEADING).expect("the heading") {
            Value::Object(told) => told.insert("text".to_owned(), json!(heading)),
            other => Some(std::mem::replace(other, json!(heading))),
        };
        std::fs::write(&file, words.to_string()).expect("a file of the site");
    }

    pub(crate) fn append(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        let before = std::fs::read_to_string(&file).expect("a file of the site");
        std::fs::write(&file, before + text).expect("a file of the site");
    }

    /// Gives a file that the page needs another name, as a new version does with each that it changes.
    fn rename(&self, prefix: &str, name: &str) {
        let page = self.path().join("index.html");
        let text = std::fs::read_to_string(&page).expect("the page");
        let before = std::fs::read_dir(self.path())
            .expect("the site's folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .find(|file| file.starts_with(prefix))
            .expect("a file of the site");
        std::fs::rename(self.path().join(&before), self.path().join(name)).expect("a file of the site");
        std::fs::write(&page, text.replace(&before, name)).expect("the page");
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.path().join(path)).expect("a file of the site");
    }
}

/// Opens the page about the app.
pub(crate) async fn about(browser: &Browser) {
    browser.press("#open-settings").await;
    browser.press("#settings-about").await;
    browser.see("#release-standing").await;
}

/// Waits until a release is kept, which the page about the app tells, and comes back with its answers.
async fn kept(ada: &User, build: &str) {
    about(&ada.browser).await;
    ada.browser.read("#release-build", build).await;
    ada.browser.reload().await;
    ada.home().await;
}

/// Looks for a new version by the button, and waits for what comes of it.
pub(crate) async fn check(browser: &Browser) {
    about(browser).await;
    // The look at the start is over.
    browser.see("#release-check[aria-disabled=false]").await;
    let looked = awaiting(
        "const button = document.querySelector('#release-check'); let busy = false; \
         const done = new Promise((done) => new MutationObserver(() => { \
         if (button.ariaDisabled === 'true') busy = true; else if (busy) done(); }) \
         .observe(button, { attributes: true })); button.click(); await done; return null;",
    );
    browser.script(&looked).await;
}

/// Reloads the page: it works, and its settings are called what they should be.
async fn runs(ada: &User, heading: &str) {
    ada.browser.reload().await;
    ada.home().await;
    ada.browser.press("#open-settings").await;
    ada.browser.read(".pane h1", heading).await;
}

/// A person whose browser keeps the first release of a signed site.
pub(crate) async fn pinned(site: &Site) -> (Network, User) {
    let network = Network::start_at(&site.path());
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    about(&ada.browser).await;
    ada.browser.see("#release-build").await;
    ada.browser.reload().await;
    ada.home().await;
    (network, ada)
}

#[tokio::test]
async fn an_unsigned_site_is_passed_through_and_is_kept_once_it_is_signed() {
    let site = Site::new();
    let network = Network::start_at(&site.path());
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    about(browser).await;
    browser.read("#release-standing", "This site is not signed").await;
    pictures(browser, "about-unsigned").await;
    site.call_settings("Choices");
    runs(&ada, "Choices").await;
    assert!(!browser.has("#release-bar").await, "nothing else is there to run");

    let build = site.sign(10, 1);
    check(browser).await;
    kept(&ada, &build).await;
    about(browser).await;
    browser.read("#release-standing", "from its own storage").await;
    assert_eq!(last_files(browser).await, [""; 0], "the release has all");
    browser
        .read("#release-key", &keys(1).public().to_string()[..4])
        .await;
    pictures(browser, "about-kept").await;
    // From now on the server changes nothing by itself, whatever a page of it is asked for.
    site.call_settings("Trap");
    site.append("index.html", "<p id=\"trap\">trap</p>");
    for address in ["", "?lang=en", "index.html", "v1/nodes", "some/where"] {
        browser.open(&format!("{}{address}", network.app())).await;
        ada.home().await;
        assert!(!browser.has("#trap").await, "{address}");
    }
    runs(&ada, "Choices").await;
    let script = awaiting(
        "const asked = document.createElement('link'); asked.rel = 'modulepreload'; asked.href = '/trap.js'; \
         const failed = new Promise((done) => { asked.onerror = () => done('refused'); asked.onload = () => done('ran'); }); \
         document.head.append(asked); return failed;",
    );
    std::fs::write(site.path().join("trap.js"), "window.trap = 1;").expect("a file of the site");
    assert_eq!(browser.script(&script).await, "refused", "no file of the release");
}

#[tokio::test]
async fn bad_releases_are_refused_and_the_one_before_goes_on() {
    let site = Site::signed();
    let (_network, ada) = pinned(&site).await;
    let browser = &ada.browser;
    type Bad = (&'static str, &'static str, fn(&Site));
    let bad: [Bad; 5] = [
        ("unsigned", "not signed", |site| {
            site.sign(11, 1);
            site.remove(SIGNATURE);
        }),
        ("altered", "match its signature", |site| {
            site.sign(11, 1);
            site.append(WORDS, " ");
        }),
        ("older", "older version", |site| {
            site.remove(MANIFEST);
            site.sign(9, 1);
        }),
        ("partial", "not complete", |site| {
            site.sign(11, 1);
            site.remove(WORDS);
        }),
        ("another key", "another key", |site| {
            site.remove(SIGNATURE);
            site.sign(11, 2);
        }),
    ];
    for (what, words, make) in bad {
        site.call_settings("Trap");
        make(&site);
        check(browser).await;
        browser.read("#release-bar", words).await;
        browser.read("#release-refused", words).await;
        runs(&ada, "Settings").await;
        // It is said again until it was read.
        browser.read("#release-bar", words).await;
        if what == "unsigned" {
            pictures(browser, "release-refused-bar").await;
            browser.press("#release-details").await;
            pictures(browser, "release-refused").await;
        }
        browser.press("#release-understood").await;
        browser.gone("#release-bar").await;
        check(browser).await;
        assert!(!browser.has("#release-bar").await, "{what}: it was read");
        assert!(!browser.has("#about-restart").await, "{what}: not offered");
        site.restore();
        check(browser).await;
        browser.gone("#release-refused").await;
    }
    runs(&ada, "Settings").await;
}

#[tokio::test]
async fn a_new_release_runs_in_all_tabs_when_the_user_says_so() {
    let site = Site::signed();
    let (network, ada) = pinned(&site).await;
    let browser = &ada.browser;
    let first = browser.tab().await;
    let second = browser.new_tab().await;
    browser.open(&network.app()).await;
    ada.home().await;
    browser.go_to(&first).await;

    site.call_settings("Choices");
    // With another service worker too, which the release explains.
    site.append("service-worker.js", "\n// The next version.\n");
    let build = site.sign(11, 1);
    check(browser).await;
    browser.read("#release-outcome", &build).await;
    browser.read("#release-bar", "A new version").await;
    pictures(browser, "release-ready").await;
    runs(&ada, "Settings").await;
    browser.press("#release-later").await;
    browser.gone("#release-bar").await;
    // It is asked again at the next start.
    runs(&ada, "Settings").await;
    browser.press("#release-restart").await;
    for tab in [first, second] {
        browser.go_to(&tab).await;
        browser
            .until("the new version", async || {
                let driver = browser.driver();
                let settings = driver.find(By::Css("#open-settings")).await.ok()?;
                settings.click().await.ok()?;
                let heading = driver.find(By::Css(".pane h1")).await.ok()?.text().await.ok()?;
                (heading == "Choices").then_some(())
            })
            .await;
    }
    about(browser).await;
    browser.read("#release-build", &build).await;
    let worker = awaiting(
        "const found = await navigator.serviceWorker.getRegistration(); await found.update(); \
         return !found.installing && !found.waiting;",
    );
    browser
        .until("the worker that came along", async || {
            (browser.script(&worker).await == json!(true)).then_some(())
        })
        .await;
    check(browser).await;
    browser.read("#release-outcome", "newest version").await;
    assert!(
        !browser.has("#release-bar").await,
        "the release explains its worker"
    );
}

#[tokio::test]
async fn a_key_is_followed_only_where_the_one_before_handed_over() {
    let site = Site::signed();
    let (_network, ada) = pinned(&site).await;
    let browser = &ada.browser;
    site.call_settings("Trap");
    site.remove(SIGNATURE);
    site.sign(11, 2);
    check(browser).await;
    browser.read("#release-bar", "another key").await;
    site.restore();
    site.call_settings("Choices");
    sign_folder(&site.path(), 12, &keys(2), Some(&keys(1))).expect("a signed site");
    check(browser).await;
    browser.press("#about-restart").await;
    browser.gone("#about-restart").await;
    ada.home().await;
    runs(&ada, "Choices").await;
    about(browser).await;
    browser
        .read("#release-key", &keys(2).public().to_string()[..4])
        .await;
    // The key before is worth nothing any more.
    site.remove(SIGNATURE);
    site.call_settings("Trap");
    site.sign(13, 1);
    check(browser).await;
    browser.read("#release-bar", "another key").await;
    runs(&ada, "Choices").await;
}

#[tokio::test]
async fn a_worker_that_no_release_explains_is_told() {
    let site = Site::signed();
    let (_network, ada) = pinned(&site).await;
    let browser = &ada.browser;
    // As one that would answer everything from the server at once.
    std::fs::write(
        site.path().join("service-worker.js"),
        "addEventListener('install', () => skipWaiting()); \
         addEventListener('activate', (event) => event.waitUntil(clients.claim()));",
    )
    .expect("a file of the site");
    browser
        .script(&awaiting(
            "const found = await navigator.serviceWorker.getRegistration(); await found.update(); return null;",
        ))
        .await;
    browser.read("#release-bar.severe", "has replaced the part").await;
    browser.press("#release-details").await;
    browser.read("[role=alert]", "recovery phrase").await;
    pictures(browser, "release-replaced").await;
}

#[tokio::test]
async fn what_is_kept_starts_without_a_server_and_shows_what_it_has() {
    let site = Site::signed();
    let (mut network, ada) = pinned(&site).await;
    let browser = &ada.browser;
    let own_id = ada.id().await;
    ada.write_to(&own_id).await;
    ada.send("High water at noon").await;
    ada.delivered().await;
    let app = network.app();
    network.stop();
    browser.offline(true).await;
    browser.open(&app).await;
    ada.home().await;
    browser.read(".bars .bar", "offline").await;
    ada.open(&own_id).await;
    ada.reads("High water at noon").await;
    ada.send("written without a server").await;
    ada.reads("written without a server").await;
    pictures(browser, "offline-start").await;
    about(browser).await;
    browser.see("#release-build").await;
}

/// What is kept of an unsigned site, by the ends of the addresses.
async fn last_files(browser: &Browser) -> Vec<String> {
    let script = awaiting(
        "if (!(await caches.has('holdfast-last'))) return []; const cache = await caches.open('holdfast-last'); \
         return (await cache.keys()).map(({ url }) => url.slice(location.origin.length + 1));",
    );
    serde_json::from_value(browser.script(&script).await).expect("addresses")
}

#[tokio::test]
async fn an_unsigned_site_starts_without_a_server_and_shows_what_it_has() {
    let site = Site::new();
    let mut network = Network::start_at(&site.path());
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own_id = ada.id().await;
    ada.write_to(&own_id).await;
    ada.send("High water at noon").await;
    ada.delivered().await;
    check(browser).await;
    let app = network.app();
    network.stop();
    browser.offline(true).await;
    // The second visit, at an address that the app has no page for.
    browser.open(&format!("{app}some/where")).await;
    ada.home().await;
    browser.read(".bars .bar", "offline").await;
    ada.open(&own_id).await;
    ada.reads("High water at noon").await;

    // A new version is kept whole, and what only the one before needs is dropped; no data is ever kept.
    let before = last_files(browser).await;
    let old = |file: &&String| file.starts_with("tokens-");
    let old = before.iter().find(old).expect("a style").clone();
    assert!(
        before.iter().any(|file| file == "languages/en.json"),
        "{before:?}"
    );
    assert!(before.iter().all(|file| !file.starts_with("v1/")), "{before:?}");
    browser.offline(false).await;
    site.rename("tokens-", "tokens-0123456789abcdef.css");
    site.call_settings("Choices");
    network.resume();
    runs(&ada, "Choices").await;
    check(browser).await;
    let after = last_files(browser).await;
    assert!(!after.contains(&old), "{after:?}");
    assert!(
        after.iter().any(|file| file == "tokens-0123456789abcdef.css"),
        "{after:?}"
    );
    network.stop();
    browser.offline(true).await;
    runs(&ada, "Choices").await;
    ada.open(&own_id).await;
    ada.reads("High water at noon").await;
}

#[tokio::test]
async fn a_shared_computer_keeps_nothing_of_a_signed_site() {
    let site = Site::signed();
    let network = Network::start_at(&site.path());
    let ada = User::join(&network, "Ada", Place::SharedComputer).await;
    about(&ada.browser).await;
    ada.browser
        .read("#release-standing", "Nothing of the app is kept")
        .await;
    assert!(!ada.browser.has("#release-check").await);
    let left = awaiting(
        "return [(await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length];",
    );
    assert_eq!(ada.browser.script(&left).await, json!([0, 0]));
}
