//! Backup files on their way out of the engine and into it. They go on while other screens are shown.

use holdfast_client::api::{
    BACKUP_HEAD, BACKUP_SLICE, BackupContents, BackupFault, BackupId, BackupTaken, Command, Failure,
    Passphrase, Reply,
};
use holdfast_protocol::backup::BackupError;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{Blob, File};
use zeroize::Zeroizing;

use super::preferences::key;
use super::{AppState, failure_text};
use crate::engine::LinkError;
use crate::i18n::t;
use crate::platform::{self, blob, save};

/// What backup files' names end in.
const EXTENSION: &str = ".holdfast";

/// How far the making of a backup file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Making {
    /// None is being made.
    #[default]
    Idle,
    /// The user says where to; then the passphrase is stretched.
    Starting,
    /// So much of so much is written.
    Writing(u64, u64),
    /// It is there, under this name.
    Made(String),
    /// It could not be made; why.
    Failed(String),
}

/// How far the bringing back of a backup file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bringing {
    /// None is open.
    #[default]
    Idle,
    /// The passphrase is stretched.
    Opening,
    /// So many bytes of so many are checked.
    Checking(u64, u64),
    /// All of it was checked; this is in it.
    Checked(BackupContents),
    /// So many bytes of so many are brought back.
    Taking(u64, u64),
    /// All of it was brought back.
    Taken(BackupTaken),
}

/// What is wrong with an attempt to bring a file back, where it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Beside the file.
    pub file: String,
    /// Beside the passphrase.
    pub passphrase: String,
    /// Below everything.
    pub other: String,
    /// It may go well later: the file stays open.
    pub early: bool,
}

/// The file that is open.
#[derive(Clone)]
struct Opened {
    backup: BackupId,
    file: File,
}

/// A slice of it: where it begins, its bytes, and whether it is the last one.
type Slice = (u64, Vec<u8>, bool);

/// Backup files that are being made or brought back; copies are the same ones.
#[derive(Clone, Copy)]
pub(crate) struct Backups {
    /// The one that is being made.
    pub making: RwSignal<Making>,
    /// The one that is being brought back.
    pub bringing: RwSignal<Bringing>,
    /// What was wrong with the last attempt.
    pub wrong: RwSignal<Wrong>,
    opened: StoredValue<Option<Opened>, LocalStorage>,
    /// Counts what was begun: whatever belongs to an earlier number stops.
    making_now: StoredValue<u32>,
    bringing_now: StoredValue<u32>,
}

/// A backup fault in words.
pub(crate) fn fault_text(fault: &BackupFault) -> String {
    match fault {
        BackupFault::File(BackupError::NotABackup) => t("backup.error_not"),
        BackupFault::File(BackupError::Newer) => t("backup.error_newer"),
        BackupFault::File(BackupError::TooCostly | BackupError::Memory) => t("backup.error_memory"),
        BackupFault::File(BackupError::WrongAccount) => t("backup.error_account"),
        BackupFault::File(BackupError::WrongPassphrase) => t("backup.error_passphrase"),
        BackupFault::File(BackupError::Truncated) => t("backup.error_cut"),
        BackupFault::File(BackupError::Altered | BackupError::TooLarge) => t("backup.error_altered"),
        BackupFault::Passphrase => t("backup.error_short"),
        BackupFault::TooEarly => t("backup.error_early"),
        BackupFault::Interrupted => t("backup.error_interrupted"),
    }
}

/// Where a failure is said.
fn wrong(error: LinkError) -> Wrong {
    let mut wrong = Wrong::default();
    match error {
        LinkError::Failed(Failure::Backup(fault @ BackupFault::File(BackupError::WrongPassphrase))) => {
            wrong.passphrase = fault_text(&fault);
        }
        LinkError::Failed(Failure::Backup(fault @ BackupFault::File(_))) => wrong.file = fault_text(&fault),
        LinkError::Failed(Failure::Backup(fault @ BackupFault::TooEarly)) => {
            wrong.other = fault_text(&fault);
            wrong.early = true;
        }
        LinkError::Failed(failure) => wrong.other = failure_text(&failure),
        // The page says so as a whole.
        LinkError::Lost => {}
    }
    wrong
}

/// A part of a file; `None` when the browser does not give it any more.
async fn part(file: &File, start: u64, end: u64) -> Option<Vec<u8>> {
    let part: Blob = file.slice_with_f64_and_f64(start as f64, end as f64).ok()?;
    let bytes = blob::bytes(&part).await?.to_vec();
    (bytes.len() as u64 == end - start).then_some(bytes)
}

fn unreadable() -> Wrong {
    Wrong {
        file: t("backup.error_unreadable"),
        ..Wrong::default()
    }
}

fn passphrase(text: &str) -> Passphrase {
    let typed = Zeroizing::new(platform::normal_form(text));
    Passphrase::new(typed.as_str().to_owned())
}

impl Backups {
    pub(super) fn new() -> Self {
        Self {
            making: RwSignal::new(Making::Idle),
            bringing: RwSignal::new(Bringing::Idle),
            wrong: RwSignal::new(Wrong::default()),
            opened: StoredValue::new_local(None),
            making_now: StoredValue::new(0),
            bringing_now: StoredValue::new(0),
        }
    }

    /// The account is gone.
    pub(super) fn clear(self) {
        self.making_now.update_value(|now| *now += 1);
        self.bringing_now.update_value(|now| *now += 1);
        self.making.set(Making::Idle);
        self.bringing.set(Bringing::Idle);
        self.wrong.set(Wrong::default());
        self.opened.set_value(None);
    }

    /// Makes a backup file. Call it from a click or key press: the browser may ask where to.
    pub(crate) fn make(self, state: AppState, typed: &str, files: bool) {
        let passphrase = passphrase(typed);
        let now = self.making_now.get_value() + 1;
        self.making_now.set_value(now);
        self.making.set(Making::Starting);
        spawn_local(async move {
            let name = format!("holdfast-backup-{}{EXTENSION}", platform::today());
            let made = self.write(state, now, &name, passphrase, files).await;
            if self.making_now.get_value() == now {
                self.making.set(made);
            }
        });
    }

    async fn write(
        self,
        state: AppState,
        now: u32,
        name: &str,
        passphrase: Passphrase,
        files: bool,
    ) -> Making {
        let Some(sink) = save::open(name, &t("backup.title"), EXTENSION).await else {
            return Making::Idle;
        };
        let mut command = Command::StartBackup { passphrase, files };
        let mut number = 0;
        loop {
            let part = match state.request(command).await {
                Ok(Reply::BackupPart(part)) => part,
                Ok(_) | Err(LinkError::Lost) => {
                    sink.discard().await;
                    return Making::Idle;
                }
                Err(LinkError::Failed(failure)) => {
                    sink.discard().await;
                    return Making::Failed(failure_text(&failure));
                }
            };
            let wanted = self.making_now.get_value() == now;
            let written = wanted && sink.write(&part.bytes).await;
            if !written {
                sink.discard().await;
                state.tell(Command::EndBackup(part.backup));
                return Making::Failed(t("backup.error_write"));
            }
            if part.last {
                break;
            }
            self.making.set(Making::Writing(part.done, part.total));
            number += 1;
            command = Command::ReadBackup {
                backup: part.backup,
                part: number,
            };
        }
        if sink.finish(name).await {
            Making::Made(name.to_owned())
        } else {
            Making::Failed(t("backup.error_write"))
        }
    }

    /// Gives the making up.
    pub(crate) fn stop_making(self) {
        self.making_now.update_value(|now| *now += 1);
        self.making.set(Making::Idle);
    }

    /// Opens a backup file and checks all of it. Nothing of it is taken.
    pub(crate) fn look_into(self, state: AppState, file: File, typed: &str) {
        let passphrase = passphrase(typed);
        self.stop_bringing(state);
        let now = self.bringing_now.get_value();
        self.wrong.set(Wrong::default());
        self.bringing.set(Bringing::Opening);
        spawn_local(async move {
            let looked = self.check(state, now, file, passphrase).await;
            if self.bringing_now.get_value() != now {
                return;
            }
            match looked {
                Ok(contents) => self.bringing.set(Bringing::Checked(contents)),
                Err(wrong) => self.fail(state, wrong),
            }
        });
    }

    async fn check(
        self,
        state: AppState,
        now: u32,
        file: File,
        passphrase: Passphrase,
    ) -> Result<BackupContents, Wrong> {
        let size = file.size() as u64;
        let head = part(&file, 0, size.min(BACKUP_HEAD as u64)).await;
        let head = head.ok_or_else(unreadable)?;
        let open = Command::OpenBackup { passphrase, head };
        let backup = match state.request(open).await.map_err(wrong)? {
            Reply::BackupOpened(backup) => backup,
            _ => return Err(Wrong::default()),
        };
        if self.bringing_now.get_value() != now {
            state.tell(Command::EndBackup(backup));
            return Err(Wrong::default());
        }
        let opened = Opened { backup, file };
        self.opened.set_value(Some(opened.clone()));
        let command = |(offset, bytes, last)| Command::CheckBackup {
            backup,
            offset,
            bytes,
            last,
        };
        match self
            .read(state, now, &opened, Bringing::Checking, command)
            .await?
        {
            Reply::BackupChecked(Some(contents)) => Ok(contents),
            _ => Err(Wrong::default()),
        }
    }

    /// Gives the engine an open file slice by slice; what it replies to the last one.
    async fn read(
        self,
        state: AppState,
        now: u32,
        opened: &Opened,
        step: fn(u64, u64) -> Bringing,
        command: impl Fn(Slice) -> Command,
    ) -> Result<Reply, Wrong> {
        let size = opened.file.size() as u64;
        let mut offset = 0;
        loop {
            self.bringing.set(step(offset, size));
            let end = size.min(offset + BACKUP_SLICE as u64);
            let bytes = part(&opened.file, offset, end).await.ok_or_else(unreadable)?;
            let last = end == size;
            let reply = state
                .request(command((offset, bytes, last)))
                .await
                .map_err(wrong)?;
            if self.bringing_now.get_value() != now {
                return Err(Wrong::default());
            }
            if last {
                return Ok(reply);
            }
            offset = end;
        }
    }

    /// Brings the file back that was checked.
    pub(crate) fn bring_back(self, state: AppState) {
        let Some(opened) = self.opened.get_value() else {
            return;
        };
        let Bringing::Checked(contents) = self.bringing.get_untracked() else {
            return;
        };
        let now = self.bringing_now.get_value();
        self.wrong.set(Wrong::default());
        spawn_local(async move {
            let taken = self.take(state, now, &opened).await;
            if self.bringing_now.get_value() != now {
                return;
            }
            match taken {
                Ok(taken) => {
                    self.opened.set_value(None);
                    self.bringing.set(Bringing::Taken(taken));
                    state.set_preference(key::OFFER_BACKUP, "");
                }
                Err(wrong) if wrong.early => {
                    self.bringing.set(Bringing::Checked(contents));
                    self.wrong.set(wrong);
                }
                Err(wrong) => self.fail(state, wrong),
            }
        });
    }

    async fn take(self, state: AppState, now: u32, opened: &Opened) -> Result<BackupTaken, Wrong> {
        let command = |(offset, bytes, last)| Command::TakeBackup {
            backup: opened.backup,
            offset,
            bytes,
            last,
        };
        match self.read(state, now, opened, Bringing::Taking, command).await? {
            Reply::BackupTaken(taken) => Ok(taken),
            _ => Err(Wrong::default()),
        }
    }

    fn fail(self, state: AppState, wrong: Wrong) {
        self.stop_bringing(state);
        self.wrong.set(wrong);
    }

    /// Closes the file. What was brought back stays.
    pub(crate) fn stop_bringing(self, state: AppState) {
        self.bringing_now.update_value(|now| *now += 1);
        self.bringing.set(Bringing::Idle);
        if let Some(opened) = self.opened.try_update_value(Option::take).flatten() {
            state.tell(Command::EndBackup(opened.backup));
        }
    }
}
