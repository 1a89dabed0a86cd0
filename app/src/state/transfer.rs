//! The account on its way from another device to this one, or from this one to another (`docs/account-transfer.md`).
//!
//! The engine tells every tab how a transfer goes; the tab that began it shows it. Here are only a code, six digits and whose
//! account came: the account itself stays in the engine.

mod words;

use holdfast_client::api::{Command, Failure, Reply, TransferEnd, TransferFault, TransferStage};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::nav::{Route, Section};
use super::{AppState, Phase, error_text, invite, reminder};
use crate::engine::LinkError;
use crate::i18n::t;
use crate::platform::kiosk;
use words::{ascii_digits, end_text, link, read};

pub(crate) use words::fault_text;

/// How many digits are compared.
const DIGITS: usize = 6;

/// Where this device stands that wants an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// The code is being made.
    Preparing,
    /// Nobody has answered; the link that is shown.
    Code(String),
    /// Somebody has: the digits to be typed there.
    Compare(String),
    /// An account came.
    Offered {
        /// Its Account ID.
        id: Id,
        /// Its display name, if there is one.
        name: String,
    },
    /// None comes any more; why.
    Over(String),
}

/// Where this device stands that gives its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Giving {
    /// There is a code, and the user is asked whether to answer it.
    Asked(String),
    /// The answer is on its way.
    Answering,
    /// The digits of the other screen are wanted.
    Digits,
    /// The account was sent.
    Given,
    /// It was not; why.
    Over(String),
}

/// What this page has to do with transfers; copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Transfers {
    /// Where it stands in asking for an account, while it does.
    pub asking: RwSignal<Option<Asking>>,
    /// When what goes on is over, by this device's clock: milliseconds since 1970.
    pub until_ms: RwSignal<f64>,
    /// Where it stands in giving its own; `None` without a code.
    pub giving: RwSignal<Option<Giving>>,
    /// The code that the page was opened with, until there is an account to give.
    pub opened: RwSignal<Option<String>>,
    /// Counts what was begun: answers to anything earlier are none of ours.
    round: StoredValue<u32>,
    /// The digits are with the engine, whose reply says what came of them.
    sending: StoredValue<bool>,
}

impl Transfers {
    pub(super) fn new() -> Self {
        Self {
            asking: RwSignal::new(None),
            until_ms: RwSignal::new(0.0),
            giving: RwSignal::new(None),
            opened: RwSignal::new(None),
            round: StoredValue::new(0),
            sending: StoredValue::new(false),
        }
    }

    /// Forgets what was begun. A link that waits for an account goes on waiting.
    pub(super) fn clear(self) {
        self.begin();
        self.asking.set(None);
        self.giving.set(None);
    }

    /// Hears from the engine how a transfer goes, which may be another tab's.
    pub(super) fn hear(self, stage: TransferStage) {
        match stage {
            // The replies to the commands say so too.
            TransferStage::Waiting | TransferStage::Answered | TransferStage::Given => {}
            TransferStage::Compare { digits } => self.go_on(Asking::Compare(digits)),
            TransferStage::Offered { id, name } => self.go_on(Asking::Offered { id, name }),
            // So does the reply to wrong digits, in other words.
            TransferStage::Over(TransferEnd::Stopped) if self.sending.get_value() => {}
            TransferStage::Over(end) => self.end(&end_text(end)),
        }
    }

    /// Another engine runs, which knows nothing of what the one before was at.
    pub(super) fn lose(self) {
        self.end(&end_text(TransferEnd::Stopped));
    }

    fn go_on(self, next: Asking) {
        let waits = self
            .asking
            .with_untracked(|now| matches!(now, Some(Asking::Code(_) | Asking::Compare(_))));
        if waits {
            self.asking.set(Some(next));
        }
    }

    /// Ends what goes on here. What just begins has ended something earlier, and hears of itself by its reply.
    fn end(self, words: &str) {
        let asks = self.asking.with_untracked(|now| {
            matches!(
                now,
                Some(Asking::Code(_) | Asking::Compare(_) | Asking::Offered { .. })
            )
        });
        if asks {
            self.asking.set(Some(Asking::Over(words.to_owned())));
        }
        if self.wants_digits() {
            self.giving.set(Some(Giving::Over(words.to_owned())));
        }
    }

    fn wants_digits(self) -> bool {
        self.giving
            .with_untracked(|now| matches!(now, Some(Giving::Digits)))
    }

    /// Whether the engine is at giving the account.
    fn gives(self) -> bool {
        self.giving
            .with_untracked(|now| matches!(now, Some(Giving::Answering | Giving::Digits)))
    }

    fn begin(self) -> u32 {
        let next = self.round.get_value().wrapping_add(1);
        self.round.set_value(next);
        self.sending.set_value(false);
        next
    }

    /// Notes how long what goes on may take from now.
    fn lasts(self, lasts_ms: u64) {
        self.until_ms.set(js_sys::Date::now() + lasts_ms as f64);
    }

    fn is_over(self, round: u32) -> bool {
        self.round.get_value() != round
    }
}

impl AppState {
    /// Asks for an account of another device, or asks anew.
    pub(crate) fn ask_for_account(self) {
        let transfer = self.transfer;
        let round = transfer.begin();
        transfer.asking.set(Some(Asking::Preparing));
        spawn_local(async move {
            if !self.engine_stands().await || transfer.is_over(round) {
                return;
            }
            let asked = self.request(Command::AskForAccount).await;
            if transfer.is_over(round) {
                if asked.is_ok() {
                    self.end_leftover();
                }
                return;
            }
            match asked {
                Ok(Reply::AccountAsked(request)) => {
                    transfer.lasts(request.lasts_ms);
                    transfer.asking.set(Some(Asking::Code(link(&request.code))));
                }
                Ok(_) => {}
                Err(error) => transfer.asking.set(Some(Asking::Over(error_text(&error)))),
            }
        });
    }

    /// Wants no account of another device any more.
    pub(crate) fn stop_asking(self) {
        let before = self.transfer.asking.get_untracked();
        if before.is_none() {
            // The account was taken up, and may be on its way on already.
            return;
        }
        self.transfer.begin();
        self.transfer.asking.set(None);
        // What is over has ended in the engine, where another tab may have begun anew.
        if !matches!(before, Some(Asking::Over(_))) {
            self.tell(Command::EndTransfer);
        }
    }

    /// Ends what began in the engine after it was given up here, unless something newer has taken its place.
    fn end_leftover(self) {
        let asks = self.transfer.asking.with_untracked(Option::is_some);
        if !asks && !self.transfer.gives() {
            self.tell(Command::EndTransfer);
        }
    }

    /// Takes up the account that came.
    pub(crate) async fn take_account(self) -> Result<(), LinkError> {
        if let Reply::Snapshot(snapshot) = self.request(Command::TakeAccount).await? {
            self.transfer.clear();
            self.take_snapshot(snapshot);
            // It is on the other device too, so nothing is lost with this one. In a week it is asked whether its phrase is
            // still at hand.
            reminder::phrase_seen(self);
            self.keep_choices(true);
        }
        Ok(())
    }

    /// Takes the code out of the page's address that it was opened with, and follows it: at once, or when there is an account.
    pub(super) fn take_transfer(self) {
        let Some(code) = invite::data_in_address().as_deref().and_then(read) else {
            return;
        };
        invite::clear_address();
        match self.phase.get_untracked() {
            // Nothing leads through a kiosk's address; a fresh page says where the code belongs.
            Phase::Start | Phase::Ready if kiosk::is_on() => {}
            Phase::Ready => {
                self.transfer.opened.set(Some(code));
                self.accept_transfer();
            }
            Phase::Start => {
                self.transfer.opened.set(Some(code));
                self.nav.reset(Route::Welcome);
            }
            Phase::Opening | Phase::Locked | Phase::Stopped(_) | Phase::Ended => {
                self.transfer.opened.set(Some(code));
            }
        }
    }

    /// Asks whether the account is to be given to the device whose code the page was opened with.
    pub(super) fn accept_transfer(self) {
        let Some(code) = self.transfer.opened.get_untracked() else {
            return;
        };
        self.transfer.opened.set(None);
        self.consider_giving(code);
        self.nav.go(Route::SettingsOf(Section::Give));
    }

    /// There is a code: asks whether to answer it.
    pub(crate) fn consider_giving(self, code: String) {
        self.stop_giving();
        self.transfer.giving.set(Some(Giving::Asked(code)));
    }

    /// Answers the device that shows a code.
    pub(crate) fn answer_transfer(self, code: String) {
        let transfer = self.transfer;
        let round = transfer.begin();
        transfer.giving.set(Some(Giving::Answering));
        spawn_local(async move {
            let answered = self.request(Command::AnswerTransfer(code)).await;
            if transfer.is_over(round) {
                if answered.is_ok() {
                    self.end_leftover();
                }
                return;
            }
            match answered {
                Ok(Reply::TransferAnswered { lasts_ms }) => {
                    transfer.lasts(lasts_ms);
                    transfer.giving.set(Some(Giving::Digits));
                }
                Ok(_) => {}
                Err(error) => transfer.giving.set(Some(Giving::Over(error_text(&error)))),
            }
        });
    }

    /// Gives the account to the device that shows these digits. What is wrong, as long as it may be tried again.
    pub(crate) async fn give_account(self, typed: &str) -> Result<(), String> {
        let digits = ascii_digits(typed);
        if digits.len() != DIGITS {
            return Err(t("give.error_six"));
        }
        let transfer = self.transfer;
        let round = transfer.round.get_value();
        transfer.sending.set_value(true);
        let given = self.request(Command::GiveAccount { digits }).await;
        if transfer.is_over(round) {
            if given.is_ok() {
                // It was given up too late, and whoever did so has to know.
                self.show_toast(t("give.given_title"));
            }
            return Ok(());
        }
        transfer.sending.set_value(false);
        match given {
            Ok(_) => transfer.giving.set(Some(Giving::Given)),
            Err(LinkError::Failed(Failure::Transfer(fault @ TransferFault::WrongDigits { .. }))) => {
                return Err(fault_text(fault));
            }
            // It may have been ended there, which is not told.
            Err(LinkError::Failed(Failure::Transfer(TransferFault::Unreachable))) => {
                return Err(t("give.error_unreachable"));
            }
            // Why it is over may be known better by now.
            Err(error) if transfer.wants_digits() => {
                transfer.giving.set(Some(Giving::Over(error_text(&error))));
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Gives no account any more; what was given stays so.
    pub(crate) fn stop_giving(self) {
        let runs = self.transfer.gives();
        self.transfer.begin();
        self.transfer.giving.set(None);
        if runs {
            self.tell(Command::EndTransfer);
        }
    }
}
