//! The browser's notifications, and whether the user is looking at any tab of this site.
//!
//! The page shows them where the browser lets it. Where it doesn't, as on phones, the service worker does
//! (`static/service-worker.js`); those outlive the page, and browsers keep what they say.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{BroadcastChannel, MessageEvent, Notification, NotificationOptions, NotificationPermission};

use super::object::{has, object, text};
use super::{listen, window, worker};

/// A lock held by a tab as long as it has the focus. The browser frees it when the tab ends in whatever way. Also the name of
/// the channel on which a tab tells the others that it gained the focus.
const FOCUS: &str = "holdfast-focus";
/// A notification's picture. Not every system draws an SVG file.
const ICON: &str = "icons/app-192.png";
/// A worker that has to be started first shows a notification within a second; one from before it could shows none.
const PATIENCE: Duration = Duration::from_secs(5);

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = query)]
    fn query_locks() -> Result<Promise, JsValue>;
}

/// What the browser's user said to notifications of this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Yes.
    Granted,
    /// No; only the browser's settings change that.
    Denied,
    /// Nothing yet.
    Default,
    /// The browser has no notifications here.
    Missing,
}

/// What the user said so far.
pub(crate) fn permission() -> Permission {
    if !has(&window(), "Notification") {
        return Permission::Missing;
    }
    match Notification::permission() {
        NotificationPermission::Granted => Permission::Granted,
        NotificationPermission::Denied => Permission::Denied,
        _ => Permission::Default,
    }
}

/// Asks the user, unless they have answered before. Call it from a click or key press.
pub(crate) async fn ask() -> Permission {
    if permission() == Permission::Default
        && let Ok(asked) = Notification::request_permission()
    {
        // The answer is read from where every browser keeps it.
        let _ = JsFuture::from(asked).await;
    }
    permission()
}

/// A notification as it is to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// Its name: it takes the place of the open one of the same name. The browser keeps it, so it must say nothing.
    pub tag: String,
    /// What it says first.
    pub title: String,
    /// What it says then.
    pub body: String,
    /// The system makes no sound.
    pub silent: bool,
}

/// What a user did with an open notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They want what it is about.
    Chosen,
    /// They put it away.
    Dismissed,
}

type Hear = Rc<dyn Fn(&str, Fate)>;

/// A notification that the page shows.
struct Shown {
    tag: String,
    notification: Notification,
    _chosen: Closure<dyn Fn()>,
    _dismissed: Closure<dyn Fn()>,
    _failed: Closure<dyn Fn()>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        // What it still tells is no user's doing.
        self.notification.set_onclick(None);
        self.notification.set_onclose(None);
        self.notification.set_onerror(None);
    }
}

thread_local! {
    static HEAR: RefCell<Option<Hear>> = const { RefCell::new(None) };
    static SHOWN: RefCell<Option<Shown>> = const { RefCell::new(None) };
}

/// Calls back with the tag of each notification of this page that its user did something with, for as long as the page lives.
pub(crate) fn follow(hear: impl Fn(&str, Fate) + 'static) {
    let hear: Hear = Rc::new(hear);
    HEAR.set(Some(Rc::clone(&hear)));
    let Some(workers) = worker::workers() else { return };
    let told = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let data = event.data();
        for (name, fate) in [("chosen", Fate::Chosen), ("dismissed", Fate::Dismissed)] {
            let tag = text(&data, name);
            if !tag.is_empty() {
                hear(&tag, fate);
            }
        }
    });
    if workers
        .add_event_listener_with_callback("message", told.as_ref().unchecked_ref())
        .is_ok()
    {
        told.forget();
    }
}

/// Shows a notification: by the page, of which the browser keeps nothing, else by the service worker, since browsers on
/// phones let no page do it. Whether the browser did.
pub(crate) async fn show(notice: &Notice) -> bool {
    show_here(notice).is_some() || show_by_worker(notice).await
}

/// Has the worker show it. It notes which page asked, and leads back to that one.
async fn show_by_worker(notice: &Notice) -> bool {
    let Some(active) = worker::registered().await.and_then(|there| there.active()) else {
        return false;
    };
    let options = object(&[
        ("body", notice.body.as_str().into()),
        ("tag", notice.tag.as_str().into()),
        ("icon", ICON.into()),
        ("silent", notice.silent.into()),
    ]);
    let wanted = object(&[
        ("title", notice.title.as_str().into()),
        ("options", options.into()),
    ]);
    let message = worker::message("notify", wanted.into());
    worker::ask(&active, &message, PATIENCE).await.is_truthy()
}

fn show_here(notice: &Notice) -> Option<()> {
    let options = NotificationOptions::new();
    options.set_body(&notice.body);
    options.set_tag(&notice.tag);
    options.set_icon(ICON);
    options.set_silent(Some(notice.silent));
    // The one that it takes the place of is not put away by its user.
    drop(SHOWN.take());
    let notification = Notification::new_with_options(&notice.title, &options).ok()?;
    let hears = |fate: Fate| {
        let tag = notice.tag.clone();
        Closure::<dyn Fn()>::new(move || {
            if fate == Fate::Chosen {
                // Refused when the browser thinks that nobody clicked.
                let _ = window().focus();
            }
            let tag = tag.clone();
            // Later, since it may end what is called here.
            wasm_bindgen_futures::spawn_local(async move {
                if let Some(hear) = HEAR.with_borrow(Clone::clone) {
                    hear(&tag, fate);
                }
            });
        })
    };
    let (chosen, dismissed) = (hears(Fate::Chosen), hears(Fate::Dismissed));
    notification.set_onclick(Some(chosen.as_ref().unchecked_ref()));
    notification.set_onclose(Some(dismissed.as_ref().unchecked_ref()));
    let failed = instead(notice);
    notification.set_onerror(Some(failed.as_ref().unchecked_ref()));
    SHOWN.set(Some(Shown {
        tag: notice.tag.clone(),
        notification,
        _chosen: chosen,
        _dismissed: dismissed,
        _failed: failed,
    }));
    Some(())
}

/// Has the worker show what the page was let make and the browser then did not show.
fn instead(notice: &Notice) -> Closure<dyn Fn()> {
    let notice = notice.clone();
    Closure::<dyn Fn()>::new(move || {
        let notice = notice.clone();
        // Later, since it ends what is called here.
        wasm_bindgen_futures::spawn_local(async move {
            let failed = SHOWN.with_borrow_mut(|shown| shown.take_if(|shown| shown.tag == notice.tag));
            if failed.is_some() {
                drop(failed);
                // What the worker can't show either stays unshown.
                let _ = show_by_worker(&notice).await;
            }
        });
    })
}

/// Withdraws the notification of this tag; without one, all that this site shows, whichever page or visit they are from.
pub(crate) fn withdraw(tag: Option<String>) {
    let wanted = move |other: &str| tag.as_ref().is_none_or(|tag| tag == other);
    let here = SHOWN.with_borrow_mut(|shown| shown.take_if(|shown| wanted(&shown.tag)));
    if let Some(shown) = here {
        let notification = shown.notification.clone();
        drop(shown);
        notification.close();
    }
    wasm_bindgen_futures::spawn_local(async move {
        for open in kept().await.unwrap_or_default() {
            if wanted(&open.tag().unwrap_or_default()) {
                open.close();
            }
        }
    });
}

/// The open notifications that the service worker showed.
async fn kept() -> Option<Vec<Notification>> {
    let registration = worker::registered().await?;
    // Not every browser can list them; what it can't list closes when its user wants that.
    let asked = registration.get_notifications().ok()?;
    let listed: Array = JsFuture::from(asked).await.ok()?.dyn_into().ok()?;
    Some(listed.iter().map(JsCast::unchecked_into).collect())
}

/// Shows a number on the installed app's icon, where the system has room for one; 0 takes it away.
pub(crate) fn badge(count: u32) {
    let navigator = window().navigator();
    let Ok(set) = Reflect::get(&navigator, &"setAppBadge".into()).and_then(JsCast::dyn_into::<Function>)
    else {
        return;
    };
    if let Ok(done) = set.call1(&navigator, &count.into()) {
        // Refused where the app is not installed, which is no matter.
        wasm_bindgen_futures::spawn_local(async move { drop(JsFuture::from(Promise::resolve(&done)).await) });
    }
}

/// Whether this tab has the focus, and the lock by which the others see it.
#[derive(Default)]
struct Focus {
    here: Cell<bool>,
    release: RefCell<Option<Function>>,
}

impl Focus {
    fn gain(self: &Rc<Self>) {
        // Browsers may say it twice.
        if self.here.replace(true) {
            return;
        }
        let focus = Rc::clone(self);
        let granted = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
            // The focus may have gone meanwhile, or have come back and brought another lock: this one is given back.
            if !focus.here.get() || focus.release.borrow().is_some() {
                return JsValue::UNDEFINED;
            }
            let held = Promise::new(&mut |done, _| {
                *focus.release.borrow_mut() = Some(done);
            });
            held.into()
        });
        let options = object(&[("mode", "shared".into())]);
        if let Ok(held) = request_lock(FOCUS, &options, granted.unchecked_ref()) {
            // Refused where the browser lets the page store nothing, which is no matter: no other tab is of its account.
            wasm_bindgen_futures::spawn_local(async move { drop(JsFuture::from(held).await) });
        }
    }

    fn lose(&self) {
        self.here.set(false);
        let release = self.release.borrow_mut().take();
        if let Some(done) = release {
            // Settles the promise, whatever it returns.
            let _ = done.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Follows whether this tab has the focus, for as long as the page lives; calls back when this tab has or gains it, and when
/// another one of the site gains it.
pub(crate) fn follow_focus(gained: impl Fn() + 'static) {
    let gained = Rc::new(gained);
    // The tab that shows a notification is not always the one that its user comes back to.
    let tabs = BroadcastChannel::new(FOCUS).ok();
    if let Some(tabs) = &tabs {
        let gained = Rc::clone(&gained);
        listen(tabs, "message", move || gained());
    }
    let focus = Rc::new(Focus::default());
    if has_focus() {
        focus.gain();
        gained();
    }
    let here = Rc::clone(&focus);
    listen(&window(), "focus", move || {
        here.gain();
        if let Some(tabs) = &tabs {
            // Fails only on a closed channel, and this one closes with its page.
            let _ = tabs.post_message(&JsValue::NULL);
        }
        gained();
    });
    listen(&window(), "blur", move || focus.lose());
}

/// Whether this tab has the focus.
pub(crate) fn has_focus() -> bool {
    super::document().has_focus().unwrap_or(false)
}

/// Whether any tab of this site has the focus.
pub(crate) async fn any_focus() -> bool {
    if has_focus() {
        return true;
    }
    let Ok(asked) = query_locks() else {
        return false;
    };
    let Ok(state) = JsFuture::from(asked).await else {
        return false;
    };
    let held = Reflect::get(&state, &"held".into()).unwrap_or(JsValue::UNDEFINED);
    held.dyn_into::<Array>().is_ok_and(|held| {
        held.iter().any(|lock| {
            Reflect::get(&lock, &"name".into()).is_ok_and(|name| name.as_string().as_deref() == Some(FOCUS))
        })
    })
}
