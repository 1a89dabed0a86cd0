//! A server with pages of somebody else's, for the tests of chats in them.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use holdfast_node::net::server::{Stopper, serve, stopper};
use tokio::net::TcpListener;

use crate::network::built_app;

/// Keeps what the page hears.
const LISTEN: &str =
    "window.heard = []; addEventListener('message', ({ origin, data }) => heard.push({ origin, data }));";
/// Says something to the chat from a window that is not the page.
const MEDDLE: &str = "parent.document.querySelector('holdfast-chat').shadowRoot.querySelector('iframe').contentWindow\
    .postMessage({ holdfast: 1, type: 'open' }, '*');";

/// A server with pages of somebody else's.
pub(super) struct Elsewhere {
    listener: Option<TcpListener>,
    port: u16,
    _stopper: Option<Stopper>,
}

impl Elsewhere {
    /// Has a port; serves nothing yet.
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        Self {
            port: listener.local_addr().expect("an address").port(),
            listener: Some(listener),
            _stopper: None,
        }
    }

    /// Its origin, under one of this machine's two names. To a browser they are different sites.
    pub(super) fn origin(&self, host: &str) -> String {
        format!("http://{host}:{}", self.port)
    }

    fn serve(&mut self, pages: Router) {
        let (stopper, stopping) = stopper();
        tokio::spawn(serve(
            self.listener.take().expect("served once"),
            None,
            pages,
            stopping,
        ));
        self._stopper = Some(stopper);
    }

    /// Serves pages with the chat of the app at this address: `/` with a button, `/arabic` with one on a page in Arabic,
    /// `/frame` with a frame, `/below` with one far below, `/any?ADDRESS` with any address in a frame. Their policy allows
    /// what the documentation says and nothing else.
    pub(super) fn show(&mut self, app: &str, contact: &str) {
        let policy = format!(
            "default-src 'none'; script-src 'self' {app}; frame-src 'self' {app}; require-trusted-types-for 'script'"
        );
        let page = |mode: &str, language: &str, lines: usize| {
            let text = "<br>".repeat(lines);
            format!(
                "<!doctype html><html lang={language}><title>Boats</title><script src=/listen.js></script><h1>Boats for hire</h1>{text}\
                 <script src='{app}embed.js' data-contact={contact} data-name='Harbour office' data-mode={mode} async>\
                 </script>"
            )
        };
        let fixed = |body: String| {
            let policy = policy.clone();
            get(move || async move { ([(CONTENT_SECURITY_POLICY, policy)], Html(body)) })
        };
        let script =
            |text: &'static str| get(move || async move { ([(CONTENT_TYPE, "text/javascript")], text) });
        let any = |request: Request| async move {
            let address = request.uri().query().unwrap_or_default().replace("%23", "#");
            Html(format!(
                "<!doctype html><title>Boats</title><iframe width=400 height=560 src='{address}'></iframe>"
            ))
        };
        self.serve(
            Router::new()
                .route("/", fixed(page("button", "en", 0)))
                .route("/arabic", fixed(page("button", "ar", 0)))
                .route("/frame", fixed(page("frame", "en", 0)))
                .route("/below", fixed(page("frame", "en", 2_000)))
                .route("/any", get(any))
                .route("/listen.js", script(LISTEN))
                .route(
                    "/meddle",
                    get(|| async { Html("<script src=/meddle.js></script>") }),
                )
                .route("/meddle.js", script(MEDDLE)),
        );
    }

    /// Serves the app's files as a plain web server does, which knows of no policy, with this list of pages that may show it.
    pub(super) fn serve_site(&mut self, list: String) {
        let file = move |request: Request| {
            let list = list.clone();
            async move { static_file(request.uri().path(), &list) }
        };
        self.serve(Router::new().fallback(file));
    }
}

fn static_file(path: &str, list: &str) -> Response {
    let name = if path == "/" {
        "index.html"
    } else {
        path.trim_start_matches('/')
    };
    if name == "embed.json" {
        return ([(CONTENT_TYPE, "application/json")], list.to_owned()).into_response();
    }
    let kind = match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html",
        "js" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let file: PathBuf = built_app().join(name);
    match std::fs::read(file) {
        Ok(content) => ([(CONTENT_TYPE, kind)], content).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
