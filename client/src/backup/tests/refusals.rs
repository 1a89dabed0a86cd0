//! What can't be brought back, and parts that come when they are not asked for.

use futures::executor::block_on;
use holdfast_protocol::backup::BackupError;

use super::*;
use crate::api::BackupFault;

#[test]
fn what_can_not_be_brought_back_is_told_apart_and_changes_nothing() {
    block_on(async {
        let store = Rc::default();
        let core = filled(&store, 100).await;
        let file = make(&core, false).await;
        let before = messages(&store).await;
        let why = |error| Failure::Backup(BackupFault::File(error));
        let mut altered = file.clone();
        *altered.last_mut().unwrap() ^= 1;
        for (bytes, expected) in [
            (&altered[..], BackupError::Altered),
            (&file[..file.len() - 1], BackupError::Truncated),
            (&b"something else"[..], BackupError::NotABackup),
        ] {
            assert_eq!(check(&core, bytes).await.unwrap_err(), why(expected));
        }
        let wrong = Command::OpenBackup {
            passphrase: Passphrase::new("three green kelp".to_owned()),
            head: file[..BACKUP_HEAD].to_vec(),
        };
        assert_eq!(
            carried(&core, wrong).await.unwrap_err(),
            why(BackupError::WrongPassphrase)
        );
        let stranger = core_at(&Rc::default(), NOW);
        let name = "Cleo".to_owned();
        carried(&stranger, Command::CreateAccount { name }).await.unwrap();
        assert_eq!(
            check(&stranger, &file).await.unwrap_err(),
            why(BackupError::WrongAccount)
        );
        // Only what was checked is taken, in its order, and only by the engine that checked it.
        let interrupted = Failure::Backup(BackupFault::Interrupted);
        let take = |backup, offset| Command::TakeBackup {
            backup,
            offset,
            bytes: file[..10].to_vec(),
            last: false,
        };
        let opened = open(&core, &file).await.unwrap();
        assert_eq!(carried(&core, take(opened, 0)).await.unwrap_err(), interrupted);
        let checked = check(&core, &file).await.unwrap();
        assert_eq!(
            carried(&core, take(BackupId(1), 0)).await.unwrap_err(),
            interrupted
        );
        assert_eq!(carried(&core, take(checked, 5)).await.unwrap_err(), interrupted);
        let ended = check(&core, &file).await.unwrap();
        carried(&core, Command::EndBackup(ended)).await.unwrap();
        assert_eq!(carried(&core, take(ended, 0)).await.unwrap_err(), interrupted);
        // And parts of a new file in theirs.
        let passphrase = Passphrase::new(PHRASE.to_owned());
        let short = Command::StartBackup {
            passphrase: Passphrase::new("short".to_owned()),
            files: false,
        };
        assert_eq!(
            carried(&core, short).await.unwrap_err(),
            Failure::Backup(BackupFault::Passphrase)
        );
        let start = Command::StartBackup {
            passphrase,
            files: false,
        };
        carried(&core, start).await.unwrap();
        let command = Command::ReadBackup {
            backup: BackupId(1),
            part: 1,
        };
        assert_eq!(carried(&core, command).await.unwrap_err(), interrupted);
        assert!(messages(&store).await == before);
    });
}
