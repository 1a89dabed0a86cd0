//! Opening the account of this device, making a new one, and taking one up again.

use futures::future::LocalBoxFuture;
use holdfast_client::api::{Command, Reply, Snapshot};
use holdfast_protocol::account::Seed;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::nav::Route;
use super::{AppState, Pending, Phase, Stop, error_text, preferences, reminder};
use crate::engine::LinkError;
use crate::i18n::t;
use crate::later;
use crate::platform::frame;
use crate::platform::session::{self, StartError, StorageMode};

/// [`AppState::open`], where there is an account.
pub(crate) fn open_account(state: AppState) -> LocalBoxFuture<'static, ()> {
    Box::pin(state.open_account())
}

/// [`AppState::enter`].
pub(crate) fn enter_account(
    state: AppState,
    name: String,
    restore: bool,
) -> LocalBoxFuture<'static, Result<(), String>> {
    Box::pin(async move {
        let entered = state.enter_account(name, restore).await;
        entered.map_err(|why| error_text(&why))
    })
}

/// Gives a choice to the engine that runs.
pub(crate) fn keep_preference(state: AppState, name: &'static str, value: &str) {
    state.command(Command::SetPreference {
        key: name.into(),
        value: value.into(),
    });
}

impl AppState {
    /// Opens the account of this device, if there is one; else the start screens.
    pub(crate) async fn open(self) {
        // In a frame of another page no account of this device is opened, whatever the browser lets the frame read.
        if frame::is_framed() || !session::existing() {
            self.phase.set(Phase::Start);
            return;
        }
        match later::wait().await {
            Some(later) => (later.open)(self).await,
            // What is shown then says that the program is incomplete.
            None => self.phase.set(Phase::Stopped(Stop::EngineLost)),
        }
    }

    /// Opens the account of this device.
    async fn open_account(self) {
        match self.start_engine(StorageMode::OwnDevice).await {
            Ok(Some(snapshot)) => self.take_snapshot(snapshot),
            Ok(None) => {}
            Err(stop) => self.phase.set(Phase::Stopped(stop)),
        }
    }

    /// Starts the engine and reads its state; `None` if something else is shown by now: the lock, or the session's end.
    async fn start_engine(self, mode: StorageMode) -> Result<Option<Box<Snapshot>>, Stop> {
        let begun = self.starts.get_value();
        let started = session::start(mode).await;
        if self.starts.get_value() != begun {
            // The session was over before it had begun.
            if let Ok(link) = started {
                link.kill();
            }
            return Ok(None);
        }
        let link = started.map_err(Stop::Start)?;
        let start = begun + 1;
        self.starts.set_value(start);
        link.on_event(move |event| {
            if self.starts.get_value() == start {
                self.hear(event);
            }
        });
        link.on_turn(move |turn| {
            if self.starts.get_value() == start {
                self.hear_turn(turn);
            }
        });
        self.mode.set(mode);
        self.link.set_value(Some(link.clone()));
        if let Some(view) = link.locked() {
            self.show_lock(view);
            return Ok(None);
        }
        let told = link.request(Command::Snapshot).await;
        if self.starts.get_value() != start {
            return Ok(None);
        }
        match told {
            Ok(Reply::Snapshot(snapshot)) => Ok(Some(snapshot)),
            Ok(_) | Err(LinkError::Lost) => Err(Stop::EngineLost),
            Err(LinkError::Failed(failure)) => Err(Stop::Start(StartError::Failed(failure.to_string()))),
        }
    }

    /// Makes a new account, or takes up the one whose phrase was given, in the storage that was chosen. If it can't be, why,
    /// in words.
    pub(crate) async fn enter(self, name: String, restore: bool) -> Result<(), String> {
        match later::wait().await {
            Some(later) => (later.enter)(self, name, restore).await,
            None => Err(t("name.not_loaded")),
        }
    }

    async fn enter_account(self, name: String, restore: bool) -> Result<(), LinkError> {
        if !self.engine_stands().await {
            return Ok(());
        }
        let seed = self.pending.with_value(|pending| pending.seed.clone());
        let command = match seed {
            Some(seed) if restore => Command::RestoreAccount {
                seed,
                name: (!name.trim().is_empty()).then_some(name),
            },
            _ => Command::CreateAccount { name },
        };
        if let Reply::Snapshot(snapshot) = self.request(command).await? {
            self.pending.set_value(Pending::default());
            self.take_snapshot(snapshot);
            if restore {
                reminder::phrase_checked(self);
            }
            self.keep_choices(restore);
        }
        Ok(())
    }

    /// Starts an engine over the storage that was chosen, unless one runs. Whether it takes commands; if not, the page shows
    /// why.
    pub(super) async fn engine_stands(self) -> bool {
        let mode = self.mode.get_untracked();
        // An engine that was started over an empty store keeps what it is told where its user did not choose.
        let fits = self
            .link
            .with_value(|link| link.as_ref().is_some_and(|link| link.mode() == mode));
        if fits {
            return true;
        }
        match self.start_engine(mode).await {
            // If not, there is an account after all, behind a lock; or it is over.
            Ok(found) => found.is_some(),
            Err(stop) => {
                self.phase.set(Phase::Stopped(stop));
                false
            }
        }
    }

    /// Keeps what was chosen before there was an account. One that came back may have a backup file somewhere.
    pub(super) fn keep_choices(self, came_back: bool) {
        if came_back {
            self.set_preference(preferences::key::OFFER_BACKUP, "1");
        }
        let preferences = self.preferences;
        let theme = preferences.theme.get_untracked().name();
        self.set_preference(preferences::key::THEME, theme);
        let language = preferences.language.get_untracked();
        self.set_preference(preferences::key::LANGUAGE, &language);
    }

    /// Keeps the seed of the account to restore, until it is taken up or given up.
    pub(crate) fn keep_seed(self, seed: Option<Seed>) {
        self.pending.set_value(Pending { seed });
    }

    /// Looks at the seed of the account to restore.
    pub(crate) fn kept_seed(self) -> Option<Seed> {
        self.pending.with_value(|pending| pending.seed.clone())
    }

    /// Shows what the engine has: the account, or the start screens.
    pub(super) fn take_snapshot(self, snapshot: Box<Snapshot>) {
        if self.phase.get_untracked() == Phase::Ended {
            return;
        }
        let known = snapshot.account.is_some();
        self.replace_all(snapshot);
        self.nav.reset(if known { Route::Home } else { Route::Welcome });
        self.phase.set(if known { Phase::Ready } else { Phase::Start });
        if known && self.mode.get_untracked() == StorageMode::OwnDevice {
            spawn_local(self.releases.keep());
        }
        if known {
            self.accept_invite();
            self.accept_transfer();
        }
    }

    /// Puts what the engine has in the place of all that was known.
    pub(super) fn replace_all(self, snapshot: Box<Snapshot>) {
        let snapshot = *snapshot;
        for (name, value) in &snapshot.preferences {
            self.preferences.take(name, value);
        }
        self.network.set(snapshot.network);
        self.troubles.set(snapshot.troubles);
        self.notifier.follow_all(&snapshot.conversations);
        self.conversations.replace(snapshot.conversations);
        self.account.set(snapshot.account);
        self.restore.set(snapshot.restore);
        self.typing.set(Vec::new());
    }
}
