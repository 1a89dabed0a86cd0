//! What the site's files are served as, and what is never served.

use super::*;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

fn site() -> (Site, PathBuf) {
    let folder = crate::files::temporary_folder("site");
    std::fs::create_dir(folder.join("networks")).unwrap();
    std::fs::write(folder.join("index.html"), "<html>").unwrap();
    std::fs::write(folder.join("app-0123456789abcdef.js"), "js").unwrap();
    std::fs::write(folder.join("app-0123456789abcdef.js.br"), "packed").unwrap();
    std::fs::write(folder.join(".secret"), "no").unwrap();
    std::fs::write(folder.join("networks/default.json"), "{}").unwrap();
    let network = Bytes::from_static(b"{\"name\":\"local\"}");
    (Site::new(&folder, Some(network), &[], None), folder)
}

async fn ask(site: &Site, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = site
        .router()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    (
        parts.status,
        parts.headers,
        body.collect().await.unwrap().to_bytes().to_vec(),
    )
}

#[tokio::test]
async fn files_have_their_policy_type_and_cache_life() {
    let (site, folder) = site();
    let (status, headers, body) = ask(&site, "/", &[]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, b"<html>".as_slice()));
    assert_eq!(headers["cache-control"], ASK);
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("connect-src 'self'"));
    assert!(policy.contains("; require-trusted-types-for 'script'; trusted-types default;"));
    let (_, headers, _) = ask(&site, "/app-0123456789abcdef.js", &[]).await;
    assert_eq!(headers["cache-control"], FOREVER);
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    let (_, _, body) = ask(&site, "/networks/default.json", &[]).await;
    assert_eq!(body, b"{\"name\":\"local\"}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_is_shared_without_the_service_worker_is_thrown_away_and_the_app_says_so() {
    let (site, folder) = site();
    let post = |path: &str| {
        let request = Request::builder().method(Method::POST).uri(path);
        site.router()
            .oneshot(request.body(Body::from("a private photo")).unwrap())
    };
    let answer = post("/share").await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/?share=lost");
    assert!(answer.headers().contains_key("content-security-policy"));
    assert_eq!(post("/").await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_shared_without_end_is_cut_off() {
    let (site, folder) = site();
    let post = |body: Body| {
        let request = Request::builder().method(Method::POST).uri("/share");
        site.router().oneshot(request.body(body).unwrap())
    };
    // Both would hang otherwise.
    let silent = Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>());
    assert_eq!(post(silent).await.unwrap().status(), StatusCode::SEE_OTHER);
    let piece = Bytes::from(vec![0; 1 << 20]);
    let endless = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
    let answer = post(Body::from_stream(endless)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_kiosk_has_its_page_marked_and_its_file_handed_out_and_nothing_of_it_is_kept() {
    let folder = crate::kiosk::tests::site();
    let file = folder.join("library.json");
    std::fs::write(folder.join("kiosk.json"), "not this one").unwrap();
    std::fs::write(folder.join("logo.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    std::fs::write(&file, r#"{"version":1,"logo":"logo.png"}"#).unwrap();
    std::fs::write(folder.join("Index.html"), "<html><meta charset=utf-8>").unwrap();
    let kiosk = KioskSite::read(&file, &folder).unwrap();
    let site = Site::new(&folder, None, &[], Some(kiosk));
    for path in ["/", "/index.html", "/Index.html", "/any/address"] {
        let (status, headers, body) = ask(&site, path, &[("accept-encoding", "br")]).await;
        let page = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::OK);
        assert!(page.starts_with("<html><meta name=\"kiosk\""), "{page}");
        assert_eq!(headers["cache-control"], NEVER);
    }
    let (_, headers, body) = ask(&site, "/kiosk.json", &[]).await;
    assert_eq!(body, br#"{"version":1,"logo":"logo.png"}"#);
    assert_eq!(headers["cache-control"], NEVER);
    assert_eq!(headers["content-type"], "application/json");
    let (status, headers, _) = ask(&site, "/kiosk-logo", &[]).await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (StatusCode::OK, "image/png")
    );
    let (status, headers, body) = ask(&site, "/end", &[]).await;
    assert_eq!((status, body.len()), (StatusCode::SEE_OTHER, 0));
    assert_eq!(headers["location"], "/");
    assert_eq!(headers["clear-site-data"], "\"cache\", \"storage\"");
    assert_eq!(headers["cache-control"], NEVER);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_site_that_is_no_kiosk_has_none_of_a_kiosks_addresses() {
    let folder = crate::kiosk::tests::site();
    std::fs::write(folder.join("kiosk.json"), "{}").unwrap();
    let site = Site::new(&folder, None, &[], None);
    let (_, headers, body) = ask(&site, "/", &[]).await;
    assert_eq!(body, b"<html><meta charset=utf-8><title>x</title></html>");
    assert_eq!(headers["cache-control"], ASK);
    assert_eq!(ask(&site, "/kiosk.json", &[]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&site, "/kiosk-logo", &[]).await.0, StatusCode::NOT_FOUND);
    let (status, headers, _) = ask(&site, "/end", &[]).await;
    assert_eq!(status, StatusCode::OK, "an address of the app like any other");
    assert!(!headers.contains_key("clear-site-data"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_manifest_and_the_service_worker_are_looked_for_each_time() {
    let (site, folder) = site();
    for (name, kind) in [
        ("holdfast.webmanifest", "application/manifest+json"),
        ("service-worker.js", "text/javascript; charset=utf-8"),
    ] {
        std::fs::write(folder.join(name), "{}").unwrap();
        let (status, headers, _) = ask(&site, &format!("/{name}"), &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers["content-type"], kind);
        assert_eq!(headers["cache-control"], ASK, "a new release is found at once");
        assert!(headers.contains_key("content-security-policy"));
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn only_the_chat_may_be_framed_and_only_by_those_who_are_allowed() {
    let (closed, folder) = site();
    for name in ["embed.html", "embed.js", "embed.json"] {
        std::fs::write(folder.join(name), "x").unwrap();
    }
    let allowed =
        ["https://shop.example", "http://localhost:8000"].map(|text| text.parse::<EmbedOrigin>().unwrap());
    let open = Site::new(&folder, None, &allowed, None);
    let ancestors = |headers: &HeaderMap| {
        let policy = headers["content-security-policy"].to_str().unwrap().to_owned();
        let told = policy
            .split(';')
            .find_map(|part| part.trim().strip_prefix("frame-ancestors "));
        told.unwrap().to_owned()
    };
    let paths = [
        "/",
        "/index.html",
        "/embed",
        "/embed/",
        "/embed.js",
        "/embed.json",
        "/networks/default.json",
        "/missing.js",
        "/EMBED.html",
        "/x/embed.html",
        "//embed.html",
    ];
    for path in paths {
        let (_, headers, _) = ask(&open, path, &[]).await;
        assert_eq!(ancestors(&headers), "'none'", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
    }
    let (status, headers, body) = ask(&open, "/embed.html?view=button", &[]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, b"x".as_slice()));
    assert_eq!(ancestors(&headers), "https://shop.example http://localhost:8000");
    assert!(!headers.contains_key("x-frame-options"));
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("connect-src 'self'"));
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let (_, headers, _) = ask(&open, "/embed.html", &[("if-none-match", &tag)]).await;
    assert_eq!(ancestors(&headers), "https://shop.example http://localhost:8000");

    // Without the option nothing may be framed, whatever a file of the folder says.
    let (_, headers, _) = ask(&closed, "/embed.html", &[]).await;
    assert_eq!(ancestors(&headers), "'none'");
    assert_eq!(headers["x-frame-options"], "DENY");
    let (_, _, body) = ask(&closed, "/embed.json", &[]).await;
    assert_eq!(body, br#"{"origins":[]}"#);
    let (_, _, body) = ask(&open, "/embed.json", &[]).await;
    assert_eq!(
        body,
        br#"{"origins":["https://shop.example","http://localhost:8000"]}"#
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_script_for_other_pages_can_be_loaded_by_them_and_nothing_else_can() {
    let (site, folder) = site();
    std::fs::write(folder.join("embed.js"), "x").unwrap();
    let (_, headers, _) = ask(&site, "/embed.js", &[]).await;
    assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["cache-control"], ASK);
    for path in [
        "/",
        "/embed.html",
        "/networks/default.json",
        "/app-0123456789abcdef.js",
    ] {
        let (_, headers, _) = ask(&site, path, &[]).await;
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn packed_copies_go_to_those_who_take_them() {
    let (site, folder) = site();
    let js = "/app-0123456789abcdef.js";
    let (_, headers, body) = ask(&site, js, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(
        (headers["content-encoding"].to_str().unwrap(), body.as_slice()),
        ("br", b"packed".as_slice())
    );
    let (_, headers, body) = ask(&site, js, &[("accept-encoding", "br;q=0, gzip")]).await;
    assert!(headers.get("content-encoding").is_none());
    assert_eq!(body, b"js");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn known_files_are_not_sent_again_and_nothing_leaks() {
    let (site, folder) = site();
    let (_, headers, _) = ask(&site, "/index.html", &[]).await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let (status, _, body) = ask(&site, "/index.html", &[("if-none-match", &tag)]).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(
        ask(&site, "/conversation/05ab", &[]).await.0,
        StatusCode::OK,
        "an address of the app"
    );
    for path in [
        "/.secret",
        "/../Cargo.toml",
        "/missing.js",
        "/%2e%2e/Cargo.toml",
        "//etc/passwd.txt",
    ] {
        assert_eq!(ask(&site, path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
