//! The end of a session at a shared computer or kiosk: the account leaves the memory, the screens go, and a fresh page
//! takes this one's place.

use futures::future::select;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::nav::Route;
use super::{AppState, Phase};
use crate::engine::EngineLink;
use crate::platform::session::StorageMode;
use crate::platform::{copy_text, kiosk, pause, wipe};

/// What takes the place of what was copied. Some systems keep what they have when they are given nothing.
const BLANK: &str = " ";
/// How long a browser may take for that, in milliseconds.
const CLIPBOARD_MS: u32 = 500;

impl AppState {
    /// Whether this page has something of a person who may go away from it.
    pub(crate) fn in_session(self) -> bool {
        let shared = self.mode.get() == StorageMode::SharedComputer;
        match self.phase.get() {
            Phase::Opening | Phase::Locked => false,
            Phase::Start => {
                // Who chose another language at a kiosk leaves that behind at least.
                let begun = match self.nav.current() {
                    Route::Name | Route::Restore | Route::Recognise | Route::Receive => true,
                    _ => kiosk::is_on() && !self.preferences.language.with(String::is_empty),
                };
                shared && begun
            }
            Phase::Ready | Phase::Stopped(_) => shared,
            Phase::Ended => true,
        }
    }

    /// Ends the session: everything is out of sight at once, out of memory once what was decided last is out or has had a moment
    /// to get there, and a fresh page follows.
    pub(crate) fn end_session(self) {
        // Once: a second end would take the page away from the first one, which still waits.
        if self.phase.with_untracked(|phase| *phase == Phase::Ended) {
            return;
        }
        let copied = self.copied.get_value();
        let link = self.drop_session();
        spawn_local(async move {
            // Browsers let a page write there for a moment after a press, so this comes first.
            if copied {
                let blank = Box::pin(copy_text(BLANK));
                select(blank, Box::pin(pause(CLIPBOARD_MS))).await;
            }
            if let Some(link) = link {
                link.wipe().await;
            }
            wipe::traces().await;
            wipe::leave();
        });
    }

    /// Takes the session out of sight and off this page; gives the engine, which still has it.
    pub(crate) fn drop_session(self) -> Option<EngineLink> {
        let link = self.link.get_value();
        // What the engine still says is nothing to this page any more.
        self.starts.update_value(|starts| *starts += 1);
        self.forget_account();
        self.invite.set(None);
        self.transfer.opened.set(None);
        self.leaving_to.set(None);
        self.target.set(None);
        self.phase.set(Phase::Ended);
        link
    }
}
