//! Moving the focus through lists with the arrow keys, and setting custom properties of an element.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

/// Where an arrow key leads in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Next,
    Previous,
    First,
    Last,
}

/// Moves the focus among those children of `container` that match `selector`, with the arrow keys, Home and End. With
/// `wrap`, the ends are neighbours. Nothing happens for other keys.
pub(crate) fn walk(container: &Element, selector: &str, wrap: bool, event: &KeyboardEvent) {
    if event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    let step = match event.key().as_str() {
        "ArrowDown" => Step::Next,
        "ArrowUp" => Step::Previous,
        "Home" => Step::First,
        "End" => Step::Last,
        _ => return,
    };
    let items = matching(container, selector);
    let focused = document().active_element();
    let at = items.iter().position(|item| {
        focused
            .as_ref()
            .is_some_and(|focused| item.contains(Some(focused)))
    });
    if let Some(item) = target(items.len(), at, step, wrap).and_then(|n| items.get(n)) {
        event.prevent_default();
        focus(item);
    }
}

/// Which of `count` items is next.
fn target(count: usize, at: Option<usize>, step: Step, wrap: bool) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(match (step, at) {
        (Step::First, _) | (Step::Next, None) => 0,
        (Step::Last, _) | (Step::Previous, None) => last,
        (Step::Next, Some(at)) if at == last => {
            if wrap {
                0
            } else {
                last
            }
        }
        (Step::Next, Some(at)) => at + 1,
        (Step::Previous, Some(0)) => {
            if wrap {
                last
            } else {
                0
            }
        }
        (Step::Previous, Some(at)) => at - 1,
    })
}

/// The elements below `container` that match, in order.
pub(crate) fn matching(container: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(all) = container.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..all.length())
        .filter_map(|n| all.item(n)?.dyn_into().ok())
        .collect()
}

/// Whether the main pointer is a finger: then Enter breaks the line, and no keyboard jumps up unasked.
pub(crate) fn touch() -> bool {
    window()
        .match_media("(pointer: coarse)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// Focuses an element of the page; one that has left it takes no focus.
pub(crate) fn focus(element: &HtmlElement) {
    let _ = element.focus();
}

/// Whether no element has the focus.
pub(crate) fn nothing_has_focus() -> bool {
    document()
        .active_element()
        .is_none_or(|active| active.tag_name() == "BODY")
}

/// Gives an element the focus back that it lost when the list around it moved it. Nothing scrolls.
pub(crate) fn give_back(element: &HtmlElement) {
    if nothing_has_focus() {
        let still = FocusOptions::new();
        still.set_prevent_scroll(true);
        let _ = element.focus_with_options(&still);
    }
}

/// Sets a style property of an element. Unlike a style attribute, the content policy allows this.
pub(crate) fn set_style(element: &HtmlElement, name: &str, value: &str) {
    // Called with valid names and values only.
    let _ = HtmlElement::style(element).set_property(name, value);
}

#[cfg(test)]
mod tests {
    use super::{Step, target};

    #[test]
    fn the_ends_hold_or_wrap() {
        assert_eq!(target(3, Some(2), Step::Next, false), Some(2));
        assert_eq!(target(3, Some(2), Step::Next, true), Some(0));
        assert_eq!(target(3, Some(0), Step::Previous, false), Some(0));
        assert_eq!(target(3, Some(0), Step::Previous, true), Some(2));
        assert_eq!(target(3, Some(1), Step::Previous, true), Some(0));
    }

    #[test]
    fn without_a_place_the_near_end_is_taken() {
        assert_eq!(target(3, None, Step::Next, false), Some(0));
        assert_eq!(target(3, None, Step::Previous, false), Some(2));
        assert_eq!(target(0, None, Step::Next, true), None);
    }
}
