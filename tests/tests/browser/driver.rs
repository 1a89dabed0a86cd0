//! A browser of a test: Chromium with a fresh profile folder, driven over WebDriver.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
#[allow(
    deprecated,
    reason = "its successor speaks to the browser over a WebSocket of its own"
)]
use thirtyfour::extensions::cdp::ChromeDevTools;
use thirtyfour::prelude::*;

use crate::remains::Remains;
use crate::service::Service;

/// How long anything on a page may take before a test gives up. Far beyond what it takes, since machines differ.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often a page is looked at while waiting.
const GLANCE: Duration = Duration::from_millis(40);

/// Flags for a quiet browser without a window, which may run as root and calls nobody but the network under test.
const FLAGS: [&str; 16] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--lang=en-GB",
    "--hide-scrollbars",
    "--net-log-capture-mode=Default",
    "--force-color-profile=srgb",
    // A microphone that beeps and a camera, and a user who lets the page use them.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
];

/// The two layouts that are looked at, in CSS pixels.
pub(crate) const PHONE: (u32, u32) = (390, 844);
/// As [`PHONE`].
pub(crate) const LAPTOP: (u32, u32) = (1280, 800);

/// A running browser.
pub(crate) struct Browser {
    service: Service,
    driver: WebDriver,
    /// What the browser writes to disk.
    profile: TempDir,
    /// What the test has it write, apart from its profile.
    logs: TempDir,
}

impl Browser {
    /// Starts a browser with a new profile.
    pub(crate) async fn start() -> Browser {
        Self::start_with(folder(), folder(), &[], None).await
    }

    /// As [`Self::start`], with one more flag.
    pub(crate) async fn start_flagged(flag: &str) -> Browser {
        Self::start_with(folder(), folder(), &[flag.to_owned()], None).await
    }

    /// As [`Self::start`], for a user who lets no site store anything.
    pub(crate) async fn start_refusing() -> Browser {
        let refused = json!({ "profile.default_content_setting_values.cookies": 2 });
        Self::start_with(folder(), folder(), &[], Some(refused)).await
    }

    /// As [`Self::start`], for a user who lets every site show notifications.
    pub(crate) async fn start_notified() -> Browser {
        let allowed = json!({ "profile.default_content_setting_values.notifications": 1 });
        Self::start_with(folder(), folder(), &[], Some(allowed)).await
    }

    /// As [`Self::start`], with a camera that films a picture which stands still: a Y4M file.
    pub(crate) async fn start_filming(film: &Path) -> Browser {
        Self::start_flagged(&format!("--use-file-for-fake-video-capture={}", film.display())).await
    }

    /// Kills the browser as a crash of the machine's would, and starts it again with the same profile.
    pub(crate) async fn killed(mut self) -> Browser {
        self.service.kill();
        let (profile, logs) = (keep(&mut self.profile), keep(&mut self.logs));
        drop(self);
        Self::start_with(profile, logs, &[], None).await
    }

    async fn start_with(
        profile: TempDir,
        logs: TempDir,
        more: &[String],
        preferences: Option<Value>,
    ) -> Browser {
        let service = Service::start();
        let mut wanted = DesiredCapabilities::chrome();
        for flag in FLAGS.into_iter().chain(more.iter().map(String::as_str)) {
            wanted.add_arg(flag).expect("a flag");
        }
        for flag in [
            format!("--user-data-dir={}", profile.path().display()),
            format!("--log-net-log={}", logs.path().join("net.json").display()),
            format!("--window-size={},{}", LAPTOP.0, LAPTOP.1),
        ] {
            wanted.add_arg(&flag).expect("a flag");
        }
        if let Some(preferences) = preferences {
            wanted
                .add_experimental_option("prefs", preferences)
                .expect("preferences");
        }
        wanted
            .set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All)
            .expect("a log level");
        let driver = WebDriver::new(service.address(), wanted)
            .await
            .expect("chromium starts");
        let browser = Browser {
            service,
            driver,
            profile,
            logs,
        };
        browser.layout(LAPTOP).await;
        browser
    }

    /// The driver, for what this type does not offer.
    pub(crate) fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens an address.
    pub(crate) async fn open(&self, address: &str) {
        self.driver.goto(address).await.expect("the page loads");
    }

    /// Loads the page anew.
    pub(crate) async fn reload(&self) {
        self.driver.refresh().await.expect("the page reloads");
    }

    /// Takes the browser's own way back, and waits for the page there.
    pub(crate) async fn back(&self) {
        self.driver.back().await.expect("the way back");
    }

    /// Takes the browser's own way forward, and waits for the page there.
    pub(crate) async fn forward(&self) {
        self.driver.forward().await.expect("the way forward");
    }

    /// The tab that is driven.
    pub(crate) async fn tab(&self) -> WindowHandle {
        self.driver.window().await.expect("a tab")
    }

    /// Opens another tab, and drives that from now on.
    pub(crate) async fn new_tab(&self) -> WindowHandle {
        let tab = self.driver.new_tab().await.expect("another tab");
        self.go_to(&tab).await;
        tab
    }

    /// Drives a tab from now on, which is also the one that is seen.
    pub(crate) async fn go_to(&self, tab: &WindowHandle) {
        let tab = tab.clone();
        self.driver.switch_to_window(tab).await.expect("the tab");
        // To drive a tab does not show it.
        self.cdp("Page.bringToFront", json!({})).await;
    }

    /// Closes the tab that is driven, and drives another one from now on.
    pub(crate) async fn close_tab(&self, next: &WindowHandle) {
        self.driver.close_window().await.expect("the tab closes");
        self.go_to(next).await;
    }

    /// Runs a script in this page, and in every later one before its own.
    pub(crate) async fn before_each_page(&self, script: &str) {
        let command = "Page.addScriptToEvaluateOnNewDocument";
        self.cdp(command, json!({ "source": script })).await;
        self.script(script).await;
    }

    /// Cuts the browser off from every network, or connects it again.
    pub(crate) async fn offline(&self, offline: bool) {
        self.cdp(
            "Network.emulateNetworkConditions",
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 }),
        )
        .await;
    }

    /// Sets the size of the page.
    pub(crate) async fn layout(&self, (width, height): (u32, u32)) {
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )
        .await;
    }

    /// Has the browser ask for a dark or light page.
    pub(crate) async fn dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] }),
        )
        .await;
    }

    /// Freezes the tab, as browsers do with those that nobody looks at, or wakes it.
    pub(crate) async fn freezes(&self, frozen: bool) {
        let state = if frozen { "frozen" } else { "active" };
        self.cdp("Page.setWebLifecycleState", json!({ "state": state }))
            .await;
    }

    /// Calls the browser's debugging interface.
    #[allow(deprecated, reason = "as where it is imported")]
    pub(crate) async fn cdp(&self, command: &str, parameters: Value) -> Value {
        ChromeDevTools::new(self.driver.handle().clone())
            .execute_cdp_with_params(command, parameters)
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Runs a script in the page and gives its result.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.driver
            .execute(script, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
            .json()
            .clone()
    }

    /// Waits for an element that is shown and gives it.
    pub(crate) async fn see(&self, css: &str) -> WebElement {
        self.until(&format!("element {css}"), async || {
            let found = self.driver.find(By::Css(css)).await.ok()?;
            found.is_displayed().await.ok()?.then_some(found)
        })
        .await
    }

    /// Waits for an element and presses it.
    pub(crate) async fn press(&self, css: &str) {
        self.until(&format!("to press {css}"), async || {
            self.driver.find(By::Css(css)).await.ok()?.click().await.ok()
        })
        .await;
    }

    /// Waits for a field and types into it.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.see(css).await;
        field.send_keys(text).await.expect("the field takes text");
    }

    /// Presses keys where the focus is.
    pub(crate) async fn keys(&self, keys: impl Into<TypingData>) {
        let focused = self.driver.active_element().await.expect("the focus");
        focused.send_keys(keys).await.expect("it takes keys");
    }

    /// Waits until the element with an id has the focus.
    pub(crate) async fn focused(&self, id: &str) {
        self.until(&format!("the focus on {id}"), async || {
            let script = "return document.hasFocus() && document.activeElement.id";
            (self.script(script).await == id).then_some(())
        })
        .await;
    }

    /// Waits until no element matches.
    pub(crate) async fn gone(&self, css: &str) {
        self.until(&format!("no element {css}"), async || {
            let found = self.driver.find_all(By::Css(css)).await.ok()?;
            found.is_empty().then_some(())
        })
        .await;
    }

    /// Waits until an element's text contains a text.
    pub(crate) async fn read(&self, css: &str, text: &str) {
        self.until(&format!("“{text}” in {css}"), async || {
            let elements = self.driver.find_all(By::Css(css)).await.ok()?;
            for element in elements {
                if element.text().await.is_ok_and(|shown| shown.contains(text)) {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    /// Whether an element is there at this moment.
    pub(crate) async fn has(&self, css: &str) -> bool {
        self.driver
            .find_all(By::Css(css))
            .await
            .is_ok_and(|found| !found.is_empty())
    }

    /// All that the page holds: its title, its elements, and what stands in its fields.
    pub(crate) async fn content(&self) -> String {
        let script = "const fields = [...document.querySelectorAll('input, textarea')].map((field) => field.value); \
             return [document.title, document.documentElement.outerHTML, ...fields].join('\\n')";
        let content = self.script(script).await;
        content.as_str().expect("the page's content").to_owned()
    }

    /// Looks at the page again and again until `look` gives something.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        self.until_within(PATIENCE, what, look).await
    }

    /// As [`Self::until`], for what has to take longer.
    pub(crate) async fn until_within<T>(
        &self,
        patience: Duration,
        what: &str,
        look: impl AsyncFn() -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            if Instant::now() > deadline {
                self.give_up(what).await;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Ends a test with a picture of what was there instead, and its words.
    async fn give_up(&self, what: &str) -> ! {
        let test = std::thread::current()
            .name()
            .unwrap_or_default()
            .replace("::", "-");
        let file = screenshot_file(&format!("failure-{test}"));
        let _ = self.driver.screenshot(&file).await;
        let state = "const done = arguments[0]; (navigator.locks?.query() ?? Promise.resolve({ held: [], pending: [] })).then(({held, pending}) => done([ \
             document.visibilityState, document.hasFocus(), document.getAnimations().length, \
             ...[...held, '/', ...pending].map((lock) => lock.name ? lock.name + ' of ' + lock.clientId.slice(0, 4) : lock), \
             document.body.innerText.slice(0, 600)].join(' ').replaceAll('\\n', ' | ')))";
        let shown = self.driver.execute_async(state, Vec::new()).await;
        let shown = shown.map_or_else(|error| error.to_string(), |told| told.json().to_string());
        let said = self.console().await.join("\n");
        panic!(
            "waited in vain for {what}; see {}\n{shown}\n{said}",
            file.display()
        );
    }

    /// Waits until what moves on the page has come to rest and is painted.
    pub(crate) async fn at_rest(&self) {
        let script = "const done = arguments[0]; \
             const moving = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity); \
             const painted = () => requestAnimationFrame(() => requestAnimationFrame(() => done(null))); \
             Promise.allSettled(moving.map((one) => one.finished)).then(painted);";
        self.driver
            .execute_async(script, Vec::new())
            .await
            .expect("the page comes to rest");
    }

    /// Writes a picture of the page to `target/screenshots/`.
    pub(crate) async fn picture(&self, name: &str) {
        self.driver
            .screenshot(&screenshot_file(name))
            .await
            .expect("a screenshot");
    }

    /// What the page and its workers wrote to the console since the last call: warnings and errors.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap_or_default();
        entries
            .into_iter()
            .filter(|entry| entry.level != "INFO" && entry.level != "DEBUG")
            .map(|entry| format!("{}: {}", entry.level, entry.message))
            .collect()
    }

    /// Makes sure that the page and its workers wrote nothing to the console since it was looked at last.
    pub(crate) async fn is_quiet(&self) {
        assert_eq!(self.console().await, Vec::<String>::new(), "the console is quiet");
    }

    /// Ends the browser in good order, so that all it keeps is on disk, and gives what it left.
    pub(crate) async fn quit(mut self) -> Remains {
        // A page that asks whether it may go would keep the browser there.
        let unasked = "addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)";
        self.script(unasked).await;
        self.driver.clone().quit().await.expect("chromium ends");
        self.service.kill();
        Remains::new(keep(&mut self.profile), keep(&mut self.logs))
    }
}

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

/// Takes a folder out of a browser that ends.
fn keep(kept: &mut TempDir) -> TempDir {
    std::mem::replace(kept, folder())
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session ends with its service; without this the driver would wait long for an answer. An error only means
        // that the session has ended in good order before.
        let _ = self.driver.clone().leak();
        self.service.kill();
    }
}

fn screenshot_file(name: &str) -> std::path::PathBuf {
    let folder = crate::network::workspace().join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("target/screenshots");
    folder.join(format!("{name}.png"))
}
