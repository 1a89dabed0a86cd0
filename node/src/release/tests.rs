//! Releases that are whole, and those that are not.

mod served;

use std::path::PathBuf;

use super::*;

/// A built page.
const FRONT: &str = r#"<html><meta charset="utf-8"><meta name="version" content="7.8.9-rc.1">"#;

fn keys(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[seed; 32])
}

/// A small site.
struct Site(PathBuf);

impl Drop for Site {
    fn drop(&mut self) {
        // Left behind in the temporary folder at worst.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Site {
    fn new() -> Self {
        let site = Self(crate::files::temporary_folder("release"));
        for (path, content) in [
            ("index.html", FRONT),
            ("service-worker.js", "keep()"),
            ("app-0123456789abcdef.js", "start()"),
            ("app-0123456789abcdef.js.br", "packed"),
            ("networks/mainnet.json", "{}"),
            ("networks/default.json", "the operator's"),
            (".hidden", "no part"),
            (".git/config", "no part"),
        ] {
            site.write(path, content);
        }
        site
    }

    fn write(&self, path: &str, content: &str) {
        let file = self.0.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }

    fn wrong(&self) -> Vec<String> {
        check_folder(&self.0, None).unwrap().wrong
    }
}

#[test]
fn a_release_names_its_files_and_nothing_else() {
    let site = Site::new();
    let made = sign_folder(&site.0, 7, &keys(1), None).unwrap();
    let names: Vec<&str> = made.release.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "app-0123456789abcdef.js",
            "index.html",
            "networks/mainnet.json",
            "service-worker.js"
        ]
    );
    let report = check_folder(&site.0, Some(&keys(1).public())).unwrap();
    assert_eq!(
        (report.fingerprint, report.key),
        (made.fingerprint, keys(1).public())
    );
    assert_eq!(report.release.number, 7);
    assert!(report.wrong.is_empty());
    // The same sources give the same bytes.
    let before = std::fs::read(site.0.join(MANIFEST)).unwrap();
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    assert_eq!(std::fs::read(site.0.join(MANIFEST)).unwrap(), before);
}

#[test]
fn what_is_no_built_site_is_not_signed() {
    let site = Site::new();
    std::fs::remove_file(site.0.join("service-worker.js")).unwrap();
    let refused = sign_folder(&site.0, 7, &keys(1), None);
    assert!(matches!(refused, Err(ReleaseError::NoSite("service-worker.js"))));
    assert!(!site.0.join(MANIFEST).exists());
}

#[test]
fn the_version_is_the_sites_and_a_site_without_one_is_not_signed() {
    let site = Site::new();
    let made = sign_folder(&site.0, 7, &keys(1), None).unwrap();
    assert_eq!(made.release.version, "7.8.9-rc.1");
    for page in [
        "<html>",
        r#"<html><meta name="version" content="">"#,
        r#"<html><meta name="version" content="1 of a kind">"#,
        r#"<html><meta name="version" content="1"#,
    ] {
        site.write("index.html", page);
        let refused = sign_folder(&site.0, 8, &keys(1), None);
        assert!(matches!(refused, Err(ReleaseError::NoVersion)), "{page}");
    }
}

#[test]
fn what_nobody_signed_is_named() {
    let site = Site::new();
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    for (path, content) in [
        ("networks/other.json", "{}"),
        ("a name.js", "steal()"),
        ("gone.js.br", "a copy of nothing"),
        ("index.html.gz", "a copy of what was signed"),
        ("networks/default.json.br", "a copy of the operator's"),
        ("embed.json", "the operator's"),
        (".well-known/x", "hidden"),
    ] {
        site.write(path, content);
    }
    let report = check_folder(&site.0, None).unwrap();
    assert_eq!(report.extra, ["a name.js", "gone.js.br", "networks/other.json"]);
    assert!(report.wrong.is_empty());
}

#[test]
fn another_key_is_not_taken_by_mistake() {
    let site = Site::new();
    sign_folder(&site.0, 1, &keys(1), None).unwrap();
    for old in [None, Some(&keys(3))] {
        let refused = sign_folder(&site.0, 2, &keys(2), old);
        assert!(matches!(refused, Err(ReleaseError::NoHandOver(key)) if key == keys(1).public()));
    }
    // As often as one likes: that is one step.
    for number in 2..40 {
        sign_folder(&site.0, number, &keys(2), Some(&keys(1))).unwrap();
    }
    check_folder(&site.0, Some(&keys(1).public())).unwrap();
}

#[test]
fn what_was_changed_is_named() {
    let site = Site::new();
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    site.write("networks/default.json", "another network");
    assert!(site.wrong().is_empty(), "that is the operator's to change");
    site.write("index.html", "<html>other");
    std::fs::remove_file(site.0.join("networks/mainnet.json")).unwrap();
    assert_eq!(site.wrong(), ["index.html", "networks/mainnet.json"]);
}

#[test]
fn another_list_or_key_is_refused() {
    let site = Site::new();
    assert!(matches!(check_folder(&site.0, None), Err(ReleaseError::Unsigned)));
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    let other = check_folder(&site.0, Some(&keys(2).public()));
    assert!(matches!(other, Err(ReleaseError::OtherKey(key)) if key == keys(1).public()));
    let manifest = std::fs::read_to_string(site.0.join(MANIFEST)).unwrap();
    site.write(MANIFEST, &manifest.replace("\"number\": 7", "\"number\": 8"));
    assert!(matches!(
        check_folder(&site.0, None),
        Err(ReleaseError::Signature)
    ));
}

#[test]
fn a_number_is_used_once_and_grows() {
    let site = Site::new();
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    sign_folder(&site.0, 7, &keys(1), None).unwrap();
    site.write("index.html", &format!("{FRONT}other"));
    for number in [6, 7] {
        let refused = sign_folder(&site.0, number, &keys(1), None);
        assert!(matches!(refused, Err(ReleaseError::Number(7))), "{number}");
        assert_eq!(site.wrong(), ["index.html"], "nothing was written");
    }
    sign_folder(&site.0, 8, &keys(1), None).unwrap();
    assert!(site.wrong().is_empty());
    // A list that can't be read is not overwritten without a word.
    site.write(MANIFEST, "{}");
    assert!(matches!(
        sign_folder(&site.0, 9, &keys(1), None),
        Err(ReleaseError::Json(_))
    ));
}

#[test]
fn keys_that_were_handed_over_are_known_in_a_new_folder_by_the_signature_before() {
    let (old, new) = (Site::new(), Site::new());
    sign_folder(&old.0, 1, &keys(1), None).unwrap();
    sign_folder(&old.0, 2, &keys(2), Some(&keys(1))).unwrap();
    std::fs::copy(old.0.join(SIGNATURE), new.0.join(SIGNATURE)).unwrap();
    sign_folder(&new.0, 3, &keys(2), None).unwrap();
    for trusted in [1, 2] {
        check_folder(&new.0, Some(&keys(trusted).public())).unwrap();
    }
}

#[test]
fn names_stay_inside_of_the_site() {
    let site = Site::new();
    site.write("a name.txt", "x");
    let refused = sign_folder(&site.0, 1, &keys(1), None);
    assert!(matches!(refused, Err(ReleaseError::Name(name)) if name == "a name.txt"));
    for path in ["../x", "/x", "a//b", "a/../b", "a/.b", ".", "", "a\\b", "a%2fb"] {
        assert!(!is_plain(path), "{path}");
    }
    assert!(is_plain("networks/mainnet-nodes.bin") && is_plain("app-0a_bg.wasm"));
    let list = br#"{"format":1,"version":"1","number":1,"files":{"../x":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#;
    assert!(matches!(Release::read(list), Err(ReleaseError::Format)));
}

#[test]
fn a_version_is_one_and_a_number_is_exact_in_browsers() {
    let read = |version: &str, number: u64| {
        let release = Release {
            format: FORMAT,
            version: version.to_owned(),
            number,
            files: BTreeMap::new(),
        };
        Release::read(&serde_json::to_vec(&release).unwrap())
    };
    assert!(read("0.1.0-rc.1+x", MAX_NUMBER).is_ok());
    let long = "1".repeat(MAX_VERSION + 1);
    for (version, number) in [
        ("", 1),
        ("1\nrelease key  00", 1),
        ("\u{1b}[2J", 1),
        (long.as_str(), 1),
        ("1", MAX_NUMBER + 1),
    ] {
        let refused = read(version, number);
        assert!(
            matches!(refused, Err(ReleaseError::Format)),
            "{version:?} {number}"
        );
    }
}

#[test]
fn a_list_is_read_up_to_its_limits() {
    let list = |files: usize| {
        let files: BTreeMap<String, Hash> = (0..files).map(|n| (n.to_string(), Hash::of(b""))).collect();
        let release = Release {
            format: FORMAT,
            version: "1".to_owned(),
            number: 1,
            files,
        };
        serde_json::to_vec(&release).unwrap()
    };
    assert_eq!(Release::read(&list(MAX_FILES)).unwrap().files.len(), MAX_FILES);
    assert!(matches!(
        Release::read(&list(MAX_FILES + 1)),
        Err(ReleaseError::Format)
    ));
    let long = vec![b' '; MAX_MANIFEST + 1];
    assert!(matches!(Release::read(&long), Err(ReleaseError::Limit(_))));
    assert!(matches!(
        Signed::read(&[b' '; MAX_SIGNATURE + 1]),
        Err(ReleaseError::Limit(_))
    ));
}

#[test]
fn a_key_hands_over_to_the_next() {
    let site = Site::new();
    sign_folder(&site.0, 1, &keys(1), None).unwrap();
    sign_folder(&site.0, 2, &keys(2), Some(&keys(1))).unwrap();
    sign_folder(&site.0, 3, &keys(3), Some(&keys(2))).unwrap();
    for trusted in [1, 2, 3] {
        check_folder(&site.0, Some(&keys(trusted).public())).unwrap();
    }
    assert!(matches!(
        check_folder(&site.0, Some(&keys(4).public())),
        Err(ReleaseError::OtherKey(_))
    ));
    // A step that the old key did not sign leads nowhere.
    let signed = std::fs::read(site.0.join(SIGNATURE)).unwrap();
    let mut signed = Signed::read(&signed).unwrap();
    signed.handed_over[0].signature = keys(9).sign(b"something");
    site.write(SIGNATURE, &serde_json::to_string(&signed).unwrap());
    assert!(matches!(
        check_folder(&site.0, Some(&keys(1).public())),
        Err(ReleaseError::Signature)
    ));
}
