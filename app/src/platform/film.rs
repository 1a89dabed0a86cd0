//! What the browser tells of a film or a sound without playing it: its size and how long it is.

use std::time::Duration;

use futures::channel::oneshot;
use leptos::prelude::set_timeout;
use wasm_bindgen::prelude::*;
use web_sys::{File, HtmlVideoElement};

use super::{blob, document};
use crate::engine::jobs::Seen;

/// A browser that has not found out by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// Said once what a film is is known, and when it never will be.
const TOLD: [&str; 2] = ["loadedmetadata", "error"];

/// Looks at a chosen file; nothing is known of what is neither film nor sound.
pub(crate) async fn look(file: &File) -> Seen {
    let played = ["video/", "audio/"]
        .iter()
        .any(|kind| file.type_().starts_with(kind));
    let address = if played { blob::address(file) } else { None };
    let Some(address) = address else {
        return Seen::default();
    };
    let seen = look_at(&address).await.unwrap_or_default();
    blob::revoke(&address);
    seen
}

async fn look_at(address: &str) -> Option<Seen> {
    // A film's element plays sounds as well.
    let film: HtmlVideoElement = document().create_element("video").ok()?.dyn_into().ok()?;
    let (sender, told) = oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::Cell::new(Some(sender)));
    let tell = {
        let sender = sender.clone();
        move || {
            if let Some(sender) = sender.take() {
                let _ = sender.send(());
            }
        }
    };
    let heard = Closure::<dyn Fn()>::new(tell.clone());
    for name in TOLD {
        film.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref())
            .ok()?;
    }
    film.set_preload("metadata");
    film.set_src(address);
    set_timeout(tell, PATIENCE);
    let _ = told.await;
    for name in TOLD {
        // Taking the address away is an error to the element, and nobody hears it any more.
        let _ = film.remove_event_listener_with_callback(name, heard.as_ref().unchecked_ref());
    }
    let seconds = film.duration();
    let seen = Seen {
        width: film.video_width(),
        height: film.video_height(),
        duration_ms: if seconds.is_finite() {
            (seconds * 1000.0) as u32
        } else {
            0
        },
    };
    film.set_src("");
    Some(seen)
}
