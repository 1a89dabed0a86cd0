//! What only a browser can tell: how soon the start screen can be used, and how fast its WebAssembly encrypts.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::Connection;
use super::network::{Network, text};
use super::{Outcome, percentile, print};

/// Visits whose time is measured, each with an empty cache.
const VISITS: usize = 9;
/// Longest wait for the driver or a page.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a page is asked.
const GLANCE: Duration = Duration::from_millis(50);

/// Runs before the page: notes when the button that makes an account is there and can be pressed, after the next frame.
const WATCH: &str = "
new MutationObserver((_, observer) => {
  const button = document.querySelector('#create-account');
  if (!button || button.disabled) return;
  observer.disconnect();
  requestAnimationFrame(() => { window.usableAfter = performance.now(); });
}).observe(document, { childList: true, subtree: true, attributes: true });
";

/// Flags for a quiet browser without a window, which may run as root.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// Measures both. `HOLDFAST_PAGE` names the folder of the built page of `tests/page`.
pub async fn run(network: &Network, folder: &Path) -> Outcome {
    start_screen(network).await?;
    let site = std::env::var_os("HOLDFAST_PAGE").ok_or("HOLDFAST_PAGE names no folder")?;
    let page = Network::start_with_site(&folder.join("page"), 2, Some(Path::new(&site)))?;
    let mut browser = Browser::start().await?;
    browser.open(&page.app).await?;
    let figures = figures(&mut browser, &["encrypt", "decrypt", "decrypt_new_sender"]).await?;
    for (name, value, n) in figures {
        print(&format!("v1_{name}_chromium"), value, "1/s", n);
    }
    Ok(())
}

/// Waits for the figures of the page of `tests/page`; each with how many calls it rests on.
pub(super) async fn figures<'a>(
    browser: &mut Browser,
    names: &[&'a str],
) -> Outcome<Vec<(&'a str, f64, usize)>> {
    let title = browser.until("return document.title").await?;
    let told = title.as_str().unwrap_or_default();
    let figures: Value = serde_json::from_str(told).map_err(|_| format!("the page says {told}"))?;
    let mut found = Vec::new();
    for name in names {
        let figure = figures
            .get(name)
            .ok_or_else(|| format!("the page says {figures}"))?;
        let value = figure.get("value").and_then(Value::as_f64).ok_or("no value")?;
        let n = figure.get("n").and_then(Value::as_u64).ok_or("no count")?;
        found.push((*name, value, usize::try_from(n)?));
    }
    Ok(found)
}

/// Makes an account on the open start page, one look at it after another.
pub(super) const JOIN: [&str; 4] = [
    "const b = document.querySelector('#create-account'); if (!b || b.disabled) return null; b.click(); return true",
    "const b = document.querySelector('#own-device'); if (!b) return null; b.click(); return true",
    "const i = document.querySelector('#display-name'); if (!i) return null;
     i.value = 'Many'; i.dispatchEvent(new Event('input', { bubbles: true }));
     document.querySelector('#name-continue').click(); return true",
    "return document.querySelector('#new-conversation') && true",
];

/// From the start of the navigation to a button that can be pressed, in a new browser each time.
async fn start_screen(network: &Network) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..VISITS {
        let mut browser = Browser::start().await?;
        browser
            .cdp(
                "Page.addScriptToEvaluateOnNewDocument",
                &json!({ "source": WATCH }),
            )
            .await?;
        browser.open(&network.app).await?;
        let usable = browser.until("return window.usableAfter").await?;
        times.push(Duration::from_secs_f64(
            usable.as_f64().ok_or("no time")? / 1000.0,
        ));
    }
    print(
        "navigation_to_start_screen_p50",
        percentile(&mut times, 0.5),
        "ms",
        times.len(),
    );
    print(
        "navigation_to_start_screen_max",
        percentile(&mut times, 1.0),
        "ms",
        times.len(),
    );
    Ok(())
}

/// Chromium with a new profile, driven over WebDriver.
pub(super) struct Browser {
    driver: Child,
    connection: Connection,
    session: String,
}

impl Browser {
    pub(super) async fn start() -> Outcome<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?
            .local_addr()?
            .port();
        let mut command = Command::new("chromedriver");
        command
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let driver = command
            .spawn()
            .map_err(|error| format!("chromedriver: {error}"))?;
        let started = Instant::now();
        let url = format!("http://127.0.0.1:{port}");
        let connection = loop {
            match Connection::open(&url).await {
                Ok(connection) => break connection,
                Err(error) if started.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(GLANCE).await,
            }
        };
        let mut browser = Self {
            driver,
            connection,
            session: String::new(),
        };
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": FLAGS } } } });
        let answer = browser.connection.json("POST", "/session", &wanted).await?;
        browser.session = text(answer.get("value").ok_or("no session")?, "sessionId")?.to_owned();
        Ok(browser)
    }

    pub(super) async fn open(&mut self, url: &str) -> Outcome {
        let path = format!("/session/{}/url", self.session);
        self.connection
            .json("POST", &path, &json!({ "url": url }))
            .await
            .map(drop)
    }

    /// Calls the browser's debugging interface.
    pub(super) async fn cdp(&mut self, command: &str, parameters: &Value) -> Outcome {
        let path = format!("/session/{}/goog/cdp/execute", self.session);
        self.connection
            .json("POST", &path, &json!({ "cmd": command, "params": parameters }))
            .await
            .map(drop)
    }

    /// Runs a script in the page.
    pub(super) async fn run(&mut self, script: &str) -> Outcome {
        let path = format!("/session/{}/execute/sync", self.session);
        self.connection
            .json("POST", &path, &json!({ "script": script, "args": [] }))
            .await
            .map(drop)
    }

    /// Asks the page until it gives a value that is neither null nor empty.
    pub(super) async fn until(&mut self, script: &str) -> Outcome<Value> {
        self.until_within(PATIENCE, script).await
    }

    /// As [`Browser::until`], with another patience.
    pub(super) async fn until_within(&mut self, patience: Duration, script: &str) -> Outcome<Value> {
        let path = format!("/session/{}/execute/sync", self.session);
        let started = Instant::now();
        while started.elapsed() < patience {
            let mut answer = self
                .connection
                .json("POST", &path, &json!({ "script": script, "args": [] }))
                .await?;
            let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
            if !value.is_null() && value != "" {
                return Ok(value);
            }
            tokio::time::sleep(GLANCE).await;
        }
        Err(format!(
            "the page did not answer `{script}` within {} s",
            patience.as_secs()
        )
        .into())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browsers when it is told to end, not when it is killed.
        let _ = Command::new("kill").arg(self.driver.id().to_string()).status();
        let _ = self.driver.wait();
    }
}
