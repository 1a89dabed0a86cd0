//! What the page lets go of when an account leaves it or is locked.

use std::collections::HashMap;

use holdfast_client::api::NetworkStatus;
use leptos::prelude::*;

use super::nav::Route;
use super::{AppState, Pending, Phase};

impl AppState {
    /// Goes on with this start screen when the account has left this device.
    pub(crate) fn after_leaving(self, route: Route) {
        self.after_leaving.set_value(Some(route));
    }

    /// Back to the start screens, with nothing kept in memory.
    pub(super) fn forget_account(self) {
        self.drafts.set(HashMap::new());
        self.pending.set_value(Pending::default());
        self.link.set_value(None);
        self.withdraw_all();
        self.phase.set(Phase::Start);
        self.nav.reset(Route::Welcome);
        if let Some(route) = self.after_leaving.try_update_value(Option::take).flatten()
            && route != Route::Welcome
        {
            self.nav.go(route);
        }
        self.forget_state();
    }

    /// Takes away what lies over the screens.
    pub(super) fn withdraw_all(self) {
        self.look.set(None);
        self.file_ask.set(None);
        self.question.set(None);
        self.leaving_to.set(None);
        self.target.set(None);
        self.refused.set_value(None);
        self.playback.stop();
        self.files.clear();
        self.attach.clear();
        self.backups.clear();
        self.transfer.clear();
        self.preferences.reset();
        self.toast.set(None);
        self.announcements.set(Vec::new());
        self.notifier.forget();
    }

    /// Forgets what the engine told, when no screen shows it any more.
    pub(super) fn forget_state(self) {
        self.account.set(None);
        self.conversations.replace(Vec::new());
        self.restore.set(None);
        self.typing.set(Vec::new());
        self.network.set(NetworkStatus::default());
        self.troubles.set(Vec::new());
    }
}
