//! What clients see.

use futures::stream;

use super::*;

async fn what_is_uploaded_comes_back_bit_for_bit(kind: Kind) {
    let world = World::new(kind).await;
    for (seed, length) in [(1, 1), (2, 1000), (3, 131_072), (4, 400_000), (5, 10_223_616)] {
        let body = bytes(length, seed);
        let answer = world.upload(&body).await;
        let told = answer.json();
        assert_eq!(told["size"], length);
        assert_eq!(told["uploaded"], START as f64 / 1000.0);
        assert_eq!(told["expires"], (START + 14 * DAY_MS) as f64 / 1000.0);
        let got = world.get(&format!("/file/{}", answer.id())).await;
        assert_eq!(got.status, 200);
        assert!(got.body == body, "{length}");
        assert_eq!(got.header("content-length"), length.to_string());
        assert_eq!(got.header("content-type"), "application/octet-stream");
        assert_eq!(got.header("expires"), "Thu, 11 Jun 2026 20:26:40 GMT");
    }
    assert_eq!(world.incoming(), 0);
}

async fn the_id_is_the_hash_of_the_bytes(kind: Kind) {
    let world = World::new(kind).await;
    let answer = world.upload(b"hello world").await;
    assert_eq!(answer.id(), "3qXfYbeRSxXa89I8ApcbKl0_BshkLQ6myd0DsvcrDEy3");
    assert_eq!(answer.header("content-type"), "application/json");
}

async fn the_same_file_is_kept_once_and_longer(kind: Kind) {
    let world = World::new(kind).await;
    let first = world.upload(b"again").await.json();
    world.pass(DAY_MS);
    let short = [("x-fs-ttl", "60")];
    let second = world.ask(Method::POST, "/file", &short, "again").await.json();
    assert_eq!(second, first, "a shorter life shortens nothing");
    let third = world.upload(b"again").await.json();
    assert_eq!(
        (&third["id"], &third["uploaded"]),
        (&first["id"], &first["uploaded"])
    );
    assert_eq!(third["expires"], (START + 15 * DAY_MS) as f64 / 1000.0);
    assert_eq!(world.server.inner.quota.totals().files, 1);
}

async fn info_and_extension_tell_size_and_times(kind: Kind) {
    let world = World::new(kind).await;
    let id = world
        .ask(Method::POST, "/file", &[("X-FS-TTL", "60")], "short")
        .await
        .id();
    let path = format!("/file/{id}/info");
    let info = world.get(&path).await.json();
    let expected = |expires: u64| {
        serde_json::json!({
            "size": 5,
            "uploaded": START as f64 / 1000.0,
            "expires": expires as f64 / 1000.0,
        })
    };
    assert_eq!(info, expected(START + 60_000));
    world.pass(30_000);
    let extend = format!("/file/{id}/extend");
    let answer = world.ask(Method::POST, &extend, &[("x-fs-ttl", "10")], "").await;
    assert_eq!(answer.json()["expires"], expected(START + 60_000)["expires"]);
    let answer = world.ask(Method::POST, &extend, &[], "").await;
    assert_eq!(answer.id(), id);
    assert_eq!(
        world.get(&path).await.json(),
        expected(START + 30_000 + 14 * DAY_MS)
    );
}

async fn expired_files_are_gone_at_once_and_deleted_soon(kind: Kind) {
    let world = World::new(kind).await;
    let id = world
        .ask(Method::POST, "/file", &[("x-fs-ttl", "60")], "short")
        .await
        .id();
    let lasting = world.upload(b"lasting").await.id();
    world.pass(59_999);
    assert_eq!(world.get(&format!("/file/{id}")).await.status, 200);
    world.pass(1);
    for (method, path) in [
        (Method::GET, format!("/file/{id}")),
        (Method::GET, format!("/file/{id}/info")),
        (Method::POST, format!("/file/{id}/extend")),
    ] {
        let answer = world.ask(method, &path, &[], "").await;
        assert_eq!(
            (answer.status, answer.json()),
            (404, serde_json::json!({"status_code": 404}))
        );
    }
    assert!(world.place(&id).exists());
    world.server.clean().await.unwrap();
    assert!(!world.place(&id).exists());
    assert_eq!(world.server.inner.quota.totals().files, 1);
    assert_eq!(world.get(&format!("/file/{lasting}")).await.status, 200);
}

async fn bodies_of_no_or_too_many_bytes_are_refused_and_leave_nothing(kind: Kind) {
    let world = World::with(kind, |options| options.max_size = 300_000).await;
    assert_eq!(world.upload(b"").await.status, 413);
    let declared = [("content-length", "300001")];
    let answer = world
        .ask(Method::POST, "/file", &declared, bytes(300_001, 1))
        .await;
    assert_eq!(
        (answer.status, answer.json()["status_code"].as_u64()),
        (413, Some(413))
    );
    let pieces = bytes(300_001, 1);
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = pieces.chunks(1000).map(|p| Ok(p.to_vec())).collect();
    let undeclared = Body::from_stream(stream::iter(pieces));
    assert_eq!(
        world.ask(Method::POST, "/file", &[], undeclared).await.status,
        413
    );
    let broken: [Result<Vec<u8>, std::io::Error>; 2] =
        [Ok(bytes(200_000, 1)), Err(std::io::Error::other("gone"))];
    let broken = Body::from_stream(stream::iter(broken));
    assert_eq!(world.ask(Method::POST, "/file", &[], broken).await.status, 400);
    assert_eq!(world.incoming(), 0);
    assert_eq!(world.server.inner.quota.totals(), records::Totals::default());
    assert_eq!(world.upload(&bytes(300_000, 1)).await.status, 200);
}

async fn a_full_store_refuses_and_has_room_again_when_files_expire(kind: Kind) {
    let world = World::with(kind, |options| options.quota = 1000).await;
    assert_eq!(world.upload(&bytes(900, 1)).await.status, 200);
    let answer = world.upload(&bytes(101, 2)).await;
    assert_eq!(
        (answer.status, answer.json()["status_code"].as_u64()),
        (507, Some(507))
    );
    let declared = [("content-length", "101")];
    let answer = world.ask(Method::POST, "/file", &declared, bytes(101, 2)).await;
    assert_eq!(answer.status, 507);
    assert_eq!(world.incoming(), 0);
    assert_eq!(world.upload(&bytes(100, 3)).await.status, 200);
    world.pass(14 * DAY_MS);
    world.server.clean().await.unwrap();
    assert_eq!(world.upload(&bytes(1000, 4)).await.status, 200);
}

async fn parts_of_a_file_can_be_fetched(kind: Kind) {
    let world = World::new(kind).await;
    let body = bytes(300_000, 1);
    let path = format!("/file/{}", world.upload(&body).await.id());
    let part = world
        .ask(Method::GET, &path, &[("range", "bytes=1000-200000")], "")
        .await;
    assert_eq!(part.status, 206);
    assert_eq!(part.header("content-range"), "bytes 1000-200000/300000");
    assert!(part.body == body[1000..=200_000]);
    let end = world.ask(Method::GET, &path, &[("range", "bytes=-5")], "").await;
    assert_eq!((end.status, end.body.as_slice()), (206, &body[299_995..]));
    let outside = world
        .ask(Method::GET, &path, &[("range", "bytes=300000-")], "")
        .await;
    assert_eq!(
        (outside.status, outside.header("content-range")),
        (416, "bytes */300000")
    );
    let several = world
        .ask(Method::GET, &path, &[("range", "bytes=0-1,5-6")], "")
        .await;
    assert_eq!((several.status, several.body.len()), (200, 300_000));
    // A head is told although as many files are on their way as may be.
    let places = &world.server.inner.downloads;
    let free = u32::try_from(places.available_permits()).unwrap();
    let _taken = places.try_acquire_many(free).unwrap();
    let head = world.ask(Method::HEAD, &path, &[], "").await;
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length")),
        (200, 0, "300000")
    );
}

async fn pages_may_use_it_and_browsers_never_show_what_it_holds(kind: Kind) {
    let world = World::new(kind).await;
    let preflight = world.ask(Method::OPTIONS, "/file", &[], "").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, POST");
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        "content-type, content-disposition, range, x-fs-ttl"
    );
    let id = world.upload(b"<script>").await.id();
    let got = world.get(&format!("/file/{id}")).await;
    assert_eq!(got.header("access-control-allow-origin"), "*");
    assert_eq!(
        got.header("access-control-expose-headers"),
        "accept-ranges, content-length, content-range, expires"
    );
    let part = [("origin", "https://page.test"), ("range", "bytes=1-3")];
    let path = format!("/file/{id}");
    let part = world.ask(Method::GET, &path, &part, "").await;
    assert_eq!((part.status, &part.body[..]), (206, &b"scr"[..]));
    assert_eq!(part.header("content-range"), "bytes 1-3/8");
    assert_eq!(part.header("accept-ranges"), "bytes");
    assert_eq!(part.header("access-control-allow-origin"), "*");
    assert_eq!(got.header("content-disposition"), "attachment");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert_eq!(
        got.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
}

async fn what_there_is_not_is_not_found(kind: Kind) {
    let world = World::new(kind).await;
    for path in [
        "/",
        "/file/3qXfYbeRSxXa89I8ApcbKl0_BshkLQ6myd0DsvcrDEy3",
        "/file/1",
        "/file/..%2f..%2fed25519.key",
        "/session_version?platform=desktop",
        "/token_info?days=1",
    ] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["status_code"].as_u64()),
            (404, Some(404)),
            "{path}"
        );
    }
}

async fn apps_learn_their_latest_release_where_the_operator_says_it(kind: Kind) {
    let world = World::with(kind, |options| {
        options.versions = Some(options.data.join("versions.json"))
    })
    .await;
    let ask = async |platform: &str| world.get(&format!("/session_version?platform={platform}")).await;
    assert_eq!(ask("desktop").await.status, 502, "there is no such file");
    let file = world.folder.join("versions.json");
    std::fs::write(&file, r#"{"desktop":{"result":"1.16.3","updated":1700000000.5}}"#).unwrap();
    let answer = ask("desktop").await;
    let told = answer.json();
    assert_eq!((answer.status, told["status_code"].as_u64()), (200, Some(200)));
    assert_eq!(told["result"], "1.16.3");
    assert_eq!(told["updated"], 1_700_000_000.5);
    let answer = ask("ios").await;
    assert_eq!(
        (answer.status, answer.json()["status_code"].as_u64()),
        (502, Some(502))
    );
    assert_eq!(ask("web").await.status, 404);
    std::fs::write(&file, "not JSON").unwrap();
    assert_eq!(ask("desktop").await.status, 502);
}

async fn old_clients_get_numbers_and_text(kind: Kind) {
    let world = World::new(kind).await;
    let body = r#"{"file":"aGVsbG8gd29ybGQ="}"#;
    let first = world.ask(Method::POST, "/files", &[], body).await.json();
    let second = world.ask(Method::POST, "/files", &[], body).await.json();
    assert_eq!(first["status_code"], 200);
    let number = first["result"].as_u64().unwrap();
    assert_ne!(Some(number), second["result"].as_u64(), "kept twice");
    let got = world.get(&format!("/files/{number}")).await.json();
    assert_eq!(got["result"], "aGVsbG8gd29ybGQ=");
    assert_eq!(world.get(&format!("/file/{number}")).await.body, b"hello world");
    assert_eq!(world.ask(Method::POST, "/files", &[], "{}").await.status, 400);
}

async fn too_much_at_once_is_refused(kind: Kind) {
    let world = World::with(kind, |options| options.uploads = 0).await;
    assert_eq!(world.upload(b"x").await.status, 503);
    let rate = Rate {
        burst: 1.0,
        per_second: 0.001,
    };
    let world = World::with(kind, |options| options.rate = Some(rate)).await;
    assert_eq!(world.upload(b"x").await.status, 200);
    assert_eq!(world.upload(b"x").await.status, 429);
    assert_eq!(world.get("/health").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_is_given_up() {
    let world = World::new(Kind::SqliteFolder).await;
    let first: Result<Vec<u8>, std::io::Error> = Ok(bytes(1000, 1));
    let silent = Body::from_stream(futures::StreamExt::chain(
        stream::iter([first]),
        stream::pending(),
    ));
    let answer = world.ask(Method::POST, "/file", &[], silent).await;
    assert_eq!((answer.status, world.incoming()), (408, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_given_up() {
    let world = World::new(Kind::SqliteFolder).await;
    let id = world.upload(&bytes(1_000_000, 1)).await.id();
    let request = Request::get(format!("/file/{id}")).body(Body::empty()).unwrap();
    let response = world.router().oneshot(request).await.unwrap();
    let free = || world.server.inner.downloads.available_permits();
    assert_eq!((response.status().as_u16(), free()), (200, MAX_DOWNLOADS - 1));
    while free() < MAX_DOWNLOADS {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    // Its end is missing, which the client sees by the length.
    let mut length = 0;
    let mut body = response.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.into_data().map_or(0, |data| data.len());
    }
    assert!(length < 1_000_000, "{length} bytes");
}

async fn health_and_metrics_tell_how_it_is_without_names(kind: Kind) {
    let world = World::new(kind).await;
    assert_eq!(world.get("/health").await.body, b"ready");
    let id = world.upload(b"hello").await.id();
    world.upload(b"hello").await;
    world.get(&format!("/file/{id}")).await;
    world.get("/file/1").await;
    let text = String::from_utf8(world.get("/metrics").await.body).unwrap();
    for line in [
        "holdfast_files_uploads_total 2",
        "holdfast_files_duplicates_total 1",
        "holdfast_files_uploaded_bytes_total 5",
        "holdfast_files_downloads_total 1",
        "holdfast_files_downloaded_bytes_total 5",
        "holdfast_files_missing_total 1",
        "holdfast_files 1",
        "holdfast_files_bytes 5",
        "holdfast_files_uploads_under_way 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    assert!(!text.contains(&id));
    world.server.inner.records.close();
    assert_eq!(world.get("/health").await.status, 503);
}

over_every_store! {
    what_is_uploaded_comes_back_bit_for_bit,
    the_id_is_the_hash_of_the_bytes,
    the_same_file_is_kept_once_and_longer,
    info_and_extension_tell_size_and_times,
    expired_files_are_gone_at_once_and_deleted_soon,
    bodies_of_no_or_too_many_bytes_are_refused_and_leave_nothing,
    a_full_store_refuses_and_has_room_again_when_files_expire,
    parts_of_a_file_can_be_fetched,
    pages_may_use_it_and_browsers_never_show_what_it_holds,
    what_there_is_not_is_not_found,
    apps_learn_their_latest_release_where_the_operator_says_it,
    old_clients_get_numbers_and_text,
    too_much_at_once_is_refused,
    health_and_metrics_tell_how_it_is_without_names,
}
