//! Where the focus goes when the screen changes. What had it goes with the screen before, and whoever reads by ear or works by
//! keys would begin at the page's top, without a word.

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::components::focus::{first_shown, give, nothing_has_focus, touch};
use crate::state::nav::Route;
use crate::state::{AppState, Phase};

/// On how many screens it is known what had the focus last.
const REMEMBERED: usize = 16;
/// What a screen is headed by, beginning with what lies over others.
const HEADINGS: [&str; 3] = [".side h1", ".main-pane h1", "h1"];

/// Follows the page for as long as it lives.
pub(super) fn follow(state: AppState) {
    // What had the focus last, as a selector, by the screen; the newest screen last.
    let left = StoredValue::new(Vec::<(Route, String)>::new());
    let seen = window_event_listener(ev::focusin, move |event| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let Some(selector) = target.as_ref().and_then(selector) else {
            return;
        };
        let route = state.nav.current_untracked();
        left.update_value(|left| {
            left.retain(|(of, _)| *of != route);
            if left.len() >= REMEMBERED {
                left.remove(0);
            }
            left.push((route, selector));
        });
    });
    on_cleanup(move || seen.remove());
    Effect::new(move |before: Option<(Phase, Route, usize)>| {
        let now = (state.phase.get(), state.nav.current(), state.nav.depth());
        if before.as_ref().is_some_and(|(phase, ..)| *phase != now.0) {
            // Nothing leads back from there, and whom somebody looked at does not outlive a lock.
            left.update_value(Vec::clear);
        }
        if let Some((phase, route, depth)) = before
            && phase != Phase::Opening
            && (phase != now.0 || route != now.1)
        {
            let mut openers = Vec::new();
            if now.2 < depth {
                // On the way back it returns to what led on from there.
                let row = route
                    .conversation()
                    .filter(|_| now.1.is_list())
                    .map(|id| row(&id.to_hex()));
                let kept = left.with_value(|left| left.iter().find(|(of, _)| *of == now.1).cloned());
                openers.extend(row);
                openers.extend(kept.map(|(_, selector)| selector));
            }
            land(openers);
        }
        now
    });
}

/// What leads to an element when it is made anew.
fn selector(element: &Element) -> Option<String> {
    match element.get_attribute("data-conversation") {
        Some(id) => Some(row(&id)),
        None => Some(element.id())
            .filter(|id| !id.is_empty())
            .map(|id| format!("#{id}")),
    }
}

fn row(id: &str) -> String {
    format!(".row[data-conversation='{id}']")
}

/// Whether nothing that is shown has the focus. Browsers take it from what is hidden a little later.
fn is_lost() -> bool {
    let active = document()
        .active_element()
        .and_then(|active| active.dyn_into::<HtmlElement>().ok());
    nothing_has_focus() || active.is_some_and(|active| active.offset_parent().is_none())
}

/// Whether the keyboard of a phone comes up when an element has the focus: it must not unasked.
fn raises_keyboard(element: &HtmlElement) -> bool {
    touch() && element.matches("input, textarea").unwrap_or(false)
}

/// Gives the focus to the first of these that is shown, else to the heading, unless the screen has taken it by itself once it
/// is drawn.
fn land(openers: Vec<String>) {
    request_animation_frame(move || {
        request_animation_frame(move || {
            let Some(page) = document().body().filter(|_| is_lost()) else {
                return;
            };
            let wanted = openers.iter().map(String::as_str).chain(HEADINGS);
            let found = wanted
                .filter_map(|selector| first_shown(&page, selector))
                .find(|found| !raises_keyboard(found));
            if let Some(found) = found {
                give(&found);
            }
        });
    });
}
