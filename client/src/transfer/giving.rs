//! The old device: answers a code, has the digits of the other screen typed, and sends the account
//! (`docs/account-transfer.md`).

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Account;
use holdfast_protocol::transfer::{Agreement, Code, Giving, Grant};

use super::mailbox::Mailbox;
use super::{Running, Side, Transfers};
use crate::api::{Failure, Reply, TransferEnd, TransferFault, TransferStage};
use crate::core::Core;
use crate::driver::Signal;

/// How often wrong digits may be typed.
const TRIES: u8 = 3;
/// How long digits wait for the other device's number, without which they can't be checked. It comes before they are shown there.
const OPENING_WAIT: Duration = Duration::from_secs(15);

/// The answer to a code, and whose mailbox it names. A code that is read again before any node has confirmed the answer gets
/// the very same one: it may be there already, and another key in it would be taken for another device's.
#[derive(Clone)]
struct Said {
    giving: Rc<Giving>,
    answer: Vec<u8>,
}

/// What the old device knows of a transfer.
pub(super) struct Answered {
    code: Code,
    said: Said,
    /// The swarm has the answer.
    stored: bool,
    /// There once the other device has opened its commitment.
    agreement: Option<Rc<Agreement>>,
    /// That has happened, or the transfer is over.
    pub(super) opened: Signal,
    tries: u8,
    /// The account is on its way at this moment.
    busy: bool,
}

impl Transfers {
    /// Takes out the answer to this code that no node has confirmed, if the transfer with this number may begin. Its digits
    /// were not asked for yet.
    fn take_unconfirmed(&mut self, number: u64, code: &Code) -> Option<Said> {
        let may_begin = self.count == number;
        let unconfirmed = |running: &mut Running| match &running.side {
            Side::Giving(answered) => may_begin && !answered.stored && answered.code == *code,
            Side::Asking(_) => false,
        };
        match self.running.take_if(unconfirmed)?.side {
            Side::Giving(answered) => Some(answered.said),
            Side::Asking(_) => None,
        }
    }
}

impl Core {
    /// Answers the device that shows a code.
    pub(crate) async fn answer_transfer(self: &Rc<Self>, text: &str) -> Result<Reply, Failure> {
        let code = Code::read(text).map_err(TransferFault::from)?;
        if self.transfers.borrow().own_code == Some(*code.key()) {
            return Err(TransferFault::OwnCode.into());
        }
        self.require_account()?;
        // Logging out meanwhile asks for none.
        let number = self.next_transfer();
        self.time_for_transfer().await;
        code.check(self.time.now()).map_err(TransferFault::from)?;
        let before = self.transfers.borrow_mut().take_unconfirmed(number, &code);
        let Said { giving, answer } = match before {
            Some(said) => said,
            None => self.new_answer(code)?,
        };
        let side = Side::Giving(Answered {
            code,
            said: Said {
                giving: giving.clone(),
                answer: answer.clone(),
            },
            stored: false,
            agreement: None,
            opened: Signal::default(),
            tries: TRIES,
            busy: false,
        });
        self.begin_transfer(number, giving.meeting(), code.expires_at(), side)?;
        if let Err(fault) = self.leave(number, &code.mailbox(), &answer).await {
            self.set_answer_aside(number);
            return Err(fault.into());
        }
        match self.transfers.borrow_mut().giving(number) {
            Some(answered) => answered.stored = true,
            None => return Err(TransferFault::NotNow.into()),
        }
        self.run_for_transfer(number, self.clone().run_giving(number, giving));
        self.tell_transfer(TransferStage::Answered);
        Ok(Reply::TransferAnswered {
            lasts_ms: code.expires_at().saturating_sub(self.time.now()),
        })
    }

    fn new_answer(&self, code: Code) -> Result<Said, TransferFault> {
        let giving = Giving::new(code, &mut self.rng());
        let answer = giving.answer(&mut self.rng()).map_err(|_| TransferFault::Code)?;
        Ok(Said {
            giving: Rc::new(giving),
            answer,
        })
    }

    /// No node has confirmed the answer, which may be there nevertheless: it is over for the user, and what was said is kept
    /// until its time is up. The mailbox stays as it is: the other device may open its commitment there meanwhile.
    fn set_answer_aside(&self, number: u64) {
        match self.transfers.borrow_mut().get(number) {
            Some(running) => running.set_aside = true,
            None => return,
        }
        self.tell_transfer(TransferStage::Over(TransferEnd::Unreachable));
    }

    /// Waits until the other device opens its commitment.
    async fn run_giving(self: Rc<Self>, number: u64, giving: Rc<Giving>) {
        let mut mailbox = Mailbox::new(giving.meeting().clone());
        while let Some(arrived) = self.arrivals(&mut mailbox).await {
            let opened = arrived
                .iter()
                .find_map(|message| giving.read_opening(message).ok());
            let Some(agreement) = opened else { continue };
            if let Some(answered) = self.transfers.borrow_mut().giving(number) {
                answered.agreement = Some(Rc::new(agreement));
                answered.opened.notify();
            }
            return;
        }
        self.end_this_transfer(number, TransferEnd::Unreachable);
    }

    /// Sends the account, if these are the digits of the other screen.
    pub(crate) async fn give_account(self: &Rc<Self>, digits: &str) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        let (number, code) = self.begin_giving()?;
        let given = self.give(number, &code, &account, digits).await;
        if let Some(answered) = self.transfers.borrow_mut().giving(number) {
            answered.busy = false;
        }
        match given {
            Ok(()) => {
                if self.transfer_runs(number) {
                    self.forget_transfer();
                }
                // Also when it was ended at the last moment: it has happened.
                self.tell_transfer(TransferStage::Given);
                Ok(Reply::Done)
            }
            Err(fault) => {
                if fault == TransferFault::TooManyTries {
                    self.end_this_transfer(number, TransferEnd::Stopped);
                }
                Err(fault.into())
            }
        }
    }

    /// The transfer that waits for digits; no other digits are looked at meanwhile.
    fn begin_giving(&self) -> Result<(u64, Code), TransferFault> {
        let mut transfers = self.transfers.borrow_mut();
        match &mut transfers.running {
            Some(Running {
                number,
                side: Side::Giving(answered),
                ..
            }) if answered.stored && !answered.busy => {
                answered.busy = true;
                Ok((*number, answered.code))
            }
            _ => Err(TransferFault::NotNow),
        }
    }

    async fn give(
        &self,
        number: u64,
        code: &Code,
        account: &Account,
        digits: &str,
    ) -> Result<(), TransferFault> {
        let agreement = self.opened(number).await?;
        self.check_digits(number, &agreement, digits)?;
        let name = self
            .state
            .borrow()
            .account
            .as_ref()
            .map(|own| own.record.name.clone());
        let grant = Grant {
            seed: account.seed().clone(),
            name: name.unwrap_or_default(),
        };
        let message = agreement
            .seal(&grant, &mut self.rng())
            .map_err(|_| TransferFault::Unreachable)?;
        self.leave(number, &code.mailbox(), &message).await
    }

    /// What both devices have in common, once the other one has opened its commitment.
    async fn opened(&self, number: u64) -> Result<Rc<Agreement>, TransferFault> {
        let mut timeout = self.ports.clock.sleep(OPENING_WAIT);
        loop {
            let (agreement, opened) = {
                let mut transfers = self.transfers.borrow_mut();
                let answered = transfers.giving(number).ok_or(TransferFault::NotNow)?;
                (answered.agreement.clone(), answered.opened.clone())
            };
            if let Some(agreement) = agreement {
                return Ok(agreement);
            }
            let seen = opened.count();
            match select(Box::pin(opened.passed(seen)), timeout).await {
                Either::Left((_, rest)) => timeout = rest,
                Either::Right(_) => return Err(TransferFault::Unreachable),
            }
        }
    }

    fn check_digits(&self, number: u64, agreement: &Agreement, digits: &str) -> Result<(), TransferFault> {
        let mut transfers = self.transfers.borrow_mut();
        let answered = transfers.giving(number).ok_or(TransferFault::NotNow)?;
        match agreement.digits().compare(digits) {
            Some(true) => return Ok(()),
            Some(false) => answered.tries = answered.tries.saturating_sub(1),
            // Not six digits: no guess.
            None => {}
        }
        match answered.tries {
            0 => Err(TransferFault::TooManyTries),
            left => Err(TransferFault::WrongDigits { left }),
        }
    }
}
