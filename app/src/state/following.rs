//! Links that the page is opened with, and what they lead to: contact links, and those that ask for an account.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::nav::Route;
use super::{AppState, Phase, failure_text, invite};
use crate::engine::LinkError;
use crate::i18n::t;
use crate::platform::kiosk;

impl AppState {
    /// Takes the contact link that the page was opened with, if it was. Called before the first screen, which shows it.
    pub(crate) fn take_first_invite(self) {
        self.take_invite();
    }

    /// Follows other links that the page was opened with, and all that are opened while it is there.
    pub(crate) fn follow_links(self) {
        self.take_transfer();
        let again = window_event_listener(ev::hashchange, move |_| {
            if self.take_invite() {
                self.show_invite();
            }
            self.take_transfer();
        });
        on_cleanup(move || again.remove());
    }

    /// Whether there is a new contact link in the address.
    fn take_invite(self) -> bool {
        let taken = invite::take();
        // A kiosk's address says nothing but where it is.
        if kiosk::is_on() {
            return false;
        }
        match taken {
            Some(Ok(invite)) => {
                self.invite.set(Some(invite));
                true
            }
            Some(Err(_)) => {
                self.show_toast(t("invite.broken"));
                false
            }
            None => false,
        }
    }

    /// Shows whom the link that came now leads to, or their chat.
    fn show_invite(self) {
        match self.phase.get_untracked() {
            Phase::Ready => self.accept_invite(),
            Phase::Start => self.nav.reset(Route::Welcome),
            Phase::Opening | Phase::Locked | Phase::Stopped(_) | Phase::Ended => {}
        }
    }

    /// Opens the chat that a contact link leads to.
    pub(super) fn accept_invite(self) {
        let Some(invite) = self.invite.get_untracked() else {
            return;
        };
        self.invite.set(None);
        if self.is_own(&invite.id) {
            self.show_toast(t("invite.own"));
            self.nav.switch(Route::Profile);
            return;
        }
        spawn_local(async move {
            if let Err(LinkError::Failed(failure)) = self.open_conversation(invite.id).await {
                self.show_toast(failure_text(&failure));
            }
        });
    }
}
