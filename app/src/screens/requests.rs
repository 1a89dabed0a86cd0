//! Message requests: the notice of new ones above the list, and the list of all.

use holdfast_client::api::Place;
use leptos::prelude::*;

use crate::components::icon::{Icon, icon, icon_button};
use crate::i18n::{number, t, tn};
use crate::state::nav::Route;
use crate::state::{AppState, Question};

/// Leads to the requests, as long as there are any; louder while there are new ones.
#[component]
pub(crate) fn RequestsBanner() -> impl IntoView {
    let state = AppState::get();
    let counts = Memo::new(move |_| {
        let counts = state.conversations.counts();
        (counts.requests, counts.new_requests)
    });
    move || {
        let (all, new) = counts.get();
        let any_new = new > 0;
        (all > 0).then(|| {
            view! {
                <button
                    id="open-requests"
                    class="requests-banner"
                    class:new=any_new
                    on:click=move |_| state.nav.go(Route::Requests)
                >
                    <span class="choice-icon">{icon(Icon::Requests)}</span>
                    <span class="choice-text">
                        <strong>{t("requests.title")}</strong>
                        <span>
                            {if new > 0 {
                                tn("requests.new", u64::from(new))
                            } else {
                                tn("requests.waiting", u64::from(all))
                            }}
                        </span>
                    </span>
                    {if new > 0 {
                        view! {
                            <span class="unread" aria-hidden="true">{number(f64::from(new))}</span>
                        }
                            .into_any()
                    } else {
                        icon(Icon::Chevron).into_any()
                    }}
                </button>
            }
            .into_any()
        })
    }
}

/// The heading over the list of requests.
#[component]
pub(crate) fn RequestsHeader() -> impl IntoView {
    let state = AppState::get();
    let none = Memo::new(move |_| state.conversations.none_at(Place::Requests));
    let body = move || {
        if none.get() {
            view! {
                <div class="empty-list">
                    <h2>{t("requests.empty_title")}</h2>
                    <p>{t("requests.empty_text")}</p>
                </div>
            }
            .into_any()
        } else {
            view! {
                <p class="list-help">{t("requests.help")}</p>
                <div class="list-tools">
                    <button
                        id="decline-all"
                        class="button danger"
                        on:click=move |_| state.question.set(Some(Question::DeclineAll))
                    >
                        {t("decline_all.do")}
                    </button>
                </div>
            }
            .into_any()
        }
    };
    view! {
        <header class="list-header sub">
            {icon_button("leave-requests", Icon::Back, t("action.back"), move || leave(state))}
            <h1>{t("requests.title")}</h1>
        </header>
        {body}
    }
}

/// Back to the conversations, also from a request that is open beside the list.
fn leave(state: AppState) {
    if state.nav.current_untracked() == Route::Requests {
        state.nav.back(Route::Home);
    } else {
        state.nav.reset(Route::Home);
    }
}

/// Beside the list of requests, when none is open.
pub(crate) fn nothing() -> AnyView {
    let state = AppState::get();
    let words = move || {
        if state.conversations.none_at(Place::Requests) {
            t("home.nothing")
        } else {
            t("requests.nothing")
        }
    };
    view! {
        <div class="nothing">
            <span class="choice-icon">{icon(Icon::Requests)}</span>
            <p>{words}</p>
        </div>
    }
    .into_any()
}
