//! Scrolling by hand: nothing the reader looks at may move while messages come in above or below it.

use leptos::prelude::*;
use web_sys::{Element, HtmlElement};

use crate::components::focus::matching;

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

impl Scroller {
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
        self.messages()
            .into_iter()
            .find(|m| m.get_bounding_client_rect().bottom() > top)
            .map(|m| Anchor {
                id: m.id(),
                top: m.get_bounding_client_rect().top(),
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
        self.messages()
            .into_iter()
            .rev()
            .find(|m| m.get_bounding_client_rect().top() < bottom)
            .map(|m| m.id())
    }

    fn top(&self) -> f64 {
        self.0.get_bounding_client_rect().top()
    }

    fn messages(&self) -> Vec<HtmlElement> {
        matching(&self.0, ".message")
    }
}
