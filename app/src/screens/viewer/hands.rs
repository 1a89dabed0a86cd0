//! What fingers, mouse and wheel do to the picture in the viewer.

use leptos::ev::{PointerEvent, WheelEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::zoom::{Room, Zoom};

/// A picture is swiped away from so many pixels on.
const SWIPE: f64 = 64.0;
/// A pull down closes the viewer from so many pixels on.
const PULL: f64 = 110.0;
/// A finger that moves less than this, in pixels, taps.
const SLIP: f64 = 8.0;
/// Two taps within this time are a double tap, in milliseconds.
const DOUBLE_MS: f64 = 320.0;
/// How much a double tap magnifies.
const DOUBLE_ZOOM: f64 = 2.5;
/// How much a wheel magnifies for each pixel it would scroll.
const WHEEL_ZOOM: f64 = 0.002;
/// Pixels of a line, where a wheel counts lines.
const LINE: f64 = 16.0;

/// A finger or the mouse's button on the stage.
#[derive(Clone, Copy)]
struct Pointer {
    id: i32,
    x: f64,
    y: f64,
}

#[derive(Clone, Default)]
struct Hold {
    pointers: Vec<Pointer>,
    /// Where the first one came down.
    start: (f64, f64),
    /// There were two: lifting one is no tap.
    pinched: bool,
    /// When and where a tap was last.
    tapped: Option<(f64, f64, f64)>,
}

/// The hands on the stage; copies are the same ones.
#[derive(Clone, Copy)]
pub(super) struct Hands {
    /// How the picture lies.
    pub zoom: RwSignal<Zoom>,
    /// How far it is being swiped, in pixels.
    pub swipe: RwSignal<f64>,
    /// The stage.
    pub stage: NodeRef<html::Div>,
    hold: StoredValue<Hold>,
}

impl Hands {
    pub(super) fn new() -> Self {
        Self {
            zoom: RwSignal::new(Zoom::WHOLE),
            swipe: RwSignal::new(0.0),
            stage: NodeRef::new(),
            hold: StoredValue::new(Hold::default()),
        }
    }

    /// The whole picture again.
    pub(super) fn rest(self) {
        self.zoom.set(Zoom::WHOLE);
        self.swipe.set(0.0);
    }

    /// Magnifies at a point, counted from the stage's middle. Only pictures can be.
    pub(super) fn magnify(self, factor: f64, point: (f64, f64)) {
        if let Some(room) = self.room() {
            self.zoom.update(|zoom| *zoom = zoom.by(factor, point, room));
        }
    }

    /// Moves a magnified picture.
    pub(super) fn shift(self, x: f64, y: f64) {
        if let Some(room) = self.room() {
            self.zoom.update(|zoom| *zoom = zoom.moved(x, y, room));
        }
    }

    /// The sizes of picture and stage; none when there is no picture.
    fn room(self) -> Option<Room> {
        let stage = self.stage.get_untracked()?;
        let picture = stage
            .query_selector("img.viewer-image")
            .ok()??
            .dyn_into::<HtmlElement>()
            .ok()?;
        Some(Room {
            picture: (picture.offset_width().into(), picture.offset_height().into()),
            stage: (stage.client_width().into(), stage.client_height().into()),
        })
    }

    /// A place on the page, counted from the stage's middle.
    fn beside_middle(self, x: f64, y: f64) -> (f64, f64) {
        self.stage.get_untracked().map_or((0.0, 0.0), |stage| {
            let rect = stage.get_bounding_client_rect();
            (
                x - rect.left() - rect.width() / 2.0,
                y - rect.top() - rect.height() / 2.0,
            )
        })
    }

    pub(super) fn wheel(self, event: &WheelEvent) {
        event.prevent_default();
        let pixels = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE {
            event.delta_y() * LINE
        } else {
            event.delta_y()
        };
        let point = self.beside_middle(event.client_x().into(), event.client_y().into());
        self.magnify((-pixels * WHEEL_ZOOM).exp(), point);
    }

    /// A finger comes down. Buttons and films hear their own.
    pub(super) fn down(self, event: &PointerEvent) {
        let elsewhere = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .is_none_or(|element| {
                element
                    .closest("button, video")
                    .is_ok_and(|found| found.is_some())
            });
        if elsewhere || event.button() > 0 {
            return;
        }
        if let Some(stage) = self.stage.get_untracked() {
            // A pointer that is gone already can't be followed.
            let _ = stage.set_pointer_capture(event.pointer_id());
        }
        let pointer = pointer(event);
        self.hold.update_value(|hold| {
            if hold.pointers.is_empty() {
                hold.start = (pointer.x, pointer.y);
                hold.pinched = false;
            } else {
                hold.pinched = true;
            }
            hold.pointers.push(pointer);
        });
    }

    /// Fingers move: one moves the picture or swipes it, two magnify it.
    pub(super) fn moved(self, event: &PointerEvent) {
        let now = pointer(event);
        let mut before = None;
        let mut other = None;
        self.hold.update_value(|hold| {
            for pointer in &mut hold.pointers {
                if pointer.id == now.id {
                    before = Some(*pointer);
                    *pointer = now;
                } else {
                    other = Some(*pointer);
                }
            }
        });
        let Some(before) = before else { return };
        let (dx, dy) = (now.x - before.x, now.y - before.y);
        match other {
            Some(other) => {
                let distance = |a: Pointer| (a.x - other.x).hypot(a.y - other.y);
                let factor = distance(now) / distance(before).max(1.0);
                let middle = self.beside_middle((now.x + other.x) / 2.0, (now.y + other.y) / 2.0);
                self.magnify(factor, middle);
                self.shift(dx / 2.0, dy / 2.0);
            }
            None if self.zoom.with_untracked(|zoom| zoom.is_magnified()) => self.shift(dx, dy),
            None if event.pointer_type() != "mouse" => self.swipe.update(|swipe| *swipe += dx),
            None => {}
        }
    }

    /// A finger is lifted: after a swipe `swiped` hears whether it went towards the right end, after a pull `closed`.
    pub(super) fn up(self, event: &PointerEvent, swiped: Callback<bool>, closed: Callback<()>) {
        let now = pointer(event);
        let Some(hold) = self.take(now.id) else { return };
        if !hold.pointers.is_empty() {
            return;
        }
        self.swipe.set(0.0);
        if hold.pinched {
            return;
        }
        let (dx, dy) = (now.x - hold.start.0, now.y - hold.start.1);
        let whole = !self.zoom.with_untracked(|zoom| zoom.is_magnified());
        if dx.hypot(dy) <= SLIP {
            self.tap(now, event.time_stamp());
        } else if whole && event.pointer_type() != "mouse" {
            if dx.abs() > SWIPE && dx.abs() > dy.abs() {
                swiped.run(dx < 0.0);
            } else if dy > PULL && dy > dx.abs() {
                closed.run(());
            }
        }
    }

    /// The browser has taken a pointer for itself.
    pub(super) fn lost(self, event: &PointerEvent) {
        self.take(event.pointer_id());
        self.swipe.set(0.0);
    }

    /// Lets go of a pointer, if it was held; gives what is held then.
    fn take(self, id: i32) -> Option<Hold> {
        self.hold
            .try_update_value(|hold| {
                let before = hold.pointers.len();
                hold.pointers.retain(|pointer| pointer.id != id);
                (hold.pointers.len() < before).then(|| hold.clone())
            })
            .flatten()
    }

    /// A second tap magnifies, or shows the whole picture again.
    fn tap(self, at: Pointer, time: f64) {
        let first = self
            .hold
            .try_update_value(|hold| hold.tapped.replace((time, at.x, at.y)))
            .flatten();
        let double = first
            .is_some_and(|(then, x, y)| time - then < DOUBLE_MS && (at.x - x).hypot(at.y - y) < SLIP * 4.0);
        if !double {
            return;
        }
        self.hold.update_value(|hold| hold.tapped = None);
        if self.zoom.with_untracked(|zoom| zoom.is_magnified()) {
            self.rest();
        } else {
            self.magnify(DOUBLE_ZOOM, self.beside_middle(at.x, at.y));
        }
    }
}

fn pointer(event: &PointerEvent) -> Pointer {
    Pointer {
        id: event.pointer_id(),
        x: event.client_x().into(),
        y: event.client_y().into(),
    }
}
