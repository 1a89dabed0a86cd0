//! The stopwatch of a message that disappears.

use holdfast_client::api::{Disappearing, Expiry};
use leptos::prelude::*;

use crate::i18n::{span_up, t, tf};
use crate::state::AppState;

/// How many positions it has (`spec/12-client-behaviour.md §5.4`).
const POSITIONS: u64 = 12;

/// How many positions are left; all of them while the timer has not started.
fn position(expiry: Expiry, now: u64) -> u64 {
    let whole = match expiry.mode {
        Disappearing::Off => 0,
        Disappearing::AfterRead(seconds) | Disappearing::AfterSend(seconds) => u64::from(seconds) * 1000,
    };
    match expiry.at {
        Some(at) if whole > 0 => (at.saturating_sub(now) * POSITIONS)
            .div_ceil(whole)
            .min(POSITIONS),
        _ => POSITIONS,
    }
}

/// When it goes, in words.
pub(super) fn words(state: AppState, expiry: Expiry) -> String {
    match expiry.at {
        None => t("timer.waits"),
        Some(at) => {
            let left = at.saturating_sub(state.network_now_ms()).div_ceil(1000);
            tf("timer.left", &[("time", &span_up(left))])
        }
    }
}

/// The stopwatch; it moves on whenever `tick` is set.
pub(super) fn stopwatch(state: AppState, tick: RwSignal<()>, expiry: Expiry) -> AnyView {
    let left = Memo::new(move |_| {
        tick.track();
        position(expiry, state.network_now_ms())
    });
    view! {
        <span class="watch" title=move || {
            left.track();
            words(state, expiry)
        }>
            <svg viewBox="0 0 16 16" aria-hidden="true">
                <circle cx="8" cy="8" r="6.5" />
                <circle
                    class="watch-left"
                    cx="8"
                    cy="8"
                    r="3.25"
                    pathLength="12"
                    stroke-dasharray=move || format!("{} 12", left.get())
                />
            </svg>
            <span class="unseen">{move || {
                left.track();
                words(state, expiry)
            }}</span>
        </span>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::{Disappearing, Expiry};

    use super::position;

    #[test]
    fn the_stopwatch_is_full_until_it_starts_and_empty_only_at_the_end() {
        let mode = Disappearing::AfterRead(1200);
        assert_eq!(position(Expiry { mode, at: None }, 5), 12);
        let at = Some(1_200_000);
        for (now, left) in [
            (0, 12),
            (1, 12),
            (100_000, 11),
            (1_199_999, 1),
            (1_200_000, 0),
            (9_999_999, 0),
        ] {
            assert_eq!(position(Expiry { mode, at }, now), left, "at {now}");
        }
    }

    #[test]
    fn a_clock_behind_the_networks_does_not_overfill_it() {
        let expiry = Expiry {
            mode: Disappearing::AfterSend(60),
            at: Some(u64::MAX / 16),
        };
        assert_eq!(position(expiry, 0), 12);
    }
}
