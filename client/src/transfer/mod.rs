//! The one-time transfer of an account from a device that has it to one that has none: `asking` is the new device, `giving`
//! the old one, `mailbox` the meeting places in the swarms (`holdfast_protocol::transfer`, `docs/account-transfer.md`).
//!
//! One at a time, in memory only. Whatever ends it, its tasks are stopped, its keys are wiped, and what it left in the swarms
//! is deleted as far as that can be done.

mod asking;
mod giving;
mod mailbox;

use std::rc::Rc;
use std::time::Duration;

use holdfast_protocol::account::Account;
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::transfer::{CodeError, Grant};

use crate::api::{Event, TransferEnd, TransferFault, TransferStage};
use crate::core::Core;
use crate::driver::TaskGuard;
use giving::Answered;

/// How long a transfer waits for network time, by which both devices count, before it begins with this machine's.
const TIME_WAIT: Duration = Duration::from_secs(5);

/// The transfer that runs, if any.
#[derive(Default)]
pub(crate) struct Transfers {
    running: Option<Running>,
    /// How many have begun: the number of the last one.
    count: u64,
    /// What names the last code that was made here.
    own_code: Option<Ed25519PublicKey>,
}

struct Running {
    number: u64,
    /// The throw-away account of this device.
    meeting: Account,
    /// Unix milliseconds, network time.
    expires_at: u64,
    side: Side,
    tasks: Vec<TaskGuard>,
}

/// Which device this one is, and what it knows.
enum Side {
    /// The new one, with the account once it came.
    Asking(Option<Grant>),
    /// The old one.
    Giving(Answered),
}

impl Transfers {
    /// The transfer of this number, while it runs.
    fn get(&mut self, number: u64) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.number == number)
    }

    /// The old device's part of it.
    fn giving(&mut self, number: u64) -> Option<&mut Answered> {
        match &mut self.get(number)?.side {
            Side::Giving(answered) => Some(answered),
            Side::Asking(_) => None,
        }
    }
}

impl From<CodeError> for TransferFault {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Malformed => Self::Code,
            CodeError::Newer => Self::Version,
            CodeError::Expired => Self::Expired,
        }
    }
}

impl Core {
    async fn time_for_transfer(&self) {
        if !self.time.is_known() {
            self.net.resync.notify();
            self.time_known(TIME_WAIT).await;
        }
    }

    fn tell_transfer(&self, stage: TransferStage) {
        self.emit(Event::AccountTransfer(stage));
    }

    /// Begins a transfer in place of one that runs; gives its number.
    fn begin_transfer(self: &Rc<Self>, meeting: &Account, expires_at: u64, side: Side) -> u64 {
        self.end_transfer(TransferEnd::Stopped);
        let mut transfers = self.transfers.borrow_mut();
        transfers.count = transfers.count.wrapping_add(1);
        let number = transfers.count;
        let clock = self.spawner.spawn_scoped(self.clone().run_transfer_clock(number));
        transfers.running = Some(Running {
            number,
            meeting: meeting.clone(),
            expires_at,
            side,
            tasks: vec![clock],
        });
        number
    }

    /// Runs a task for as long as the transfer does.
    fn run_for_transfer(&self, number: u64, task: impl Future<Output = ()> + 'static) {
        let guard = self.spawner.spawn_scoped(task);
        if let Some(running) = self.transfers.borrow_mut().get(number) {
            running.tasks.push(guard);
        }
    }

    /// Ends the transfer when its time is up.
    async fn run_transfer_clock(self: Rc<Self>, number: u64) {
        loop {
            let until = self
                .transfers
                .borrow_mut()
                .get(number)
                .map(|running| running.expires_at);
            let Some(until) = until else { return };
            let left = until.saturating_sub(self.time.now());
            if left == 0 {
                break;
            }
            self.sleep(Duration::from_millis(left)).await;
        }
        self.end_this_transfer(number, TransferEnd::Expired);
    }

    fn transfer_runs(&self, number: u64) -> bool {
        self.transfers.borrow_mut().get(number).is_some()
    }

    fn end_this_transfer(self: &Rc<Self>, number: u64, end: TransferEnd) {
        if self.transfer_runs(number) {
            self.end_transfer(end);
        }
    }

    /// Ends the transfer that runs and says so; nothing happens when none does.
    pub(crate) fn end_transfer(self: &Rc<Self>, end: TransferEnd) {
        if self.forget_transfer() {
            self.tell_transfer(TransferStage::Over(end));
        }
    }

    /// Lets go of the transfer that runs without a word: what it was for is done. Whether there was one.
    pub(crate) fn forget_transfer(self: &Rc<Self>) -> bool {
        let Some(running) = self.transfers.borrow_mut().running.take() else {
            return false;
        };
        if let Side::Giving(answered) = &running.side {
            answered.opened.notify();
        }
        self.spawner.spawn(self.clone().empty_mailbox(running.meeting));
        true
    }
}
