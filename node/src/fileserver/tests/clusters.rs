//! What only stores on other machines can do: be shared, be unreachable, break off, and refuse.

use holdfast_test_stores::postgres;
use holdfast_test_stores::s3::{ACCESS_KEY, BUCKET, SECRET_KEY};

use super::*;
use crate::fileserver::places;

/// Bytes that go up in two parts and a piece.
const LARGE: usize = 10_223_616;
/// How long something may take that happens on its own, tries of 20 ms.
const TRIES: u32 = 500;

/// Names the stores of a kind, and starts what they need.
pub(super) async fn name_stores(kind: Kind, stores: &mut Stores) -> Option<S3> {
    if matches!(kind, Kind::PostgresFolder | Kind::PostgresS3) {
        stores.records = RecordsPlace::parse(&postgres::address()).unwrap();
        stores.secrets = std::mem::take(&mut stores.secrets).with(places::PASSWORD, postgres::PASSWORD);
    }
    if !matches!(kind, Kind::SqliteS3 | Kind::PostgresS3) {
        return None;
    }
    let s3 = S3::start().await;
    stores.content = ContentPlace::parse(&format!("s3://{BUCKET}/{PREFIX}")).unwrap();
    stores.secrets = std::mem::take(&mut stores.secrets)
        .with(places::ENDPOINT, &s3.endpoint)
        .with(places::ACCESS_KEY, ACCESS_KEY)
        .with(places::SECRET_KEY, SECRET_KEY);
    Some(s3)
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..TRIES {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{what} did not come");
}

/// Why a server does not start with these stores.
async fn refused(stores: Stores) -> String {
    let folder = crate::files::temporary_folder("refused");
    let options = Options {
        stores,
        ..Options::new(&folder)
    };
    let clock = Arc::new(HandClock(AtomicU64::new(START)));
    let opened = FileServer::open(&keys(), options, clock).await;
    std::fs::remove_dir_all(folder).unwrap();
    opened.err().expect("it started").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_share_both_stores() {
    let world = World::new(Kind::PostgresS3).await;
    let folder = crate::files::temporary_folder("second");
    let options = Options {
        data: folder.clone(),
        ..world.options.clone()
    };
    let second = FileServer::open(&keys(), options, world.clock.clone())
        .await
        .unwrap();
    let first = world.server.clone();
    let body = bytes(6_000_000, 1);
    let path = format!("/file/{}", world.upload(&body).await.id());
    let mut world = world;
    world.server = second.clone();
    assert!(world.get(&path).await.body == body);
    // What one is writing the other leaves alone when it starts; both clean at once without getting into each other's way.
    let short = [("x-fs-ttl", "60")];
    for seed in 0..100 {
        world
            .ask(Method::POST, "/file", &short, bytes(100, seed))
            .await
            .id();
    }
    world.pass(60_000);
    let (one, other) = futures::future::join(first.clean(), second.clean()).await;
    one.unwrap();
    other.unwrap();
    first.clean().await.unwrap();
    assert_eq!(first.inner.quota.totals().files, 1);
    assert!(world.get(&path).await.body == body);
    first.stop();
    second.stop();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_object_store_refuses_and_keeps_no_parts() {
    let world = World::new(Kind::SqliteS3).await;
    let s3 = world.s3.as_ref().unwrap();
    let kept = world.upload(b"kept").await.id();
    s3.set_full(true);
    assert_eq!(world.upload(b"small").await.status, 507);
    assert_eq!(world.upload(&bytes(LARGE, 1)).await.status, 507);
    s3.set_full(false);
    // Full in the middle of an upload.
    s3.set_holds(true);
    let large = bytes(LARGE, 2);
    let filling = async {
        until("the first part", async || s3.parts() == 1).await;
        s3.set_full(true);
        s3.set_holds(false);
    };
    let (answer, ()) = futures::future::join(world.upload(&large), filling).await;
    assert_eq!(
        (answer.status, answer.json()["status_code"].as_u64()),
        (507, Some(507))
    );
    assert_eq!((s3.unfinished(), s3.parts(), world.incoming()), (0, 0, 0));
    let notes = std::fs::read_dir(world.folder.join(UNDER_WAY)).unwrap().count();
    assert_eq!(notes, 0);
    assert_eq!(world.get(&format!("/file/{kept}")).await.body, b"kept");
    s3.set_full(false);
    let id = world.upload(&large).await.id();
    assert!(world.get(&format!("/file/{id}")).await.body == large);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_others_in_the_same_bucket_are_left_alone() {
    let world = World::new(Kind::SqliteS3).await;
    let s3 = world.s3.as_ref().unwrap();
    let strangers = [
        "our/files/readme",
        "our/files/ab/cd",
        "our/files/ab/ab.txt",
        "our/ab/abc",
        "ab/abc",
    ];
    for key in strangers {
        std::fs::create_dir_all(s3.place(key).parent().unwrap()).unwrap();
        std::fs::write(s3.place(key), b"theirs").unwrap();
    }
    std::fs::write(s3.place("our/files/ab/abc"), b"nobody's").unwrap();
    world.server.sweep().await.unwrap();
    assert!(!s3.place("our/files/ab/abc").exists());
    for key in strangers {
        assert!(s3.place(key).exists(), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_database_breaks_are_made_again() {
    let world = World::with(Kind::PostgresFolder, |options| {
        let RecordsPlace::Postgres(address) = &mut options.stores.records else {
            panic!()
        };
        address.push_str("&application_name=to_be_broken");
    })
    .await;
    for seed in 0..20 {
        world.upload(&bytes(10, seed)).await.id();
    }
    postgres::break_connections("to_be_broken");
    until("a new connection", async || {
        world.upload(b"after").await.status == 200
    })
    .await;
    let all = futures::future::join_all((0..20).map(|seed| {
        let (world, body) = (&world, bytes(10, seed));
        async move { world.upload(&body).await.status }
    }));
    assert!(all.await.iter().all(|status| *status == 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_the_database_are_encrypted_and_its_certificate_verified() {
    let mut stores = Stores::default();
    name_stores(Kind::PostgresFolder, &mut stores).await;
    let RecordsPlace::Postgres(address) = &stores.records else {
        panic!()
    };
    let (address, authority) = postgres::encrypted(address);
    stores.records = RecordsPlace::parse(&address).unwrap();
    let unknown = refused(stores.clone()).await;
    assert!(unknown.contains("certificate"), "{unknown}");
    stores.authorities = Some(authority);
    let world = World::with(Kind::SqliteFolder, |options| options.stores = stores).await;
    assert_eq!(world.upload(b"over TLS").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_refused_in_plain_words_without_secrets() {
    let mut postgres = Stores::default();
    name_stores(Kind::PostgresFolder, &mut postgres).await;
    let mut object_store = Stores::default();
    let _s3 = name_stores(Kind::SqliteS3, &mut object_store).await;
    let with = |stores: &Stores, name, value| Stores {
        secrets: stores.secrets.clone().with(name, value),
        ..stores.clone()
    };
    let nowhere = RecordsPlace::parse("postgres://u@127.0.0.1:1/d").unwrap();
    let no_bucket = ContentPlace::parse("s3://elsewhere").unwrap();
    for (stores, words) in [
        (
            with(&postgres, places::PASSWORD, "wrong-hush"),
            "password authentication failed",
        ),
        (
            Stores {
                records: nowhere,
                ..postgres
            },
            "error connecting to server",
        ),
        (
            with(&object_store, places::SECRET_KEY, "wrong-hush"),
            "SignatureDoesNotMatch",
        ),
        (
            with(&object_store, places::ENDPOINT, "127.0.0.1"),
            "AWS_ENDPOINT_URL: it must be http",
        ),
        (
            with(&object_store, places::ENDPOINT, "http://127.0.0.1:1"),
            "could not be reached",
        ),
        (
            Stores {
                content: no_bucket,
                ..object_store.clone()
            },
            "NoSuchBucket",
        ),
        (
            Stores {
                secrets: Secrets::default(),
                ..object_store
            },
            "AWS_ACCESS_KEY_ID is not set",
        ),
    ] {
        let said = refused(stores).await;
        assert!(said.contains(words), "{said} instead of {words}");
        assert!(!said.contains("hush"), "{said}");
    }
}
