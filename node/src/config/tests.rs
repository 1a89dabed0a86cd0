//! What command lines and configuration files say.

use holdfast_protocol::file::api::{MAX_BODY, MAX_TTL};

use super::*;
#[cfg(feature = "clusters")]
use crate::fileserver::{ContentPlace, RecordsPlace};
use crate::registry::follow::Source;

fn read(line: &str) -> Result<Command, ConfigError> {
    parse(line.split_whitespace().map(OsString::from))
}

#[test]
fn up_has_defaults_and_takes_options() {
    let Command::Up(up) = read("up").unwrap() else {
        panic!()
    };
    assert_eq!((up.port, up.nodes, up.json), (8080, 8, false));
    let Command::Up(up) = read("up --port 0 --data d --nodes 4 --site s --json").unwrap() else {
        panic!()
    };
    assert_eq!((up.port, up.nodes, up.json), (0, 4, true));
    assert_eq!((up.data, up.site), ("d".into(), Some("s".into())));
    assert!(read("up --nodes 1").is_err());
    let Command::Up(up) = read("up --site s --kiosk k.json").unwrap() else {
        panic!()
    };
    assert_eq!(up.kiosk, Some("k.json".into()));
}

#[test]
fn pages_that_may_show_the_chat_are_named_one_by_one() {
    let line = "up --site s --embed-origin https://a.example/ --embed-origin http://localhost:1 --demo";
    let Command::Up(up) = read(line).unwrap() else {
        panic!()
    };
    let named: Vec<String> = up.embed_origins.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["https://a.example", "http://localhost:1"]);
    assert!(up.demo);
    let line = "gateway --public --site s --embed-origin https://a.example:444";
    let Command::Gateway(gateway) = read(line).unwrap() else {
        panic!()
    };
    assert_eq!(gateway.embed_origins.len(), 1);
    let why = read("up --embed-origin http://example.org").unwrap_err();
    assert!(why.to_string().contains("only https is safe"), "{why}");
    assert!(why.to_string().starts_with("--embed-origin: "), "{why}");
}

#[test]
fn proxies_are_named_one_by_one_where_clients_have_limits() {
    let named = "--trusted-proxy 127.0.0.1 --trusted-proxy 172.18.0.0/16";
    for role in ["up", "storage --seed u", "gateway --public", "files"] {
        let proxies = match read(&format!("{role} {named}")).unwrap() {
            Command::Up(up) => up.trusted_proxies,
            Command::Storage(storage) => storage.trusted_proxies,
            Command::Gateway(gateway) => gateway.trusted_proxies,
            Command::Files(files) => files.trusted_proxies,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            proxies,
            ["127.0.0.1", "172.18.0.0/16"].map(|name| name.parse::<TrustedProxy>().unwrap()),
            "{role}"
        );
    }
    let why = read("gateway --public --trusted-proxy 0.0.0.0/0").unwrap_err();
    assert!(why.to_string().starts_with("--trusted-proxy: "), "{why}");
    assert!(why.to_string().contains("half of the internet"), "{why}");
    assert!(
        read("seed --trusted-proxy 127.0.0.1").is_err(),
        "it limits nobody"
    );
}

#[test]
fn servers_of_ones_own_are_named_one_by_one() {
    let named = "--local-server 127.0.0.1:8000 --local-server [::1]:8001";
    for role in ["up", "storage --seed u --local"] {
        let servers = match read(&format!("{role} {named}")).unwrap() {
            Command::Up(up) => up.local_servers,
            Command::Storage(storage) => storage.local_servers,
            other => panic!("{other:?}"),
        };
        let expected = ["127.0.0.1:8000", "[::1]:8001"].map(|name| name.parse::<SocketAddr>().unwrap());
        assert_eq!(servers, expected, "{role}");
    }
}

#[test]
fn options_of_other_roles_and_impossible_combinations_are_refused() {
    for line in [
        "",
        "fly",
        "up --listen 1.2.3.4:5",
        "storage",
        "storage --seed u --plain-http",
        "storage --seed u --cert c",
        "gateway",
        "gateway --public --seed u",
        "gateway --public --files http://f",
        "gateway --public --files http://f --files-key 12",
        "up somewhere",
        "up --kiosk k.json",
        "storage --seed u --kiosk k.json",
        "up --site s --kiosk k.json --demo",
        "gateway --public --site s --kiosk k.json --embed-origin https://a.example",
        "up --demo",
        "gateway --public --embed-origin https://a.example",
        "sign --site s --key k --number 9007199254740992",
        "storage --seed u --durability luck",
        "sign --site s",
        "verify",
        "verify a b",
        "verify a --release-key 12",
        "gateway --public --previews http://f",
        "gateway --public --previews f --previews-key 12",
        "previews --ttl 4",
        "files --nodes 4",
        "files --ttl 0",
        "files --max-size 0",
        "files --cert c",
        "files --records mysql://x",
        "files --content http://x",
        "storage --seed u --records sqlite",
        "seed --port x",
        "up extra",
        "up --embed-origin",
        "up --embed-origin example.org",
        "gateway --public --embed-origin https://*.example.org",
        "storage --seed u --embed-origin https://a.example",
        "gateway --public --demo",
        "gateway --public --local-server 127.0.0.1:8000",
        "up --local-server localhost",
        "up --local-server 127.0.0.1",
    ] {
        assert!(read(line).is_err(), "{line}");
    }
    assert!(matches!(read("gateway --public"), Ok(Command::Gateway(g)) if g.source == Source::Public));
    assert!(matches!(read("storage --seed a --seed b"), Ok(Command::Storage(s)) if s.seeds.len() == 2));
    assert_eq!(read("--help").unwrap(), Command::Help);
    assert_eq!(read("up --version").unwrap(), Command::Version);
}

#[test]
fn a_file_server_has_the_protocols_limits_and_takes_others() {
    let Command::Files(files) = read("files").unwrap() else {
        panic!()
    };
    assert_eq!((files.listen.port(), files.rate_limit), (8000, true));
    assert_eq!((files.ttl, files.max_size), (MAX_TTL, MAX_BODY as u64));
    assert_eq!(files.versions, None);
    let Command::Files(files) = read("files --versions v.json").unwrap() else {
        panic!()
    };
    assert_eq!(files.versions, Some("v.json".into()));
    let line = "files --listen 127.0.0.1:5 --ttl 60 --max-size 10 --quota 100 --uploads 3 --no-rate-limit";
    let Command::Files(files) = read(line).unwrap() else {
        panic!()
    };
    assert_eq!((files.listen.port(), files.rate_limit), (5, false));
    assert_eq!((files.ttl, files.max_size), (60, 10));
    assert_eq!((files.quota, files.uploads), (Some(100), Some(3)));
    let key = "b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371";
    let line = format!("gateway --seed s --files http://f --files-key {key}");
    assert!(
        matches!(read(&line), Ok(Command::Gateway(g)) if g.files.as_ref().is_some_and(|f| f.base_url() == "http://f"))
    );
    let line = format!("gateway --seed s --previews http://p:8001 --previews-key {key}");
    assert!(
        matches!(read(&line), Ok(Command::Gateway(g)) if g.files.is_none() && g.previews.as_ref().is_some_and(|p| p.base_url() == "http://p:8001"))
    );
    let Command::Previews(previews) = read("previews --local --previews-ca c.pem").unwrap() else {
        panic!("another command");
    };
    assert_eq!((previews.listen.port(), previews.local), (8001, true));
    assert_eq!(
        previews.authorities.as_deref(),
        Some(std::path::Path::new("c.pem"))
    );
}

#[test]
fn releases_are_signed_and_checked() {
    let Command::Sign(sign) = read("sign --site s --key k --old-key o --number 7").unwrap() else {
        panic!("another command");
    };
    assert_eq!((sign.site, sign.key), ("s".into(), "k".into()));
    assert_eq!((sign.old_key, sign.number), (Some("o".into()), Some(7)));
    let key = "b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371";
    let Command::Verify(verify) = read(&format!("verify https://a.example/ --release-key {key}")).unwrap()
    else {
        panic!("another command");
    };
    assert_eq!(verify.target, "https://a.example/");
    assert_eq!(verify.key.map(|key| key.to_hex()).as_deref(), Some(key));
}

#[cfg(feature = "clusters")]
#[test]
fn a_file_server_may_keep_its_files_elsewhere() {
    let line = "files --records postgres://u@h/d --content s3://b/p --store-ca c --secrets s";
    let Command::Files(files) = read(line).unwrap() else {
        panic!()
    };
    assert_eq!(
        files.records,
        RecordsPlace::Postgres("postgres://u@h/d".to_owned())
    );
    assert!(matches!(files.content, ContentPlace::S3 { bucket, prefix } if bucket == "b" && prefix == "p"));
    assert_eq!(
        (files.store_ca, files.secrets),
        (Some("c".into()), Some("s".into()))
    );
    let refused = read("files --records postgres://u:hush@h/d").unwrap_err();
    assert!(!refused.to_string().contains("hush"));
}

#[test]
fn a_file_says_the_same() {
    let folder = crate::files::temporary_folder("config");
    let file = folder.join("c.json");
    std::fs::write(
        &file,
        r#"{"seed": ["a", "b"], "local": true, "plain-http": true, "listen": "127.0.0.1:5"}"#,
    )
    .unwrap();
    let line = format!("storage --config {}", file.display());
    let Command::Storage(storage) = read(&line).unwrap() else {
        panic!()
    };
    assert_eq!(
        (storage.seeds.len(), storage.local, storage.listen.port()),
        (2, true, 5)
    );
    let joined = format!("storage --config={}", file.display());
    assert_eq!(read(&joined).unwrap(), Command::Storage(storage));
    std::fs::write(&file, "[]").unwrap();
    let why = read(&line).unwrap_err();
    assert!(matches!(why, ConfigError::File(_)));
    assert!(why.to_string().contains("c.json"), "{why}");
    std::fs::remove_dir_all(folder).unwrap();
}
