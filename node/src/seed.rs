//! The seed: tells newcomers the node list, and registers the nodes of a local network (spec/03-network.md §1.2, §1.4, §8.2).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use axum::routing::{get, post};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::metrics::{self, Counter, Text};
use crate::net::body::{BODY_TIME, BodyError, whole};
use crate::net::server::Stopping;
use crate::registry::json::{Query, active_nodes_bin, service_nodes};
use crate::registry::live::{Registration, Registry};
use crate::storage::shuffle;

/// Largest request: a list of keys to ask about fits many times.
const MAX_REQUEST: usize = 256 * 1024;
/// How often silent nodes are looked for.
const RETIRE_EVERY: Duration = Duration::from_secs(5);

/// A seed over a registry.
#[derive(Clone)]
pub struct Seed {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    open: bool,
    random: Mutex<ChaCha20Rng>,
    requests: Counter,
    registrations: Counter,
}

impl Seed {
    /// A seed; `open` lets nodes register themselves.
    pub fn new(registry: Arc<Registry>, clock: Arc<dyn Clock>, open: bool) -> Self {
        let mut seed = [0; 32];
        // The order of a list is no secret; without system randomness it is merely always the same.
        let _ = getrandom::fill(&mut seed);
        Self {
            inner: Arc::new(Inner {
                registry,
                clock,
                open,
                random: Mutex::new(ChaCha20Rng::from_seed(seed)),
                requests: Counter::default(),
                registrations: Counter::default(),
            }),
        }
    }

    /// The seed's paths.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/json_rpc", post(json_rpc).options(preflight))
            .route("/register", post(register))
            .route("/active_nodes_bin", get(binary))
            .route("/health", get(|| async { "ready" }))
            .route("/metrics", get(render))
            .with_state(self.clone())
    }

    /// Decommissions silent nodes until told to stop.
    pub async fn watch_over(self, mut stopping: Stopping) {
        while stopping.or(tokio::time::sleep(RETIRE_EVERY)).await.is_some() {
            self.inner.registry.retire_silent(self.inner.clock.now_ms());
        }
    }

    /// Answers one JSON-RPC request.
    pub fn answer(&self, body: &[u8]) -> Value {
        self.inner.requests.add_one();
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}});
        };
        let id = request.get("id").cloned().unwrap_or(Value::Null);
        match request.get("method").and_then(Value::as_str) {
            Some("get_n_service_nodes" | "get_service_nodes" | "get_all_service_nodes") => {
                let query = Query::from_params(request.get("params").unwrap_or(&Value::Null));
                let mut random = self.inner.random.lock().unwrap_or_else(PoisonError::into_inner);
                let list = self.inner.registry.list();
                let result = service_nodes(&list, &query, |nodes| shuffle(nodes, &mut random));
                json!({"jsonrpc": "2.0", "id": id, "result": result})
            }
            _ => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}})
            }
        }
    }
}

fn respond(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // Desktop compares this text exactly.
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::HeaderValue::from_static("*"),
    );
    response
}

fn refuse(error: BodyError) -> Response<Body> {
    respond(error.status(), &json!({"error": error.to_string()}))
}

async fn json_rpc(State(seed): State<Seed>, request: Request) -> Response<Body> {
    match whole(request.into_body(), None, MAX_REQUEST, BODY_TIME).await {
        Ok(body) => respond(StatusCode::OK, &seed.answer(&body)),
        Err(error) => refuse(error),
    }
}

async fn preflight() -> [(header::HeaderName, &'static str); 3] {
    [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
    ]
}

async fn register(State(seed): State<Seed>, request: Request) -> Response<Body> {
    if !seed.inner.open {
        return respond(
            StatusCode::FORBIDDEN,
            &json!({"error": "this network has a fixed list"}),
        );
    }
    let body = match whole(request.into_body(), None, MAX_REQUEST, BODY_TIME).await {
        Ok(body) => body,
        Err(error) => return refuse(error),
    };
    let Ok(registration) = serde_json::from_slice::<Registration>(&body) else {
        return respond(
            StatusCode::BAD_REQUEST,
            &json!({"error": "malformed registration"}),
        );
    };
    match seed
        .inner
        .registry
        .register(&registration, seed.inner.clock.now_ms())
    {
        Ok(()) => {
            seed.inner.registrations.add_one();
            let hash = seed.inner.registry.list().block_hash_hex();
            respond(StatusCode::OK, &json!({"block_hash": hash}))
        }
        Err(error) => respond(StatusCode::FORBIDDEN, &json!({"error": error.to_string()})),
    }
}

/// The active nodes in records of 51 bytes, as nodes serve them (spec/03-network.md §1.4): what a site of this network can
/// ship as its bundled list.
async fn binary(State(seed): State<Seed>) -> ([(header::HeaderName, &'static str); 2], Vec<u8>) {
    seed.inner.requests.add_one();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, active_nodes_bin(&seed.inner.registry.list()))
}

async fn render(State(seed): State<Seed>) -> ([(header::HeaderName, &'static str); 1], String) {
    let mut text = Text::default();
    let nodes = u64::try_from(seed.inner.registry.list().nodes().len()).unwrap_or(u64::MAX);
    text.counter(
        "holdfast_seed_requests_total",
        "List requests answered.",
        seed.inner.requests.get(),
    )
    .counter(
        "holdfast_seed_registrations_total",
        "Registrations and heartbeats.",
        seed.inner.registrations.get(),
    )
    .gauge("holdfast_seed_nodes", "Nodes known.", nodes);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::registry::tests::node;
    use holdfast_protocol::nodes::{AddressPolicy, NodeList, decode_active_nodes, seed_request};
    use tower::ServiceExt as _;

    fn seed() -> Seed {
        let registry = Arc::new(Registry::fixed(vec![node(1, 0), node(2, 5)], 3));
        Seed::new(registry, Arc::new(SystemClock), false)
    }

    #[test]
    fn a_client_reads_what_the_seed_answers() {
        let answer = seed().answer(&seed_request()).to_string();
        let list = NodeList::from_json(answer.as_bytes()).unwrap();
        assert_eq!(list.nodes(AddressPolicy::Public, 0).len(), 2);
        assert!(list.height > 0);
    }

    #[tokio::test]
    async fn the_list_is_also_told_in_binary() {
        let request = axum::http::Request::get("/active_nodes_bin");
        let request = request.body(Body::empty()).unwrap();
        let answer = seed().router().oneshot(request).await.unwrap();
        let list = axum::body::to_bytes(answer.into_body(), 1_000).await.unwrap();
        let nodes = decode_active_nodes(&list).unwrap();
        assert_eq!(nodes.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_read_up_to_their_size_and_time() {
        let registry = Arc::new(Registry::new(5, 120_000));
        let open = Seed::new(registry, Arc::new(SystemClock), true);
        for path in ["/json_rpc", "/register"] {
            let ask = async |body: Body| {
                let request = axum::http::Request::post(path).body(body).unwrap();
                open.router().oneshot(request).await.unwrap().status()
            };
            let large = ask(Body::from(vec![b' '; MAX_REQUEST + 1])).await;
            assert_eq!(large, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
            let silent = futures::stream::pending::<std::io::Result<Vec<u8>>>();
            let silent = ask(Body::from_stream(silent)).await;
            assert_eq!(silent, StatusCode::REQUEST_TIMEOUT, "{path}");
        }
    }

    #[test]
    fn the_three_names_are_one_method_and_others_are_unknown() {
        for method in [
            "get_n_service_nodes",
            "get_service_nodes",
            "get_all_service_nodes",
        ] {
            let body = json!({"jsonrpc": "2.0", "id": 7, "method": method}).to_string();
            let answer = seed().answer(body.as_bytes());
            assert_eq!(answer["id"], 7);
            assert_eq!(answer["result"]["status"], "OK");
        }
        let unknown = seed().answer(br#"{"method":"get_info"}"#);
        assert_eq!(unknown["error"]["code"], -32601);
        assert_eq!(seed().answer(b"?")["error"]["code"], -32700);
    }
}
