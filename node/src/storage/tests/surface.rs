//! The HTTP surface: paths, limits, CORS, waiting.

use super::*;
use crate::storage::http::router;
use axum::body::Body;
use holdfast_protocol::swarm::MAX_BODY_SIZE;
use holdfast_protocol::swarm::request::Batch;
use tower::ServiceExt as _;

const ONE: &[u64] = &[0];
const THREE: &[u64] = &[0, 0, 0];

async fn call(net: &Net, method: Method, path: &str, body: impl Into<Bytes>) -> Response {
    net.node(0).handle(&method, path, body.into(), CLIENT).await
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value.as_str())
}

#[tokio::test(start_paused = true)]
async fn paths_answer_with_cors_and_others_are_not_found() {
    let net = Net::new(ONE);
    for path in ["/storage_rpc/v1", "/onion_req/v2", "/anything"] {
        let preflight = call(&net, Method::OPTIONS, path, "").await;
        assert_eq!(preflight.status, 204);
        assert_eq!(header(&preflight, "access-control-allow-origin"), Some("*"));
        assert!(
            header(&preflight, "access-control-allow-methods")
                .unwrap()
                .contains("POST")
        );
        assert_eq!(
            header(&preflight, "access-control-allow-headers"),
            Some("content-type")
        );
    }
    let missing = call(&net, Method::GET, "/storage_rpc/v1", "").await;
    assert_eq!(
        (missing.status, missing.body.as_ref()),
        (404, b"GET /storage_rpc/v1 Not Found".as_slice())
    );
    assert_eq!(header(&missing, "access-control-allow-origin"), Some("*"));
    let ping = call(&net, Method::POST, "/ping_test/v1", "").await;
    assert!(header(&ping, "x-oxen-snode-pubkey").is_some());
    let stats = call(&net, Method::GET, "/get_stats/v1", "").await;
    assert_eq!(stats.body.as_ref(), br#"{"version":"2.11.3"}"#);
    let metrics = call(&net, Method::GET, "/metrics", "").await;
    assert!(metrics.body.starts_with(b"# HELP holdfast_requests_total"));
    assert_eq!(call(&net, Method::GET, "/health", "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_node_outside_every_swarm_is_not_ready() {
    let net = Net::new(ONE);
    net.place(&[SwarmId::NONE.0]);
    let info = r#"{"method":"info","params":{}}"#;
    let refused = call(&net, Method::POST, "/storage_rpc/v1", info).await;
    assert_eq!(refused.status, 503);
    assert_eq!(call(&net, Method::GET, "/health", "").await.status, 503);
    net.place(ONE);
    assert_eq!(
        call(&net, Method::POST, "/storage_rpc/v1", info).await.status,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn direct_requests_have_a_limit_of_their_own() {
    let net = Net::new(ONE);
    let info = r#"{"method":"info","params":{}}"#;
    for _ in 0..600 {
        assert_eq!(
            call(&net, Method::POST, "/storage_rpc/v1", info).await.status,
            200
        );
    }
    let refused = call(&net, Method::POST, "/storage_rpc/v1", info).await;
    assert_eq!(
        (refused.status, refused.body.as_ref()),
        (429, b"Too Many Requests".as_slice())
    );
    assert_eq!(call(&net, Method::POST, "/onion_req/v2", "x").await.status, 400);
    seconds(1).await;
    assert_eq!(
        call(&net, Method::POST, "/storage_rpc/v1", info).await.status,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn onions_are_limited_by_address_and_nodes_are_not() {
    let net = Net::new(ONE);
    let limited = Options {
        onion_rate: Some(Rate {
            burst: 3.0,
            per_second: 1.0,
        }),
        ..Options::default()
    };
    net.boot_with(0, limited);
    let from = async |address: &str| {
        let sender = address.parse().unwrap();
        let node = net.node(0);
        let answer = node
            .handle(&Method::POST, "/onion_req/v2", "x".into(), sender)
            .await;
        (answer.status, answer.body)
    };
    for _ in 0..3 {
        assert_eq!(from("192.0.2.7").await.0, 400);
    }
    let refused = from("192.0.2.7").await;
    assert_eq!(
        (refused.0, refused.1.as_ref()),
        (429, b"Too Many Requests".as_slice())
    );
    assert_eq!(from("192.0.2.8").await.0, 400);
    for _ in 0..10 {
        assert_eq!(from("100.1.1.1").await.0, 400, "the address of a node");
    }
    seconds(1).await;
    assert_eq!(from("192.0.2.7").await.0, 400);
    assert_eq!(from("192.0.2.7").await.0, 429);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_of_whoever_is_over_the_limit() {
    let net = Net::new(ONE);
    let once = Some(Rate {
        burst: 1.0,
        per_second: 0.001,
    });
    let limited = Options {
        rate: once,
        onion_rate: once,
        ..Options::default()
    };
    net.boot_with(0, limited);
    let app = router(net.node(0));
    let send = async |path: &str, body: Body| {
        let request = ::http::Request::post(path).body(body).unwrap();
        app.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    for path in ["/storage_rpc/v1", "/onion_req/v2"] {
        assert_eq!(send(path, Body::from("x")).await, 400);
        // One that never comes: whoever waits for it answers that it is too slow.
        let endless = Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>());
        assert_eq!(send(path, endless).await, 429, "{path}");
    }
    let endless = Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>());
    assert_eq!(send("/ping_test/v1", endless).await, 408, "others are read");
}

#[tokio::test(start_paused = true)]
async fn bodies_too_large_too_deep_or_malformed_are_refused() {
    let net = Net::new(ONE);
    let large = vec![b' '; MAX_BODY_SIZE + 1];
    assert_eq!(
        call(&net, Method::POST, "/storage_rpc/v1", large.clone())
            .await
            .status,
        413
    );
    assert_eq!(call(&net, Method::POST, "/onion_req/v2", large).await.status, 413);
    let deep = format!(
        "{{\"method\":\"info\",\"params\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert_eq!(
        call(&net, Method::POST, "/storage_rpc/v1", deep).await.status,
        400
    );
    for text in [
        "",
        "[]",
        "{}",
        r#"{"method":"info"}"#,
        r#"{"method":"info","params":7}"#,
    ] {
        assert_eq!(
            call(&net, Method::POST, "/storage_rpc/v1", text).await.status,
            400,
            "{text}"
        );
    }
    let unknown = call(
        &net,
        Method::POST,
        "/storage_rpc/v1",
        r#"{"method":"fly","params":{}}"#,
    )
    .await;
    assert_eq!(unknown.body.as_ref(), b"no method fly");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_retrieve_gets_a_message_as_it_comes() {
    let net = Arc::new(Net::new(THREE));
    let user = Arc::new(User::account_in(0, THREE));
    let start = tokio::time::Instant::now();
    let waiting = tokio::spawn({
        let (net, user) = (Arc::clone(&net), Arc::clone(&user));
        async move {
            let mut retrieve =
                Retrieve::new(user.id, Namespace::MESSAGES, None).signed(&user.signer(), net.now());
            retrieve.wait_ms = Some(20_000);
            (net.ask(1, retrieve).await, start.elapsed())
        }
    });
    seconds(7).await;
    net.leave(0, &user, "now").await;
    let ((status, body), elapsed) = waiting.await.unwrap();
    assert_eq!((status, texts(&body)), (200, vec!["now".to_owned()]));
    assert_eq!(elapsed, Duration::from_secs(7), "at another member, in no time");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_its_time_and_needs_the_right_to_read() {
    let net = Net::new(ONE);
    let user = User::account_in(0, ONE);
    let start = tokio::time::Instant::now();
    let mut retrieve = Retrieve::new(user.id, Namespace::MESSAGES, None).signed(&user.signer(), net.now());
    retrieve.wait_ms = Some(60_000);
    let body = Request::from(retrieve.clone()).to_json_body();
    let (status, answer) = net.post(0, body).await;
    assert_eq!((status, texts(&answer).len()), (200, 0));
    assert_eq!(
        start.elapsed(),
        Duration::from_secs(25),
        "cut to the longest wait"
    );
    retrieve.timestamp = Some(net.now() + 1);
    let start = tokio::time::Instant::now();
    assert_eq!(net.ask(0, retrieve).await.0, 401);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_batch_answers_when_any_of_its_retrieves_has_something() {
    let net = Arc::new(Net::new(ONE));
    let user = Arc::new(User::account_in(0, ONE));
    let batch = |net: &Net, user: &User, wait| {
        let read = |namespace| {
            Request::from(
                Retrieve::new(user.id, Namespace(namespace), None).signed(&user.signer(), net.now()),
            )
        };
        Request::Batch(Batch {
            requests: vec![read(0), read(2), Request::Info],
            wait_ms: Some(wait),
        })
    };
    let start = tokio::time::Instant::now();
    let waiting = tokio::spawn({
        let (net, user) = (Arc::clone(&net), Arc::clone(&user));
        let request = batch(&net, &user, 25_000);
        async move { net.ask(0, request).await.1 }
    });
    seconds(3).await;
    let config = Store::new(user.id, Namespace(2), b"config".to_vec(), net.now(), DAY);
    net.ask(0, config.signed(&user.signer(), net.now())).await;
    let body = waiting.await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert!(texts(&results[0]["body"]).is_empty());
    assert_eq!(texts(&results[1]["body"]), ["config"]);
    let start = tokio::time::Instant::now();
    net.ask(0, batch(&net, &user, 25_000)).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "there is something already");
}

#[tokio::test(start_paused = true)]
async fn stopping_lets_nobody_wait() {
    let net = Arc::new(Net::new(ONE));
    let user = User::account_in(0, ONE);
    let mut retrieve = Retrieve::new(user.id, Namespace::MESSAGES, None).signed(&user.signer(), net.now());
    retrieve.wait_ms = Some(20_000);
    let start = tokio::time::Instant::now();
    let waiting = tokio::spawn({
        let net = Arc::clone(&net);
        async move { net.ask(0, retrieve).await.0 }
    });
    seconds(1).await;
    net.node(0).end_waiting();
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_full_database_refuses_stores_and_serves_the_rest() {
    let net = Net::new(ONE);
    let user = User::account_in(0, ONE);
    net.leave(0, &user, "before").await;
    let full = Options {
        max_size: 0,
        ..Options::default()
    };
    net.boot_with(0, full);
    seconds(11).await;
    let (status, body) = net.leave(0, &user, "after").await;
    assert_eq!(status, 500);
    let own = &body["swarm"][net.keys[0].public().to_hex()];
    assert_eq!(own, &serde_json::json!({"failed": true, "query_failure": true}));
    assert!(net.texts(0, &user, Namespace::MESSAGES).await.is_empty());
}
