//! Moving the focus through lists with the arrow keys, keeping it where what had it goes, and setting custom properties of
//! an element.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, FocusOptions, HtmlElement};

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

/// Focuses an element where it stands: nothing scrolls.
fn focus_in_place(element: &HtmlElement) {
    let still = FocusOptions::new();
    still.set_prevent_scroll(true);
    // One that has left the page takes no focus.
    let _ = element.focus_with_options(&still);
}

/// Focuses the element of the page with an id.
pub(crate) fn focus_id(id: &str) {
    let found = document().get_element_by_id(id);
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        focus_in_place(&element);
    }
}

/// The first element below `within` that matches and is shown.
pub(crate) fn first_shown(within: &Element, selector: &str) -> Option<HtmlElement> {
    matching(within, selector)
        .into_iter()
        .find(|element| element.offset_parent().is_some())
}

/// Gives the focus to something that takes it from nobody but the program: a heading, a row that Tab passes by.
pub(crate) fn give(element: &HtmlElement) {
    if !element.has_attribute("tabindex") && element.tab_index() < 0 {
        // An attribute of this name can always be set.
        let _ = element.set_attribute("tabindex", "-1");
    }
    focus_in_place(element);
}

/// Called before a list is laid out anew. If what has the focus in it is gone afterwards, the focus passes to the same item
/// where that was made anew, else to the one in its place, else to the heading above the list. Items match `selector`; an
/// attribute tells them apart.
pub(crate) fn hold(list: &Element, selector: &'static str, attribute: &'static str) {
    let active = document()
        .active_element()
        .filter(|active| list.contains(Some(active)))
        .and_then(|active| active.dyn_into::<HtmlElement>().ok());
    let Some(active) = active else { return };
    let items = matching(list, selector);
    let Some(at) = items.iter().position(|item| item.contains(Some(&active))) else {
        return;
    };
    let item = items.get(at).and_then(|item| item.get_attribute(attribute));
    let around = list.closest("dialog, main, nav").ok().flatten();
    let list = list.clone();
    request_animation_frame(move || {
        if !nothing_has_focus() {
            return;
        }
        if active.is_connected() {
            // The view library lifted it out and put it in again.
            focus_in_place(&active);
            return;
        }
        let items = matching(&list, selector);
        let same = items
            .iter()
            .find(|other| item.is_some() && other.get_attribute(attribute) == item);
        let next = same.or_else(|| items.get(at)).or_else(|| items.last()).cloned();
        if let Some(next) = next.or_else(|| first_shown(&around?, "h1, h2")) {
            give(&next);
        }
    });
}

/// Has Tab reach one of the items of a list, those below `list` that match `selector`: the one given, else the one that it
/// reaches already, else the current one, else the first.
pub(crate) fn one_stop(list: &Element, selector: &str, wanted: Option<Element>) {
    let find = |with: &str| list.query_selector(&format!("{selector}{with}")).ok().flatten();
    let now = find("[tabindex='0']");
    let next = wanted
        .or_else(|| now.clone())
        .or_else(|| find("[aria-current]"))
        .or_else(|| find(""));
    if now == next {
        return;
    }
    for (item, index) in [(now, "-1"), (next, "0")] {
        if let Some(item) = item {
            // An attribute of this name can always be set.
            let _ = item.set_attribute("tabindex", index);
        }
    }
}

/// The item of a list, by a selector, that an event is about.
pub(crate) fn item_of(event: &Event, selector: &str) -> Option<Element> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(selector).ok()?
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
