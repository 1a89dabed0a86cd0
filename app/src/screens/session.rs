//! A session at a shared computer: the bar with its end, the countdown before it, and the watch over both.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;

use super::leaving::{Leave, Leaving};
use crate::components::dialog::give_back_focus;
use crate::components::icon::{Icon, icon};
use crate::components::notices::told;
use crate::i18n::{number, span, t, tf, tn};
use crate::platform::activity::{Activity, Check, Moment};
use crate::platform::session::StorageMode;
use crate::platform::{kiosk, wipe};
use crate::state::watch::{End, Limits, Standing, Watch, Why};
use crate::state::{AppState, Phase};

/// How often the clock is looked at while nothing happens.
const TICK: Duration = Duration::from_secs(1);
/// How many seconds before the end a screen reader is told of it. Each second would drown everything else.
const TOLD_AT: [u64; 4] = [60, 20, 10, 5];

/// The session of this page; copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    /// Why it ends and in how many seconds, while that is to be said.
    ending: RwSignal<Option<(Why, u64)>>,
    active: Memo<bool>,
    /// It is over, and the fresh page not there yet: nothing is asked or ended any more.
    ended: Memo<bool>,
    watch: StoredValue<Option<Watching>, LocalStorage>,
}

/// What watches while a session goes on.
struct Watching {
    watch: Rc<RefCell<Watch>>,
    _activity: Activity,
}

impl Session {
    /// Follows the page for as long as it lives, whatever is rendered again meanwhile.
    pub(crate) fn follow(state: AppState) -> Self {
        let session = Self {
            ending: RwSignal::new(None),
            active: Memo::new(move |_| state.in_session()),
            ended: Memo::new(move |_| state.phase.with(|phase| *phase == Phase::Ended)),
            watch: StoredValue::new_local(None),
        };
        Effect::new(move |_| {
            let watching = session.active.get().then(|| session.watch_over(state));
            session.watch.set_value(watching);
            session.ending.set(None);
        });
        let guard = window_event_listener_untyped("beforeunload", move |event| {
            if is_lost_unasked(state) {
                event.prevent_default();
            }
        });
        let copies =
            ["copy", "cut"].map(|name| window_event_listener_untyped(name, move |_| state.note_copied()));
        on_cleanup(move || {
            guard.remove();
            for copy in copies {
                copy.remove();
            }
        });
        session
    }

    fn watch_over(self, state: AppState) -> Watching {
        let limits = kiosk::rules().map_or(Limits::SHARED, |rules| Limits::of_kiosk(&rules.limits));
        let watch = Rc::new(RefCell::new(Watch::new(limits, js_sys::Date::now() as u64)));
        let looked = Rc::clone(&watch);
        let leaves = Cell::new(false);
        let activity = Activity::watch(TICK, move |check| {
            let standing = looked.borrow_mut().look(&check);
            match standing {
                Standing::Running => self.say(None),
                Standing::Ending(why, left) => self.say(Some((why, left.div_ceil(1_000)))),
                Standing::Over(end) => over(state, end, &check, &leaves),
            }
        });
        Watching {
            watch,
            _activity: activity,
        }
    }

    fn say(self, ending: Option<(Why, u64)>) {
        if self.ending.get_untracked() == ending {
            return;
        }
        if ending.is_some() {
            self.ending.set(ending);
            return;
        }
        // The key or tap that goes on has not reached the countdown yet: it must end there rather than in what lies below.
        set_timeout(
            move || {
                let _ = self.ending.try_set(None);
            },
            Duration::ZERO,
        );
    }

    fn change(self, change: impl FnOnce(&mut Watch)) {
        self.watch.with_value(|watching| {
            if let Some(watching) = watching {
                change(&mut watching.watch.borrow_mut());
            }
        });
        self.ending.set(None);
    }
}

/// Ends what is over, once. A page that goes by itself can't go anywhere else; should it come back, it goes then.
fn over(state: AppState, end: End, check: &Check, leaves: &Cell<bool>) {
    let going = matches!(check.moment, Moment::Left | Moment::Frozen | Moment::Hidden);
    if leaves.get() {
        return;
    }
    if matches!(end, End::Left | End::Frozen) {
        if going {
            if let Some(link) = state.drop_session() {
                link.kill();
            }
        } else {
            leaves.set(true);
            wipe::leave();
        }
        return;
    }
    leaves.set(true);
    state.end_session();
}

/// The bar over all screens: where one is, and the button that ends the session.
#[component]
pub(crate) fn SessionBar() -> impl IntoView {
    let state = AppState::get();
    let session: Session = expect_context();
    let asks = RwSignal::new(false);
    let end = move |_| {
        if kiosk::is_on() || nothing_is_lost(state) {
            state.end_session();
        } else {
            asks.set(true);
        }
    };
    let bar = move || {
        session.active.get().then(|| {
            let place = match kiosk::rules() {
                Some(rules) => rules.name.clone().unwrap_or_else(|| t("kiosk.title")),
                None => t("place.shared"),
            };
            let button = move || {
                let shown = !session.ended.get();
                shown.then(|| {
                    view! {
                        <button id="end-session" class="button danger" on:click=end>
                            {icon(Icon::LogOut)}
                            {t("settings.end_session")}
                        </button>
                    }
                    .into_any()
                })
            };
            view! {
                <header class="session-bar" aria-label=t("session.label")>
                    <span class="session-place" dir="auto">{icon(Icon::Shared)} <span>{place}</span></span>
                    {button}
                </header>
            }
            .into_any()
        })
    };
    view! {
        {bar}
        {move || {
            (asks.get() && !session.ended.get())
                .then(|| {
                    view! {
                        <Leaving what=Leave::LogOut on_close=move || asks.set(false) />
                    }
                        .into_any()
                })
        }}
    }
}

/// Whether nothing would be missed that could still be saved.
fn nothing_is_lost(state: AppState) -> bool {
    let seen = state.preferences.phrase_seen.get_untracked();
    let unsaved = state.preferences.has_written.get_untracked() && !seen;
    let waits = state.network.with_untracked(|network| {
        // Where nobody can come back, nobody misses what was decided.
        network.outbox > 0 || (seen && network.unsynced)
    });
    !waits && !unsaved
}

/// Whether the page can't go without something that was not asked for. A kiosk's session ends without questions.
fn is_lost_unasked(state: AppState) -> bool {
    let open = state.phase.with_untracked(|phase| *phase == Phase::Ready);
    let shared = state.mode.get_untracked() == StorageMode::SharedComputer;
    open && shared && !kiosk::is_on() && (state.has_drafts() || !nothing_is_lost(state))
}

/// What is said while a session is about to end.
#[component]
pub(crate) fn Countdown() -> impl IntoView {
    let session: Session = expect_context();
    let why = Memo::new(move |_| {
        let ending = session.ending.get().filter(|_| !session.ended.get());
        ending.map(|(why, _)| why)
    });
    move || why.get().map(|why| view! { <Warning why /> }.into_any())
}

/// The countdown, over everything.
#[component]
fn Warning(why: Why) -> impl IntoView {
    let state = AppState::get();
    let session: Session = expect_context();
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            // Refused only if it has left the page meanwhile.
            let _ = dialog.show_modal();
        }
    });
    give_back_focus(node);
    let left = Memo::new(move |before: Option<&u64>| {
        let now = session.ending.get().map(|(_, left)| left);
        now.or(before.copied()).unwrap_or_default()
    });
    let spoken = Memo::new(move |before: Option<&String>| {
        let now = left.get();
        match before {
            Some(before) if !TOLD_AT.contains(&now) => before.clone(),
            _ => tn("session.ends", now),
        }
    });
    let idle = why == Why::Idle;
    let title = if idle {
        t("session.idle_title")
    } else {
        t("session.total_title")
    };
    view! {
        <dialog
            class="dialog countdown"
            class:idle=idle
            node_ref=node
            role="alertdialog"
            aria-labelledby="countdown-title"
            aria-describedby="countdown-text"
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                if why == Why::TotalForGood {
                    session.change(Watch::hear);
                }
            }
            on:keydown=move |event: KeyboardEvent| {
                // Any key goes on; what it would do besides is not meant.
                if idle {
                    event.prevent_default();
                    event.stop_propagation();
                }
            }
        >
            <div class="dialog-body">
                <h2 id="countdown-title">{title}</h2>
                <p class="countdown-left" aria-hidden="true">{move || number(left.get() as f64)}</p>
                <p class="unseen" role="status">{spoken}</p>
                <p id="countdown-text">{words(why)}</p>
                <div class="actions">{answers(state, session, why)}</div>
            </div>
            {told()}
        </dialog>
    }
}

fn words(why: Why) -> String {
    match why {
        Why::Idle => t("session.idle_text"),
        Why::Total => t("session.total_text"),
        Why::TotalForGood => t("session.total_last"),
    }
}

fn answers(state: AppState, session: Session, why: Why) -> AnyView {
    let end = move || {
        view! {
            <button id="end-now" class="button danger" on:click=move |_| state.end_session()>
                {t("settings.end_session")}
            </button>
        }
    };
    let go_on = move |id: &'static str, class: &'static str, words: String, change: fn(&mut Watch)| {
        view! {
            <button id=id class=class autofocus on:click=move |_| session.change(change)>
                {words}
            </button>
        }
    };
    match why {
        // Any press goes on, whatever it is on. Those of screen readers come as clicks alone.
        Why::Idle => go_on("stay", "button primary large", t("session.stay"), Watch::stay).into_any(),
        Why::Total => {
            let seconds = kiosk::rules().map_or(0, |rules| u64::from(rules.limits.extension_minutes) * 60);
            let words = tf("session.more", &[("time", &span(seconds))]);
            view! { {end()} {go_on("more-time", "button primary", words, Watch::extend)} }.into_any()
        }
        Why::TotalForGood => {
            let words = t("session.until_then");
            view! { {end()} {go_on("until-then", "button primary", words, Watch::hear)} }.into_any()
        }
    }
}

/// What is shown between a session and the fresh page.
#[component]
pub(crate) fn Ended() -> impl IntoView {
    view! {
        <main class="start">
            <section class="step ended" role="status">
                <h1>{t("session.ended")}</h1>
                <p class="lead">{t("session.ended_text")}</p>
            </section>
        </main>
    }
}
