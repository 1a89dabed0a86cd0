//! The release of the app that runs in this browser, what became of newer ones, and whether somebody meddled with it.

use std::time::Duration;

use js_sys::Date;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::ServiceWorkerRegistration;

use crate::i18n;
use crate::platform::releases::{Keeper, Order, Standing};
use crate::platform::{share, worker};

/// How often the server is looked at while the page is open, in milliseconds.
const CHECK_MS: f64 = 4.0 * 3_600_000.0;
/// How often it is seen whether that time is over: timers stand still while a machine sleeps.
const TICK: Duration = Duration::from_secs(600);

/// The state; copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Releases {
    /// As the worker said last; nothing where there is none.
    pub standing: RwSignal<Option<Standing>>,
    /// The server is being looked at.
    pub checking: RwSignal<bool>,
    /// The browser has another worker that no release explains.
    pub replaced: RwSignal<bool>,
    /// The offer that waits until the next start.
    pub later: RwSignal<bool>,
    keeper: StoredValue<Option<Keeper>, LocalStorage>,
}

impl Releases {
    pub(super) fn new() -> Self {
        Self {
            standing: RwSignal::new(None),
            checking: RwSignal::new(false),
            replaced: RwSignal::new(false),
            later: RwSignal::new(false),
            keeper: StoredValue::new_local(None),
        }
    }

    /// Goes on with what this browser keeps since an earlier visit, if it keeps something.
    pub(crate) async fn resume(self) {
        if let Some(registration) = worker::registered().await {
            self.follow(registration).await;
        }
    }

    /// Has this browser keep the app, now that it keeps an account.
    pub(crate) async fn keep(self) {
        if let Some(registration) = share::offer().await {
            self.follow(registration).await;
        }
    }

    async fn follow(self, registration: ServiceWorkerRegistration) {
        let Some(keeper) = Keeper::of(registration).filter(|_| self.keeper.with_value(Option::is_none))
        else {
            return;
        };
        self.keeper.set_value(Some(keeper.clone()));
        keeper.follow_restarts();
        keeper.on_other(move |works| self.other_came(works));
        self.check().await;
        if keeper.other_comes() {
            self.look_at_other();
        }
        set_interval(
            move || {
                let checked = self
                    .standing
                    .with_untracked(|now| now.as_ref().map_or(0, |now| now.checked_ms));
                if Date::now() - checked as f64 >= CHECK_MS && !self.checking.get_untracked() {
                    spawn_local(self.check());
                }
            },
            TICK,
        );
    }

    /// The site's address, as one gives it to `holdfast verify`.
    pub(crate) fn site(self) -> String {
        self.keeper
            .with_value(|keeper| keeper.as_ref().map(Keeper::site).unwrap_or_default())
    }

    /// Looks at what the server offers.
    pub(crate) async fn check(self) {
        self.checking.set(true);
        self.order(Order::Check).await;
        self.checking.set(false);
    }

    /// Starts all pages again with the release that waits.
    pub(crate) fn restart(self) {
        spawn_local(self.order(Order::Restart));
    }

    /// What was refused was read.
    pub(crate) fn read(self) {
        spawn_local(self.order(Order::Read));
    }

    async fn order(self, order: Order) {
        let Some(keeper) = self.keeper.get_value() else {
            return;
        };
        if let Some(standing) = keeper.order(order, &i18n::tag()).await {
            self.standing.set(Some(standing));
        } else {
            self.standing.update(|now| {
                if let Some(now) = now {
                    now.failed = true;
                }
            });
        }
    }

    /// The browser found another worker, or works with one already.
    fn other_came(self, works: bool) {
        if works && self.explained() {
            // The one before answers no more.
            let renewed = self.keeper.get_value().and_then(Keeper::renewed);
            self.keeper.set_value(renewed);
        } else if works {
            self.replaced.set(true);
        } else {
            // The release that brings it along may not have been looked at yet.
            spawn_local(async move {
                self.check().await;
                self.look_at_other();
            });
        }
    }

    fn look_at_other(self) {
        if !self.explained() {
            self.replaced.set(true);
            return;
        }
        let standing = self.standing.get_untracked();
        if let (Some(keeper), Some(standing)) = (self.keeper.get_value(), standing) {
            keeper.bring_in(&standing);
        }
    }

    fn explained(self) -> bool {
        self.standing
            .with_untracked(|now| now.as_ref().is_none_or(Standing::explains_another_worker))
    }
}
