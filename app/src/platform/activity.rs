//! When somebody last did something on this page, by the wall clock.
//!
//! Only what the platform tells: input, being shown and hidden, freezing and waking. What follows from it is decided by
//! whoever watches. Timers stop in tabs that sleep, so every event looks at the clock too, and an event after a long
//! silence tells how long it was *before* it counts as activity: whoever comes back to a sleeping page can't wake it first.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Function, Object};
use wasm_bindgen::prelude::*;
use web_sys::{Event, EventTarget, VisibilityState};

use super::object::{field, object};
use super::{document, steady_ms, window};

/// What shows that somebody is there. Touches come as pointers too, except where a page is only scrolled.
const INPUTS: [&str; 6] = [
    "pointerdown",
    "pointermove",
    "keydown",
    "input",
    "touchstart",
    "wheel",
];

/// Input is told at most this often, in milliseconds; what comes between counts but is not told.
const TELL_INPUT_MS: f64 = 500.0;

/// Why the clock was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Somebody did something.
    Input,
    /// The timer, as often as it was asked for and the browser lets it.
    Tick,
    /// The page became visible.
    Shown,
    /// The page was hidden: another tab, another window in front, the screen locked.
    Hidden,
    /// The page is left, and may come back from the browser's page cache.
    Left,
    /// The page came back from the browser's page cache.
    Restored,
    /// The browser stops the page to save power; nothing runs after this.
    Frozen,
    /// The browser lets the page run again.
    Resumed,
}

/// A look at the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Why.
    pub(crate) moment: Moment,
    /// The wall clock: milliseconds since 1970.
    pub(crate) now_ms: u64,
    /// When somebody last did something, by the wall clock. At [`Moment::Input`]: the time before this.
    pub(crate) last_input_ms: u64,
    /// Milliseconds since then, by whichever clock says more: the wall clock may be set back, the other stands still while
    /// the machine sleeps.
    pub(crate) idle_ms: u64,
    /// For how many milliseconds the page has been hidden, likewise; `None` when it is seen. At [`Moment::Shown`]: for how
    /// long it was.
    pub(crate) hidden_ms: Option<u64>,
}

/// Both of the browser's clocks, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Instant {
    wall: f64,
    steady: f64,
}

impl Instant {
    fn now() -> Self {
        Self {
            wall: js_sys::Date::now(),
            steady: steady_ms(),
        }
    }

    fn since(self, earlier: Self) -> f64 {
        (self.wall - earlier.wall)
            .max(self.steady - earlier.steady)
            .max(0.0)
    }
}

/// What is remembered between two looks at the clock.
#[derive(Debug)]
struct Seen {
    input: Instant,
    told: Option<Instant>,
    hidden: Option<Instant>,
}

impl Seen {
    fn new(now: Instant, visible: bool) -> Self {
        Self {
            input: now,
            told: None,
            hidden: (!visible).then_some(now),
        }
    }

    /// Takes note of a moment; `None` if it need not be told.
    fn note(&mut self, moment: Moment, now: Instant) -> Option<Check> {
        if moment == Moment::Hidden && self.hidden.is_none() {
            self.hidden = Some(now);
        }
        let check = self.check(moment, now);
        if moment == Moment::Shown {
            self.hidden = None;
        }
        if moment == Moment::Input {
            self.input = now;
            if self.told.is_some_and(|told| now.since(told) < TELL_INPUT_MS) {
                return None;
            }
            self.told = Some(now);
        }
        Some(check)
    }

    fn check(&self, moment: Moment, now: Instant) -> Check {
        Check {
            moment,
            now_ms: now.wall as u64,
            last_input_ms: self.input.wall as u64,
            idle_ms: now.since(self.input) as u64,
            hidden_ms: self.hidden.map(|since| now.since(since) as u64),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// An event target, for listeners that promise not to hold a scroll up.
    type Listened;
    #[wasm_bindgen(method, catch, js_name = addEventListener)]
    fn add(this: &Listened, name: &str, callback: &Function, options: &Object) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = removeEventListener)]
    fn remove(this: &Listened, name: &str, callback: &Function, options: &Object) -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_name = setInterval)]
    fn set_interval(callback: &Function, milliseconds: i32) -> Result<i32, JsValue>;
    #[wasm_bindgen(js_name = clearInterval)]
    fn clear_interval(timer: i32);
}

/// A listener that goes when this is dropped.
struct Listener {
    target: EventTarget,
    name: &'static str,
    options: Object,
    callback: Closure<dyn Fn(Event)>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let target = self.target.unchecked_ref::<Listened>();
        // What can't be removed was never added.
        let _ = target.remove(self.name, self.callback.as_ref().unchecked_ref(), &self.options);
    }
}

/// What an event tells, if anything.
type Telling = fn(&Event) -> Option<Moment>;

/// Watches the page until it is dropped.
pub(crate) struct Activity {
    _listeners: Vec<Listener>,
    timer: Option<i32>,
    _tick: Closure<dyn Fn()>,
}

impl Activity {
    /// Calls back with every moment, and every `tick` as long as the browser's timers run. Beginning to watch counts as
    /// activity.
    pub(crate) fn watch(tick: Duration, callback: impl Fn(Check) + 'static) -> Activity {
        let visible = document().visibility_state() == VisibilityState::Visible;
        let seen = RefCell::new(Seen::new(Instant::now(), visible));
        let note: Rc<dyn Fn(Moment)> = Rc::new(move |moment| {
            // The borrow ends before the callback, which may lead to another moment.
            let check = seen.borrow_mut().note(moment, Instant::now());
            if let Some(check) = check {
                callback(check);
            }
        });
        let (page, frame): (EventTarget, EventTarget) = (document().into(), window().into());
        let mut listeners: Vec<Listener> = INPUTS
            .iter()
            .filter_map(|name| {
                let note = Rc::clone(&note);
                listen(&frame, name, move |event| {
                    // What scripts make up is nobody's activity.
                    if event.is_trusted() {
                        note(Moment::Input);
                    }
                })
            })
            .collect();
        let others: [(&EventTarget, &'static str, Telling); 5] = [
            (&page, "visibilitychange", visibility),
            (&page, "freeze", |_| Some(Moment::Frozen)),
            (&page, "resume", |_| Some(Moment::Resumed)),
            (&frame, "pagehide", |_| Some(Moment::Left)),
            (&frame, "pageshow", restored),
        ];
        listeners.extend(others.into_iter().filter_map(|(target, name, moment)| {
            let note = Rc::clone(&note);
            listen(target, name, move |event| {
                if let Some(moment) = moment(&event) {
                    note(moment);
                }
            })
        }));
        let on_tick = Closure::<dyn Fn()>::new(move || note(Moment::Tick));
        let milliseconds = i32::try_from(tick.as_millis()).unwrap_or(i32::MAX);
        Activity {
            _listeners: listeners,
            timer: set_interval(on_tick.as_ref().unchecked_ref(), milliseconds).ok(),
            _tick: on_tick,
        }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            clear_interval(timer);
        }
    }
}

impl std::fmt::Debug for Activity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Activity")
    }
}

fn visibility(_: &Event) -> Option<Moment> {
    Some(match document().visibility_state() {
        VisibilityState::Visible => Moment::Shown,
        _ => Moment::Hidden,
    })
}

fn restored(event: &Event) -> Option<Moment> {
    field(event, "persisted").is_truthy().then_some(Moment::Restored)
}

/// Listens before the page's elements do, and without a way to hold them up. `None` where the browser refuses.
fn listen(target: &EventTarget, name: &'static str, callback: impl Fn(Event) + 'static) -> Option<Listener> {
    let options = object(&[("capture", JsValue::TRUE), ("passive", JsValue::TRUE)]);
    let callback = Closure::<dyn Fn(Event)>::new(callback);
    target
        .unchecked_ref::<Listened>()
        .add(name, callback.as_ref().unchecked_ref(), &options)
        .ok()?;
    Some(Listener {
        target: target.clone(),
        name,
        options,
        callback,
    })
}

#[cfg(test)]
mod tests {
    use super::{Instant, Moment, Seen};

    fn at(wall: f64, steady: f64) -> Instant {
        Instant { wall, steady }
    }

    #[test]
    fn what_wakes_a_sleeping_page_tells_how_long_it_slept_first() {
        let mut seen = Seen::new(at(1_000.0, 0.0), true);
        let check = seen.note(Moment::Input, at(61_000.0, 10.0)).unwrap();
        assert_eq!((check.idle_ms, check.last_input_ms), (60_000, 1_000));
        let next = seen.note(Moment::Tick, at(61_100.0, 110.0)).unwrap();
        assert_eq!((next.idle_ms, next.last_input_ms), (100, 61_000));
    }

    #[test]
    fn a_clock_set_back_makes_nobody_active() {
        let mut seen = Seen::new(at(100_000.0, 0.0), true);
        let check = seen.note(Moment::Tick, at(10_000.0, 5_000.0)).unwrap();
        assert_eq!(check.idle_ms, 5_000);
    }

    #[test]
    fn much_input_is_told_now_and_then_and_counts_always() {
        let mut seen = Seen::new(at(0.0, 0.0), true);
        let told = (0..20)
            .filter(|step| {
                let now = f64::from(*step) * 100.0;
                seen.note(Moment::Input, at(now, now)).is_some()
            })
            .count();
        assert_eq!(told, 4);
        let check = seen.note(Moment::Tick, at(2_000.0, 2_000.0)).unwrap();
        assert_eq!(check.idle_ms, 100);
    }

    #[test]
    fn being_shown_tells_for_how_long_the_page_was_hidden() {
        let mut seen = Seen::new(at(0.0, 0.0), true);
        seen.note(Moment::Hidden, at(1_000.0, 1_000.0));
        let check = seen.note(Moment::Tick, at(4_000.0, 4_000.0)).unwrap();
        assert_eq!(check.hidden_ms, Some(3_000));
        let shown = seen.note(Moment::Shown, at(9_000.0, 5_000.0)).unwrap();
        assert_eq!(shown.hidden_ms, Some(8_000));
        let after = seen.note(Moment::Tick, at(9_500.0, 5_500.0)).unwrap();
        assert_eq!(after.hidden_ms, None);
    }
}
