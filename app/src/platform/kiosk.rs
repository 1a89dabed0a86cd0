//! Whether this page is served as a kiosk, and what is allowed there.
//!
//! The server marks the page itself (`node/src/kiosk.rs`). A marked page whose `kiosk.json` does not come, or is wrong,
//! begins no session: nothing that keeps the file away can loosen anything. Neither address nor storage is asked.

use std::cell::Cell;

use holdfast_protocol::account::Id;
use holdfast_protocol::kiosk::{Feature, Kiosk};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestCache, RequestInit, Response};

use super::{document, window};

/// The mark of the page.
const MARK: &str = "meta[name=kiosk]";
/// What is allowed, beside the page.
const FILE: &str = "kiosk.json";
/// The operator's logo, if there is one.
pub(crate) const LOGO: &str = "kiosk-logo";
/// Pauses before tries to fetch the file, in milliseconds.
const TRIES_MS: [u32; 3] = [0, 400, 1_600];

/// How the page is served.
#[derive(Clone, Copy)]
enum Served {
    /// As an ordinary site.
    Ordinary,
    /// As a kiosk, but nobody knows what is allowed: nothing is.
    Closed,
    /// As a kiosk.
    Kiosk(&'static Kiosk),
}

thread_local! {
    static SERVED: Cell<Served> = const { Cell::new(Served::Ordinary) };
}

/// Finds out how the page is served. Called before anything else is done.
pub(crate) async fn find_out() {
    if !is_marked() {
        return;
    }
    SERVED.set(Served::Closed);
    for ms in TRIES_MS {
        super::pause(ms).await;
        let Some(text) = fetch().await else { continue };
        if let Ok(kiosk) = Kiosk::read(&text) {
            // Once in the life of a page.
            SERVED.set(Served::Kiosk(Box::leak(Box::new(kiosk))));
        }
        return;
    }
}

fn is_marked() -> bool {
    !matches!(document().query_selector(MARK), Ok(None))
}

async fn fetch() -> Option<Vec<u8>> {
    let options = RequestInit::new();
    options.set_cache(RequestCache::NoStore);
    let response = JsFuture::from(window().fetch_with_str_and_init(FILE, &options))
        .await
        .ok()?
        .dyn_into::<Response>()
        .ok()?;
    if !response.ok() {
        return None;
    }
    let body = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
    Some(js_sys::Uint8Array::new(&body).to_vec())
}

/// Whether the page is a kiosk's, whatever is allowed there.
pub(crate) fn is_on() -> bool {
    !matches!(SERVED.get(), Served::Ordinary)
}

/// Whether the page is a kiosk's and nobody knows what is allowed.
pub(crate) fn is_closed() -> bool {
    matches!(SERVED.get(), Served::Closed)
}

/// What the operator of a kiosk says.
pub(crate) fn rules() -> Option<&'static Kiosk> {
    match SERVED.get() {
        Served::Kiosk(kiosk) => Some(kiosk),
        Served::Ordinary | Served::Closed => None,
    }
}

/// Whether something is allowed: everything that is not a kiosk's.
pub(crate) fn allows(feature: Feature) -> bool {
    match SERVED.get() {
        Served::Ordinary => true,
        Served::Closed => false,
        Served::Kiosk(kiosk) => kiosk.allows(feature),
    }
}

/// Whether the operator says who can be written to.
pub(crate) fn names_people() -> bool {
    rules().is_some_and(Kiosk::names_people)
}

/// Whether somebody can be written to here. `is_contact` says whether the account has them as a contact already.
pub(crate) fn may_write_to(id: &Id, is_contact: impl FnOnce() -> bool) -> bool {
    match SERVED.get() {
        Served::Ordinary => true,
        Served::Closed => false,
        Served::Kiosk(kiosk) => kiosk.may_write_to(id, is_contact),
    }
}

/// How the operator calls somebody.
pub(crate) fn contact_name(id: &Id) -> Option<&'static str> {
    rules()?.contact_name(id)
}
