//! The lock, as the page sees it: what is known of it, locking, unlocking, and locking after a while without anybody there.

use std::time::Duration;

use holdfast_client::api::{Command, Reply};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::nav::Route;
use super::preferences::key;
use super::{AppState, Phase, Stop};
use crate::engine::lock::{LockAnswer, LockAsk, LockRefusal, LockView, Passkey, ask};
use crate::engine::{Secret, Turn};
use crate::i18n::t;
use crate::platform::activity::{Activity, Check, Moment};
use crate::platform::passkey::{self, PasskeyError};
use crate::platform::{microphone, normal_form, session};

/// What a new lock begins with, in minutes.
const FIRST_IDLE_MINUTES: u32 = 15;
/// How often an open page looks at the clock.
const TICK: Duration = Duration::from_secs(5);
/// How often other tabs are told that somebody is here, in milliseconds.
const TELL_MS: u64 = 5_000;

/// What is known of the lock.
#[derive(Clone, Copy)]
pub(crate) struct Lock {
    /// What it was like when it was looked at last.
    pub view: RwSignal<LockView>,
    /// When the next try is allowed, milliseconds since 1970.
    pub free_ms: RwSignal<f64>,
    watch: StoredValue<Option<Activity>, LocalStorage>,
    told_ms: StoredValue<u64>,
}

/// Why a passkey did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasskeyRefusal {
    /// The browser or its user.
    Platform(PasskeyError),
    /// The lock.
    Lock(LockRefusal),
}

impl From<PasskeyError> for PasskeyRefusal {
    fn from(error: PasskeyError) -> Self {
        PasskeyRefusal::Platform(error)
    }
}

impl From<LockRefusal> for PasskeyRefusal {
    fn from(refusal: LockRefusal) -> Self {
        PasskeyRefusal::Lock(refusal)
    }
}

impl Lock {
    pub(super) fn new() -> Self {
        Self {
            view: RwSignal::new(LockView::default()),
            free_ms: RwSignal::new(0.0),
            watch: StoredValue::new_local(None),
            told_ms: StoredValue::new(0),
        }
    }

    fn take(self, view: LockView) {
        self.free_ms.set(js_sys::Date::now() + view.wait_ms as f64);
        self.view.set(view);
    }
}

/// A passphrase as it is kept and compared: however the keyboard composes its characters.
pub(crate) fn passphrase(typed: &str) -> Secret {
    Secret::new(normal_form(typed).into_bytes())
}

impl AppState {
    /// Asks about the lock, and takes note of what it is like then.
    pub(crate) async fn ask_lock(self, question: LockAsk) -> Result<Option<Secret>, LockRefusal> {
        let result = ask(question).await;
        match &result {
            Ok(LockAnswer::Lock(view)) | Err(LockRefusal::Wrong(view) | LockRefusal::Wait(view)) => {
                self.lock.take(view.clone());
            }
            Ok(LockAnswer::Open(_)) | Err(_) => {}
        }
        match result? {
            LockAnswer::Open(key) => Ok(Some(key)),
            LockAnswer::Lock(_) => Ok(None),
        }
    }

    /// Opens the lock with a passphrase. What was locked appears by itself then.
    pub(crate) async fn unlock(self, typed: &str) -> Result<(), LockRefusal> {
        let key = self.ask_lock(LockAsk::Open(passphrase(typed))).await?;
        self.open_with(key);
        Ok(())
    }

    /// As [`Self::unlock`], with a passkey.
    pub(crate) async fn unlock_by_passkey(self) -> Result<(), PasskeyRefusal> {
        let passkeys = self.lock.view.with_untracked(|view| view.passkeys.clone());
        let (id, output) = passkey::ask_for_output(&passkeys).await?;
        let key = self.ask_lock(LockAsk::OpenByPasskey { id, output }).await?;
        self.open_with(key);
        Ok(())
    }

    fn open_with(self, key: Option<Secret>) {
        if let (Some(key), Some(link)) = (key, self.link.get_value()) {
            link.unlock(key);
        }
    }

    /// Whether this is the passphrase of the lock.
    pub(crate) async fn check_passphrase(self, typed: &str) -> Result<(), LockRefusal> {
        self.ask_lock(LockAsk::Check(passphrase(typed))).await?;
        Ok(())
    }

    /// Whether whoever is there has a passkey of the lock. Call it soon after a click or key press.
    pub(crate) async fn check_passkey(self) -> Result<(), PasskeyRefusal> {
        let passkeys = self.lock.view.with_untracked(|view| view.passkeys.clone());
        let (id, output) = passkey::ask_for_output(&passkeys).await?;
        self.ask_lock(LockAsk::CheckPasskey { id, output }).await?;
        Ok(())
    }

    /// Makes a passkey that opens the lock too. The passphrase is known to be right.
    pub(crate) async fn add_passkey(self, typed: &str) -> Result<(), PasskeyRefusal> {
        let existing: Vec<Passkey> = self.lock.view.with_untracked(|view| view.passkeys.clone());
        let (made, output) = passkey::create(&existing).await?;
        let question = LockAsk::AddPasskey {
            passphrase: passphrase(typed),
            passkey: made,
            output,
        };
        self.ask_lock(question).await?;
        Ok(())
    }

    /// Takes note that a lock was set or removed: what it begins with, and that other tabs show it.
    pub(crate) fn note_lock(self, set: bool) {
        let minutes = if set {
            FIRST_IDLE_MINUTES.to_string()
        } else {
            String::new()
        };
        self.set_preference(key::LOCK_AFTER, &minutes);
    }

    /// Whether a lock is set on the open account.
    pub(crate) fn has_lock(self) -> bool {
        self.preferences.lock_after.with(Option::is_some)
    }

    /// Locks all tabs.
    pub(crate) fn lock_now(self) {
        let locked = self.preferences.lock_after.with_untracked(Option::is_some);
        if let Some(link) = self.link.get_value().filter(|_| locked) {
            link.lock_up();
        }
    }

    /// Removes the locked account from this device and goes on to the recovery phrase.
    pub(crate) fn start_over(self) {
        self.after_leaving(Route::Place { restore: true });
        match self.link.get_value() {
            Some(link) => link.forget(),
            None => spawn_local(async move {
                if session::remove().await {
                    self.forget_account();
                } else {
                    self.hear_turn(Turn::NotForgotten);
                }
            }),
        }
    }

    /// Hears that the vault was locked or opened.
    pub(super) fn hear_turn(self, turn: Turn) {
        match turn {
            Turn::Locked(view) => self.show_lock(view),
            Turn::Open => spawn_local(async move {
                session::tell_connection();
                match self.request(Command::Snapshot).await {
                    Ok(Reply::Snapshot(snapshot)) => {
                        self.take_snapshot(snapshot);
                        self.note_known_lock();
                    }
                    _ if self.phase.get_untracked() == Phase::Locked => {
                        self.phase.set(Phase::Stopped(Stop::EngineLost));
                    }
                    _ => {}
                }
            }),
            Turn::LockedUp => {
                // Whoever waits for the engine that ended, as this page does while it opens, takes that for no failure.
                self.starts.update_value(|starts| *starts += 1);
                self.link.set_value(None);
                self.put_away(Phase::Opening);
                spawn_local(self.open());
            }
            Turn::NotForgotten => {
                self.after_leaving.set_value(None);
                self.show_toast(t("leave.failed"));
            }
            Turn::Failed(why) => {
                self.link.set_value(None);
                self.phase.set(Phase::Stopped(Stop::Start(why)));
            }
        }
    }

    /// Shows the lock screen in place of everything else.
    pub(super) fn show_lock(self, view: LockView) {
        self.lock.take(view);
        if self.phase.get_untracked() != Phase::Locked {
            self.put_away(Phase::Locked);
        }
    }

    /// Clears the page of the account. What was written and not sent stays in memory, to be there again when it is open.
    fn put_away(self, phase: Phase) {
        self.withdraw_all();
        self.phase.set(phase);
        self.nav.reset(Route::Home);
        self.forget_state();
    }

    /// A lock whose choice of time was lost, or never kept: it begins with the usual one.
    fn note_known_lock(self) {
        if self.account.with_untracked(Option::is_some)
            && self.preferences.lock_after.with_untracked(Option::is_none)
        {
            self.note_lock(true);
        }
    }

    /// Locks when nobody was there for as long as was chosen. For as long as the page lives.
    pub(crate) fn follow_idle(self) {
        Effect::new(move |_| {
            let ready = self.phase.with(|phase| *phase == Phase::Ready);
            let minutes = self.preferences.lock_after.get();
            let limit_ms = minutes
                .filter(|minutes| ready && *minutes > 0)
                .map(|minutes| u64::from(minutes) * 60_000);
            // The one before ends first.
            self.lock.watch.set_value(None);
            if let Some(limit_ms) = limit_ms {
                self.tell_active(js_sys::Date::now() as u64);
                let watch = Activity::watch(TICK, move |check| self.judge(check, limit_ms));
                self.lock.watch.set_value(Some(watch));
            }
        });
    }

    fn judge(self, check: Check, limit_ms: u64) {
        // Who listens or speaks is there.
        let there = self.playback.plays.get_untracked() || microphone::is_open();
        let told_ms = self.lock.told_ms.get_value();
        if there {
            if check.now_ms.abs_diff(told_ms) >= TELL_MS {
                self.tell_active(check.now_ms);
            }
        } else if check.idle_ms >= limit_ms {
            if let Some(link) = self.link.get_value() {
                link.idle(check.now_ms, limit_ms);
            }
        } else if check.moment == Moment::Input && check.now_ms.abs_diff(told_ms) >= TELL_MS {
            self.tell_active(check.now_ms);
        }
    }

    fn tell_active(self, now_ms: u64) {
        self.lock.told_ms.set_value(now_ms);
        if let Some(link) = self.link.get_value() {
            link.active(now_ms);
        }
    }
}
