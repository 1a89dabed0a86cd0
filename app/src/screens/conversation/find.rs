//! Search in the open conversation: a bar below its heading, from hit to hit with the arrow keys.

use leptos::ev::{self, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::gestures::to_composer;
use super::room::Room;
use crate::components::field::{focus_when_shown, leave_as_typed};
use crate::components::focus::focus;
use crate::components::icon::{Icon, icon, icon_button};
use crate::components::keys::{composes, is_shortcut};
use crate::i18n::{number, t, tf};
use crate::screens::search::{Answer, Lookup};

/// More hits are fetched when so few are left.
const FETCH_AHEAD: usize = 10;

/// The bar while it is wanted, and the key that brings it.
#[component]
pub(super) fn Find(room: Room) -> impl IntoView {
    let keys = window_event_listener(ev::keydown, move |event| {
        if is_shortcut(&event, "KeyF") {
            event.prevent_default();
            let open = document().get_element_by_id("find");
            match open.and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) {
                Some(field) => {
                    focus(&field);
                    field.select();
                }
                None => room.finding.set(true),
            }
        }
    });
    on_cleanup(move || keys.remove());
    move || room.finding.get().then(|| view! { <Bar room /> }.into_any())
}

#[component]
fn Bar(room: Room) -> impl IntoView {
    let lookup = Lookup::new(room.state, Some(room.id));
    lookup.get_ready();
    // The hit that is shown: its place among them, and the message.
    let at = RwSignal::new(0_usize);
    let shown = StoredValue::new(None::<(String, u64)>);
    let field = NodeRef::<html::Input>::new();
    leave_as_typed(field);
    focus_when_shown(field);
    let show = move |answer: &Answer, wanted: usize| {
        let Some(found) = answer.messages.get(wanted) else {
            return;
        };
        at.set(wanted);
        shown.set_value(Some((answer.words.clone(), found.message.id.0)));
        room.marks.set(answer.words.clone());
        room.show(found.message.position());
        if wanted + FETCH_AHEAD > answer.messages.len() {
            lookup.more();
        }
    };
    Effect::new(move |_| {
        lookup.answer.with(|answer| {
            let Some(answer) = answer else {
                shown.set_value(None);
                room.marks.set(String::new());
                return;
            };
            let same = shown.get_value().filter(|(words, _)| *words == answer.words);
            let again = same.is_some();
            let kept =
                same.and_then(|(_, id)| answer.messages.iter().position(|found| found.message.id.0 == id));
            match (kept, answer.messages.len().checked_sub(1)) {
                // The same hits, or more of them.
                (Some(place), _) => at.set(place),
                (None, None) => room.marks.set(answer.words.clone()),
                // The one that was shown is gone: the next one stands in its place.
                (None, Some(last)) if again => show(answer, at.get_untracked().min(last)),
                (None, Some(_)) => show(answer, 0),
            }
        });
    });
    let step = move |older: bool| {
        lookup.answer.with_untracked(|answer| {
            if let Some(answer) = answer {
                let now = at.get_untracked();
                let wanted = if older {
                    now.checked_add(1)
                } else {
                    now.checked_sub(1)
                };
                if let Some(wanted) = wanted {
                    show(answer, wanted);
                }
            }
        });
    };
    let close = move || {
        room.marks.set(String::new());
        room.unmark();
        room.finding.set(false);
        to_composer();
    };
    let on_key = move |event: KeyboardEvent| {
        match (event.key().as_str(), event.shift_key()) {
            ("Escape", _) => close(),
            ("Enter", false) | ("ArrowUp", _) if !composes(&event) => step(true),
            ("Enter", true) | ("ArrowDown", _) if !composes(&event) => step(false),
            _ => return,
        }
        event.prevent_default();
    };
    let count = move || {
        lookup
            .answer
            .with(|answer| answer.as_ref().map(|answer| counter(answer, at.get())))
    };
    let ends = Memo::new(move |_| {
        let last = lookup
            .answer
            .with(|answer| answer.as_ref().map_or(0, |a| a.messages.len()));
        (at.get() == 0 || last == 0, at.get() + 1 >= last)
    });
    view! {
        <div class="find-bar" role="search" on:keydown=on_key>
            {icon(Icon::Search)}
            <input
                id="find"
                node_ref=field
                type="search"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                enterkeyhint="search"
                dir="auto"
                aria-label=t("find.label")
                placeholder=t("find.label")
                on:input:target=move |event| lookup.type_in(event.target().value())
            />
            <span class="find-count" role="status">{count}</span>
            <button
                id="find-older"
                class="icon-button"
                aria-label=t("find.older")
                title=t("find.older")
                aria-disabled=move || ends.get().1.to_string()
                on:click=move |_| step(true)
            >
                {icon(Icon::Up)}
            </button>
            <button
                id="find-newer"
                class="icon-button"
                aria-label=t("find.newer")
                title=t("find.newer")
                aria-disabled=move || ends.get().0.to_string()
                on:click=move |_| step(false)
            >
                {icon(Icon::Down)}
            </button>
            {icon_button("find-close", Icon::Close, t("find.close"), close)}
        </div>
    }
}

/// Which hit of how many is shown.
fn counter(answer: &Answer, at: usize) -> String {
    if answer.failed {
        return t("search.failed");
    }
    match answer.total {
        0 if answer.complete => t("find.none"),
        0 => String::new(),
        total => {
            let more = if answer.complete && !answer.limited {
                ""
            } else {
                "+"
            };
            let total = format!("{}{more}", number(f64::from(total)));
            tf(
                "find.counter",
                &[("at", &number(at as f64 + 1.0)), ("count", &total)],
            )
        }
    }
}
