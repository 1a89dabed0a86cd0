//! The screens, and what decides which one is shown.
#![allow(
    unreachable_pub,
    reason = "the component macro declares its properties as public"
)]

mod blocked;
pub(crate) mod contact;
mod contact_link;
mod conversation;
pub(crate) mod files;
mod home;
pub(crate) mod invited;
mod leaving;
mod list;
mod name;
mod network;
mod new_conversation;
mod own_picture;
mod phrase;
mod place;
mod problem;
mod profile;
mod questions;
mod recognise;
mod release;
mod requests;
mod restore;
pub(crate) mod restoring;
mod row;
mod row_menu;
mod search;
mod settings;
mod share;
pub(crate) mod viewer;
mod viewport;
mod welcome;
mod word_box;

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::bars::TroubleBar;
use crate::components::notices::Notices;
use crate::i18n;
use crate::platform::{self, notifications};
use crate::state::nav::Route;
use crate::state::preferences::{self, Theme};
use crate::state::{AppState, Phase, early};

/// How long an opening page shows nothing, so that a quick one does not flicker.
const QUIET: Duration = Duration::from_millis(150);
/// Pauses between tries to fetch a language file.
const RETRIES_MS: [u32; 3] = [0, 400, 1600];

/// Loads what the first screen needs: its words. Called before [`App`] is mounted.
pub(crate) async fn prepare() {
    let chosen = early::read(preferences::key::LANGUAGE).unwrap_or_default();
    let tag = preferences::language_to_load(&chosen);
    for ms in RETRIES_MS {
        pause(ms).await;
        if i18n::load(&tag).await.is_ok() {
            break;
        }
    }
}

/// Completes after some milliseconds.
async fn pause(ms: u32) {
    if ms == 0 {
        return;
    }
    let promise = js_sys::Promise::new(&mut |done, _| {
        // Without a timer the promise never completes, and neither would anything else on the page.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms as i32);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// The whole app.
#[component]
pub(crate) fn App() -> impl IntoView {
    let state = AppState::new();
    provide_context(state);
    viewport::follow();
    platform::refuse_drops();
    state.follow_invites();
    spawn_local(state.open());
    spawn_local(state.share.collect(state));
    spawn_local(state.releases.resume());
    notifications::follow_focus(move || state.notifier.withdraw());
    // A number that an earlier visit left tells something before an account is open.
    notifications::badge(0);

    let words = RwSignal::new(0_u32);
    let loaded = StoredValue::new(i18n::tag());
    Effect::new(move |_| {
        let chosen = state.preferences.language.get();
        let tag = preferences::language_to_load(&chosen);
        mark_language();
        if loaded.get_value() == tag {
            return;
        }
        spawn_local(async move {
            if i18n::load(&tag).await.is_ok() {
                loaded.set_value(i18n::tag());
                mark_language();
                words.update(|n| *n += 1);
            }
        });
    });
    Effect::new(move |_| mark_theme(state.preferences.theme.get()));

    // A change of language renders everything again: texts are read once.
    move || {
        words.track();
        view! {
            <TroubleBar />
            <share::ShareBar />
            <release::ReleaseBar />
            <Page />
            <Notices />
        }
        .into_any()
    }
}

/// Tells the browser the language in use and its direction.
fn mark_language() {
    if let Some(root) = document().document_element() {
        // Attributes of these names can always be set.
        let _ = root.set_attribute("lang", &i18n::tag());
        let _ = root.set_attribute("dir", if i18n::is_rtl() { "rtl" } else { "ltr" });
    }
}

fn mark_theme(theme: Theme) {
    if let Some(root) = document().document_element() {
        // As above.
        let _ = root.set_attribute("data-theme", theme.name());
    }
}

/// What the page shows in its present phase.
#[component]
fn Page() -> impl IntoView {
    let state = AppState::get();
    let waits = Memo::new(move |_| restoring::waits(state));
    move || match state.phase.get() {
        Phase::Ready if waits.get() => view! { <restoring::Restoring /> }.into_any(),
        Phase::Opening => view! { <Opening /> }.into_any(),
        Phase::Start => view! { <Start /> }.into_any(),
        Phase::Ready => view! { <home::Home /> }.into_any(),
        Phase::Stopped(stop) => view! { <problem::Problem stop /> }.into_any(),
    }
}

/// A page that opens: the outline of the list, after a moment.
#[component]
fn Opening() -> impl IntoView {
    let late = RwSignal::new(false);
    set_timeout(
        move || {
            let _ = late.try_set(true);
        },
        QUIET,
    );
    move || {
        late.get().then(|| {
            view! {
                <div class="opening" role="status">
                    <span class="unseen">{i18n::t("opening.label")}</span>
                    <div class="skeleton-list" aria-hidden="true">
                        {(0..6)
                            .map(|_| {
                                view! {
                                    <div class="skeleton-row">
                                        <span></span>
                                        <span></span>
                                        <span></span>
                                    </div>
                                }
                            })
                            .collect_view()}
                    </div>
                </div>
            }
            .into_any()
        })
    }
}

/// The screens before there is an account.
#[component]
fn Start() -> impl IntoView {
    let state = AppState::get();
    view! {
        <main class="start">
            {move || match state.nav.current() {
                Route::Place { restore } => view! { <place::Place restore /> }.into_any(),
                Route::Restore => view! { <restore::Restore /> }.into_any(),
                Route::Recognise => view! { <recognise::Recognise /> }.into_any(),
                Route::Name => view! { <name::Name /> }.into_any(),
                _ => match state.invite.get() {
                    Some(invite) => view! { <invited::Invited invite /> }.into_any(),
                    None => view! { <welcome::Welcome /> }.into_any(),
                },
            }}
        </main>
    }
}
