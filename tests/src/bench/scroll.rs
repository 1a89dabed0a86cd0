//! A long scroll back through an open conversation by the wheel, and which frames came late.

use std::time::Duration;

use serde_json::{Value, json};

use super::browser::Browser;
use super::{Outcome, percentile, print};

/// Frames at rest, which tell the browser's own pace.
const AT_REST: usize = 120;
/// Turns of the wheel.
const TURNS: usize = 300;
/// Pixels of one turn.
const TURN: f64 = 100.0;
/// Between two turns: about one a frame.
const PAUSE: Duration = Duration::from_millis(14);
/// A frame is late when it took longer than so many of the pace.
const LATE: f64 = 1.5;

/// Notes the times between frames from now on, and gives the middle of the list.
const BEGIN: &str = "
const list = document.querySelector('.messages');
if (!list) return null;
window.noted = { rest: [], wheel: [], turning: false };
let last;
const note = (now) => {
  const noted = window.noted;
  if (!noted) return;
  if (last !== undefined) (noted.turning ? noted.wheel : noted.rest).push(now - last);
  last = now;
  requestAnimationFrame(note);
};
requestAnimationFrame(note);
const box = list.getBoundingClientRect();
return [box.left + box.width / 2, box.top + box.height / 2];
";

/// Ends that; whether the list went back from its end is told with the times.
const END: &str = "
const noted = window.noted;
window.noted = undefined;
return { ...noted, moved: document.querySelector('.jump') !== null };
";

/// Scrolls the open conversation, which has so many messages, and prints the times.
pub(super) async fn run(browser: &mut Browser, messages: u32) -> Outcome {
    let middle = browser.until(BEGIN).await?;
    let rested = format!("return window.noted.rest.length >= {AT_REST} || null");
    browser.until(&rested).await?;
    browser.run("window.noted.turning = true").await?;
    let turn = json!({
        "type": "mouseWheel",
        "x": middle.get(0),
        "y": middle.get(1),
        "deltaX": 0,
        "deltaY": -TURN,
    });
    for _ in 0..TURNS {
        browser.cdp("Input.dispatchMouseEvent", &turn).await?;
        tokio::time::sleep(PAUSE).await;
    }
    let told = browser.until(END).await?;
    let (mut rest, mut frames) = (times(&told, "rest"), times(&told, "wheel"));
    if told.get("moved") != Some(&Value::Bool(true)) || frames.is_empty() {
        return Err("the wheel did not move the list".into());
    }
    let pace = percentile(&mut rest, 0.5);
    let late = frames
        .iter()
        .filter(|time| time.as_secs_f64() * 1_000.0 > pace * LATE)
        .count();
    for (share, label) in [(0.5, "p50"), (0.99, "p99"), (1.0, "max")] {
        let value = percentile(&mut frames, share);
        print(
            &format!("scroll_frame_{messages}_{label}"),
            value,
            "ms",
            frames.len(),
        );
    }
    print(
        &format!("scroll_late_frames_{messages}"),
        late as f64,
        "frames",
        frames.len(),
    );
    Ok(())
}

fn times(told: &Value, name: &str) -> Vec<Duration> {
    let list = told.get(name).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_f64)
        .map(|ms| Duration::from_secs_f64(ms.max(0.0) / 1_000.0))
        .collect()
}
