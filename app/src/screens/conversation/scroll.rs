//! Scrolling by hand: nothing the reader looks at may move while messages come in above or below it.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{DomRect, Element, HtmlCollection, HtmlElement};

/// Within this many pixels of the end the list counts as being at its end.
const NEAR_END: i32 = 48;
/// Older or newer messages are fetched when their end comes this close, in pixels.
const FETCH_AHEAD: i32 = 900;

/// The scrolling element of the message list.
#[derive(Clone)]
pub(crate) struct Scroller(pub HtmlElement);

/// A message and where it stood.
pub(crate) struct Anchor {
    id: String,
    top: f64,
}

impl Anchor {
    /// The id of the message's element.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl Scroller {
    /// What has the focus in it.
    pub(crate) fn focused(&self) -> Option<HtmlElement> {
        let active = document().active_element()?;
        self.0.contains(Some(&active)).then(|| active.dyn_into().ok())?
    }

    /// Pixels below what is seen.
    pub(crate) fn below(&self) -> i32 {
        self.0.scroll_height() - self.0.scroll_top() - self.0.client_height()
    }

    /// Height of the content, and of what is seen of it.
    pub(crate) fn size(&self) -> (i32, i32) {
        (self.0.scroll_height(), self.0.client_height())
    }

    /// Whether the end of the list is seen.
    pub(crate) fn at_end(&self) -> bool {
        self.below() <= NEAR_END
    }

    /// Whether the older end is near.
    pub(crate) fn near_start(&self) -> bool {
        self.0.scroll_top() < FETCH_AHEAD
    }

    /// Whether the newer end is near.
    pub(crate) fn near_end(&self) -> bool {
        self.below() < FETCH_AHEAD
    }

    /// Goes to the end at once.
    pub(crate) fn jump_to_end(&self) {
        self.0.set_scroll_top(self.0.scroll_height());
    }

    /// Puts an element a quarter below the top.
    pub(crate) fn show(&self, element: &Element) {
        let offset = element.get_bounding_client_rect().top() - self.top();
        let quarter = f64::from(self.0.client_height()) / 4.0;
        self.0
            .set_scroll_top(self.0.scroll_top() + (offset - quarter) as i32);
    }

    /// The first message that is seen, and its place.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        let top = self.top();
        let messages = self.messages();
        let first = partition(messages.length(), |n| {
            place(&messages, n).is_some_and(|rect| rect.bottom() <= top)
        });
        let element = messages.item(first)?;
        Some(Anchor {
            id: element.id(),
            top: element.get_bounding_client_rect().top(),
        })
    }

    /// Puts a message back to where it stood.
    pub(crate) fn restore(&self, anchor: &Anchor) {
        if let Some(element) = document().get_element_by_id(&anchor.id) {
            let moved = element.get_bounding_client_rect().top() - anchor.top;
            if moved.abs() >= 1.0 {
                self.0.set_scroll_top(self.0.scroll_top() + moved.round() as i32);
            }
        }
    }

    /// The id of the newest message that is seen as a whole or in part.
    pub(crate) fn newest_seen(&self) -> Option<String> {
        let bottom = self.0.get_bounding_client_rect().bottom();
        let messages = self.messages();
        let below = partition(messages.length(), |n| {
            place(&messages, n).is_some_and(|rect| rect.top() < bottom)
        });
        Some(messages.item(below.checked_sub(1)?)?.id())
    }

    fn top(&self) -> f64 {
        self.0.get_bounding_client_rect().top()
    }

    /// The messages, from top to bottom: a list that the browser keeps, so that asking for it in every frame costs little.
    fn messages(&self) -> HtmlCollection {
        self.0.get_elements_by_class_name("message")
    }
}

fn place(messages: &HtmlCollection, n: u32) -> Option<DomRect> {
    messages.item(n).map(|message| message.get_bounding_client_rect())
}

/// How many of `count` things in order are `before` a point, with few looks.
fn partition(count: u32, before: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::partition;

    #[test]
    fn a_point_is_found_between_things_in_order() {
        for count in 0..9 {
            for point in 0..=count {
                assert_eq!(partition(count, |n| n < point), point);
            }
        }
    }
}
