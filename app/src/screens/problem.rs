//! The page can't go on: what happened, what was kept, and what to do.

use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::i18n::{t, tf};
use crate::platform::reload;
use crate::platform::session::StartError;
use crate::screens::locked::start_over_question;
use crate::state::nav::Route;
use crate::state::{AppState, Phase, Stop};

/// What is said, and what can be done.
struct Words {
    title: String,
    text: String,
    detail: Option<String>,
    /// *Try again* loads the page anew.
    reload: bool,
    /// The start screens can be gone to.
    start_over: bool,
}

fn words(stop: &Stop) -> Words {
    let plain = |title, text| Words {
        title,
        text,
        detail: None,
        reload: true,
        start_over: false,
    };
    match stop {
        Stop::Start(StartError::NoSecureContext) => {
            plain(t("problem.insecure_title"), t("problem.insecure_text"))
        }
        Stop::Start(StartError::StorageRefused) => Words {
            start_over: true,
            ..plain(t("problem.refused_title"), t("problem.refused_text"))
        },
        Stop::Start(StartError::StorageLost) => Words {
            reload: false,
            start_over: true,
            ..plain(t("problem.lost_title"), t("problem.lost_text"))
        },
        Stop::Start(StartError::StorageDamaged) => Words {
            start_over: true,
            ..plain(t("problem.damaged_title"), t("problem.damaged_text"))
        },
        Stop::Start(StartError::OldBrowser(lacks)) => Words {
            reload: false,
            detail: Some(tf("problem.old_detail", &[("feature", lacks)])),
            ..plain(t("problem.old_title"), t("problem.old_text"))
        },
        Stop::Start(StartError::Failed(why)) => Words {
            detail: Some(why.clone()),
            ..plain(t("problem.failed_title"), t("problem.failed_text"))
        },
        Stop::EngineLost => plain(t("problem.engine_title"), t("problem.engine_text")),
    }
}

/// The message for a page that can't go on.
#[component]
pub(crate) fn Problem(
    /// Why.
    stop: Stop,
) -> impl IntoView {
    let state = AppState::get();
    let words = words(&stop);
    let damaged = stop == Stop::Start(StartError::StorageDamaged);
    let asks = RwSignal::new(false);
    let start_over = move |_| {
        if damaged {
            // What is there stands in the way of a new start.
            asks.set(true);
            return;
        }
        state.phase.set(Phase::Start);
        state.nav.reset(Route::Welcome);
    };
    view! {
        <main class="start">
            <section class="step problem" role="alert">
                <span class="problem-icon">{icon(Icon::Alert)}</span>
                <h1>{words.title}</h1>
                <p class="lead">{words.text}</p>
                {words.detail.map(|detail| view! { <p class="detail" dir="auto">{detail}</p> })}
                <div class="stack">
                    {words
                        .reload
                        .then(|| {
                            view! {
                                <button class="button primary large" on:click=move |_| reload()>
                                    {t("action.try_again")}
                                </button>
                            }
                        })}
                    {words
                        .start_over
                        .then(|| {
                            view! {
                                <button id="start-over" class="button large" on:click=start_over>
                                    {t("problem.start_over")}
                                </button>
                            }
                        })}
                </div>
                {move || asks.get().then(|| start_over_question(state, asks))}
            </section>
        </main>
    }
}
