//! A long press of a finger, which opens what a right click opens with a mouse.
//!
//! Some browsers say it themselves as a `contextmenu` event, others don't: whichever comes first counts.

use std::time::Duration;

use leptos::ev::PointerEvent;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use web_sys::TouchEvent;

/// How long a finger rests before the menu opens.
const LONG: Duration = Duration::from_millis(500);
/// A finger that moves further than this, in pixels, scrolls.
const SLIP: i32 = 10;

/// A finger that is down.
struct Held {
    x: i32,
    y: i32,
    timer: TimeoutHandle,
    /// It rested long enough: the menu is open, and lifting the finger does nothing more.
    over: bool,
}

/// Follows one finger; copies follow the same one.
#[derive(Clone, Copy)]
pub(crate) struct LongPress {
    held: StoredValue<Option<Held>>,
}

impl LongPress {
    /// No finger is down.
    pub(crate) fn new() -> Self {
        Self {
            held: StoredValue::new(None),
        }
    }

    /// A pointer comes down: if it is a finger, and rests, calls back with its place.
    pub(crate) fn start(self, event: &PointerEvent, open: impl FnOnce(i32, i32) + 'static) {
        self.end();
        if event.pointer_type() != "touch" || !event.is_primary() {
            return;
        }
        let (x, y) = (event.client_x(), event.client_y());
        let rested = move || {
            let rests = self.held.try_update_value(|held| {
                if let Some(held) = held {
                    held.over = true;
                }
                held.is_some()
            });
            if rests == Some(true) {
                open(x, y);
            }
        };
        if let Ok(timer) = set_timeout_with_handle(rested, LONG) {
            self.held.set_value(Some(Held {
                x,
                y,
                timer,
                over: false,
            }));
        }
    }

    /// The finger moves. From some way on it does not rest.
    pub(crate) fn slip(self, event: &PointerEvent) {
        let far = self.held.try_with_value(|held| {
            held.as_ref().is_some_and(|held| {
                (event.client_x() - held.x).abs() > SLIP || (event.client_y() - held.y).abs() > SLIP
            })
        });
        if far == Some(true) {
            self.cancel();
        }
    }

    /// The finger scrolls, or something else has opened the menu.
    pub(crate) fn cancel(self) {
        let _ = self.held.try_update_value(|held| {
            if let Some(waiting) = held.take_if(|held| !held.over) {
                waiting.timer.clear();
            }
        });
    }

    /// The finger is lifted; after a long press no click follows.
    pub(crate) fn lift(self, event: &TouchEvent) {
        if self.end() {
            event.prevent_default();
        }
    }

    /// No finger is followed any more; says whether one had rested long enough.
    pub(crate) fn end(self) -> bool {
        let held = self.held.try_update_value(Option::take).flatten();
        held.is_some_and(|held| {
            held.timer.clear();
            held.over
        })
    }
}
