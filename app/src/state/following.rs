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
    /// Follows the link that the page was opened with, if it was, and those that are opened while it is there.
    pub(crate) fn follow_links(self) {
        let follow = move || {
            self.take_invite();
            self.take_transfer();
        };
        follow();
        let again = window_event_listener(ev::hashchange, move |_| follow());
        on_cleanup(move || again.remove());
    }

    fn take_invite(self) {
        let taken = invite::take();
        // A kiosk's address says nothing but where it is.
        if kiosk::is_on() {
            return;
        }
        match taken {
            Some(Ok(invite)) => {
                self.invite.set(Some(invite));
                match self.phase.get_untracked() {
                    Phase::Ready => self.accept_invite(),
                    Phase::Start => self.nav.reset(Route::Welcome),
                    Phase::Opening | Phase::Locked | Phase::Stopped(_) | Phase::Ended => {}
                }
            }
            Some(Err(_)) => self.show_toast(t("invite.broken")),
            None => {}
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
