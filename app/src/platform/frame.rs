//! The page inside a page of somebody else's (`docs/embedding.md`): whether it is, whether that page may, and what both say
//! to each other. They tell states only: no text, name or id leaves the frame.

use js_sys::{Array, JSON, Reflect};
use leptos::prelude::{on_cleanup, window_event_listener_untyped};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomStringList, MessageEvent, Response, Url};

use super::{document, window};

/// The form of the messages.
const VERSION: f64 = 1.0;
/// Where the operator's list of pages that may show a frame is, beside the page.
const LIST: &str = "embed.json";
/// The most entries of it that are read.
const MAX_ORIGINS: usize = 256;
/// The most unread messages that are told.
const MAX_COUNT: u32 = 999;

/// Whether another page shows this one in a frame. Not for the worker.
pub(crate) fn is_framed() -> bool {
    match window().parent() {
        Ok(Some(parent)) => parent != window(),
        // A page that cannot tell takes the careful way.
        _ => true,
    }
}

/// What a frame tells the page around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToHost {
    /// It listens.
    Ready,
    /// So many messages came that were not seen.
    Unread(u32),
    /// It would like to be so many CSS pixels high.
    Size(u32),
    /// Its user is done with it for now.
    Close,
}

/// What the page around tells its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FromHost {
    /// The frame is seen.
    Open,
    /// It is hidden.
    Closed,
}

impl ToHost {
    fn json(self) -> String {
        let rest = match self {
            ToHost::Ready => r#""ready""#.to_owned(),
            ToHost::Unread(count) => format!(r#""unread","count":{}"#, count.min(MAX_COUNT)),
            ToHost::Size(height) => format!(r#""size","height":{height}"#),
            ToHost::Close => r#""close""#.to_owned(),
        };
        format!(r#"{{"holdfast":{VERSION},"type":{rest}}}"#)
    }
}

/// What a message says; `None` for those of other versions, and those that are none of ours.
fn read(version: Option<f64>, kind: Option<&str>) -> Option<FromHost> {
    match (version, kind) {
        (Some(VERSION), Some("open")) => Some(FromHost::Open),
        (Some(VERSION), Some("closed")) => Some(FromHost::Closed),
        _ => None,
    }
}

/// Why the page around is not talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// The operator did not allow it, or it does not say which page it is.
    NotAllowed,
    /// The operator's list could not be read.
    NoList,
}

/// The page around, which the operator allowed. Clones are the same page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    origin: String,
}

impl Host {
    /// Looks who shows this page. The server's header has kept others away already, where the server sends it.
    ///
    /// # Errors
    /// Somebody who may not, or it can't be told.
    pub(crate) async fn meet() -> Result<Host, Stranger> {
        let allowed = allowed_origins().await.ok_or(Stranger::NoList)?;
        let around = ancestors();
        let origin = match around.first() {
            Some(nearest) => nearest.clone(),
            // Browsers that don't list them tell where the page was asked for from.
            None => Url::new(&document().referrer())
                .map(|url| url.origin())
                .map_err(|_| Stranger::NotAllowed)?,
        };
        let known = |origin: &String| allowed.contains(origin);
        if known(&origin) && around.iter().all(known) {
            Ok(Host { origin })
        } else {
            Err(Stranger::NotAllowed)
        }
    }

    /// Tells it something; nobody else hears it.
    pub(crate) fn tell(&self, message: ToHost) {
        let parent = window().parent().ok().flatten();
        if let (Some(parent), Ok(message)) = (parent, JSON::parse(&message.json())) {
            // Refused only for what can't be copied, or for an origin that is none.
            let _ = parent.post_message(&message, &self.origin);
        }
    }

    /// Calls back for what it says, as long as the caller's view lives. What others say is not heard.
    pub(crate) fn listen(&self, hear: impl Fn(FromHost) + 'static) {
        let origin = self.origin.clone();
        let heard = window_event_listener_untyped("message", move |event| {
            let Ok(event) = event.dyn_into::<MessageEvent>() else {
                return;
            };
            let from_parent = event
                .source()
                .zip(window().parent().ok().flatten())
                .is_some_and(|(source, parent)| JsValue::from(source) == JsValue::from(parent));
            if !from_parent || event.origin() != origin {
                return;
            }
            let data = event.data();
            let field = |name: &str| Reflect::get(&data, &name.into()).ok();
            let version = field("holdfast").and_then(|version| version.as_f64());
            let kind = field("type").and_then(|kind| kind.as_string());
            if let Some(message) = read(version, kind.as_deref()) {
                hear(message);
            }
        });
        on_cleanup(move || heard.remove());
    }
}

/// The origins of the pages around this one, the nearest first; none where the browser does not list them.
fn ancestors() -> Vec<String> {
    let list = Reflect::get(&window().location(), &"ancestorOrigins".into())
        .ok()
        .and_then(|list| list.dyn_into::<DomStringList>().ok());
    let Some(list) = list else { return Vec::new() };
    (0..list.length()).filter_map(|at| list.get(at)).collect()
}

/// The origins that the operator lets show a chat; `None` when the list can't be read.
pub(crate) async fn allowed_origins() -> Option<Vec<String>> {
    let response = JsFuture::from(window().fetch_with_str(LIST)).await.ok()?;
    let response = response.dyn_into::<Response>().ok()?;
    if !response.ok() {
        return None;
    }
    let list = JsFuture::from(response.json().ok()?).await.ok()?;
    let origins = Reflect::get(&list, &"origins".into()).ok()?;
    let origins = origins.dyn_into::<Array>().ok()?;
    Some(
        origins
            .iter()
            .take(MAX_ORIGINS)
            .filter_map(|origin| origin.as_string())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FromHost, ToHost, read};

    #[test]
    fn a_frame_tells_states_and_nothing_else() {
        for (message, written) in [
            (ToHost::Ready, json!({ "holdfast": 1, "type": "ready" })),
            (
                ToHost::Unread(3),
                json!({ "holdfast": 1, "type": "unread", "count": 3 }),
            ),
            (
                ToHost::Unread(5_000),
                json!({ "holdfast": 1, "type": "unread", "count": 999 }),
            ),
            (
                ToHost::Size(420),
                json!({ "holdfast": 1, "type": "size", "height": 420 }),
            ),
            (ToHost::Close, json!({ "holdfast": 1, "type": "close" })),
        ] {
            let read: Value = serde_json::from_str(&message.json()).expect("JSON");
            assert_eq!(read, written);
        }
    }

    #[test]
    fn a_frame_hears_its_own_version_only() {
        assert_eq!(read(Some(1.0), Some("open")), Some(FromHost::Open));
        assert_eq!(read(Some(1.0), Some("closed")), Some(FromHost::Closed));
        for (version, kind) in [
            (Some(2.0), Some("open")),
            (Some(0.9), Some("open")),
            (None, Some("open")),
            (Some(1.0), None),
            (Some(1.0), Some("ready")),
            (Some(1.0), Some("")),
            (Some(f64::NAN), Some("open")),
        ] {
            assert_eq!(read(version, kind), None, "{version:?} {kind:?}");
        }
    }
}
