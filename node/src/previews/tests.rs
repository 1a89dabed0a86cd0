//! The helper against real sites on this machine.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use ::http::header::{CONTENT_TYPE, LOCATION};
use axum::routing::get;
use holdfast_protocol::file::lookup::{MAX_IMAGE, Page, request};
use holdfast_protocol::onion::{Destination, Protocol, Suite, build};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::*;
use crate::net::server::{Stopper, serve as listen, stopper};

/// The smallest bytes that pass for a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

/// A site, and a helper that trusts its certificate.
struct World {
    folder: PathBuf,
    site: String,
    _stopper: Stopper,
}

impl Drop for World {
    fn drop(&mut self) {
        // Left behind in the temporary folder at worst.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn html(text: String) -> ([(header::HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], text)
}

fn moved(to: String) -> (StatusCode, [(header::HeaderName, String); 1]) {
    (StatusCode::FOUND, [(LOCATION, to)])
}

impl World {
    async fn new() -> Self {
        let folder = crate::files::temporary_folder("previews");
        std::fs::create_dir_all(&folder).unwrap();
        let made =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.join("site.pem"), folder.join("site.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let tls = tls::server_from_files(&certificate, &key).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let site = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let image = |path: &str| format!("<title>T</title><meta property=og:image content=\"{path}\">");
        let pages = Router::new()
            .route(
                "/page",
                get(|| async {
                    html("<title>Tides</title><meta property=og:image content=photo>".to_owned())
                }),
            )
            .route("/photo", get(|| async { PNG }))
            .route("/other", get(|| async { moved("/page".to_owned()) }))
            .route("/round", get(|| async { moved("/round".to_owned()) }))
            .route(
                "/plain-http",
                get(|| async { moved("http://127.0.0.1/".to_owned()) }),
            )
            .route("/large-picture", {
                let page = image("/huge");
                get(|| async { html(page) })
            })
            .route("/huge", get(|| async { [PNG, &vec![0; MAX_IMAGE]].concat() }))
            .route("/text-for-picture", {
                let page = image("/page");
                get(|| async { html(page) })
            })
            .route(
                "/endless",
                get(|| async {
                    let start = futures::stream::iter([Ok(bytes::Bytes::from("<title>Endless</title>"))]);
                    let rest = futures::stream::repeat_with(|| {
                        Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b' '; 4096]))
                    });
                    HttpBody::from_stream(futures::StreamExt::chain(start, rest))
                }),
            )
            .route("/blank", get(|| async { html(String::new()) }))
            .route("/gone", get(|| async { StatusCode::NOT_FOUND }));
        let (stopper, stopping) = stopper();
        tokio::spawn(listen(listener, Some(tls), pages, stopping));
        Self {
            folder,
            site,
            _stopper: stopper,
        }
    }

    fn helper(&self, local_network: bool) -> Previews {
        let options = Options {
            local_network,
            authorities: Some(self.folder.join("site.pem")),
        };
        Previews::new(&keys(), options).unwrap()
    }
}

fn keys() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[9; 32])
}

/// Asks as the last relay of a path does.
async fn ask_with(helper: &Previews, method: &str, endpoint: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let mut random = ChaCha20Rng::from_seed([3; 32]);
    let server = Destination::Server {
        host: "previews.test".to_owned(),
        protocol: Protocol::Http,
        port: 80,
        target: v4::TARGET.to_owned(),
        x25519: keys().x25519().public(),
    };
    let asked = V4Request {
        method: method.to_owned(),
        endpoint: endpoint.to_owned(),
        body: Some(body),
        ..V4Request::default()
    };
    let (packet, keys) = build(&[], &server, &asked.encode(), Suite::XChaCha20, &mut random).unwrap();
    let post = Request::builder()
        .method(Method::POST)
        .uri(v4::TARGET)
        .body(HttpBody::from(packet))
        .unwrap();
    let answer = helper.clone().router().oneshot(post).await.unwrap();
    assert_eq!(answer.status(), 200);
    let sealed = answer.into_body().collect().await.unwrap().to_bytes();
    let reply = keys.open(sealed.to_vec()).unwrap();
    (reply.status, reply.body)
}

async fn ask(helper: &Previews, url: &str) -> (u16, Vec<u8>) {
    ask_with(helper, "POST", lookup::PATH, request(url).unwrap()).await
}

async fn page(helper: &Previews, url: &str) -> Page {
    let (status, body) = ask(helper, url).await;
    assert_eq!(status, 200, "{url}");
    Page::read_answer(&body).unwrap()
}

fn titled(title: &str) -> Page {
    Page {
        title: Some(title.to_owned()),
        image: None,
    }
}

#[tokio::test]
async fn a_page_is_looked_at_wherever_its_site_sends() {
    let world = World::new().await;
    let helper = world.helper(true);
    let tides = Page {
        image: Some(PNG.to_vec()),
        ..titled("Tides")
    };
    for path in ["/page", "/other"] {
        assert_eq!(
            page(&helper, &format!("{}{path}", world.site)).await,
            tides,
            "{path}"
        );
    }
    let photo = page(&helper, &format!("{}/photo", world.site)).await;
    assert_eq!((photo.title, photo.image.as_deref()), (None, Some(PNG)));
    // Only the beginning of what never ends.
    assert_eq!(
        page(&helper, &format!("{}/endless", world.site)).await,
        titled("Endless")
    );
    // A picture that can't be had takes nothing from the title.
    for path in ["/large-picture", "/text-for-picture"] {
        assert_eq!(
            page(&helper, &format!("{}{path}", world.site)).await,
            titled("T"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_shows_nothing_says_so() {
    let world = World::new().await;
    let helper = world.helper(true);
    for (path, status) in [
        ("/blank", 404),
        ("/gone", 502),
        ("/round", 502),
        ("/plain-http", 403),
    ] {
        assert_eq!(
            ask(&helper, &format!("{}{path}", world.site)).await.0,
            status,
            "{path}"
        );
    }
    let nobody = ask(&helper, "https://127.0.0.1:1/").await;
    assert_eq!(nobody, (502, Vec::new()));
    for (method, endpoint, body) in [
        ("GET", "/preview", request(&world.site).unwrap()),
        ("POST", "/file", request(&world.site).unwrap()),
        ("POST", "/preview", b"{}".to_vec()),
        ("POST", "/preview", br#"{"url":"http://example.org/"}"#.to_vec()),
    ] {
        assert_eq!(
            ask_with(&helper, method, endpoint, body).await.0,
            400,
            "{method} {endpoint}"
        );
    }
}

#[tokio::test]
async fn nobody_is_sent_to_the_operators_own_machines() {
    let world = World::new().await;
    let helper = world.helper(false);
    let port = world.site.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost.", "10.0.0.1", "169.254.169.254"] {
        for url in [format!("https://{host}/"), format!("https://{host}:{port}/page")] {
            assert_eq!(ask(&helper, &url).await, (403, Vec::new()), "{url}");
        }
    }
    assert_eq!(
        ask(&helper, "https://example.org:8443/").await.0,
        403,
        "another port"
    );
    assert_eq!(helper.inner.metrics.refused.get(), 9);
}

#[tokio::test]
async fn only_onions_are_answered() {
    let world = World::new().await;
    let helper = world.helper(true);
    for (method, path, body, status) in [
        (Method::POST, lookup::PATH, request(&world.site).unwrap(), 404),
        (Method::POST, v4::TARGET, vec![7; 100], 400),
        (Method::POST, v4::TARGET, vec![7; MAX_PACKET + 1], 400),
        (Method::GET, "/health", Vec::new(), 200),
        (Method::GET, "/metrics", Vec::new(), 200),
    ] {
        let asked = Request::builder()
            .method(method.clone())
            .uri(path)
            .body(HttpBody::from(body))
            .unwrap();
        let answer = helper.clone().router().oneshot(asked).await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
    }
}
