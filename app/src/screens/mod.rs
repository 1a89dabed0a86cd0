//! The screens, and what decides which one is shown.
#![allow(
    unreachable_pub,
    reason = "the component macro declares its properties as public"
)]

mod blocked;
mod comes_back;
pub(crate) mod contact;
mod contact_link;
mod conversation;
mod embedded;
pub(crate) mod files;
mod home;
pub(crate) mod invited;
pub(crate) mod kiosk;
mod landing;
mod leaving;
mod list;
mod locked;
mod name;
mod network;
mod new_conversation;
mod own_picture;
mod owner;
mod phrase;
mod phrase_entry;
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
mod scan;
mod search;
mod session;
mod settings;
mod share;
mod snippet;
mod transfer;
pub(crate) mod viewer;
mod viewport;
mod welcome;
mod word_box;

use std::time::Duration;

use holdfast_protocol::kiosk::Feature;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::bars::TroubleBar;
use crate::components::focus::focus_id;
use crate::components::keyboard;
use crate::components::notices::Notices;
use crate::i18n;
use crate::later;
use crate::platform::{self, frame, notifications};
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
        platform::pause(ms).await;
        if i18n::load(&tag).await.is_ok() {
            break;
        }
    }
}

/// The whole app.
#[component]
pub(crate) fn App() -> impl IntoView {
    let state = AppState::new();
    provide_context(state);
    viewport::follow();
    platform::data_transfer::refuse_drops();
    let framed = frame::is_framed();
    if !framed {
        state.take_first_invite();
    }
    later::follow(state);
    spawn_local(state.open());

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
                // What was told is in the other language, and would be read by the voice of this one.
                state.announcements.set(Vec::new());
                let focused = document().active_element().map(|focused| focused.id());
                words.update(|n| *n += 1);
                // The choice of the language is rendered again as well.
                request_animation_frame(move || focus_id(&focused.unwrap_or_default()));
            }
        });
    });
    Effect::new(move |_| mark_theme(state.preferences.theme.get()));
    if !platform::kiosk::allows(Feature::Print) {
        keep_off_paper();
    }

    // A change of language renders everything again: texts are read once.
    move || {
        words.track();
        if framed {
            return later::screen(|later| (later.framed)());
        }
        view! {
            {move || later::get().map(|later| (later.above)())}
            <Page />
            {move || later::get().map(|later| (later.below)())}
        }
        .into_any()
    }
}

/// Follows the page for as long as it lives ([`later::Later`]).
pub(crate) fn begin(state: AppState) {
    // A chat in somebody else's page has one conversation, and ends with that page.
    if frame::is_framed() {
        return;
    }
    state.follow_links();
    state.follow_idle();
    landing::follow(state);
    if !platform::kiosk::is_on() {
        spawn_local(state.share.collect(state));
        spawn_local(state.releases.resume());
    }
    provide_context(session::Session::follow(state));
    state.notifier.listen(state);
    notifications::follow_focus(move || state.notifier.clear());
    // A number that an earlier visit left tells something before an account is open.
    notifications::badge(0);
}

/// What lies above every screen: bars.
pub(crate) fn above() -> AnyView {
    if platform::kiosk::is_closed() {
        return ().into_any();
    }
    view! {
        <session::SessionBar />
        <TroubleBar />
        <share::ShareBar />
        <release::ReleaseBar />
    }
    .into_any()
}

/// What lies below every screen, and over it.
pub(crate) fn below() -> AnyView {
    if platform::kiosk::is_closed() {
        return ().into_any();
    }
    view! {
        {keyboard::keyboard()}
        <Notices />
        <session::Countdown />
    }
    .into_any()
}

/// Everything, in somebody else's page.
pub(crate) fn framed() -> AnyView {
    if platform::kiosk::is_closed() {
        return view! {
            <main class="start">
                <kiosk::Closed />
            </main>
        }
        .into_any();
    }
    view! {
        <embedded::Embedded />
        <Notices />
    }
    .into_any()
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

/// Has the browser print blank sheets (`static/styles/kiosk.css`): paper stays behind.
fn keep_off_paper() {
    if let Some(root) = document().document_element() {
        // As above.
        let _ = root.set_attribute("data-print", "off");
    }
}

/// What the page shows in its present phase.
#[component]
fn Page() -> impl IntoView {
    let state = AppState::get();
    move || match state.phase.get() {
        Phase::Opening => view! { <Opening /> }.into_any(),
        Phase::Start => view! { <Start /> }.into_any(),
        phase => later::screen(move |later| (later.page)(phase.clone())),
    }
}

/// The screen of a phase other than the start.
pub(crate) fn page(phase: Phase) -> AnyView {
    match phase {
        Phase::Ready => view! { <Ready /> }.into_any(),
        Phase::Locked => view! { <locked::Locked /> }.into_any(),
        Phase::Ended => view! { <session::Ended /> }.into_any(),
        Phase::Stopped(stop) => view! { <problem::Problem stop /> }.into_any(),
        Phase::Opening | Phase::Start => ().into_any(),
    }
}

/// An open account: the list, or how it comes back.
#[component]
fn Ready() -> impl IntoView {
    let state = AppState::get();
    let waits = Memo::new(move |_| restoring::waits(state));
    move || {
        if waits.get() {
            view! { <restoring::Restoring /> }.into_any()
        } else {
            view! { <home::Home /> }.into_any()
        }
    }
}

/// A page that opens: the outline of the list, after a moment.
#[component]
pub(crate) fn Opening() -> impl IntoView {
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

/// The screens before there is an account. The first ones are in the first part of the program.
#[component]
fn Start() -> impl IntoView {
    let state = AppState::get();
    let screen = move || {
        let route = state.nav.current();
        let first = !platform::kiosk::is_on();
        match route {
            Route::Place { restore } if first => view! { <place::Place restore /> }.into_any(),
            Route::Name if first => view! { <name::Name /> }.into_any(),
            Route::Restore | Route::Recognise | Route::Receive => {
                later::view(move |later| (later.start)(state, route))
            }
            _ if !first || state.transfer.opened.with(Option::is_some) => {
                later::view(move |later| (later.start)(state, route))
            }
            _ => match state.invite.get() {
                Some(invite) => view! { <invited::Invited invite /> }.into_any(),
                None => view! { <welcome::Welcome /> }.into_any(),
            },
        }
    };
    view! { <main class="start">{screen}</main> }
}

/// A start screen other than the first ones; any at a kiosk.
pub(crate) fn later_start(state: AppState, route: Route) -> AnyView {
    if platform::kiosk::is_closed() {
        return view! { <kiosk::Closed /> }.into_any();
    }
    match kiosk::permitted(state, route) {
        Route::Place { restore: true } => view! { <kiosk::Caution /> }.into_any(),
        Route::Restore => view! { <restore::Restore /> }.into_any(),
        Route::Recognise => view! { <recognise::Recognise /> }.into_any(),
        Route::Receive => view! { <transfer::Receive /> }.into_any(),
        Route::Name => view! { <name::Name /> }.into_any(),
        _ if state.transfer.opened.with(Option::is_some) => view! { <transfer::NoAccount /> }.into_any(),
        _ => view! { <kiosk::Start /> }.into_any(),
    }
}
