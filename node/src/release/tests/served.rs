//! Releases as anybody gets them, over a listener.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tokio::task::JoinHandle;

use super::*;
use crate::net::server::{Stopper, serve, stopper};

/// Something that is served until it is stopped.
struct Served {
    url: String,
    stopper: Stopper,
    task: JoinHandle<()>,
}

impl Served {
    async fn new(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stopper, stopping) = stopper();
        let task = tokio::spawn(serve(listener, None, router, stopping));
        Self { url, stopper, task }
    }

    async fn stop(self) {
        self.stopper.stop();
        self.task.await.unwrap();
    }
}

#[tokio::test]
async fn a_site_is_checked_as_anybody_gets_it() {
    let site = Site::new();
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    let served = Served::new(crate::site::Site::new(&site.0, None, &[], None).router()).await;
    for end in ["", "/", "/#/c/05ab?n=x", "/?share=lost"] {
        let url = format!("{}{end}", served.url);
        let report = check_site(&url, Some(&keys(1).public())).await.unwrap();
        assert!(report.wrong.is_empty(), "{url}: {:?}", report.wrong);
    }
    site.write("index.html", "<html>other");
    let report = check_site(&served.url, None).await.unwrap();
    assert_eq!(report.wrong, ["index.html", "the address itself"]);
    std::fs::remove_file(site.0.join(SIGNATURE)).unwrap();
    assert!(matches!(
        check_site(&served.url, None).await,
        Err(ReleaseError::Unsigned)
    ));
    served.stop().await;
}

#[tokio::test]
async fn what_is_served_compressed_is_looked_at_too() {
    const FILE: &str = "app-0123456789abcdef.js";
    let site = Site::new();
    let copy = |name: &str, bytes: &[u8]| std::fs::write(site.0.join(name), bytes).unwrap();
    let br = format!("{FILE}.br");
    copy(&br, b"\x0b\x03\x80start()\x03");
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    let served = Served::new(crate::site::Site::new(&site.0, None, &[], None).router()).await;
    let report = check_site(&served.url, None).await.unwrap();
    assert_eq!((report.wrong, report.packed), (vec![], vec![]));
    copy(&br, b"\x0b\x03\x80steal()\x03");
    let report = check_site(&served.url, None).await.unwrap();
    assert!(report.wrong.is_empty(), "{:?}", report.wrong);
    assert_eq!(report.packed, [format!("{FILE} (br)")]);
    copy(&br, b"no brotli");
    // The page, as browsers open it first.
    copy("index.html.gz", b"no gzip");
    let report = check_site(&served.url, None).await.unwrap();
    let script = format!("{FILE} (br)");
    assert_eq!(
        report.packed,
        [script.as_str(), "index.html (gzip)", "the address itself (gzip)"]
    );
    served.stop().await;
}

#[tokio::test]
async fn a_server_may_lead_from_the_page_to_the_address_and_nowhere_else() {
    let site = Site::new();
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    for (to, wrong) in [("/", vec![]), ("/other", vec!["index.html"])] {
        let router = Router::new()
            .route("/index.html", get(move || async move { Redirect::permanent(to) }))
            .fallback_service(crate::site::Site::new(&site.0, None, &[], None).router());
        let served = Served::new(router).await;
        assert_eq!(check_site(&served.url, None).await.unwrap().wrong, wrong, "{to}");
        served.stop().await;
    }
    let router = Router::new().fallback(|| async { Redirect::permanent("https://elsewhere.example/") });
    let served = Served::new(router).await;
    let refused = check_site(&served.url, None).await.unwrap_err();
    assert!(
        refused.to_string().ends_with("release.json: status 308"),
        "{refused}"
    );
    served.stop().await;
}

#[tokio::test]
async fn a_kiosks_mark_is_no_change_of_the_site_and_anything_more_is() {
    let site = Site::new();
    site.write("index.html", &format!("{FRONT}app"));
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    let allowed = site.0.with_extension("kiosk.json");
    std::fs::write(&allowed, r#"{"version":1}"#).unwrap();
    let kiosk = crate::kiosk::KioskSite::read(&allowed, &site.0).unwrap();
    std::fs::remove_file(&allowed).unwrap();
    let served = Served::new(crate::site::Site::new(&site.0, None, &[], Some(kiosk)).router()).await;
    let report = check_site(&served.url, None).await.unwrap();
    assert!(report.wrong.is_empty(), "{:?}", report.wrong);
    site.write("index.html", "<html><meta charset=utf-8>other");
    let report = check_site(&served.url, None).await.unwrap();
    assert_eq!(report.wrong, ["index.html", "the address itself"]);
    served.stop().await;
}
