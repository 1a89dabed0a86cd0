//! A long history: how fast it is searched and opened, natively over a sealed SQLite file and in Chromium over IndexedDB.
//!
//! The native figures come from processes of their own, so that memory is counted from a clean start.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use holdfast_client::api::{Command as Ask, Event};
use holdfast_client::native::{SystemRng, TokioClock};
use holdfast_client::ports::Store;
use holdfast_client::seal::{Sealed, VaultKey};
use holdfast_client::store::sqlite::SqliteStore;
use holdfast_client::testing::{Figures, History, contact, fill, measure, offline};
use holdfast_client::{Engine, EngineHandle, Options};
use serde_json::Value;

use super::browser::{Browser, JOIN};
use super::network::Network;
use super::{Outcome, percentile, print, scroll};
use crate::site;

/// Messages of each measurement; all are in one conversation.
const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
/// Longest time that filling a browser's database may take.
const FILLING: Duration = Duration::from_secs(1_800);
/// Conversations opened by a click.
const CLICKS: usize = 15;
/// Words typed letter by letter.
const TYPED: &str = "['station', 'grusse', 'umbrella', 'kelp', 'завтра']";

/// What this program is called with for one step of the native measurement.
pub const STEP: &str = "--history";

/// All native figures, each size from the start.
pub fn native(folder: &Path) -> Outcome {
    for messages in SIZES {
        for step in ["fill", "measure", "clear"] {
            let file = folder.join(format!("{messages}.db"));
            let status = Command::new(std::env::current_exe()?)
                .args([STEP, step, &messages.to_string()])
                .arg(file)
                .status()?;
            if !status.success() {
                return Err(format!("{step} {messages}: {status}").into());
            }
        }
    }
    Ok(())
}

/// One step: `fill`, `measure` or `clear`, number of messages, file.
pub async fn step(words: &[String]) -> Outcome {
    let [step, messages, file] = words else {
        return Err("a step has three words".into());
    };
    let messages: u32 = messages.parse()?;
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let store = open(&PathBuf::from(file)).await?;
            match step.as_str() {
                "fill" => fill_native(store, messages).await,
                "measure" => measure_native(store, messages).await,
                _ => clear_native(store, messages).await,
            }
        })
        .await
}

async fn open(file: &Path) -> Outcome<Rc<dyn Store>> {
    let key = VaultKey::from_bytes(&[7; 32]);
    Ok(Rc::new(
        Sealed::open(SqliteStore::open(file)?, &key, Rc::new(SystemRng)).await?,
    ))
}

fn engine(store: Rc<dyn Store>) -> EngineHandle {
    let (ports, profile) = offline(store, Rc::new(TokioClock::new()), Rc::new(SystemRng));
    let (engine, driver) = Engine::new(ports, profile, Options::default());
    tokio::task::spawn_local(driver);
    engine
}

async fn fill_native(store: Rc<dyn Store>, messages: u32) -> Outcome {
    let handle = engine(store.clone());
    let account = Ask::CreateAccount {
        name: "Many".to_owned(),
    };
    handle.request(account).await?;
    handle.shut_down();
    let history = History {
        contacts: 1,
        messages,
    };
    let started = Instant::now();
    fill(store, Rc::new(TokioClock::new()), Rc::new(SystemRng), history).await?;
    let rate = f64::from(messages) / started.elapsed().as_secs_f64();
    print(
        &format!("history_insert_{messages}"),
        rate,
        "1/s",
        messages as usize,
    );
    Ok(())
}

/// How long clearing takes: until the command is answered and nobody sees a message any more, until all are removed, and
/// the longest that another command waited meanwhile.
async fn clear_native(store: Rc<dyn Store>, messages: u32) -> Outcome {
    let handle = engine(store);
    handle.request(Ask::Snapshot).await?;
    let mut events = handle.events();
    let started = Instant::now();
    handle.request(Ask::ClearMessages(contact(0))).await?;
    let answered = started.elapsed();
    let mut longest = Duration::ZERO;
    let mut asked = 0;
    while let Some(event) = events.next().await {
        if let Event::Clearing { left: 0, .. } = event {
            break;
        }
        if matches!(event, Event::Clearing { .. }) {
            let begun = Instant::now();
            let draft = Ask::SetDraft {
                conversation: contact(0),
                text: format!("draft {asked}"),
            };
            handle.request(draft).await?;
            longest = longest.max(begun.elapsed());
            asked += 1;
        }
    }
    let n = messages as usize;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    print(
        &format!("clear_answered_{messages}_native"),
        milliseconds(answered),
        "ms",
        1,
    );
    print(
        &format!("clear_all_{messages}_native"),
        milliseconds(started.elapsed()),
        "ms",
        n,
    );
    print(
        &format!("clear_other_command_longest_{messages}_native"),
        milliseconds(longest),
        "ms",
        asked,
    );
    Ok(())
}

async fn measure_native(store: Rc<dyn Store>, messages: u32) -> Outcome {
    let handle = engine(store);
    handle.request(Ask::Snapshot).await?;
    let before = resident()?;
    let begun = Instant::now();
    let now = move || begun.elapsed().as_secs_f64() * 1_000.0;
    let figures = measure(&handle, contact(0), now).await?;
    print_figures("native", messages, &figures);
    print(
        &format!("search_memory_{messages}_native"),
        resident()? - before,
        "MiB",
        messages as usize,
    );
    Ok(())
}

/// Resident memory of this process, MiB.
fn resident() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .ok_or("no memory figure")?;
    Ok(kib.parse::<f64>()? / 1_024.0)
}

fn print_figures(place: &str, messages: u32, figures: &Figures) {
    print(
        &format!("search_index_{messages}_{place}"),
        figures.index,
        "ms",
        1,
    );
    for (name, values) in [
        ("search", &figures.searches),
        ("open_conversation", &figures.opened),
        ("open_around", &figures.around),
    ] {
        let mut times: Vec<_> = values
            .iter()
            .map(|ms| Duration::from_secs_f64(ms / 1_000.0))
            .collect();
        for (share, label) in [(0.5, "p50"), (0.99, "p99")] {
            let value = percentile(&mut times, share);
            print(
                &format!("{name}_{messages}_{place}_{label}"),
                value,
                "ms",
                times.len(),
            );
        }
    }
}

/// The same in Chromium, and what a person sees of it: a click, a word typed, a long scroll.
pub async fn browser(folder: &Path) -> Outcome {
    let built = |name: &str| std::env::var_os(name).ok_or(format!("{name} names no folder"));
    let both = folder.join("site");
    site::side_by_side(
        built("HOLDFAST_DIST")?.as_ref(),
        built("HOLDFAST_PAGE")?.as_ref(),
        &both,
    )?;
    for messages in SIZES {
        let data = folder.join(format!("network-{messages}"));
        let network = Network::start_with_site(&data, 2, Some(&both))?;
        let mut browser = Browser::start().await?;
        browser.open(&network.app).await?;
        for step in JOIN {
            browser.until(step).await?;
        }
        let page = format!("{}{}", network.app, site::PAGE);
        browser.open(&format!("{page}#fill=1,{messages}")).await?;
        let done = browser.until_within(FILLING, "return document.title").await?;
        if done != "filled" {
            return Err(format!("the page says {done}").into());
        }
        browser.open("about:blank").await?;
        browser.open(&format!("{page}#measure")).await?;
        let told = browser.until_within(FILLING, "return document.title").await?;
        let told: Value = serde_json::from_str(told.as_str().unwrap_or_default())
            .map_err(|_| format!("the page says {told}"))?;
        print_figures("chromium", messages, &figures(&told));
        browser.open("about:blank").await?;
        browser.open(&network.app).await?;
        seen(&mut browser, messages).await?;
    }
    Ok(())
}

fn figures(told: &Value) -> Figures {
    let list = |name: &str| {
        let list = told.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_f64).collect()
    };
    Figures {
        index: told.get("index").and_then(Value::as_f64).unwrap_or_default(),
        searches: list("searches"),
        opened: list("opened"),
        around: list("around"),
    }
}

/// From a click on the row until messages are painted, again and again; then a long scroll back through the history; then
/// from a typed letter to its hits.
async fn seen(browser: &mut Browser, messages: u32) -> Outcome {
    browser
        .until("return document.querySelector('[data-conversation]') && true")
        .await?;
    let clicks = format!(
        "for (let n = 0; n < {CLICKS}; n++) {{
           all('#open-settings')[0].click();
           await until(() => !all('article.message').length);
           await frame();
           const started = performance.now();
           all('[data-conversation]')[0].click();
           await until(() => all('article.message').length);
           // Painted: the frame after the one that laid it out.
           await frame();
           times.push(performance.now() - started);
           await frame();
         }}"
    );
    print_times(
        "click_to_conversation",
        messages,
        &mut measured(browser, &clicks).await?,
    );
    scroll::run(browser, messages).await?;
    let typed = format!(
        "const field = all('#search')[0];
         field.focus();
         for (const word of {TYPED}) {{
           for (let n = 1; n <= word.length; n++) {{
             const started = performance.now();
             field.value = word.slice(0, n);
             field.dispatchEvent(new Event('input', {{ bubbles: true }}));
             const wanted = field.value;
             await until(() => all('.search-results').length && all('.search-results')[0].dataset.words === wanted);
             await frame();
             times.push(performance.now() - started);
           }}
         }}"
    );
    print_times("typed_to_hits", messages, &mut measured(browser, &typed).await?);
    Ok(())
}

/// Carries out steps in the page, which push what they measured to `times`, milliseconds.
async fn measured(browser: &mut Browser, steps: &str) -> Outcome<Vec<Duration>> {
    let script = format!(
        "window.done = undefined;
         const times = [];
         const frame = () => new Promise(requestAnimationFrame);
         const until = async (look) => {{ while (!look()) await frame(); }};
         const all = (css) => document.querySelectorAll(css);
         (async () => {{ {steps} }})().then(
           () => {{ window.done = JSON.stringify(times); }},
           (error) => {{ window.done = JSON.stringify(String(error)); }},
         );"
    );
    browser.run(&script).await?;
    let told = browser.until_within(FILLING, "return window.done").await?;
    let told: Value = serde_json::from_str(told.as_str().unwrap_or_default())?;
    let list = told.as_array().into_iter().flatten().filter_map(Value::as_f64);
    let times: Vec<Duration> = list.map(|ms| Duration::from_secs_f64(ms / 1_000.0)).collect();
    if times.is_empty() {
        return Err(format!("the page says {told}").into());
    }
    Ok(times)
}

fn print_times(name: &str, messages: u32, times: &mut [Duration]) {
    for (share, label) in [(0.5, "p50"), (1.0, "max")] {
        let value = percentile(times, share);
        print(&format!("{name}_{messages}_{label}"), value, "ms", times.len());
    }
}
