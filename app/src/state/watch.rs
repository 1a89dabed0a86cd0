//! When a session at a shared computer is over: a state machine that is told what the clock says and decides, without a
//! clock of its own (`spec/12-client-behaviour.md §12.2`, rule 3).
//!
//! Nobody must find the session of somebody who went away, and nobody who is still there must lose theirs unwarned: after
//! some time without input a countdown begins that any key or tap ends (WCAG 2.2.1). Where the page can't count down,
//! because it is out of sight, frozen or asleep, there is nobody to warn, and the session just ends.

use holdfast_protocol::kiosk;

use crate::platform::activity::{Check, Moment};

/// How long the countdown before an end takes, in milliseconds; at least 20 seconds by WCAG 2.2.1.
pub(crate) const COUNTDOWN_MS: u64 = 20_000;
/// How long before the end of the total time that is said, in milliseconds.
const TOTAL_NOTICE_MS: u64 = 60_000;
/// A page that was not run for so long was asleep, in milliseconds. Browsers run the timers of hidden pages once a minute.
const ASLEEP_MS: u64 = 90_000;

/// How long things may take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Without input, until the countdown.
    pub idle: u64,
    /// Out of sight.
    pub hidden: u64,
    /// Altogether; `None` without end.
    pub total: Option<u64>,
    /// What an extension adds to that.
    pub extension: u64,
    /// How often it can be extended.
    pub extensions: u32,
}

impl Limits {
    /// At a shared computer whose operator has said nothing: more patient than a kiosk, since its users may have other
    /// things to do beside.
    pub(crate) const SHARED: Self = Self {
        idle: 5 * 60_000,
        hidden: 10 * 60_000,
        total: None,
        extension: 0,
        extensions: 0,
    };

    /// As an operator says.
    pub(crate) fn of_kiosk(limits: &kiosk::Limits) -> Self {
        Self {
            idle: u64::from(limits.idle_seconds) * 1_000,
            hidden: u64::from(limits.hidden_seconds) * 1_000,
            total: Some(u64::from(limits.total_minutes) * 60_000),
            extension: u64::from(limits.extension_minutes) * 60_000,
            extensions: limits.extensions,
        }
    }
}

/// Why a session is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody did anything.
    Idle,
    /// The total time is nearly over, and can be extended.
    Total,
    /// The total time is nearly over for good.
    TotalForGood,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nobody did anything, not even during the countdown.
    Idle,
    /// The page was out of sight for too long.
    Hidden,
    /// The page was left.
    Left,
    /// The browser stopped the page.
    Frozen,
    /// The page came out of the browser's page cache.
    Restored,
    /// The computer slept.
    Asleep,
    /// The total time is over.
    Total,
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It goes on.
    Running,
    /// It ends in so many milliseconds.
    Ending(Why, u64),
    /// It is over.
    Over(End),
}

/// Watches over one session.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    limits: Limits,
    /// When the clock was looked at last, milliseconds since 1970.
    looked: u64,
    /// How long the session has been going on, milliseconds. A clock that is set back takes nothing off it.
    spent: u64,
    /// Where `spent` stood when somebody last did something.
    touched: u64,
    /// Where `spent` stands when the countdown after no input ends, while there is one.
    countdown: Option<u64>,
    /// The user has heard that the total time ends, and goes on until then.
    heard: bool,
    over: Option<End>,
}

impl Watch {
    /// Begins to watch a session that begins now.
    pub(crate) fn new(limits: Limits, now_ms: u64) -> Self {
        Self {
            limits,
            looked: now_ms,
            spent: 0,
            touched: 0,
            countdown: None,
            heard: false,
            over: None,
        }
    }

    /// Takes a look at the clock. What is over stays over.
    pub(crate) fn look(&mut self, check: &Check) -> Standing {
        let slept = check.now_ms.saturating_sub(self.looked);
        self.looked = check.now_ms;
        self.spent = self.spent.saturating_add(slept);
        if self.over.is_none() {
            self.over = self.ends(check, slept);
        }
        if let Some(end) = self.over {
            return Standing::Over(end);
        }
        self.count_down(check);
        let idle = self
            .countdown
            .map(|end| (Why::Idle, end.saturating_sub(self.spent)));
        let soonest = [idle, self.total_ends()]
            .into_iter()
            .flatten()
            .min_by_key(|(_, left)| *left);
        soonest.map_or(Standing::Running, |(why, left)| Standing::Ending(why, left))
    }

    /// Whether the session ends now, and why.
    fn ends(&self, check: &Check, slept: u64) -> Option<End> {
        match check.moment {
            Moment::Left => return Some(End::Left),
            Moment::Frozen => return Some(End::Frozen),
            Moment::Restored => return Some(End::Restored),
            Moment::Input | Moment::Tick | Moment::Shown | Moment::Hidden | Moment::Resumed => {}
        }
        let counted_down = self.countdown.is_some_and(|end| self.spent >= end);
        let too_late = self.idle(check) >= self.limits.idle.saturating_add(COUNTDOWN_MS);
        if slept >= ASLEEP_MS {
            Some(End::Asleep)
        } else if check.hidden_ms.is_some_and(|hidden| hidden >= self.limits.hidden) {
            Some(End::Hidden)
        } else if self.limits.total.is_some_and(|total| self.spent >= total) {
            Some(End::Total)
        } else if counted_down || self.countdown.is_none() && too_late {
            Some(End::Idle)
        } else {
            None
        }
    }

    /// How long nobody has done anything, milliseconds.
    fn idle(&self, check: &Check) -> u64 {
        check.idle_ms.min(self.spent.saturating_sub(self.touched))
    }

    /// Begins the countdown after no input, or ends it.
    fn count_down(&mut self, check: &Check) {
        if check.moment == Moment::Input {
            self.stay();
        } else if self.countdown.is_none() && self.idle(check) >= self.limits.idle {
            self.countdown = Some(self.spent.saturating_add(COUNTDOWN_MS));
        }
    }

    /// How the total time ends, once that is to be said.
    fn total_ends(&self) -> Option<(Why, u64)> {
        let left = self.limits.total?.saturating_sub(self.spent);
        if self.heard || left > TOTAL_NOTICE_MS {
            return None;
        }
        let why = if self.limits.extensions > 0 {
            Why::Total
        } else {
            Why::TotalForGood
        };
        Some((why, left))
    }

    /// The user is there. Some ways to press a button come without any input that a page sees.
    pub(crate) fn stay(&mut self) {
        self.countdown = None;
        self.touched = self.spent;
    }

    /// The user wants more time, if there is more to be had.
    pub(crate) fn extend(&mut self) {
        if self.over.is_none() && self.limits.extensions > 0 {
            self.limits.extensions -= 1;
            self.heard = false;
            if let Some(total) = &mut self.limits.total {
                *total = total.saturating_add(self.limits.extension);
            }
        }
    }

    /// The user has heard that the time ends, and goes on until then.
    pub(crate) fn hear(&mut self) {
        self.heard = true;
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNTDOWN_MS, End, Limits, Standing, Watch, Why};
    use crate::platform::activity::{Check, Moment};

    const MINUTE: u64 = 60_000;
    /// A morning in 2026.
    const START: u64 = 1_780_000_000_000;
    const LIMITS: Limits = Limits {
        idle: MINUTE,
        hidden: 2 * MINUTE,
        total: Some(30 * MINUTE),
        extension: 15 * MINUTE,
        extensions: 1,
    };

    /// A session with the person and the page that are in it.
    struct Session {
        watch: Watch,
        now: u64,
        input: u64,
        hidden: Option<u64>,
    }

    impl Session {
        fn new(limits: Limits) -> Self {
            Self {
                watch: Watch::new(limits, START),
                now: START,
                input: START,
                hidden: None,
            }
        }

        fn at(&mut self, moment: Moment) -> Standing {
            let check = Check {
                moment,
                now_ms: self.now,
                last_input_ms: self.input,
                idle_ms: self.now.saturating_sub(self.input),
                hidden_ms: self.hidden.map(|since| self.now.saturating_sub(since)),
            };
            if moment == Moment::Input {
                self.input = self.now;
            }
            self.watch.look(&check)
        }

        /// Lets time pass as a page's timer sees it; gives how it stands then.
        fn pass(&mut self, ms: u64, step: u64) -> Standing {
            let end = self.now + ms;
            let mut standing = Standing::Running;
            while self.now < end {
                self.now += step.min(end - self.now);
                standing = self.at(Moment::Tick);
            }
            standing
        }
    }

    #[test]
    fn who_does_nothing_is_warned_for_twenty_seconds_and_then_it_ends() {
        let mut session = Session::new(LIMITS);
        assert_eq!(session.pass(MINUTE - 1_000, 1_000), Standing::Running);
        assert_eq!(
            session.pass(1_000, 1_000),
            Standing::Ending(Why::Idle, COUNTDOWN_MS)
        );
        assert_eq!(
            session.pass(COUNTDOWN_MS - 1, 500),
            Standing::Ending(Why::Idle, 1)
        );
        assert_eq!(session.pass(1, 1), Standing::Over(End::Idle));
        assert_eq!(
            session.at(Moment::Input),
            Standing::Over(End::Idle),
            "it stays over"
        );
    }

    #[test]
    fn any_input_during_the_countdown_goes_on_as_often_as_one_likes() {
        let mut session = Session::new(Limits {
            total: None,
            ..LIMITS
        });
        for _ in 0..20 {
            assert!(matches!(
                session.pass(MINUTE + 19_000, 1_000),
                Standing::Ending(Why::Idle, 1_000)
            ));
            assert_eq!(session.at(Moment::Input), Standing::Running);
            assert_eq!(session.pass(MINUTE - 1_000, 1_000), Standing::Running);
            session.at(Moment::Input);
        }
    }

    #[test]
    fn who_says_to_be_there_without_any_input_is() {
        let mut session = Session::new(LIMITS);
        session.pass(MINUTE + 5_000, 1_000);
        session.watch.stay();
        assert_eq!(session.pass(MINUTE - 1_000, 1_000), Standing::Running);
        assert!(matches!(
            session.pass(1_000, 1_000),
            Standing::Ending(Why::Idle, COUNTDOWN_MS)
        ));
    }

    #[test]
    fn input_keeps_a_session_until_its_total_time() {
        let mut session = Session::new(LIMITS);
        for _ in 0..28 {
            assert_eq!(session.pass(MINUTE - 500, 500), Standing::Running);
            session.pass(500, 500);
            assert_eq!(session.at(Moment::Input), Standing::Running);
        }
        session.pass(30_000, 500);
        session.at(Moment::Input);
        assert_eq!(
            session.pass(30_000, 500),
            Standing::Ending(Why::Total, MINUTE),
            "a minute before"
        );
        session.watch.extend();
        assert_eq!(session.at(Moment::Input), Standing::Running);
        for _ in 0..15 {
            session.pass(MINUTE - 1, 500);
            session.at(Moment::Input);
            session.pass(1, 1);
        }
        assert!(matches!(
            session.at(Moment::Tick),
            Standing::Ending(Why::TotalForGood, MINUTE)
        ));
        session.watch.extend();
        session.watch.hear();
        assert_eq!(
            session.at(Moment::Tick),
            Standing::Running,
            "heard, and left in peace"
        );
        session.pass(MINUTE - 1, 500);
        session.at(Moment::Input);
        session.now += 1;
        assert_eq!(session.at(Moment::Input), Standing::Over(End::Total));
    }

    #[test]
    fn a_page_out_of_sight_ends_whether_its_timers_run_or_not() {
        let mut session = Session::new(LIMITS);
        session.at(Moment::Input);
        session.hidden = Some(START);
        session.now += 50_000;
        assert_eq!(session.at(Moment::Shown), Standing::Running);
        session.input = session.now;
        session.hidden = Some(session.now);
        let long = Limits {
            idle: 10 * MINUTE,
            ..LIMITS
        };
        session.watch = Watch::new(long, session.now);
        assert_eq!(session.pass(2 * MINUTE - 1_000, MINUTE), Standing::Running);
        session.now += 1_000;
        assert_eq!(session.at(Moment::Shown), Standing::Over(End::Hidden));
    }

    #[test]
    fn leaving_freezing_and_coming_back_from_the_page_cache_end_it_at_once() {
        for (moment, end) in [
            (Moment::Left, End::Left),
            (Moment::Frozen, End::Frozen),
            (Moment::Restored, End::Restored),
        ] {
            assert_eq!(Session::new(LIMITS).at(moment), Standing::Over(end));
        }
    }

    #[test]
    fn who_wakes_a_sleeping_computer_finds_nothing() {
        let mut session = Session::new(Limits {
            idle: 10 * MINUTE,
            ..LIMITS
        });
        session.now += 2 * MINUTE;
        assert_eq!(session.at(Moment::Input), Standing::Over(End::Asleep));
        // A shorter sleep, but longer than the countdown would have been.
        let mut session = Session::new(LIMITS);
        session.now += MINUTE + COUNTDOWN_MS;
        assert_eq!(session.at(Moment::Input), Standing::Over(End::Idle));
        // Within the countdown whoever was there is still there.
        let mut session = Session::new(LIMITS);
        session.now += MINUTE + COUNTDOWN_MS - 1;
        assert_eq!(session.at(Moment::Input), Standing::Running);
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_more_time() {
        let mut session = Session::new(Limits {
            idle: 60 * MINUTE,
            ..LIMITS
        });
        session.pass(20 * MINUTE, 1_000);
        session.now -= 19 * MINUTE;
        session.input = session.now;
        // The first second after that can't be told from the way back.
        session.pass(8 * MINUTE + 1_000, 1_000);
        assert!(matches!(
            session.pass(MINUTE, 1_000),
            Standing::Ending(Why::Total, MINUTE)
        ));
    }

    #[test]
    fn a_shared_computer_without_an_operator_is_more_patient() {
        let mut session = Session::new(Limits::SHARED);
        assert_eq!(session.pass(5 * MINUTE - 1, 1_000), Standing::Running);
        assert!(matches!(session.pass(1, 1), Standing::Ending(Why::Idle, _)));
        assert_eq!(session.pass(COUNTDOWN_MS, 1_000), Standing::Over(End::Idle));
    }
}
