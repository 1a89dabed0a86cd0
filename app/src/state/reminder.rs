//! When the recovery phrase is spoken of: while an account would be lost without it, and now and then whether what was kept
//! is still right.
//!
//! A reminder that never rests is clicked away unread. So each can be put off, for longer once the phrase was seen, and what
//! was checked is left alone for half a year: papers get lost, and then there is still time to write another one.

use leptos::prelude::*;

use super::AppState;
use super::preferences::key;
use crate::platform::session::StorageMode;

/// Milliseconds of an hour and of a day.
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// How long *later* is for a phrase that was never seen: on a shared computer the session may end any time.
const LATER_TO_SAVE: u64 = DAY;
const LATER_TO_SAVE_SHARED: u64 = HOUR;
/// How long *later* is for a check.
const LATER_TO_CHECK: u64 = 30 * DAY;
/// How long after the phrase was seen a check is proposed: when the paper has had time to be mislaid.
const FIRST_CHECK: u64 = 7 * DAY;
/// How long a check holds good.
const NEXT_CHECK: u64 = 180 * DAY;

/// What a user is reminded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reminder {
    /// To look at the phrase and keep it.
    Save,
    /// To check what was kept.
    Check,
}

/// What is known of the phrase. Times are milliseconds since 1970, 0 for never.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// It was shown, or typed in to restore.
    seen: bool,
    /// Something would be lost with the account.
    written: bool,
    /// When it was last checked or typed in.
    checked: u64,
    /// Until when the user wants no reminder.
    later: u64,
}

fn due(known: Known, now: u64) -> Option<Reminder> {
    if now < known.later {
        return None;
    }
    match (known.seen, known.written) {
        (false, true) => Some(Reminder::Save),
        (true, _) if now >= known.checked.saturating_add(NEXT_CHECK) => Some(Reminder::Check),
        _ => None,
    }
}

fn now() -> u64 {
    // Whole and positive since 1970.
    js_sys::Date::now() as u64
}

/// What is to be spoken of now. Looks at the clock only when something else changes.
pub(crate) fn reminder(state: AppState) -> Option<Reminder> {
    let known = Known {
        seen: state.preferences.phrase_seen.get(),
        written: state.preferences.has_written.get(),
        checked: state.preferences.phrase_checked.get(),
        later: state.preferences.phrase_later.get(),
    };
    due(known, now())
}

/// The user puts a reminder off.
pub(crate) fn put_off(state: AppState, reminder: Reminder) {
    let shared = state.mode.get_untracked() == StorageMode::SharedComputer;
    let pause = match reminder {
        Reminder::Save if shared => LATER_TO_SAVE_SHARED,
        Reminder::Save => LATER_TO_SAVE,
        Reminder::Check => LATER_TO_CHECK,
    };
    state.set_preference(key::PHRASE_LATER, &(now() + pause).to_string());
}

/// The phrase was shown: whether it was kept well is asked in a week.
pub(crate) fn phrase_seen(state: AppState) {
    if !state.preferences.phrase_seen.get_untracked() {
        state.set_preference(key::PHRASE_LATER, &(now() + FIRST_CHECK).to_string());
    }
    state.set_preference(key::PHRASE_SEEN, "1");
}

/// The phrase was entered and is right. Nothing of it is kept but when that was.
pub(crate) fn phrase_checked(state: AppState) {
    state.set_preference(key::PHRASE_SEEN, "1");
    state.set_preference(key::PHRASE_CHECKED, &now().to_string());
}

#[cfg(test)]
mod tests {
    use super::{DAY, FIRST_CHECK, Known, NEXT_CHECK, Reminder, due};

    const NOW: u64 = 20_000 * DAY;

    #[test]
    fn nothing_is_said_before_there_is_something_to_lose() {
        assert_eq!(due(Known::default(), NOW), None);
        let written = Known {
            written: true,
            ..Known::default()
        };
        assert_eq!(due(written, NOW), Some(Reminder::Save));
    }

    #[test]
    fn a_reminder_that_was_put_off_rests() {
        let later = Known {
            written: true,
            later: NOW + 1,
            ..Known::default()
        };
        assert_eq!(due(later, NOW), None);
        assert_eq!(due(later, NOW + 1), Some(Reminder::Save));
    }

    #[test]
    fn a_check_is_proposed_a_week_after_the_phrase_was_seen_and_half_a_year_after_each_check() {
        let seen = Known {
            seen: true,
            written: true,
            later: NOW + FIRST_CHECK,
            checked: 0,
        };
        assert_eq!(due(seen, NOW), None);
        assert_eq!(due(seen, NOW + FIRST_CHECK), Some(Reminder::Check));
        let checked = Known { checked: NOW, ..seen };
        assert_eq!(due(checked, NOW + NEXT_CHECK - 1), None);
        assert_eq!(due(checked, NOW + NEXT_CHECK), Some(Reminder::Check));
        // An account that was restored was checked by that.
        let restored = Known {
            seen: true,
            checked: NOW,
            ..Known::default()
        };
        assert_eq!(due(restored, NOW), None);
    }

    #[test]
    fn times_beyond_all_bounds_do_no_harm() {
        let odd = Known {
            seen: true,
            written: true,
            checked: u64::MAX,
            later: 0,
        };
        assert_eq!(due(odd, NOW), None);
    }
}
