//! The page of somebody else's: served from an origin of its own, it shows the app's chat as any other site would.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{self, HeaderName};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::embed::EmbedOrigin;

const PAGE: &str = include_str!("demo/index.html");
const SCRIPT: &str = include_str!("demo/demo.js");
const STYLE: &str = include_str!("demo/demo.css");
/// What stands for the app's address in the page.
const APP: &str = "{app}";

/// Where the page is. By another name than the app's, so that browsers see another site in it.
pub(super) fn address(port: u16) -> String {
    format!("http://localhost:{port}/")
}

/// The origins that it can be opened at.
pub(super) fn origins(port: u16) -> impl Iterator<Item = EmbedOrigin> {
    ["localhost", "127.0.0.1"]
        .into_iter()
        .filter_map(move |host| format!("http://{host}:{port}").parse::<EmbedOrigin>().ok())
}

/// The page, its script and its style, under a policy as strict as a careful site's.
pub(super) fn router(app_port: u16) -> Router {
    let app = format!("http://127.0.0.1:{app_port}");
    let page = PAGE.replace(APP, &format!("{app}/"));
    let policy = format!(
        "default-src 'none'; script-src 'self' {app}; frame-src {app}; style-src 'self'; base-uri 'none'; form-action \
         'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types demo"
    );
    // Ports are digits, so that this is always a header's value.
    let policy = HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let file = move |kind: &'static str, text: String| {
        let policy = policy.clone();
        get(move || async move {
            (
                [
                    (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
                    (header::CONTENT_SECURITY_POLICY, policy),
                    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
                    (
                        HeaderName::from_static("x-content-type-options"),
                        HeaderValue::from_static("nosniff"),
                    ),
                ],
                text,
            )
                .into_response()
        })
    };
    Router::new()
        .route("/", file("text/html; charset=utf-8", page))
        .route(
            "/demo.js",
            file("text/javascript; charset=utf-8", SCRIPT.to_owned()),
        )
        .route("/demo.css", file("text/css; charset=utf-8", STYLE.to_owned()))
}
