//! What the gateway carries, and what it refuses.

use std::net::{Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use http_body_util::BodyExt as _;

use super::*;
use crate::clock::SystemClock;
use crate::net::proxies::behind;
use crate::net::server::{Stopper, serve, stopper};
use crate::registry::Node;
use crate::registry::live::Registry;
use crate::registry::tests::node;
use holdfast_protocol::nodes::{AddressPolicy, NodeList as ReceivedList};
use tower::ServiceExt as _;

/// A guard that answers with its path and the length of the packet, at a status of the packet's choice.
async fn guard() -> (Node, Stopper) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut node = node(1, 0);
    node.ip = Ipv4Addr::LOCALHOST;
    node.https_port = 0;
    node.http_port = Some(listener.local_addr().unwrap().port());
    let (stopper, stopping) = stopper();
    let app = Router::new().fallback(|request: Request| async move {
        let path = request.uri().path().to_owned();
        let told: Vec<String> = ["x-forwarded-for", "via", "forwarded"]
            .into_iter()
            .filter(|name| request.headers().contains_key(*name))
            .map(str::to_owned)
            .collect();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let status = if body.starts_with(b"503") {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        };
        let mut answer = format!("{path} {} {told:?}", body.len());
        if body.starts_with(b"file") {
            answer.extend(std::iter::repeat_n('x', SMALL));
        }
        if body.starts_with(b"more") {
            answer.extend(std::iter::repeat_n('x', MAX_ANSWER));
        }
        (status, answer)
    });
    tokio::spawn(serve(listener, None, app, stopping));
    (node, stopper)
}

fn gateway(nodes: Vec<Node>, options: Options) -> Router {
    let registry = Registry::fixed(nodes, 5);
    Gateway::new(options, registry.watch(), Arc::new(SystemClock))
        .unwrap()
        .router()
}

fn local() -> Options {
    Options {
        local_network: true,
        ..Options::default()
    }
}

async fn send(app: &Router, method: &str, path: &str, body: Vec<u8>) -> (u16, HeaderMap, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body))
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (
        parts.status.as_u16(),
        parts.headers,
        String::from_utf8(body).unwrap(),
    )
}

async fn failure(app: &Router, path: &str, body: Vec<u8>) -> (u16, String) {
    let (status, headers, _) = send(app, "POST", path, body).await;
    (status, headers["x-gateway-error"].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_packet_reaches_the_guard_unchanged_and_its_status_comes_back_apart() {
    let (node, _stopper) = guard().await;
    let path = format!("/v1/onion/{}", node.ed25519());
    let app = gateway(vec![node], local());
    let (status, headers, body) = send(&app, "POST", &path, vec![7; 900]).await;
    assert_eq!(
        (status, headers["x-guard-status"].to_str().unwrap()),
        (200, "200")
    );
    assert_eq!(body, "/onion_req/v2 900 []");
    let (status, headers, _) = send(&app, "POST", &path, b"503".to_vec()).await;
    assert_eq!(
        (status, headers["x-guard-status"].to_str().unwrap()),
        (200, "503")
    );
    assert_eq!(headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn anything_but_a_listed_key_is_refused() {
    let (listed, _stopper) = guard().await;
    let other = node(2, 0).ed25519().to_hex();
    let app = gateway(vec![listed], local());
    for target in [
        other.as_str(),
        "127.0.0.1",
        "http:%2F%2F127.0.0.1",
        "zz",
        "localhost:80",
    ] {
        let refused = failure(&app, &format!("/v1/onion/{target}"), vec![1]).await;
        assert_eq!(refused, (404, "unknown-guard".to_owned()), "{target}");
    }
    assert_eq!(send(&app, "POST", "/v1/storage_rpc/v1", vec![1]).await.0, 404);
}

#[tokio::test]
async fn before_the_first_list_no_guard_is_called_unknown() {
    let app = gateway(Vec::new(), local());
    let path = format!("/v1/onion/{}", node(1, 0).ed25519());
    assert_eq!(failure(&app, &path, vec![1]).await, (429, "busy".to_owned()));
}

#[tokio::test]
async fn private_addresses_are_refused_outside_local_networks() {
    let (node, _stopper) = guard().await;
    let path = format!("/v1/onion/{}", node.ed25519());
    let app = gateway(vec![node], Options::default());
    assert_eq!(
        failure(&app, &path, vec![1]).await,
        (404, "unknown-guard".to_owned())
    );
}

#[tokio::test]
async fn each_failure_has_its_name() {
    let (node, stopper) = guard().await;
    let path = format!("/v1/onion/{}", node.ed25519());
    let app = gateway(vec![node.clone()], local());
    let large = failure(&app, &path, vec![0; MAX_PACKET_SIZE + 1]).await;
    assert_eq!(large, (413, "too-large".to_owned()));
    let answer = failure(&app, &path, b"more".to_vec()).await;
    assert_eq!(answer, (502, "answer-too-large".to_owned()));
    let mut secure = node.clone();
    secure.https_port = node.http_port.unwrap();
    secure.http_port = None;
    let tls = failure(&gateway(vec![secure], local()), &path, vec![1]).await;
    assert_eq!(tls, (502, "guard-tls".to_owned()));
    stopper.stop();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut gone = node;
    gone.http_port = Some(nobody.local_addr().unwrap().port());
    drop(nobody);
    assert_eq!(
        failure(&gateway(vec![gone], local()), &path, vec![1]).await,
        (502, "guard-connect".to_owned())
    );
}

#[tokio::test]
async fn one_client_cannot_take_it_all() {
    let (node, _stopper) = guard().await;
    let path = format!("/v1/onion/{}", node.ed25519());
    let rate = Some(Rate {
        burst: 2.0,
        per_second: 0.001,
    });
    let app = gateway(vec![node.clone()], Options { rate, ..local() });
    assert_eq!(send(&app, "POST", &path, vec![1]).await.0, 200);
    assert_eq!(send(&app, "POST", &path, vec![1]).await.0, 200);
    assert_eq!(failure(&app, &path, vec![1]).await, (429, "busy".to_owned()));
    assert_eq!(send(&app, "GET", "/v1/nodes", Vec::new()).await.0, 429);
    let app = gateway(
        vec![node],
        Options {
            concurrent: 0,
            ..local()
        },
    );
    assert_eq!(failure(&app, &path, vec![1]).await, (429, "busy".to_owned()));
}

#[tokio::test]
async fn hundreds_may_wait_behind_one_address_and_fewer_send_files() {
    let registry = Registry::fixed(Vec::new(), 5);
    let gateway = Gateway::new(Options::default(), registry.watch(), Arc::new(SystemClock)).unwrap();
    let (school, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
    let take = |client, large| gateway.inner.slot(client, large);
    let waiting: Vec<_> = (0..1_000).map_while(|_| take(school, false)).collect();
    assert_eq!(waiting.len(), 512);
    assert!(take(other, false).is_some());
    drop(waiting);
    let files: Vec<_> = (0..1_000).map_while(|_| take(school, true)).collect();
    assert_eq!(files.len(), 64);
    assert!(take(school, false).is_some() && take(other, true).is_some());
    drop(files);
    assert!(gateway.inner.clients.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_packet_is_small_only_if_it_says_so_and_is() {
    let (node, _stopper) = guard().await;
    let path = format!("/v1/onion/{}", node.ed25519());
    let options = Options {
        concurrent_large: 0,
        ..local()
    };
    let app = gateway(vec![node], options);
    let ask = |says: usize, is: usize| {
        let request = Request::builder()
            .method("POST")
            .uri(&path)
            .header("content-length", says)
            .body(Body::from(vec![1; is]));
        app.clone().oneshot(request.unwrap())
    };
    assert_eq!(ask(SMALL, SMALL).await.unwrap().status(), 200);
    assert_eq!(ask(SMALL, SMALL + 1).await.unwrap().status(), 413);
    assert_eq!(ask(SMALL + 1, SMALL + 1).await.unwrap().status(), 429);
    assert_eq!(failure(&app, &path, vec![1]).await, (429, "busy".to_owned()));
    // A file that is fetched counts as well.
    let fetch = Request::builder()
        .method("POST")
        .uri(&path)
        .header("content-length", 4)
        .body(Body::from("file"));
    let refused = app.clone().oneshot(fetch.unwrap()).await.unwrap();
    assert_eq!(refused.status(), 429);
}

#[tokio::test]
async fn visitors_behind_a_named_proxy_have_limits_of_their_own() {
    let (node, _stopper) = guard().await;
    let path = format!("/v1/onion/{}", node.ed25519());
    let rate = Some(Rate {
        burst: 1.0,
        per_second: 0.001,
    });
    let app = gateway(vec![node], Options { rate, ..local() });
    let app = behind(&["127.0.0.1".parse().unwrap()], app);
    let ask = |peer: &str, visitor: &'static str| {
        let mut request = Request::builder()
            .method("POST")
            .uri(&path)
            .header("x-forwarded-for", visitor)
            .body(Body::from(vec![1]))
            .unwrap();
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = app.clone().oneshot(request);
        async move { answer.await.unwrap().status().as_u16() }
    };
    assert_eq!(ask("127.0.0.1", "192.0.2.1").await, 200);
    assert_eq!(ask("127.0.0.1", "192.0.2.1").await, 429);
    assert_eq!(ask("127.0.0.1", "203.0.113.9, 192.0.2.1").await, 429);
    assert_eq!(ask("127.0.0.1", "192.0.2.2").await, 200);
    // Whoever is no named proxy has one address, whatever it says.
    assert_eq!(ask("198.51.100.1", "192.0.2.3").await, 200);
    assert_eq!(ask("198.51.100.1", "192.0.2.4").await, 429);
}

#[tokio::test]
async fn a_silent_guard_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut guard = node(1, 0);
    guard.ip = Ipv4Addr::LOCALHOST;
    guard.http_port = Some(silent.local_addr().unwrap().port());
    let path = format!("/v1/onion/{}", guard.ed25519());
    let app = gateway(vec![guard], local());
    let asked = tokio::spawn(async move { failure(&app, &path, vec![1]).await });
    let _connection = silent.accept().await.unwrap();
    tokio::time::pause();
    tokio::time::sleep(GUARD_TIMEOUT).await;
    assert_eq!(asked.await.unwrap(), (504, "guard-timeout".to_owned()));
}

#[tokio::test]
async fn the_list_is_the_same_for_everybody_and_known_ones_are_not_sent_again() {
    let app = gateway(vec![node(1, 0), node(2, 5)], Options::default());
    let (status, headers, body) = send(&app, "GET", "/v1/nodes", Vec::new()).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/json");
    let list = ReceivedList::from_json(body.as_bytes()).unwrap();
    assert_eq!(list.nodes(AddressPolicy::Public, 0).len(), 2);
    assert_eq!(body, send(&app, "GET", "/v1/nodes", Vec::new()).await.2);
    let request = Request::builder()
        .uri("/v1/nodes")
        .header("if-none-match", &headers["etag"])
        .body(Body::empty())
        .unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 304);
    let empty = gateway(Vec::new(), Options::default());
    assert_eq!(send(&empty, "GET", "/v1/nodes", Vec::new()).await.0, 503);
}
