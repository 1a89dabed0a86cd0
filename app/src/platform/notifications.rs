//! The browser's notifications, and whether the user is looking at any tab of this site.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{BroadcastChannel, Notification, NotificationOptions, NotificationPermission};

use super::object::{has, object};
use super::{listen, window};

/// A lock held by a tab as long as it has the focus. The browser frees it when the tab ends in whatever way. Also the name of
/// the channel on which a tab tells the others that it gained the focus.
const FOCUS: &str = "holdfast-focus";
/// One notification at a time: a new one takes the place of the one before.
const TAG: &str = "holdfast";
/// Its picture.
const ICON: &str = "icons/app.svg";

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

/// Shows a notification in place of the one before; a click comes back to this tab and calls back.
pub(crate) fn show(title: &str, body: &str, on_click: impl FnOnce() + 'static) -> Option<Notification> {
    let options = NotificationOptions::new();
    options.set_body(body);
    options.set_tag(TAG);
    options.set_icon(ICON);
    let shown = Notification::new_with_options(title, &options).ok()?;
    let closed = shown.clone();
    let clicked = Closure::once_into_js(move || {
        // Refused when the browser thinks that nobody clicked.
        let _ = window().focus();
        closed.close();
        on_click();
    });
    shown.set_onclick(clicked.dyn_ref());
    Some(shown)
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

/// Follows whether this tab has the focus, for as long as the page lives; calls back when this tab or another one of the
/// site gains it.
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
