//! What is done about the browser when a session at a shared computer has ended: nothing of it stays, and a fresh page
//! takes the place of this one.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::object::has;
use super::{kiosk, session, window};

/// Where a kiosk's server has the browser forget everything and go on to a fresh page (`node/src/kiosk.rs`).
const END: &str = "end";

/// Removes what this site keeps in a kiosk's browser. The page puts nothing there; extensions, earlier versions or a site
/// that was no kiosk before may have. An account that the browser kept from then is neither opened nor removed.
pub(crate) async fn traces() {
    if !kiosk::is_on() || session::kept_before() {
        return;
    }
    for storage in [window().local_storage(), window().session_storage()] {
        if let Ok(Some(storage)) = storage {
            // A browser that refuses keeps nothing either.
            let _ = storage.clear();
        }
    }
    // Absent without a secure context, whatever their types say.
    if has(&window(), "caches")
        && let Some(names) = list(&window(), "caches", "keys").await
        && let Ok(caches) = Reflect::get(&window(), &"caches".into())
    {
        for name in names.iter() {
            if let Some(gone) = call(&caches, "delete", Some(&name)) {
                let _ = JsFuture::from(gone).await;
            }
        }
    }
    if has(&window().navigator(), "serviceWorker")
        && let Some(workers) = list(&window().navigator(), "serviceWorker", "getRegistrations").await
    {
        for worker in workers.iter() {
            if let Some(gone) = call(&worker, "unregister", None) {
                let _ = JsFuture::from(gone).await;
            }
        }
    }
}

/// Asks something of a browser's object for a list.
async fn list(owner: &JsValue, object: &str, method: &str) -> Option<Array> {
    let object = Reflect::get(owner, &object.into()).ok()?;
    let asked = call(&object, method, None)?;
    JsFuture::from(asked).await.ok()?.dyn_into().ok()
}

fn call(object: &JsValue, method: &str, argument: Option<&JsValue>) -> Option<Promise> {
    let method: Function = Reflect::get(object, &method.into()).ok()?.dyn_into().ok()?;
    let given = argument.map_or_else(Array::new, Array::of1);
    method.apply(object, &given).ok()?.dyn_into().ok()
}

/// Puts a fresh page in the place of this one, so that the way back leads to a fresh page too.
pub(crate) fn leave() {
    let forgets = kiosk::is_on() && !session::kept_before();
    let location = window().location();
    let address = if forgets {
        END.to_owned()
    } else {
        // Without what was asked of it.
        location.pathname().unwrap_or_default()
    };
    // Refused for addresses of other sites only.
    let _ = location.replace(&address);
}
