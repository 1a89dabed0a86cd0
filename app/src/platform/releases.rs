//! Releases of the site as the service worker keeps them (`static/service-worker.js`): asking it how they stand, and
//! noticing when the browser puts another worker in its place.

use std::time::Duration;

use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, ServiceWorker, ServiceWorkerRegistration};

use super::object::{field, object, text};
use super::{listen, reload, worker};

/// Looking at a release can mean fetching all of it. A worker that never answers is an old one, or not ours.
const PATIENCE: Duration = Duration::from_secs(240);
/// Digits of a hash or key that are shown, in groups.
const SHOWN: [usize; 4] = [0, 4, 8, 12];

/// What the worker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Look at what the server offers.
    Check,
    /// Run the release that waits, in all pages.
    Restart,
    /// What was refused was read.
    Read,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Order::Check => "check",
            Order::Restart => "restart",
            Order::Read => "read",
        }
    }
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// Its version, such as `0.1.0`.
    pub version: String,
    /// The hash of its list, hexadecimal.
    pub fingerprint: String,
    /// The hash of its service worker.
    worker: String,
}

#[cfg(test)]
impl Release {
    /// One with this worker.
    pub(crate) fn for_tests(worker: &str) -> Self {
        Self {
            version: String::new(),
            fingerprint: String::new(),
            worker: worker.to_owned(),
        }
    }
}

/// Why a release was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It has no signature.
    Unsigned,
    /// A file or the list is not what was signed.
    Altered,
    /// It is older than the one that runs.
    Older,
    /// A file is missing.
    Partial,
    /// Another key signed it, and the one before did not hand over to that.
    OtherKey,
}

impl Refused {
    fn of(reason: &str) -> Option<Self> {
        match reason {
            "unsigned" => Some(Refused::Unsigned),
            "altered" => Some(Refused::Altered),
            "older" => Some(Refused::Older),
            "partial" => Some(Refused::Partial),
            "key" => Some(Refused::OtherKey),
            _ => None,
        }
    }
}

/// How releases stand in this browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether the browser can check signatures.
    pub can_check: bool,
    /// The release that runs from the browser's own storage.
    pub running: Option<Release>,
    /// A newer one that waits for the user.
    pub offered: Option<Release>,
    /// The key that signs them, hexadecimal.
    pub key: String,
    /// Since when that is so, Unix milliseconds.
    pub since_ms: u64,
    /// What was refused last, and not taken back since.
    pub refused: Option<Refused>,
    /// That was read.
    pub refused_read: bool,
    /// When the server was looked at last, Unix milliseconds; 0 for never.
    pub checked_ms: u64,
    /// What was asked for last could not be done.
    pub failed: bool,
    /// The hash of the worker that the browser should have.
    pub worker: String,
}

impl Standing {
    fn of(told: &JsValue) -> Self {
        let number = |name| field(told, name).as_f64().unwrap_or(0.0) as u64;
        let yes = |of: &JsValue, name| field(of, name).as_bool().unwrap_or(false);
        let refused = field(told, "refused");
        Self {
            can_check: yes(told, "canCheck"),
            running: release(&field(told, "running")),
            offered: release(&field(told, "offered")),
            key: text(told, "key"),
            since_ms: number("since"),
            refused: Refused::of(&text(&refused, "reason")),
            refused_read: yes(&refused, "read"),
            checked_ms: number("checked"),
            failed: yes(told, "failed"),
            worker: text(told, "worker"),
        }
    }

    /// Whether a release brings another worker along, so that the browser may well be installing one.
    pub(crate) fn explains_another_worker(&self) -> bool {
        let brings = |release: &Option<Release>| release.as_ref().is_some_and(|r| r.worker != self.worker);
        self.running.is_none() || brings(&self.running) || brings(&self.offered)
    }

    /// Whether that worker belongs to the release that runs already.
    fn wants_another_worker(&self) -> bool {
        self.running.as_ref().is_some_and(|r| r.worker != self.worker)
    }
}

fn release(told: &JsValue) -> Option<Release> {
    told.is_object().then(|| Release {
        version: text(told, "version"),
        fingerprint: text(told, "fingerprint"),
        worker: text(told, "worker"),
    })
}

/// The first digits of a hash or key, in groups that people can compare: as `holdfast verify` prints them.
pub(crate) fn short(hexadecimal: &str) -> String {
    let groups: Vec<&str> = SHOWN
        .iter()
        .filter_map(|at| hexadecimal.get(*at..at + 4))
        .collect();
    groups.join(" ")
}

/// The worker that keeps releases, and what the browser does with it.
#[derive(Clone)]
pub(crate) struct Keeper {
    registration: ServiceWorkerRegistration,
    /// The one that was there first: another one's word is not asked for about itself.
    worker: ServiceWorker,
}

impl Keeper {
    /// The one of a registration.
    pub(crate) fn of(registration: ServiceWorkerRegistration) -> Option<Self> {
        let worker = registration.active()?;
        Some(Self { registration, worker })
    }

    /// The one that works now.
    pub(crate) fn renewed(self) -> Option<Self> {
        Self::of(self.registration)
    }

    /// Has it do something and tells how releases stand then; nothing when it does not answer. It may keep the words of
    /// the language that the page is shown in.
    pub(crate) async fn order(&self, order: Order, language: &str) -> Option<Standing> {
        let message: JsValue =
            object(&[("release", order.name().into()), ("language", language.into())]).into();
        let told = worker::ask(&self.worker, &message, PATIENCE).await;
        told.is_object().then(|| Standing::of(&told))
    }

    /// The site's address, as one gives it to `holdfast verify`.
    pub(crate) fn site(&self) -> String {
        self.registration.scope()
    }

    /// Whether the browser has another worker ready, or is about to.
    pub(crate) fn other_comes(&self) -> bool {
        self.registration.installing().is_some() || self.registration.waiting().is_some()
    }

    /// Has the worker that came along with the release that runs take over.
    pub(crate) fn bring_in(&self, standing: &Standing) {
        if standing.wants_another_worker()
            && let Some(waiting) = self.registration.waiting()
        {
            // One that is gone again does nothing.
            let _ = waiting.post_message(&worker::message("takeOver", JsValue::TRUE));
        }
    }

    /// Calls back when the browser begins to install another worker (`false`) and when another one works (`true`), for as
    /// long as the page lives.
    pub(crate) fn on_other(&self, callback: impl Fn(bool) + Clone + 'static) {
        let found = callback.clone();
        listen(&self.registration, "updatefound", move || found(false));
        if let Some(workers) = worker::workers() {
            listen(&workers, "controllerchange", move || callback(true));
        }
    }

    /// Starts this page again when it is told to, for as long as it lives.
    pub(crate) fn follow_restarts(&self) {
        let Some(workers) = worker::workers() else { return };
        let hear = Closure::<dyn Fn(MessageEvent)>::new(|event: MessageEvent| {
            if field(&event.data(), "restart").is_truthy() {
                reload();
            }
        });
        workers.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        hear.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_release_that_brings_another_worker_explains_one() {
        let mut standing = Standing {
            worker: "one".to_owned(),
            ..Standing::default()
        };
        assert!(standing.explains_another_worker(), "nothing is kept");
        standing.running = Some(Release::for_tests("one"));
        assert!(!standing.explains_another_worker());
        standing.offered = Some(Release::for_tests("one"));
        assert!(!standing.explains_another_worker());
        standing.offered = Some(Release::for_tests("two"));
        assert!(standing.explains_another_worker());
        assert!(!standing.wants_another_worker(), "the user has not agreed yet");
        standing.running = standing.offered.take();
        assert!(standing.explains_another_worker() && standing.wants_another_worker());
    }

    #[test]
    fn hashes_are_shortened_as_the_server_program_does() {
        assert_eq!(short("0123456789abcdef0123"), "0123 4567 89ab cdef");
        assert_eq!(short("01"), "");
    }
}
