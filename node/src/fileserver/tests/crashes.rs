//! What is left when a process is killed, a disk fills up or a file vanishes, and that uploads and deletions of the same
//! file never hurt each other.

use std::ops::Range;

use futures::future::{BoxFuture, join_all};
use futures::stream::BoxStream;
use holdfast_protocol::file::FileId;
use holdfast_protocol::file::api::file_id;

use super::content::Opened;
use super::upload::Upload;
use super::*;

async fn finished_files_survive_a_restart_and_half_ones_leave_nothing(kind: Kind) {
    let mut world = World::new(kind).await;
    let kept = world.upload(b"kept").await.id();
    // Killed while the body came.
    std::fs::write(world.folder.join(INCOMING).join("0123"), b"half").unwrap();
    // Killed between the bytes and the last change of the row: never acknowledged.
    let body = b"put, but not finished";
    let unfinished = file_id(body);
    let records = &world.server.inner.records;
    records
        .begin(unfinished.clone(), body.len() as u64, START, START + DAY_MS)
        .await
        .unwrap();
    let place = world.place(unfinished.as_str());
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, body).unwrap();
    assert_eq!(
        world.get(&format!("/file/{}", unfinished.as_str())).await.status,
        404
    );
    world.restart_and_clean().await;
    assert_eq!(world.incoming(), 0);
    assert!(!place.exists());
    assert_eq!(world.server.inner.quota.totals().files, 1);
    assert_eq!(world.get(&format!("/file/{kept}")).await.body, b"kept");
}

async fn a_deletion_that_was_cut_off_is_ended(kind: Kind) {
    let mut world = World::new(kind).await;
    let id = world
        .ask(Method::POST, "/file", &[("x-fs-ttl", "60")], "old")
        .await
        .id();
    world.pass(60_000);
    let taken = world
        .server
        .inner
        .records
        .take_expired(START + 60_000, 0, 10)
        .await
        .unwrap();
    assert_eq!(taken.len(), 1);
    world.restart_and_clean().await;
    assert!(!world.place(&id).exists());
    assert_eq!(world.server.inner.quota.totals().files, 0);
}

async fn what_others_left_unfinished_is_taken_after_a_while(kind: Kind) {
    let world = World::new(kind).await;
    let id = file_id(b"elsewhere");
    let records = &world.server.inner.records;
    records.begin(id.clone(), 9, START, START + DAY_MS).await.unwrap();
    world.server.clean().await.unwrap();
    assert!(
        records.finish(id.clone()).await.unwrap().is_some(),
        "still theirs"
    );
    records.begin_again(id.clone(), START).await.unwrap();
    world.pass(10 * 60 * 1000);
    world.server.clean().await.unwrap();
    assert!(records.finish(id).await.unwrap().is_none());
}

async fn content_that_no_row_knows_is_swept(kind: Kind) {
    let world = World::new(kind).await;
    let kept = world.upload(b"kept").await.id();
    let orphan = world.place(file_id(b"orphan").as_str());
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"orphan").unwrap();
    world.server.sweep().await.unwrap();
    assert!(!orphan.exists() && world.place(&kept).exists());
    assert_eq!(world.upload(b"orphan").await.status, 200);
}

async fn a_file_without_content_is_forgotten_and_can_come_again(kind: Kind) {
    let world = World::new(kind).await;
    let body = bytes(5000, 1);
    let id = world.upload(&body).await.id();
    let path = format!("/file/{id}");
    std::fs::remove_file(world.place(&id)).unwrap();
    assert_eq!(world.get(&path).await.status, 404);
    assert_eq!(world.get(&format!("{path}/info")).await.status, 404);
    assert_eq!(world.upload(&body).await.id(), id);
    // Cut short, and noticed by the next upload instead.
    std::fs::write(world.place(&id), b"cut").unwrap();
    assert_eq!(world.upload(&body).await.id(), id);
    assert!(world.get(&path).await.body == body);
}

async fn a_folder_belongs_to_one_server(kind: Kind) {
    let world = World::new(kind).await;
    let second = FileServer::open(&keys(), world.options.clone(), world.clock.clone()).await;
    assert!(matches!(second.err(), Some(StartError::InUse(_))));
}

/// A store whose disk is full.
struct FullContent(Arc<dyn Content>);

impl Content for FullContent {
    fn put(&self, _: FileId, upload: Upload) -> BoxFuture<'_, Result<(), ContentError>> {
        assert!(upload.path().exists());
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        Box::pin(std::future::ready(Err(full.into())))
    }

    fn moves_uploads(&self) -> bool {
        self.0.moves_uploads()
    }

    fn open(&self, id: FileId, range: Range<u64>) -> BoxFuture<'_, Result<Option<Opened>, ContentError>> {
        self.0.open(id, range)
    }

    fn size(&self, id: FileId) -> BoxFuture<'_, Result<Option<u64>, ContentError>> {
        self.0.size(id)
    }

    fn delete(&self, id: FileId) -> BoxFuture<'_, Result<(), ContentError>> {
        self.0.delete(id)
    }

    fn list(&self) -> BoxStream<'_, Result<Vec<FileId>, ContentError>> {
        self.0.list()
    }
}

async fn a_full_disk_refuses_and_keeps_nothing(kind: Kind) {
    let mut world = World::new(kind).await;
    let inner = Arc::clone(&world.server.inner);
    let content = Arc::new(FullContent(Arc::clone(&inner.content)));
    let _ = inner.lock.unlock();
    let keys = keys();
    let full = FileServer::over(
        &keys,
        world.options.clone(),
        world.clock.clone(),
        content,
        Arc::clone(&inner.records),
        lock(&world.folder).unwrap(),
    );
    world.server = full.await.unwrap();
    let answer = world.upload(&bytes(200_000, 1)).await;
    assert_eq!(
        (answer.status, answer.json()["status_code"].as_u64()),
        (507, Some(507))
    );
    assert_eq!(world.incoming(), 0);
    world.pass(10 * 60 * 1000);
    world.server.clean().await.unwrap();
    assert_eq!(world.server.inner.quota.totals(), records::Totals::default());
    // No folder for temporary files stands for every other trouble.
    std::fs::remove_dir_all(world.folder.join(INCOMING)).unwrap();
    let answer = world.upload(&bytes(200_000, 1)).await;
    assert_eq!(
        (answer.status, answer.json()["status_code"].as_u64()),
        (500, Some(500))
    );
}

async fn uploads_and_deletions_of_the_same_file_never_lose_one_that_was_acknowledged(kind: Kind) {
    let world = World::new(kind).await;
    let body = bytes(3000, 1);
    for round in 0..60_u64 {
        // Whatever is there expires, and is deleted while it comes again several times.
        world.pass(14 * DAY_MS);
        let uploads = join_all((0..4).map(|_| world.upload(&body)));
        let cleaning = async {
            for _ in 0..3 {
                world.server.clean().await.unwrap();
                world.server.sweep().await.unwrap();
            }
        };
        let (uploads, ()) = futures::future::join(uploads, cleaning).await;
        let ids: Vec<String> = uploads.iter().map(Got::id).collect();
        let got = world.get(&format!("/file/{}", ids[0])).await;
        assert!(got.status == 200 && got.body == body, "round {round}");
    }
    assert_eq!(world.incoming(), 0);
}

over_every_store! {
    finished_files_survive_a_restart_and_half_ones_leave_nothing,
    a_deletion_that_was_cut_off_is_ended,
    what_others_left_unfinished_is_taken_after_a_while,
    content_that_no_row_knows_is_swept,
    a_file_without_content_is_forgotten_and_can_come_again,
    a_folder_belongs_to_one_server,
    a_full_disk_refuses_and_keeps_nothing,
    uploads_and_deletions_of_the_same_file_never_lose_one_that_was_acknowledged,
}
