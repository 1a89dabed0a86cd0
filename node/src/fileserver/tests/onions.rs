//! The same requests inside onions, as the last relay posts them.

use holdfast_protocol::onion::v4::{TARGET, V4Request};
use holdfast_protocol::onion::{Destination, Protocol, Reply, ReplyKeys, Suite, build};
use rand_core::SeedableRng as _;

use super::*;

/// A path without relays is what the last relay posts.
fn sealed(target: &str, plain: &[u8], suite: Suite) -> (Vec<u8>, ReplyKeys) {
    let mut random = rand_chacha::ChaCha20Rng::from_seed([3; 32]);
    let server = Destination::Server {
        host: "files.test".to_owned(),
        protocol: Protocol::Http,
        port: 80,
        target: target.to_owned(),
        x25519: keys().x25519().public(),
    };
    build(&[], &server, plain, suite, &mut random).unwrap()
}

async fn ask(world: &World, method: &str, endpoint: &str, ttl: Option<&str>, body: Option<Vec<u8>>) -> Reply {
    let mut request = V4Request {
        method: method.to_owned(),
        endpoint: endpoint.to_owned(),
        body,
        ..V4Request::default()
    };
    if let Some(ttl) = ttl {
        request.headers.insert("X-FS-TTL".to_owned(), ttl.to_owned());
    }
    let (posted, keys) = sealed(TARGET, &request.encode(), Suite::XChaCha20);
    let answer = world.ask(Method::POST, TARGET, &[], posted).await;
    assert_eq!(answer.status, 200);
    keys.open(answer.body).unwrap()
}

async fn every_request_works_inside_an_onion(kind: Kind) {
    let world = World::new(kind).await;
    let body = bytes(10_223_616, 1);
    let up = ask(&world, "POST", "/file", Some("60"), Some(body.clone())).await;
    assert_eq!(up.status, 200);
    let told: Value = serde_json::from_slice(&up.body).unwrap();
    assert_eq!(told["expires"], (START + 60_000) as f64 / 1000.0);
    let path = format!("/file/{}", told["id"].as_str().unwrap());
    let down = ask(&world, "GET", &path, None, None).await;
    assert_eq!(
        (down.status, down.headers["content-type"].as_str()),
        (200, "application/octet-stream")
    );
    assert_eq!(down.headers["expires"], "Thu, 28 May 2026 20:27:40 GMT");
    assert!(down.body == body);
    let extended = ask(&world, "POST", &format!("{path}/extend"), None, None).await;
    let extended: Value = serde_json::from_slice(&extended.body).unwrap();
    assert_eq!(extended["expires"], (START + 14 * DAY_MS) as f64 / 1000.0);
    let info = ask(&world, "GET", &format!("{path}/info"), None, None).await;
    let info: Value = serde_json::from_slice(&info.body).unwrap();
    assert_eq!(info["size"], 10_223_616);
    let versions = ask(&world, "GET", "/session_version?platform=desktop", None, None).await;
    assert_eq!(versions.status, 404, "this server does not know");
}

async fn refusals_come_back_sealed(kind: Kind) {
    let world = World::with(kind, |options| options.max_size = 100).await;
    for (method, endpoint, body, status) in [
        ("GET", "/file/1", None, 404),
        ("POST", "/file", None, 413),
        ("POST", "/file", Some(vec![7; 101]), 413),
        ("GET", TARGET, None, 404),
        ("POST", TARGET, Some(vec![1]), 404),
        ("G T", "/file/1", None, 400),
    ] {
        let reply = ask(&world, method, endpoint, None, body).await;
        let told: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(
            (reply.status, told["status_code"].as_u64()),
            (status, Some(status.into()))
        );
    }
    assert_eq!(world.incoming(), 0);
}

async fn what_is_not_for_this_server_is_refused_in_clear(kind: Kind) {
    let world = World::new(kind).await;
    for body in [Vec::new(), vec![1; 100], b"\x01\0\0\0x{}".to_vec()] {
        let answer = world.ask(Method::POST, TARGET, &[], body).await;
        assert_eq!(
            (answer.status, answer.json()["status_code"].as_u64()),
            (400, Some(400))
        );
    }
    let length = (holdfast_protocol::onion::MAX_PACKET_SIZE + 1).to_string();
    let answer = world
        .ask(Method::POST, TARGET, &[("content-length", &length)], "x")
        .await;
    assert_eq!(answer.status, 413);
}

async fn old_requests_are_answered_in_base64(kind: Kind) {
    let world = World::new(kind).await;
    let id = world.upload(b"hello").await.id();
    for (suite, endpoint) in [(Suite::AesGcm, "file"), (Suite::XChaCha20, "/file")] {
        let plain =
            serde_json::json!({"method": "GET", "endpoint": format!("{endpoint}/{id}"), "headers": {}});
        let (posted, keys) = sealed("/oxen/v3/lsrpc", plain.to_string().as_bytes(), suite);
        let answer = world.ask(Method::POST, "/oxen/v3/lsrpc", &[], posted).await;
        let raw = data_encoding::BASE64.decode(&answer.body).unwrap();
        assert_eq!(keys.destination().open(&raw).unwrap(), b"hello");
    }
    let upload = serde_json::json!({"method": "POST", "endpoint": "files", "body": "{\"file\":\"aGk=\"}"});
    let (posted, keys) = sealed("/loki/v3/lsrpc", upload.to_string().as_bytes(), Suite::AesGcm);
    let answer = world.ask(Method::POST, "/loki/v3/lsrpc", &[], posted).await;
    let raw = data_encoding::BASE64.decode(&answer.body).unwrap();
    let told: Value = serde_json::from_slice(&keys.destination().open(&raw).unwrap()).unwrap();
    let number = told["result"].as_u64().unwrap();
    assert_eq!(world.get(&format!("/file/{number}")).await.body, b"hi");
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_memory_and_then_give_up() {
    let world = World::new(Kind::SqliteFolder).await;
    let id = world.upload(&bytes(1000, 1)).await.id();
    let all = world
        .server
        .inner
        .onion_memory
        .acquire_many(u32::try_from(ONION_MEMORY).unwrap())
        .await
        .unwrap();
    let (posted, _) = sealed(TARGET, b"", Suite::XChaCha20);
    let answer = world.ask(Method::POST, TARGET, &[], posted).await;
    assert_eq!(answer.status, 503);
    drop(all);
    let reply = ask(&world, "GET", &format!("/file/{id}"), None, None).await;
    assert_eq!((reply.status, reply.body.len()), (200, 1000));
    assert_eq!(world.server.inner.onion_memory.available_permits(), ONION_MEMORY);
}

over_every_store! {
    every_request_works_inside_an_onion,
    refusals_come_back_sealed,
    what_is_not_for_this_server_is_refused_in_clear,
    old_requests_are_answered_in_base64,
}
