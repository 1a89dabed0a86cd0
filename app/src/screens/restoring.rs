//! The way back of an account: true steps until the profile is there, then a slim notice while the rest arrives.
//!
//! Everything shown has happened: the engine tells each step when it is done. What it tells is kept with the account, so a
//! reload in the middle shows the same step. A step that stands still is said to, with the ways on: it may never get an answer.

use std::time::Duration;

use holdfast_client::api::{Command, RestoreProgress, RestoreStage, Trouble};
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::comes_back::ComesBack;
use crate::components::avatar::{Size, avatar};
use crate::components::dialog::Dialog;
use crate::components::field::Field;
use crate::components::icon::{Icon, icon};
use crate::engine::LinkError;
use crate::i18n::{t, tf, tn};
use crate::state::identity::short_id;
use crate::state::nav::Route;
use crate::state::{AppState, failure_text};

/// How long a step may stand still before the ways on are offered beside it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whether the profile is still awaited, so that there is nothing to use yet.
pub(crate) fn waits(state: AppState) -> bool {
    state.restore.with(|restore| {
        restore.as_ref().is_some_and(|progress| {
            matches!(
                progress.stage,
                RestoreStage::Connecting
                    | RestoreStage::FindingSwarm
                    | RestoreStage::LookingForProfile
                    | RestoreStage::NoProfile
            )
        })
    })
}

/// How far the steps of the screen are done: the number of the one at hand.
fn at_hand(stage: RestoreStage) -> usize {
    match stage {
        RestoreStage::Connecting => 0,
        RestoreStage::FindingSwarm => 1,
        RestoreStage::LookingForProfile | RestoreStage::NoProfile => 2,
        RestoreStage::ReadingMailbox | RestoreStage::Complete => 3,
    }
}

/// What was found so far, in words; empty as long as nothing was.
fn found(progress: &RestoreProgress) -> String {
    let mut parts = Vec::new();
    if let Some(contacts) = progress.contacts {
        parts.push(tn("restoring.contacts", u64::from(contacts)));
    }
    if let Some(groups) = progress.groups.filter(|groups| *groups > 0) {
        parts.push(tn("restoring.groups", u64::from(groups)));
    }
    if progress.messages > 0 {
        parts.push(tn("restoring.messages", u64::from(progress.messages)));
    }
    parts.join(" · ")
}

/// The screen.
#[component]
pub(crate) fn Restoring() -> impl IntoView {
    let state = AppState::get();
    let asks = RwSignal::new(false);
    let naming = RwSignal::new(false);
    let still = RwSignal::new(false);
    let stage = Memo::new(move |_| {
        state.restore.with(|restore| {
            restore
                .as_ref()
                .map_or(RestoreStage::Connecting, |progress| progress.stage)
        })
    });
    Effect::new(move |timer: Option<Option<TimeoutHandle>>| {
        stage.track();
        if let Some(timer) = timer.flatten() {
            timer.clear();
        }
        still.set(false);
        let stands = move || {
            let _ = still.try_set(true);
        };
        set_timeout_with_handle(stands, PATIENCE).ok()
    });
    // A name that is being written stays when the steps go on after all.
    let offers = Memo::new(move |_| still.get() || naming.get() || stage.get() == RestoreStage::NoProfile);
    let who = move || {
        state.account.get().map(|account| {
            view! {
                {avatar(&account.id, &account.name, account.picture, Size::Large)}
                <p class="short-id" dir="ltr">{short_id(&account.id)}</p>
            }
            .into_any()
        })
    };
    let body = move || match stage.get() {
        RestoreStage::NoProfile => no_profile(),
        stage => steps(at_hand(stage)),
    };
    let standstill = move || {
        let stage = stage.get();
        (still.get() && stage != RestoreStage::NoProfile).then(|| stands_still(state, at_hand(stage)))
    };
    let ways = move || {
        offers.get().then(|| {
            if naming.get() {
                name_form(state, naming)
            } else {
                view! { <Ways naming /> }.into_any()
            }
        })
    };
    view! {
        <main class="start">
            <section class="step restoring">
                <div class="recognised">{who}</div>
                {body}
                <div id="standstill" role="status">{standstill}</div>
                {ways}
                <ComesBack />
                <button id="stop-restoring" class="button quiet large" on:click=move |_| asks.set(true)>
                    {t("action.cancel")}
                </button>
                {move || {
                    asks.get()
                        .then(|| {
                            view! { <Stop on_close=move || asks.set(false) /> }.into_any()
                        })
                }}
            </section>
        </main>
    }
}

/// What the steps are called, in their order.
fn step_names() -> [String; 4] {
    [
        t("restoring.connect"),
        t("restoring.swarm"),
        t("restoring.profile"),
        t("restoring.rest"),
    ]
}

fn steps(now: usize) -> AnyView {
    let lines = step_names()
        .into_iter()
        .enumerate()
        .map(|(at, text)| {
            let (state, words) = match at.cmp(&now) {
                std::cmp::Ordering::Less => ("done", t("restoring.done")),
                std::cmp::Ordering::Equal => ("now", t("restoring.now")),
                std::cmp::Ordering::Greater => ("next", String::new()),
            };
            view! {
                <li data-step=state aria-current=(state == "now").then_some("step")>
                    <span class="step-mark" aria-hidden="true">
                        {(state == "done").then(|| icon(Icon::Check))}
                    </span>
                    <span>{text}</span>
                    <span class="unseen">{words}</span>
                </li>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <h1 role="status">{t("restoring.title")}</h1>
        <ol class="steps">{lines}</ol>
        <p class="help">{t("restoring.help")}</p>
    }
    .into_any()
}

/// Nothing has come of a step for a while: which one it is, and why as far as that is known. That there is no account is
/// never said, since silence does not show it.
fn stands_still(state: AppState, step: usize) -> AnyView {
    let name = step_names().into_iter().nth(step).unwrap_or_default();
    let reason = move || {
        state
            .troubles
            .with(|all| all.iter().find_map(why))
            .map(|words| view! { <p>{words}</p> })
    };
    view! {
        <h2>{t("restoring.still_title")}</h2>
        <p>{tf("restoring.still_text", &[("step", &name)])}</p>
        {reason}
    }
    .into_any()
}

/// Why nobody answers, of what stands in the way.
fn why(trouble: &Trouble) -> Option<String> {
    match trouble {
        Trouble::Offline => Some(t("restoring.why_offline")),
        Trouble::GatewayUnreachable => Some(t("restoring.why_gateway")),
        Trouble::NoPath => Some(t("restoring.why_no_path")),
        // The bar above the page says these.
        Trouble::ClockWrong { .. }
        | Trouble::StorageFull
        | Trouble::StorageLost
        | Trouble::TooMuchToSync(_) => None,
    }
}

/// The network answered without a profile.
fn no_profile() -> AnyView {
    view! {
        <h1 role="status">{t("restoring.none_title")}</h1>
        <p class="lead">{t("restoring.none_text")}</p>
    }
    .into_any()
}

/// The three ways on.
#[component]
fn Ways(naming: RwSignal<bool>) -> impl IntoView {
    let state = AppState::get();
    let again = RwSignal::new(false);
    let choice = move |id: &'static str, picture: Icon, title: String, text: String, go: Callback<()>| {
        view! {
            <button id=id class="choice" on:click=move |_| go.run(())>
                <span class="choice-icon">{icon(picture)}</span>
                <span class="choice-text">
                    <strong>{title}</strong>
                    <span>{text}</span>
                </span>
                {icon(Icon::Chevron)}
            </button>
        }
        .into_any()
    };
    let retry = Callback::new(move |()| {
        again.set(true);
        state.command(Command::Wake);
        let unanswered = move || {
            let _ = again.try_set(false);
        };
        set_timeout(unanswered, PATIENCE);
    });
    // Whatever the engine says next answers the retry.
    Effect::new(move |before: Option<()>| {
        state.restore.track();
        if before.is_some() {
            again.set(false);
        }
    });
    view! {
        <div class="choices">
            {move || {
                choice(
                    "restore-again",
                    Icon::Retry,
                    t("restoring.again"),
                    if again.get() { t("restoring.again_now") } else { t("restoring.again_text") },
                    retry,
                )
            }}
            {choice(
                "restore-new-name",
                Icon::Person,
                t("restoring.new_name"),
                t("restoring.new_name_text"),
                Callback::new(move |()| naming.set(true)),
            )}
            {choice(
                "restore-check",
                Icon::Key,
                t("restoring.check"),
                t("restoring.check_text"),
                Callback::new(move |()| leave(state, Route::Restore)),
            )}
        </div>
    }
}

/// The name to go on with.
fn name_form(state: AppState, naming: RwSignal<bool>) -> AnyView {
    let name = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let go = move || {
        spawn_local(async move {
            let command = Command::ContinueWithoutProfile {
                name: name.get_untracked(),
            };
            if let Err(LinkError::Failed(failure)) = state.request(command).await {
                let _ = error.try_set(failure_text(&failure));
            }
        });
    };
    view! {
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                go();
            }
        >
            <Field
                id="display-name"
                label=t("recognise.name_label")
                value=name
                error=error
                help=t("restoring.name_help")
                focus=true
            />
            <button id="name-continue" class="button primary large">
                {t("action.continue")}
            </button>
            <button type="button" class="button quiet large" on:click=move |_| naming.set(false)>
                {t("action.back")}
            </button>
        </form>
    }
    .into_any()
}

/// Removes the account from this device and shows a start screen. The network keeps everything.
fn leave(state: AppState, to: Route) {
    state.after_leaving(to);
    state.command(Command::LogOut);
}

/// Asks before the return is given up.
#[component]
fn Stop(#[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let state = AppState::get();
    view! {
        <Dialog title=t("restoring.stop_title") on_close=on_close>
            <p>{t("restoring.stop_text")}</p>
            <div class="actions">
                <button class="button quiet" autofocus on:click=move |_| on_close.run(())>
                    {t("restoring.stop_no")}
                </button>
                <button
                    id="confirm-stop"
                    class="button danger solid"
                    on:click=move |_| leave(state, Route::Welcome)
                >
                    {t("restoring.stop_yes")}
                </button>
            </div>
        </Dialog>
    }
}

/// Above the list, while the rest arrives.
#[component]
pub(crate) fn ReadingBar() -> impl IntoView {
    let state = AppState::get();
    let reading = Memo::new(move |_| {
        state.restore.with(|restore| {
            restore
                .as_ref()
                .is_some_and(|progress| progress.stage == RestoreStage::ReadingMailbox)
        })
    });
    let hello = Memo::new(move |_| {
        state
            .restore
            .with(|restore| restore.as_ref().and_then(|progress| progress.name.clone()))
    });
    let words = move || {
        let found = state.restore.with(|restore| restore.as_ref().map(found));
        match found.filter(|found| !found.is_empty()) {
            Some(found) => tf("restoring.reading", &[("found", &found)]),
            None => t("restoring.reading_first"),
        }
    };
    move || {
        reading.get().then(|| {
            view! {
                <section id="reading" class="reading">
                    <h2 role="status" dir="auto">
                        {move || match hello.get() {
                            Some(name) => tf("restoring.hello", &[("name", &name)]),
                            None => t("restoring.reading_title"),
                        }}
                    </h2>
                    <p>{words}</p>
                    <span class="reading-line" aria-hidden="true"></span>
                </section>
            }
            .into_any()
        })
    }
}

/// What came back, once everything did.
pub(crate) fn all_back(progress: &RestoreProgress) -> String {
    let found = found(progress);
    if found.is_empty() {
        t("restoring.complete_empty")
    } else {
        tf("restoring.complete", &[("found", &found)])
    }
}
