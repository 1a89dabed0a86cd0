//! `holdfast sign` and `holdfast verify`, as anybody runs them against a site that is served.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use holdfast_node::net::server::{Stopper, serve, stopper};
use holdfast_node::release::{MANIFEST, SIGNATURE};
use holdfast_node::site::Site;
use holdfast_protocol::keys::Ed25519KeyPair;

const PAGE: &str = r#"<html><meta name="version" content="7.8.9">"#;

/// A signed site that is served, with the key that signed it.
struct Served {
    folder: PathBuf,
    url: String,
    key: String,
    _stopper: Stopper,
}

impl Drop for Served {
    fn drop(&mut self) {
        // Left behind in the temporary folder at worst.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Served {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("holdfast-verify-{name}-{}", std::process::id()));
        let site = folder.join("site");
        std::fs::create_dir_all(&site).unwrap();
        for (path, content) in [
            ("index.html", PAGE),
            ("service-worker.js", "keep()"),
            ("app.js", "start()"),
        ] {
            std::fs::write(site.join(path), content).unwrap();
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (stopper, stopping) = stopper();
        let router = Site::new(&site, None, &[], None).router();
        tokio::spawn(serve(listener, None, router, stopping));
        let file = folder.join("release.key");
        let signed = holdfast(&[
            "sign",
            "--number",
            "7",
            "--site",
            text(&site),
            "--key",
            text(&file),
        ]);
        assert!(signed.status.success(), "{}", told(&signed));
        assert!(
            told(&signed).contains("version 7.8.9, number 7"),
            "{}",
            told(&signed)
        );
        let secret = holdfast_node::files::read_secret(&file).unwrap();
        let key = Ed25519KeyPair::from_seed(&secret).public().to_hex();
        Self {
            folder,
            url,
            key,
            _stopper: stopper,
        }
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.join("site").join(path)
    }

    fn verify(&self, rest: &[&str]) -> Output {
        holdfast(&[&["verify", self.url.as_str()][..], rest].concat())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn holdfast(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args(args)
        .output()
        .unwrap()
}

/// Both of its outputs.
fn told(output: &Output) -> String {
    let parts = [output.stdout.as_slice(), output.stderr.as_slice()];
    String::from_utf8(parts.concat()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_as_it_was_signed_passes() {
    let served = Served::new("good").await;
    let output = served.verify(&["--release-key", &served.key]);
    let said = told(&output);
    assert!(output.status.success(), "{said}");
    for part in [
        "version 7.8.9, release number 7".to_owned(),
        format!("release key  {}", served.key),
        "That is the key you named.".to_owned(),
        format!("All 3 files of {} are as they were signed", served.url),
    ] {
        assert!(said.contains(&part), "{part} in {said}");
    }
    let output = served.verify(&[]);
    assert!(output.status.success());
    assert!(told(&output).contains("You named no key."), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_or_missing_file_is_named() {
    let served = Served::new("altered").await;
    std::fs::write(served.file("app.js"), "steal()").unwrap();
    std::fs::remove_file(served.file("service-worker.js")).unwrap();
    let output = served.verify(&["--release-key", &served.key]);
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not as it was signed: app.js\n"), "{said}");
    assert!(
        said.contains("not as it was signed: service-worker.js\n"),
        "{said}"
    );
    assert!(
        said.contains("is NOT the release that was signed: 2 of its 3 files"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_copy_of_something_else_is_named() {
    let served = Served::new("packed").await;
    // `steal()`, in Brotli.
    std::fs::write(served.file("app.js.br"), b"\x0b\x03\x80steal()\x03").unwrap();
    let output = served.verify(&["--release-key", &served.key]);
    let said = told(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("differs when compressed: app.js (br)\n"), "{said}");
    assert!(
        said.contains("0 of its 3 files differ or are missing, 1 differ when compressed"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_its_list_or_signature_does_not_pass() {
    for name in [MANIFEST, SIGNATURE] {
        let served = Served::new(name).await;
        std::fs::remove_file(served.file(name)).unwrap();
        let output = served.verify(&[]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = told(&output);
        assert!(
            said.contains("could not be verified: there is no signed release"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_or_list_does_not_pass() {
    let served = Served::new("other").await;
    let other = Ed25519KeyPair::from_seed(&[9; 32]).public().to_hex();
    let output = served.verify(&["--release-key", &other]);
    assert_eq!(output.status.code(), Some(1));
    let said = told(&output);
    assert!(
        said.contains(&format!("signed with the key {}", served.key)),
        "{said}"
    );
    let list = std::fs::read_to_string(served.file(MANIFEST)).unwrap();
    let list = list.replace("\"number\": 7", "\"number\": 8");
    std::fs::write(served.file(MANIFEST), list).unwrap();
    let output = served.verify(&["--release-key", &served.key]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("the signature is not right"),
        "{}",
        told(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_checked_for_what_nobody_signed_too() {
    let served = Served::new("folder").await;
    let site = served.folder.join("site");
    let verify = || holdfast(&["verify", text(&site), "--release-key", &served.key]);
    assert!(verify().status.success());
    std::fs::write(served.file("more.js"), "x").unwrap();
    let output = verify();
    assert_eq!(output.status.code(), Some(1));
    let said = told(&output);
    assert!(said.contains("not part of the release: more.js\n"), "{said}");
}
