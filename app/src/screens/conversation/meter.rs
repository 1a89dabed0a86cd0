//! The level meter of a recording: how loud the last moments were.

use std::collections::VecDeque;

use leptos::prelude::*;

/// Bars of the meter: two seconds of sound.
pub(super) const BARS: usize = 44;
/// Width of a bar with the room beside it, in the drawing's units.
const BAR: usize = 4;
/// Half of its height, in the same units.
const HALF: u32 = 14;

/// Draws levels from 0 to 1, the newest at the end.
pub(super) fn drawing(levels: RwSignal<VecDeque<f64>>) -> AnyView {
    let bars = Memo::new(move |_| levels.with(path));
    view! {
        <svg
            class="meter"
            viewBox=format!("0 0 {} {}", BARS * BAR, HALF * 2)
            preserveAspectRatio="none"
            aria-hidden="true"
        >
            <path d=bars />
        </svg>
    }
    .into_any()
}

/// A bar for each level. What is quiet is drawn larger than it is, as ears hear it.
fn path(levels: &VecDeque<f64>) -> String {
    let first = BARS.saturating_sub(levels.len());
    let mut path = String::new();
    for bar in 0..BARS {
        let level = bar.checked_sub(first).and_then(|at| levels.get(at)).copied();
        let half = (level.unwrap_or(0.0).clamp(0.0, 1.0).sqrt() * f64::from(HALF)) as u32;
        let half = half.clamp(1, HALF - 1);
        path.push_str(&format!("M{} {}v{}", bar * BAR + BAR / 2, HALF - half, half * 2));
    }
    path
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{BARS, path};

    #[test]
    fn the_meter_has_all_bars_and_the_newest_is_last() {
        let drawn = path(&VecDeque::from([1.0]));
        assert_eq!(drawn.matches('M').count(), BARS);
        assert!(drawn.starts_with("M2 13v2"));
        assert!(drawn.ends_with("M174 1v26"));
        let odd = path(&VecDeque::from([f64::NAN, -3.0, 7.0]));
        assert!(odd.ends_with("M174 1v26"));
    }
}
