//! Which screen is shown. The browser's back and forward buttons walk the same stack.
//!
//! The address never names a conversation: it would stay in the browser's history. Only a place in the stack does, and which
//! stack it was: the history keeps the entries of those that were forgotten.

use holdfast_client::api::Position;
use holdfast_protocol::account::Id;
use js_sys::Array;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::platform::frame;

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// What others learn.
    Privacy,
    /// The lock of this device.
    Lock,
    /// Notifications.
    Notifications,
    /// Writing, and listening.
    Conversations,
    /// Theme and language.
    Appearance,
    /// What files take up.
    Storage,
    /// The check of the recovery phrase.
    Recovery,
    /// The account for another device.
    Give,
    /// Backup files.
    Backup,
    /// The keys that do something.
    Keys,
    /// Which release of the app runs.
    About,
}

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The start page.
    Welcome,
    /// *My own device or a shared computer?*
    Place {
        /// An existing account is taken up, rather than a new one made.
        restore: bool,
    },
    /// The recovery phrase of an existing account.
    Restore,
    /// The account that the phrase belongs to.
    Recognise,
    /// An existing account, from another device.
    Receive,
    /// The display name of a new account.
    Name,
    /// The conversation list, with nothing chosen.
    Home,
    /// A conversation.
    Conversation(Id),
    /// The settings of a conversation, beside it or over it.
    Details(Id),
    /// How long the messages of a conversation live.
    Disappearing(Id),
    /// Everything about one message of a conversation.
    MessageInfo(Id, Position),
    /// The photos and files of a conversation.
    Gallery(Id),
    /// A new conversation by Account ID.
    NewConversation,
    /// The own profile.
    Profile,
    /// The message requests, in place of the conversation list.
    Requests,
    /// The blocked contacts.
    Blocked,
    /// Settings: what there is.
    Settings,
    /// A page of the settings.
    SettingsOf(Section),
    /// The network panel.
    Network,
}

impl Route {
    /// The conversation that is open, whatever stands beside it.
    pub(crate) fn conversation(self) -> Option<Id> {
        match self {
            Route::Conversation(id)
            | Route::Details(id)
            | Route::Disappearing(id)
            | Route::Gallery(id)
            | Route::MessageInfo(id, _) => Some(id),
            _ => None,
        }
    }

    /// Whether it is a list, beside which wide pages show something else.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Route::Home | Route::Requests)
    }
}

/// What an entry of the browser's history says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// The stack that it was made by.
    stack: u32,
    /// Its place there.
    at: usize,
}

impl Entry {
    fn read(state: &JsValue) -> Option<Self> {
        if !Array::is_array(state) {
            return None;
        }
        let parts = Array::from(state);
        Some(Self {
            stack: parts.get(0).as_f64()? as u32,
            at: parts.get(1).as_f64()? as usize,
        })
    }

    /// What there is to do when the browser has gone to it: the place of the present stack that is shown, and whether the
    /// entry is stepped over.
    fn leads_to(self, stack: u32, len: usize) -> (Option<usize>, bool) {
        if self.stack != stack {
            // Before any but the first entry of a stack there is another one of this page.
            (Some(0), self.at > 0)
        } else if self.at < len {
            (Some(self.at), false)
        } else {
            (None, true)
        }
    }
}

/// Whether an entry of the browser's history was made here.
pub(super) fn is_known(state: &JsValue) -> bool {
    Entry::read(state).is_some()
}

/// Names a stack among all that the browser's history may have entries of.
fn new_name() -> u32 {
    (js_sys::Math::random() * f64::from(u32::MAX)) as u32
}

/// The stack of screens and the place in it.
#[derive(Clone, Copy)]
pub(crate) struct Nav {
    stack: RwSignal<Vec<Route>>,
    at: RwSignal<usize>,
    current: Memo<Route>,
    name: StoredValue<u32>,
}

impl Nav {
    /// A stack with one screen, which follows the browser's back and forward buttons from now on.
    pub(crate) fn new(first: Route) -> Self {
        let stack = RwSignal::new(vec![first]);
        let at = RwSignal::new(0);
        let current = Memo::new(move |_| stack.with(|stack| stack.get(at.get()).copied().unwrap_or(first)));
        let name = StoredValue::new(new_name());
        let nav = Self {
            stack,
            at,
            current,
            name,
        };
        nav.write_history(0, true);
        let handle = window_event_listener(ev::popstate, move |event| nav.arrive(&event.state()));
        on_cleanup(move || handle.remove());
        nav
    }

    /// The browser has gone to another entry of its history.
    fn arrive(&self, state: &JsValue) {
        let Some(entry) = Entry::read(state) else {
            // A link to this page, which begins anew: what lies before it is not gone back to.
            self.name.set_value(new_name());
            self.stack.update(|stack| stack.truncate(1));
            self.at.set(0);
            return;
        };
        let len = self.stack.with_untracked(Vec::len);
        let (shown, over) = entry.leads_to(self.name.get_value(), len);
        if let Some(shown) = shown {
            self.at.set(shown);
        }
        if over {
            self.step_back();
        }
    }

    /// The screen shown.
    pub(crate) fn current(&self) -> Route {
        self.current.get()
    }

    /// The screen shown, without following changes.
    pub(crate) fn current_untracked(&self) -> Route {
        self.current.get_untracked()
    }

    /// How many screens lie below the one shown.
    pub(crate) fn depth(&self) -> usize {
        self.at.get()
    }

    /// Goes to a screen; *back* returns from it.
    pub(crate) fn go(&self, route: Route) {
        if self.current_untracked() == route {
            return;
        }
        let next = self.at.get_untracked() + 1;
        self.stack.update(|stack| {
            stack.truncate(next);
            stack.push(route);
        });
        self.at.set(next);
        self.write_history(next, false);
    }

    /// Goes to a screen that takes the place of the present one, unless that is a list: so that a walk through
    /// conversations side by side leaves one step back.
    pub(crate) fn switch(&self, route: Route) {
        if self.current_untracked().is_list() {
            self.go(route);
            return;
        }
        let at = self.at.get_untracked();
        self.stack.update(|stack| {
            stack.truncate(at + 1);
            if let Some(slot) = stack.last_mut() {
                *slot = route;
            }
        });
    }

    /// One screen back; from the first one, to `otherwise`.
    pub(crate) fn back(&self, otherwise: Route) {
        if self.at.get_untracked() > 0 {
            self.step_back();
        } else {
            self.switch(otherwise);
        }
    }

    /// Lays something over the present screen that *back* takes away again. Its place in the stack is given back: it is
    /// there as long as [`Self::covers`] says so.
    pub(crate) fn cover(&self) -> usize {
        let next = self.at.get_untracked() + 1;
        let route = self.current_untracked();
        self.stack.update(|stack| {
            stack.truncate(next);
            stack.push(route);
        });
        self.at.set(next);
        self.write_history(next, false);
        next
    }

    /// Whether what was laid over a screen is still there.
    pub(crate) fn covers(&self, place: usize) -> bool {
        self.at.get() >= place
    }

    /// Takes it away.
    pub(crate) fn uncover(&self, place: usize) {
        if self.at.get_untracked() == place {
            self.step_back();
        }
    }

    /// One screen back; there is one.
    fn step_back(&self) {
        if frame::is_framed() {
            // The history is that of the page around, which nothing here walks through.
            self.at.update(|at| *at = at.saturating_sub(1));
        } else if let Ok(history) = window().history() {
            // Leads to the popstate listener.
            let _ = history.back();
        }
    }

    /// Forgets all screens and shows this one.
    pub(crate) fn reset(&self, route: Route) {
        self.name.set_value(new_name());
        self.stack.set(vec![route]);
        self.at.set(0);
        self.write_history(0, true);
    }

    /// Notes a place of the stack in the browser's history.
    fn write_history(&self, at: usize, replace: bool) {
        if frame::is_framed() {
            return;
        }
        let Ok(history) = window().history() else {
            return;
        };
        let name = f64::from(self.name.get_value());
        let state = Array::of2(&JsValue::from_f64(name), &JsValue::from_f64(at as f64));
        // Refused only when a page floods its history; then *back* skips a screen.
        let _ = if replace {
            history.replace_state(&state, "")
        } else {
            history.push_state(&state, "")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn only_entries_of_the_present_stack_lead_deeper_than_its_first_screen() {
        let entry = |stack, at| Entry { stack, at };
        assert_eq!(entry(7, 1).leads_to(7, 2), (Some(1), false));
        assert_eq!(entry(7, 2).leads_to(7, 2), (None, true), "it was taken off since");
        assert_eq!(entry(6, 1).leads_to(7, 2), (Some(0), true));
        assert_eq!(
            entry(6, 0).leads_to(7, 2),
            (Some(0), false),
            "before it is another page"
        );
    }
}
