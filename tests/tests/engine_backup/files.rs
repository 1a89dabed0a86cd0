//! Files in a backup: they are read there when the file server has forgotten them.

use holdfast_client::api::{Attachment, FILE_PIECE, FileInfo, FileState, Purpose};

use super::*;

async fn read(device: &Device, file: &Attachment) -> Vec<u8> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < file.info.size {
        let command = Command::ReadFile {
            file: file.file,
            offset: bytes.len() as u64,
        };
        match device.ask(command).await {
            Reply::Bytes(piece) => bytes.extend(piece),
            other => panic!("{other:?}"),
        }
    }
    bytes
}

#[tokio::test(start_paused = true)]
async fn files_that_the_server_has_forgotten_are_in_the_file() {
    run(async {
        let world = World::with_files().await;
        let (alice, _, _bob, bob_id) = pair(&world).await;
        let content: Vec<u8> = (0..FILE_PIECE + 1_000).map(|at| (at % 251) as u8).collect();
        let info = FileInfo {
            name: Some("Survey.dat".to_owned()),
            content_type: "application/x-survey".to_owned(),
            size: content.len() as u64,
            ..FileInfo::default()
        };
        let command = Command::StageFile {
            purpose: Purpose::Message(bob_id),
            info,
            voice: false,
        };
        let Reply::Staged(staged) = alice.ask(command).await else {
            panic!("not staged");
        };
        for (index, piece) in content.chunks(FILE_PIECE).enumerate() {
            alice
                .ask(Command::WriteFile {
                    file: staged.file,
                    offset: (index * FILE_PIECE) as u64,
                    bytes: piece.to_vec(),
                })
                .await;
        }
        alice
            .ask(Command::SendText {
                conversation: bob_id,
                body: "the survey".to_owned(),
                reply_to: None,
                files: vec![staged.file],
                link: None,
            })
            .await;
        alice.wait_until_sent(bob_id, SOON * 3).await;
        let (without, with) = (make(&alice, false).await, make(&alice, true).await);
        assert!(with.len() > without.len() + content.len());
        world.lose_files().await;
        weeks_pass(&alice, bob_id).await;
        let late = restored(&world, &alice).await;
        bring(&late, &without).await;
        let message = by_text(&late, bob_id, "the survey").await;
        assert_eq!(message.files[0].state, FileState::Expired);
        let (_, contents) = look(&late, &with).await.unwrap();
        assert_eq!(contents.files, 1);
        let taken = bring(&late, &with).await;
        assert_eq!((taken.added, taken.files), (0, 1));
        let message = by_text(&late, bob_id, "the survey").await;
        assert_eq!(message.files[0].state, FileState::Here);
        assert_eq!(message.files[0].info.name.as_deref(), Some("Survey.dat"));
        assert!(read(&late, &message.files[0]).await == content);
        assert_eq!(bring(&late, &with).await.files, 0);
    })
    .await;
}
