//! What a search found: conversations, then messages.

use holdfast_client::api::FoundMessage;
use holdfast_protocol::account::Id;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::reactive::graph::untrack;

use super::lookup::{Answer, Lookup};
use super::show::{marked, snippet};
use crate::components::focus::{focus, matching, walk};
use crate::i18n::{full_date, list_time, number, t, tf};
use crate::screens::contact::{display_name, given_name};
use crate::screens::row::portrait;
use crate::state::identity::short_id;
use crate::state::nav::Route;
use crate::state::{AppState, Target};

/// More is fetched when the end comes this close, in pixels.
const FETCH_AHEAD: i32 = 600;

/// The results, in place of the conversation list.
#[component]
pub(super) fn Results(lookup: Lookup, field: NodeRef<html::Input>) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let of = move |part: fn(&Answer) -> bool| {
        Memo::new(move |_| lookup.answer.with(|answer| answer.as_ref().is_some_and(part)))
    };
    let names = of(|answer| !answer.conversations.is_empty());
    let messages = of(|answer| !answer.messages.is_empty());
    let nothing = of(|answer| {
        answer.complete && answer.conversations.is_empty() && answer.messages.is_empty() && !answer.failed
    });
    let failed = of(|answer| answer.failed);
    let limited = of(|answer| answer.limited);
    let words = Memo::new(move |_| {
        lookup.answer.with(|answer| {
            answer
                .as_ref()
                .map(|answer| answer.words.clone())
                .unwrap_or_default()
        })
    });
    view! {
        <div
            class="search-results"
            id="search-results"
            node_ref=node
            role="group"
            tabindex="0"
            aria-label=t("search.results")
            data-words=words
            on:keydown=move |event| {
                if let Some(list) = node.get_untracked() {
                    on_key(&list, field, &event);
                }
            }
            on:scroll=move |_| {
                if let Some(list) = node.get_untracked() {
                    let below = list.scroll_height() - list.scroll_top() - list.client_height();
                    if below < FETCH_AHEAD {
                        lookup.more();
                    }
                }
            }
        >
            {move || {
                nothing
                    .get()
                    .then(|| {
                        view! { <p class="search-none">{tf("search.none", &[("words", &words.get())])}</p> }
                    })
            }}
            {move || failed.get().then(|| view! { <p class="search-none">{t("search.failed")}</p> })}
            {move || names.get().then(|| view! { <Names lookup words /> }.into_any())}
            {move || messages.get().then(|| view! { <Messages lookup words /> }.into_any())}
            {move || limited.get().then(|| view! { <p class="search-note">{t("search.limited")}</p> })}
        </div>
    }
}

/// Up from the first hit leads back to the field, and so does Escape.
fn on_key(list: &web_sys::Element, field: NodeRef<html::Input>, event: &KeyboardEvent) {
    let at_first = || {
        let focused = document().active_element();
        let first = matching(list, ".hit").into_iter().next();
        first.is_none_or(|first| focused.is_none_or(|focused| *first == focused))
    };
    let leaves = match event.key().as_str() {
        "Escape" => true,
        "ArrowUp" => at_first(),
        _ => false,
    };
    if leaves {
        event.prevent_default();
        if let Some(field) = field.get_untracked() {
            focus(&field);
        }
    } else {
        walk(list, ".hit", false, event);
    }
}

/// Conversations and contacts.
#[component]
fn Names(lookup: Lookup, words: Memo<String>) -> impl IntoView {
    let each = move || {
        let words = words.get();
        let ids = lookup
            .answer
            .with(|answer| answer.as_ref().map(|a| a.conversations.clone()));
        ids.unwrap_or_default()
            .into_iter()
            .map(|id| (words.clone(), id))
            .collect::<Vec<_>>()
    };
    view! {
        <section>
            <h2 class="search-heading">{t("search.conversations")}</h2>
            <ul>
                <For each key=|entry| entry.clone() children=|(words, id)| name_row(&words, id) />
            </ul>
        </section>
    }
}

fn picture(state: AppState, id: Id) -> AnyView {
    let known = untrack(|| state.conversation(id));
    let name = known.as_ref().map_or("", given_name);
    let picture = known.as_ref().and_then(|known| known.picture);
    portrait(id, state.is_own(&id), name, picture)
}

fn name_row(words: &str, id: Id) -> AnyView {
    let state = AppState::get();
    let known = untrack(|| state.conversation(id));
    let name = known.as_ref().map_or_else(|| short_id(&id), display_name);
    // Under a nickname stands the name that they gave themselves: it may be what was looked for.
    let given = known
        .filter(|known| known.nickname.is_some() && !known.note_to_self)
        .and_then(|known| known.name)
        .filter(|given| *given != name);
    view! {
        <li>
            <button
                class="row hit"
                tabindex="-1"
                data-found=id.to_hex()
                on:click=move |_| state.nav.switch(Route::Conversation(id))
            >
                {picture(state, id)}
                <span class="row-name" dir="auto">{marked(&name, words)}</span>
                <span class="row-preview">
                    {match given {
                        Some(given) => view! { <span class="row-text" dir="auto">{marked(&given, words)}</span> }.into_any(),
                        None if state.is_own(&id) => t("note.subtitle").into_any(),
                        None => view! { <span dir="ltr">{short_id(&id)}</span> }.into_any(),
                    }}
                </span>
            </button>
        </li>
    }
    .into_any()
}

/// Messages, newest first.
#[component]
fn Messages(lookup: Lookup, words: Memo<String>) -> impl IntoView {
    let each = move || {
        let words = words.get();
        let found = lookup
            .answer
            .with(|answer| answer.as_ref().map(|a| a.messages.clone()));
        found
            .unwrap_or_default()
            .into_iter()
            .map(|found| (words.clone(), found))
            .collect::<Vec<_>>()
    };
    let total = Memo::new(move |_| {
        lookup
            .answer
            .with(|answer| answer.as_ref().map_or(0, |a| a.total))
    });
    view! {
        <section>
            <h2 class="search-heading">
                {t("search.messages")} <span class="search-total">{move || number(f64::from(total.get()))}</span>
            </h2>
            <ul>
                <For
                    each
                    key=|(words, found)| (words.clone(), found.message.id, found.message.body.clone())
                    children=|(words, found)| message_row(&words, &found)
                />
            </ul>
        </section>
    }
}

fn message_row(words: &str, found: &FoundMessage) -> AnyView {
    let state = AppState::get();
    let message = &found.message;
    let (id, place) = (message.conversation, message.position());
    let name = untrack(|| state.conversation(id)).map_or_else(|| short_id(&id), |known| display_name(&known));
    let text = snippet(&message.body, found.hit.0);
    let text = if message.outgoing {
        // The words around the text come from the language; only the text is marked.
        let frame = tf("list.own_preview", &[("text", "\0")]);
        let (before, after) = frame.split_once('\0').unwrap_or((&frame, ""));
        view! { {before.to_owned()} {marked(&text, words)} {after.to_owned()} }.into_any()
    } else {
        marked(&text, words)
    };
    let target = Target {
        conversation: id,
        place,
        words: words.to_owned(),
    };
    view! {
        <li>
            <button
                class="row hit found-message"
                tabindex="-1"
                data-message=place.id.0.to_string()
                on:click=move |_| state.go_to(target.clone())
            >
                {picture(state, id)}
                <span class="row-name" dir="auto">{name}</span>
                <time class="row-time" title=full_date(place.sent_at)>{list_time(place.sent_at)}</time>
                <span class="found-text" dir="auto">{text}</span>
            </button>
        </li>
    }
    .into_any()
}
