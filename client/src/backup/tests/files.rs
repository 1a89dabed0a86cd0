//! Files of messages come back with them.

use futures::executor::block_on;

use super::*;
use crate::api::{FileInfo, Position};
use crate::records::{AttachmentRecord, FilePlace, FileRecord, Held};

#[test]
fn files_come_back_with_their_messages() {
    block_on(async {
        let (old, new) = (Rc::default(), Rc::<MemoryStore>::default());
        let before = filled(&old, 2).await;
        let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
        content.resize(600_000, 7);
        let mut work = Work::begin(&before).await;
        let number = FileId(work.next_number());
        let attachment = AttachmentRecord {
            file: number,
            info: FileInfo {
                name: Some("chart.png".to_owned()),
                content_type: "image/png".to_owned(),
                kind: crate::api::FileKind::Image,
                size: 600_000,
                ..FileInfo::default()
            },
            source: None,
            fault: None,
        };
        let with_file = MessageRecord {
            files: vec![attachment],
            ..message(false, "with a file")
        };
        let position = work.insert(&id(2), LONG_AGO + 50, with_file).await.unwrap();
        for (index, piece) in (0..).zip(content.chunks(crate::api::FILE_PIECE)) {
            work.put(Collection::Pieces, keys::piece(number, index), piece.to_vec());
        }
        let record = FileRecord {
            place: FilePlace::Message(position.id),
            size: 600_000,
            held: Held::Whole,
            used_at: 0,
            again_until: 0,
        };
        work.put_file(number, record).unwrap();
        work.commit().await.unwrap();
        let (without, with) = (make(&before, false).await, make(&before, true).await);

        let after = device(&new).await;
        friend(&after).await;
        assert_eq!(bring(&after, &without).await.files, 0);
        let taken = bring(&after, &with).await;
        assert_eq!((taken.added, taken.known, taken.files), (0, 3, 1));
        assert_eq!(bring(&after, &with).await.files, 0);
        let held: Vec<(FileId, FileRecord)> = {
            let state = after.state.borrow();
            state
                .files
                .iter()
                .map(|(file, record)| (file, record.clone()))
                .collect()
        };
        assert_eq!(
            (held.len(), held[0].1.held, held[0].1.size),
            (1, Held::Whole, 600_000)
        );
        let mut read = Vec::new();
        for index in 0..3 {
            read.extend(after.piece(held[0].0, index).await.unwrap().unwrap());
        }
        assert!(read == content);
        let gallery = keys::gallery(
            &id(2),
            crate::api::Gallery::Media,
            Position {
                sent_at: LONG_AGO + 50,
                id: match held[0].1.place {
                    FilePlace::Message(message) => message,
                    _ => panic!("not of a message"),
                },
            },
        );
        assert!(new.get(Collection::Gallery, &gallery).await.unwrap().is_some());
    });
}
