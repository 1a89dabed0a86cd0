//! The part of the page's program that the first screens do without: everything behind an account, and the ways to one
//! that exists.
//!
//! `main.rs` marks the place where the program is cut: what is reached through [`Later`] and in no other way becomes a file of its
//! own, which is fetched while the first screen is read (`xtask/tools/bindgen`, `static/boot.js`). So what calls a screen, or
//! the engine's link, from the first part does it through a field of [`Later`]: a direct call would put the callee there too.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::LazyLock;
use std::task::{Poll, Waker};

use futures::future::LocalBoxFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::state::nav::Route;
use crate::state::{AppState, Phase};
use crate::{platform, screens, state};

/// Brings the part in; `None` if it could not be fetched.
pub(crate) type Fetch = fn() -> LocalBoxFuture<'static, Option<Later>>;

/// Pauses before tries to fetch the part, in milliseconds.
const TRIES_MS: [u32; 3] = [0, 400, 1_600];

/// The ways into the part.
#[derive(Clone, Copy)]
pub struct Later {
    /// Follows the page for as long as it lives. Called once, in the page's owner.
    begin: fn(AppState),
    /// What lies above every screen.
    pub(crate) above: fn() -> AnyView,
    /// What lies below, and over, every screen.
    pub(crate) below: fn() -> AnyView,
    /// The screen of a phase other than the start.
    pub(crate) page: fn(Phase) -> AnyView,
    /// A start screen other than the first ones; any at a kiosk.
    pub(crate) start: fn(AppState, Route) -> AnyView,
    /// Everything, in somebody else's page.
    pub(crate) framed: fn() -> AnyView,
    /// Opens the account of this device.
    pub(crate) open: fn(AppState) -> LocalBoxFuture<'static, ()>,
    /// Makes an account, or takes one up: [`AppState::enter`].
    pub(crate) enter: fn(AppState, String, bool) -> LocalBoxFuture<'static, Result<(), String>>,
    /// Gives a choice to the engine that runs.
    pub(crate) keep_preference: fn(AppState, &'static str, &str),
}

impl Later {
    /// The part itself. Called from the place of the cut only.
    pub(crate) fn here() -> Self {
        Self {
            begin: screens::begin,
            above: screens::above,
            below: screens::below,
            page: screens::page,
            start: screens::later_start,
            framed: screens::framed,
            open: state::open_account,
            enter: state::enter_account,
            keep_preference: state::keep_preference,
        }
    }
}

/// Where the part is.
#[derive(Clone, Copy)]
enum Standing {
    /// On its way, or not asked for yet.
    Coming,
    /// Here.
    Here(Later),
    /// It could not be fetched.
    Missing,
}

static STANDING: LazyLock<ArcRwSignal<Standing>> = LazyLock::new(|| ArcRwSignal::new(Standing::Coming));

thread_local! {
    static FETCH: Cell<Option<Fetch>> = const { Cell::new(None) };
    /// Whom the part is to follow when it comes.
    static AWAITED: RefCell<Option<(Owner, AppState)>> = const { RefCell::new(None) };
    /// Who waits for the part to come, or to be missing.
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

/// Notes where the part is now; who waits for it goes on.
fn stands(standing: Standing) {
    STANDING.set(standing);
    for waiting in WAITING.take() {
        waiting.wake();
    }
}

/// Says how the part is fetched. Called before anything else.
pub(crate) fn comes_by(fetch: Fetch) {
    FETCH.set(Some(fetch));
}

/// Fetches the part before the page is mounted: where nothing can be shown without it.
pub(crate) async fn fetch_first() {
    if let Some(later) = fetch().await {
        stands(Standing::Here(later));
    }
}

/// Has the part follow the page, as soon as it is there; fetches it if need be. Called once, by the page's view.
pub(crate) fn follow(state: AppState) {
    if let Some(later) = STANDING.with_untracked(arrived) {
        (later.begin)(state);
        return;
    }
    AWAITED.set(Some((Owner::current().unwrap_or_default(), state)));
    spawn_local(bring());
}

async fn bring() {
    stands(Standing::Coming);
    let Some(later) = fetch().await else {
        stands(Standing::Missing);
        return;
    };
    if let Some((owner, state)) = AWAITED.take() {
        owner.with(|| (later.begin)(state));
    }
    stands(Standing::Here(later));
}

async fn fetch() -> Option<Later> {
    let fetch = FETCH.get()?;
    for ms in TRIES_MS {
        platform::pause(ms).await;
        if let Some(later) = fetch().await {
            return Some(later);
        }
    }
    None
}

fn arrived(standing: &Standing) -> Option<Later> {
    match standing {
        Standing::Here(later) => Some(*later),
        Standing::Coming | Standing::Missing => None,
    }
}

/// The part, if it is here; follows its arrival.
pub(crate) fn get() -> Option<Later> {
    STANDING.with(arrived)
}

/// As [`get`], without following.
pub(crate) fn get_untracked() -> Option<Later> {
    STANDING.with_untracked(arrived)
}

/// Waits for the part; `None` if it can't be fetched.
pub(crate) async fn wait() -> Option<Later> {
    loop {
        match STANDING.get_untracked() {
            Standing::Here(later) => return Some(later),
            Standing::Missing => {
                bring().await;
                return get_untracked();
            }
            Standing::Coming => settled().await,
        }
    }
}

/// Completes when what is on its way has come, or could not be fetched.
async fn settled() {
    poll_fn(|context| match STANDING.get_untracked() {
        Standing::Coming => {
            WAITING.with_borrow_mut(|all| all.push(context.waker().clone()));
            Poll::Pending
        }
        Standing::Here(_) | Standing::Missing => Poll::Ready(()),
    })
    .await;
}

/// A view of the part among the start screens; until it is here the page's outline, or what to do about it.
pub(crate) fn view(show: impl Fn(Later) -> AnyView + Send + 'static) -> AnyView {
    (move || match STANDING.get() {
        Standing::Here(later) => show(later),
        Standing::Coming => view! { <screens::Opening /> }.into_any(),
        Standing::Missing => missing(),
    })
    .into_any()
}

/// As [`view`], where nothing is around it.
pub(crate) fn screen(show: impl Fn(Later) -> AnyView + Send + 'static) -> AnyView {
    (move || match STANDING.get() {
        Standing::Here(later) => show(later),
        Standing::Coming => view! { <screens::Opening /> }.into_any(),
        Standing::Missing => view! { <main class="start">{missing()}</main> }.into_any(),
    })
    .into_any()
}

/// The part did not come.
fn missing() -> AnyView {
    view! {
        <section class="step problem" role="alert">
            <span class="problem-icon">{icon(Icon::Alert)}</span>
            <h1>{t("problem.failed_title")}</h1>
            <p class="lead">{t("problem.failed_text")}</p>
            <div class="stack">
                <button id="fetch-again" class="button primary large" on:click=move |_| platform::reload()>
                    {t("action.try_again")}
                </button>
            </div>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake};

    use super::*;

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_for_the_part_goes_on_when_it_comes_and_looks_at_no_clock() {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut waiting = Box::pin(wait());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert!(!woken.0.load(Ordering::Relaxed));
        stands(Standing::Here(Later::here()));
        assert!(woken.0.load(Ordering::Relaxed));
        assert!(matches!(
            waiting.as_mut().poll(&mut context),
            Poll::Ready(Some(_))
        ));
    }
}
