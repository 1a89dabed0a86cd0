//! Search: the field above the conversation list and what it finds.

mod lookup;
mod results;
mod show;

use leptos::ev::{self, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;

use crate::components::field::leave_as_typed;
use crate::components::focus::{focus, matching};
use crate::components::icon::{Icon, icon, icon_button};
use crate::components::keys::{composes, is_shortcut};
use crate::i18n::{t, tf, tn};
use crate::state::AppState;
use crate::state::nav::Route;
pub(crate) use lookup::{Answer, Lookup};
use results::Results;
pub(crate) use show::marked;

/// The field, and below it what was found as long as something is typed. The style sheet hides the list meanwhile.
#[component]
pub(crate) fn Search() -> impl IntoView {
    let state = AppState::get();
    let lookup = Lookup::new(state, None);
    let field = NodeRef::<html::Input>::new();
    leave_as_typed(field);
    let searching = Memo::new(move |_| lookup.typed.with(|typed| !typed.trim().is_empty()));
    let keys = window_event_listener(ev::keydown, move |event| {
        if is_shortcut(&event, "KeyS") {
            event.prevent_default();
            show_field(state, field);
        }
    });
    on_cleanup(move || keys.remove());
    let told = move || {
        lookup
            .answer
            .with(|answer| answer.as_ref().map(told_of).unwrap_or_default())
    };
    view! {
        <div class="search-field" role="search">
            {icon(Icon::Search)}
            <input
                id="search"
                node_ref=field
                type="search"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                enterkeyhint="search"
                dir="auto"
                aria-label=t("search.label")
                aria-controls="search-results"
                placeholder=t("search.label")
                title=t("search.hint")
                prop:value=lookup.typed
                on:focus=move |_| lookup.get_ready()
                on:input:target=move |event| lookup.type_in(event.target().value())
                on:keydown=move |event| on_field_key(lookup, field, &event)
            />
            {move || {
                searching.get().then(|| {
                    icon_button("clear-search", Icon::Close, t("search.clear"), move || {
                        lookup.type_in(String::new());
                        if let Some(field) = field.get_untracked() {
                            focus(&field);
                        }
                    })
                })
            }}
        </div>
        <p class="unseen" role="status">{told}</p>
        {move || searching.get().then(|| view! { <Results lookup field /> }.into_any())}
    }
}

/// What a screen reader is told of an answer.
fn told_of(answer: &Answer) -> String {
    match answer.conversations.len() as u64 + u64::from(answer.total) {
        0 if answer.failed => t("search.failed"),
        0 if answer.complete => tf("search.none", &[("words", &answer.words)]),
        0 => String::new(),
        n => tn("search.count", n),
    }
}

/// Escape clears, then leaves; down and Enter go to what was found.
fn on_field_key(lookup: Lookup, field: NodeRef<html::Input>, event: &KeyboardEvent) {
    match event.key().as_str() {
        "Escape" => {
            if lookup.typed.with_untracked(String::is_empty) {
                if let Some(field) = field.get_untracked() {
                    // A field of the page can always lose the focus.
                    let _ = field.blur();
                }
            } else {
                lookup.type_in(String::new());
            }
        }
        "ArrowDown" => {
            if let Some(first) = hits().first() {
                focus(first);
            }
        }
        "Enter" if !composes(event) => {
            if let Some(first) = hits().first() {
                first.click();
            }
        }
        _ => return,
    }
    event.prevent_default();
}

/// Everything that was found and can be opened, in order.
fn hits() -> Vec<web_sys::HtmlElement> {
    document()
        .get_element_by_id("search-results")
        .map(|results| matching(&results, ".hit"))
        .unwrap_or_default()
}

fn show_field(state: AppState, field: NodeRef<html::Input>) {
    let Some(input) = field.get_untracked() else {
        return;
    };
    if input.offset_parent().is_none() {
        // A narrow page shows something else: go back to the list first.
        state.nav.back(Route::Home);
    }
    request_animation_frame(move || {
        focus(&input);
        input.select();
    });
}
