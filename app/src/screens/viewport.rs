//! Keeps the page as high as what can be seen: an on-screen keyboard must not cover the composer.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

use crate::components::focus::set_style;

/// Follows the visual viewport for as long as the page lives.
pub(crate) fn follow() {
    let Some(viewport) = window().visual_viewport() else {
        return;
    };
    let measure = {
        let viewport = viewport.clone();
        move || {
            let root = document()
                .document_element()
                .and_then(|root| root.dyn_into::<web_sys::HtmlElement>().ok());
            // A zoomed page is panned with two fingers; it must not be made smaller.
            if let Some(root) = root
                && (viewport.scale() - 1.0).abs() < 0.01
            {
                set_style(&root, "--page-height", &format!("{}px", viewport.height()));
                set_style(&root, "--page-top", &format!("{}px", viewport.offset_top()));
            }
        }
    };
    measure();
    let callback = Closure::<dyn Fn()>::new(measure);
    for event in ["resize", "scroll"] {
        let _ = viewport.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref());
    }
    callback.forget();
}
