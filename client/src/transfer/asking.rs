//! The new device: shows a code, goes on with the first who answers it, and waits for the account
//! (`docs/account-transfer.md`).

use std::rc::Rc;

use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::keys::X25519PublicKey;
use holdfast_protocol::transfer::{Agreement, Asking, Grant};

use super::Side;
use super::mailbox::Mailbox;
use crate::api::{AccountRequest, Failure, Reply, TransferEnd, TransferFault, TransferStage};
use crate::core::Core;

/// How long an account that came waits to be taken at least, milliseconds, whatever is left of its code's time.
const OFFERED_MS: u64 = 2 * 60 * 1_000;

impl Core {
    /// Makes a code and waits for answers.
    pub(crate) async fn ask_for_account(self: &Rc<Self>) -> Result<Reply, Failure> {
        self.require_no_account()?;
        let number = self.next_transfer();
        self.time_for_transfer().await;
        self.require_no_account()?;
        let now = self.time.now();
        let asking = Rc::new(Asking::new(now, &mut self.rng()));
        let code = asking.code();
        let asked = AccountRequest {
            code: code.data(),
            expires_at: code.expires_at(),
            lasts_ms: code.expires_at().saturating_sub(now),
        };
        let side = Side::Asking(None);
        self.begin_transfer(number, asking.meeting(), code.expires_at(), side)?;
        self.transfers.borrow_mut().own_code = Some(*code.key());
        self.run_for_transfer(number, self.clone().run_asking(number, asking));
        self.tell_transfer(TransferStage::Waiting);
        Ok(Reply::AccountAsked(asked))
    }

    fn require_no_account(&self) -> Result<(), Failure> {
        match self.account() {
            None => Ok(()),
            Some(_) => Err(Failure::AccountExists),
        }
    }

    /// Reads what comes into the mailbox, for as long as the transfer runs.
    async fn run_asking(self: Rc<Self>, number: u64, asking: Rc<Asking>) {
        let mut mailbox = Mailbox::new(asking.meeting().clone());
        let mut agreed: Option<(X25519PublicKey, Agreement)> = None;
        while let Some(arrived) = self.arrivals(&mut mailbox).await {
            for message in arrived {
                let Ok((who, agreement)) = asking.read_answer(&message) else {
                    // The grant, or anything: anybody may put something there.
                    let open = |(_, agreement): &(X25519PublicKey, Agreement)| agreement.open(&message).ok();
                    if let Some(grant) = agreed.as_ref().and_then(open) {
                        self.offer_account(number, grant);
                    }
                    continue;
                };
                match agreed.as_ref().map(|(first, _)| *first) {
                    None => {
                        if self.open_commitment(number, &asking, &who).await.is_err() {
                            self.end_this_transfer(number, TransferEnd::Unreachable);
                            return;
                        }
                        let digits = agreement.digits().to_string();
                        agreed = Some((who, agreement));
                        self.tell_transfer(TransferStage::Compare { digits });
                    }
                    Some(first) if first != who => {
                        self.end_this_transfer(number, TransferEnd::TwoAnswers);
                        return;
                    }
                    // The same answer, stored twice.
                    Some(_) => {}
                }
            }
        }
        self.end_this_transfer(number, TransferEnd::Unreachable);
    }

    /// From now on only who answered can be the other side.
    async fn open_commitment(
        &self,
        number: u64,
        asking: &Asking,
        who: &X25519PublicKey,
    ) -> Result<(), TransferFault> {
        let opening = asking
            .opening(who, &mut self.rng())
            .map_err(|_| TransferFault::Unreachable)?;
        self.leave(number, &Id::account(*who), &opening).await
    }

    /// The account is here: the user decides.
    fn offer_account(&self, number: u64, grant: Grant) {
        let stage = TransferStage::Offered {
            id: grant.seed.id(),
            name: grant.name.clone(),
        };
        let (now, monotonic) = (self.time.now(), self.ports.clock.monotonic_ms());
        {
            let mut transfers = self.transfers.borrow_mut();
            let Some(running) = transfers.get(number) else {
                return;
            };
            // What is over stays so, also when a machine that slept finds the account first.
            if !matches!(running.side, Side::Asking(None)) || running.left(now, monotonic) == 0 {
                return;
            }
            running.side = Side::Asking(Some(grant));
            running.prolong(OFFERED_MS, now, monotonic);
        }
        self.tell_transfer(stage);
    }

    /// The seed of the account that came.
    pub(crate) fn offered_account(&self) -> Option<Seed> {
        match &self.transfers.borrow().running.as_ref()?.side {
            Side::Asking(Some(grant)) => Some(grant.seed.clone()),
            _ => None,
        }
    }
}
