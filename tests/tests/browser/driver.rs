//! A browser of a test: Chromium with a fresh profile folder, driven over WebDriver.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
#[allow(
    deprecated,
    reason = "its successor speaks to the browser over a WebSocket of its own"
)]
use thirtyfour::extensions::cdp::ChromeDevTools;
use thirtyfour::prelude::*;

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
    service: Child,
    driver: WebDriver,
    /// What the browser writes to disk.
    profile: TempDir,
    /// What the test has it write, apart from its profile.
    logs: TempDir,
}

impl Browser {
    /// Starts a browser with a new profile.
    pub(crate) async fn start() -> Browser {
        let folder = || TempDir::new().expect("a temporary folder");
        Self::start_with(folder(), folder()).await
    }

    /// As [`Self::start`], with a camera that films a picture which stands still: a Y4M file.
    pub(crate) async fn start_filming(film: &Path) -> Browser {
        let folder = || TempDir::new().expect("a temporary folder");
        let camera = format!("--use-file-for-fake-video-capture={}", film.display());
        Self::start_with_flags(folder(), folder(), &[camera]).await
    }

    /// Kills the browser as a crash of the machine's would, and starts it again with the same profile.
    pub(crate) async fn killed(mut self) -> Browser {
        self.kill();
        let (profile, logs) = (keep(&mut self.profile), keep(&mut self.logs));
        drop(self);
        Self::start_with(profile, logs).await
    }

    async fn start_with(profile: TempDir, logs: TempDir) -> Browser {
        Self::start_with_flags(profile, logs, &[]).await
    }

    async fn start_with_flags(profile: TempDir, logs: TempDir, more: &[String]) -> Browser {
        let (service, port) = start_service();
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
        wanted
            .set_browser_log_level(thirtyfour::LoggingPrefsLogLevel::All)
            .expect("a log level");
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted)
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

    /// Looks at the page again and again until `look` gives something.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
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

    /// Ends a test with a picture of what was there instead.
    async fn give_up(&self, what: &str) -> ! {
        let file = screenshot_file("failure");
        let _ = self.driver.screenshot(&file).await;
        let said = self.console().await.join("\n");
        panic!("waited in vain for {what}; see {}\n{said}", file.display());
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

    /// Ends the browser in good order, so that all it keeps is on disk, and gives what it left.
    pub(crate) async fn quit(mut self) -> Remains {
        self.driver.clone().quit().await.expect("chromium ends");
        self.kill();
        Remains {
            profile: keep(&mut self.profile),
            logs: keep(&mut self.logs),
        }
    }

    fn kill(&mut self) {
        // The whole group: the service and every process of its browser.
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.service.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.service.wait();
    }
}

/// Takes a folder out of a browser that ends.
fn keep(folder: &mut TempDir) -> TempDir {
    std::mem::replace(folder, TempDir::new().expect("a temporary folder"))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session ends with its service; without this the driver would wait long for an answer. An error only means
        // that the session has ended in good order before.
        let _ = self.driver.clone().leak();
        self.kill();
    }
}

/// What a browser left behind.
pub(crate) struct Remains {
    profile: TempDir,
    logs: TempDir,
}

impl Remains {
    /// Every file of the profile in which one of the secrets occurs, in UTF-8, UTF-16 or as it is.
    pub(crate) fn files_with(&self, secrets: &[Vec<u8>]) -> Vec<String> {
        let needles: Vec<Vec<u8>> = secrets
            .iter()
            .flat_map(|secret| {
                let wide = std::str::from_utf8(secret)
                    .ok()
                    .map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
                [Some(secret.clone()), wide].into_iter().flatten()
            })
            .collect();
        let mut found = Vec::new();
        visit(self.profile.path(), &mut |file, bytes| {
            for needle in &needles {
                if contains(bytes, needle) {
                    let name = file.strip_prefix(self.profile.path()).unwrap_or(file);
                    found.push(format!(
                        "{} holds “{}”",
                        name.display(),
                        String::from_utf8_lossy(needle)
                    ));
                }
            }
        });
        found
    }

    /// Whether `look` finds something in a file of the origin's databases.
    pub(crate) fn in_databases(&self, look: impl Fn(&[u8]) -> bool) -> bool {
        let mut found = false;
        visit(self.profile.path(), &mut |file, content| {
            found |= file.to_string_lossy().contains("IndexedDB") && look(content);
        });
        found
    }

    /// How many bytes the origin's databases take.
    pub(crate) fn database_bytes(&self) -> usize {
        let mut bytes = 0;
        visit(self.profile.path(), &mut |file, content| {
            if file.to_string_lossy().contains("IndexedDB") {
                bytes += content.len();
            }
        });
        bytes
    }

    /// Every address that pages, workers and what they load asked for, from the browser's own log of its network.
    pub(crate) fn requested(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.logs.path().join("net.json")).expect("the network log");
        // One event on a line; a log that was cut off misses only its end.
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.trim_end_matches(',')).ok())
            .filter_map(|event| {
                let parameters = event.get("params")?;
                // What the browser does for itself has no page that initiated it.
                parameters
                    .get("initiator")?
                    .as_str()
                    .filter(|who| who.starts_with("http"))?;
                Some(parameters.get("url")?.as_str()?.to_owned())
            })
            .collect()
    }
}

fn visit(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, look);
        } else if let Ok(bytes) = std::fs::read(&path) {
            look(&path, &bytes);
        }
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    needle.first().is_some_and(|first| {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| byte == first) {
            rest = rest.get(at..).unwrap_or_default();
            if rest.starts_with(needle) {
                return true;
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        false
    })
}

fn screenshot_file(name: &str) -> std::path::PathBuf {
    let folder = crate::network::workspace().join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("target/screenshots");
    folder.join(format!("{name}.png"))
}

/// How often chromedriver is started before a test gives up: its choice of a port can collide with another one's.
const SERVICE_TRIES: usize = 5;

/// Starts chromedriver on a port of its choice, in a process group of its own.
fn start_service() -> (Child, u16) {
    (0..SERVICE_TRIES)
        .find_map(|_| try_service())
        .expect("chromedriver says its port")
}

fn try_service() -> Option<(Child, u16)> {
    let mut service = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("chromedriver is installed; `cargo xtask setup` does that");
    let lines = BufReader::new(service.stdout.take().expect("a pipe")).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        line.contains("started successfully")
            .then(|| line.trim_end_matches('.').rsplit(' ').next()?.parse().ok())?
    });
    let Some(port) = port else {
        let _ = service.kill();
        let _ = service.wait();
        return None;
    };
    Some((service, port))
}
