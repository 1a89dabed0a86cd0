//! Links that the page is opened with, and what they lead to: contact links, and those that ask for an account.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::invite::Invite;
use super::nav::Route;
use super::{AppState, Phase, failure_text, invite};
use crate::engine::LinkError;
use crate::i18n::t;
use crate::platform::kiosk;

impl AppState {
    /// Takes the contact link that the page was opened with, if it was. Called before the first screen, which shows it.
    pub(crate) fn take_first_invite(self) {
        if let Some(invite) = self.named_invite() {
            self.invite.set(Some(invite));
        }
    }

    /// Follows other links that the page was opened with, and all that are opened while it is there.
    pub(crate) fn follow_links(self) {
        self.take_transfer();
        let again = window_event_listener(ev::hashchange, move |_| {
            self.follow_invite(invite::is_gone_back_to());
            self.take_transfer();
        });
        on_cleanup(move || again.remove());
    }

    /// The contact link in the page's address. It stays there until something came of it, so that a reload does not lose it.
    fn named_invite(self) -> Option<Invite> {
        let named = invite::named_in_address()?;
        // A kiosk's address says nothing but where it is.
        if kiosk::is_on() {
            invite::clear_address();
            return None;
        }
        if named.is_err() {
            invite::clear_address();
            self.show_toast(t("invite.broken"));
        }
        named.ok()
    }

    /// Follows the contact link that has come into the page's address. One that the way back leads to was followed when it was
    /// opened.
    fn follow_invite(self, gone_back: bool) {
        let Some(invite) = self.named_invite() else {
            return;
        };
        match self.phase.get_untracked() {
            Phase::Ready if gone_back => invite::clear_address(),
            Phase::Ready => {
                self.invite.set(Some(invite));
                self.accept_invite();
            }
            Phase::Start => {
                self.invite.set(Some(invite));
                self.nav.reset(Route::Welcome);
            }
            Phase::Opening | Phase::Locked | Phase::Stopped(_) | Phase::Ended => {
                self.invite.set(Some(invite));
            }
        }
    }

    /// Opens the chat that a contact link leads to.
    pub(super) fn accept_invite(self) {
        let Some(invite) = self.invite.get_untracked() else {
            return;
        };
        self.invite.set(None);
        // Before another entry of the history takes its address from this one.
        invite::clear_address();
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
