//! A long press of a finger, which opens what a right click opens with a mouse.
//!
//! Some browsers say it themselves as a `contextmenu` event, others don't: whichever comes first counts.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use web_sys::TouchEvent;

/// How long a finger rests before the menu opens.
const LONG: Duration = Duration::from_millis(500);

/// Follows one finger on one element.
#[derive(Clone, Copy)]
pub(crate) struct LongPress {
    timer: StoredValue<Option<TimeoutHandle>>,
    /// The finger that is lifted next has opened a menu: its click means nothing.
    over: StoredValue<bool>,
}

impl LongPress {
    /// For one element.
    pub(crate) fn new() -> Self {
        Self {
            timer: StoredValue::new(None),
            over: StoredValue::new(false),
        }
    }

    /// A finger touches: calls back with its place when it rests.
    pub(crate) fn start(self, event: &TouchEvent, open: impl FnOnce(i32, i32) + 'static) {
        self.cancel();
        self.over.set_value(false);
        let Some(touch) = event.touches().get(0) else {
            return;
        };
        let (x, y) = (touch.client_x(), touch.client_y());
        let timer = set_timeout_with_handle(
            move || {
                let waited = self.timer.try_update_value(Option::take).flatten();
                if waited.is_some() {
                    self.over.set_value(true);
                    open(x, y);
                }
            },
            LONG,
        );
        self.timer.set_value(timer.ok());
    }

    /// The finger moves, or something else has opened the menu.
    pub(crate) fn cancel(self) {
        if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }

    /// The finger is lifted; after a long press no click follows.
    pub(crate) fn end(self, event: &TouchEvent) {
        self.cancel();
        if self.over.try_update_value(std::mem::take).unwrap_or_default() {
            event.prevent_default();
        }
    }
}
