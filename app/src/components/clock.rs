//! What is on a screen follows the clock.

use std::time::Duration;

use leptos::prelude::*;

/// Tells every so often that time has passed, as long as the caller's view lives.
pub(crate) fn every(period: Duration) -> RwSignal<()> {
    let tick = RwSignal::new(());
    let timer = set_interval_with_handle(move || tick.set(()), period);
    on_cleanup(move || {
        if let Ok(timer) = &timer {
            timer.clear();
        }
    });
    tick
}
