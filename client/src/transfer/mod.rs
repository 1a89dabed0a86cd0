//! The one-time transfer of an account from a device that has it to one that has none: `asking` is the new device, `giving`
//! the old one, `mailbox` the meeting places in the swarms (`holdfast_protocol::transfer`, `docs/account-transfer.md`).
//!
//! One at a time, in memory only. Whatever ends it, its tasks are stopped, its keys are wiped, and what it left in the swarms
//! is deleted as far as that can be done; for an answer that no node confirmed all that waits until its time is up.

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
/// How often it is looked whether the time is up, milliseconds: clocks are set right, and machines sleep.
const LOOK_MS: u64 = 5_000;

/// The transfer that runs, if any.
#[derive(Default)]
pub(crate) struct Transfers {
    running: Option<Running>,
    /// The number of what was asked for last: a transfer, or that there be none.
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
    /// The same on the monotonic clock. Whichever says first that the time is up is believed: network time may be set right
    /// meanwhile, and the monotonic clock may stand still while the machine sleeps.
    ends_at: u64,
    side: Side,
    /// The user has heard that it is over. Only the answer is kept, for the case that the same code is read again.
    set_aside: bool,
    tasks: Vec<TaskGuard>,
}

/// Which device this one is, and what it knows.
enum Side {
    /// The new one, with the account once it came.
    Asking(Option<Grant>),
    /// The old one.
    Giving(Answered),
}

impl Running {
    /// How long it has left, milliseconds, with both clocks as they are.
    fn left(&self, now: u64, monotonic: u64) -> u64 {
        let by_network = self.expires_at.saturating_sub(now);
        by_network.min(self.ends_at.saturating_sub(monotonic))
    }

    /// Lets it go on for so many milliseconds at least.
    fn prolong(&mut self, least: u64, now: u64, monotonic: u64) {
        self.expires_at = self.expires_at.max(now.saturating_add(least));
        self.ends_at = self.ends_at.max(monotonic.saturating_add(least));
    }
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

    /// The number under which a transfer may begin, unless something else is asked for before it does.
    fn next_transfer(&self) -> u64 {
        let mut transfers = self.transfers.borrow_mut();
        transfers.count = transfers.count.wrapping_add(1);
        transfers.count
    }

    /// Begins a transfer in place of one that runs.
    ///
    /// # Errors
    /// [`TransferFault::NotNow`] when it is not the one that was asked for last, or none is wanted any more.
    fn begin_transfer(
        self: &Rc<Self>,
        number: u64,
        meeting: &Account,
        expires_at: u64,
        side: Side,
    ) -> Result<(), TransferFault> {
        if self.transfers.borrow().count != number {
            return Err(TransferFault::NotNow);
        }
        self.end_transfer(TransferEnd::Stopped);
        let clock = self.spawner.spawn_scoped(self.clone().run_transfer_clock(number));
        let left = expires_at.saturating_sub(self.time.now());
        let ends_at = self.ports.clock.monotonic_ms().saturating_add(left);
        self.transfers.borrow_mut().running = Some(Running {
            number,
            meeting: meeting.clone(),
            expires_at,
            ends_at,
            side,
            set_aside: false,
            tasks: vec![clock],
        });
        Ok(())
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
        while let Some(left) = self.transfer_left(number) {
            self.sleep(Duration::from_millis(left.min(LOOK_MS))).await;
        }
        self.end_this_transfer(number, TransferEnd::Expired);
    }

    /// How long a transfer has left, milliseconds; `None` when its time is up or it does not run.
    fn transfer_left(&self, number: u64) -> Option<u64> {
        let (now, monotonic) = (self.time.now(), self.ports.clock.monotonic_ms());
        let mut transfers = self.transfers.borrow_mut();
        let left = transfers.get(number)?.left(now, monotonic);
        (left > 0).then_some(left)
    }

    fn transfer_runs(&self, number: u64) -> bool {
        self.transfers.borrow_mut().get(number).is_some()
    }

    fn end_this_transfer(self: &Rc<Self>, number: u64, end: TransferEnd) {
        if self.transfer_runs(number) {
            self.end_transfer(end);
        }
    }

    /// The user wants none: ends the transfer that runs, and keeps one that is about to begin from it.
    pub(crate) fn stop_transfer(self: &Rc<Self>) {
        self.next_transfer();
        self.end_transfer(TransferEnd::Stopped);
    }

    /// Ends the transfer that runs and says so, unless that was said before; nothing happens when none does.
    fn end_transfer(self: &Rc<Self>, end: TransferEnd) {
        if self.forget_transfer() {
            self.tell_transfer(TransferStage::Over(end));
        }
    }

    /// Lets go of the transfer that runs without a word: what it was for is done. Whether there was one, and the user has not
    /// heard that it is over.
    pub(crate) fn forget_transfer(self: &Rc<Self>) -> bool {
        let Some(running) = self.transfers.borrow_mut().running.take() else {
            return false;
        };
        if let Side::Giving(answered) = &running.side {
            answered.opened.notify();
        }
        self.spawner.spawn(self.clone().empty_mailbox(running.meeting));
        !running.set_aside
    }
}
