//! Whether an element is seen, or will be soon: what is far away is not read and not decoded.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

/// How far beyond the page's edges counts as near.
const MARGIN: &str = "600px";

/// Calls back when an element comes near what is seen (`true`) and when it goes away (`false`), as long as the caller's
/// view lives.
pub(crate) fn follow(element: &Element, callback: impl Fn(bool) + 'static) {
    let heard = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let last = entries.pop().dyn_into::<IntersectionObserverEntry>();
        if let Ok(entry) = last {
            callback(entry.is_intersecting());
        }
    });
    let options = IntersectionObserverInit::new();
    options.set_root_margin(MARGIN);
    // For what scrolls inside the page; browsers that don't know it tell a little later.
    let _ = js_sys::Reflect::set(&options, &"scrollMargin".into(), &MARGIN.into());
    let observer = IntersectionObserver::new_with_options(heard.as_ref().unchecked_ref(), &options);
    if let Ok(observer) = observer {
        observer.observe(element);
        let kept = StoredValue::new_local((observer, heard));
        on_cleanup(move || {
            let _ = kept.try_with_value(|(observer, _)| observer.disconnect());
        });
    }
}
