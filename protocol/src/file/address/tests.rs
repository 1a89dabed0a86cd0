use super::*;
use proptest::prelude::*;

fn key(byte: u8) -> Ed25519PublicKey {
    Ed25519PublicKey::from([byte; 32])
}

fn url(text: &str) -> FileUrl {
    FileUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_known_servers_have_the_published_keys() {
    // spec/07 §1.
    for (ed25519, x25519) in [
        (
            "b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371",
            "09324794aa9c11948189762d198c618148e9136ac9582068180661208927ef34",
        ),
        (
            "ff86dcd4b26d1bfec944c59859494248626d6428efc12168749d65a1b92f5e28",
            "fc097b06821c98a2db75ce02e521cef5fd9d3446e42e81d843c4c8c4e9260f48",
        ),
        (
            "929e33ded05e653fec04b49645117f51851f102a947e04806791be416ed76602",
            "16d6c60aebb0851de7e6f4dc0a4734671dbf80f73664c008596511454cb6576d",
        ),
    ] {
        let key = Ed25519PublicKey::from_hex(ed25519).unwrap();
        assert_eq!(key.to_x25519().unwrap().to_hex(), x25519);
    }
    let server = FileServer::session();
    assert_eq!(server.base_url(), "http://filev2.getsession.org");
    let Destination::Server {
        host,
        protocol,
        port,
        target,
        x25519,
    } = server.destination().unwrap()
    else {
        panic!("not a server");
    };
    assert_eq!(
        (host.as_str(), protocol, port),
        (DEFAULT_HOST, Protocol::Http, 80)
    );
    assert_eq!(target, "/oxen/v4/lsrpc");
    assert!(x25519.to_hex().starts_with("09324794"));
}

#[test]
fn the_published_examples_read_and_write_back() {
    let hex = key(0xab).to_hex();
    for text in [
        format!("http://192.168.1.2:8000/file/abc123#p={hex}"),
        "http://filev2.getsession.org/file/abc123#d".to_owned(),
        format!("http://example.com:123/file/abc123#p={hex}&d"),
        "https://[::1]:444/file/1".to_owned(),
        "http://[2001:db8::1]/file/a_-Z".to_owned(),
    ] {
        assert_eq!(url(&text).to_string(), text);
    }
}

#[test]
fn d_is_read_in_every_form_and_written_bare() {
    for fragment in [
        "#d",
        "#d=",
        "#d=1",
        "#x=y&d",
        "#d&sr=abc.sesh:1",
        "#&d",
        "#e=00&d=",
    ] {
        let parsed = url(&format!("http://h/file/1{fragment}"));
        assert!(parsed.is_stream(), "{fragment}");
        assert_eq!(parsed.to_string(), "http://h/file/1#d");
    }
    for fragment in ["", "#", "#dd", "#D", "#e=d", "?d"] {
        assert!(
            !url(&format!("http://h/file/1{fragment}")).is_stream(),
            "{fragment}"
        );
    }
}

#[test]
fn what_other_clients_write_becomes_canonical() {
    for text in [
        "HTTP://Example.COM:80/files/1/",
        "http://example.com/file/1?x=y",
        "http://example.com/file/1/#e=00&foo",
    ] {
        assert_eq!(url(text).to_string(), "http://example.com/file/1");
    }
    // The default key says nothing on Session's own host.
    let hex = DEFAULT_KEY.to_hex().to_uppercase();
    let own = url(&format!("http://filev2.getsession.org/file/1#p={hex}"));
    assert_eq!(own.to_string(), "http://filev2.getsession.org/file/1");
    let elsewhere = url(&format!("http://e.org/file/1#p={hex}"));
    assert_eq!(
        elsewhere.to_string(),
        format!("http://e.org/file/1#p={DEFAULT_KEY}")
    );
    let full = url(&format!("https://e.org:8443/file/x#d&p={}", key(1)));
    assert_eq!(full.without_fragment(), "https://e.org:8443/file/x");
    assert_eq!(full.id().as_str(), "x");
    assert_eq!(full.host(), "e.org");
}

#[test]
fn each_fault_is_told_apart() {
    let long_id = "a".repeat(45);
    let long_host = "a".repeat(254);
    for (text, error) in [
        ("", AddressError::Scheme),
        ("ftp://h/file/1", AddressError::Scheme),
        ("http:/h/file/1", AddressError::Scheme),
        ("http:///file/1", AddressError::Host),
        ("http://:80/file/1", AddressError::Host),
        ("http://user@h/file/1", AddressError::Host),
        ("http://h h/file/1", AddressError::Host),
        ("http://é.org/file/1", AddressError::Host),
        ("http://::1/file/1", AddressError::Host),
        ("http://[::g]/file/1", AddressError::Host),
        ("http://[::1/file/1", AddressError::Host),
        ("http://[::1]x/file/1", AddressError::Port),
        (&format!("http://{long_host}/file/1"), AddressError::Host),
        ("http://open.getsession.org/file/1", AddressError::CommunityHost),
        (
            "http://x.OPEN.getsession.org.y/file/1",
            AddressError::CommunityHost,
        ),
        ("http://h:/file/1", AddressError::Port),
        ("http://h:0/file/1", AddressError::Port),
        ("http://h:65536/file/1", AddressError::Port),
        ("http://h:+1/file/1", AddressError::Port),
        ("http://h:80:90/file/1", AddressError::Host),
        ("http://h", AddressError::Path),
        ("http://h?/file/1", AddressError::Path),
        ("http://h#/file/1", AddressError::Path),
        ("http://h/room/x/file/1", AddressError::Path),
        ("http://h/file/1/2", AddressError::Path),
        ("http://h/file/1//", AddressError::Path),
        ("http://h/FILE/1", AddressError::Path),
        ("http://h/file/", AddressError::Id),
        ("http://h/file/a.b", AddressError::Id),
        ("http://h/file/%31", AddressError::Id),
        (&format!("http://h/file/{long_id}"), AddressError::Id),
        ("http://h/file/1#p=", AddressError::ServerKey),
        ("http://h/file/1#p", AddressError::ServerKey),
        ("http://h/file/1#p=00", AddressError::ServerKey),
        (
            &format!("http://h/file/1#{}", "x".repeat(MAX_URL)),
            AddressError::TooLong,
        ),
    ] {
        assert_eq!(FileUrl::parse(text), Err(error), "{text}");
    }
    let at_limit = format!("http://h/file/{}", "a".repeat(44));
    assert!(url(&at_limit).id().is_hash());
}

#[test]
fn a_server_is_an_origin_and_a_key() {
    assert_eq!(
        FileServer::parse("https://E.org/", key(1)).unwrap().base_url(),
        "https://e.org"
    );
    assert_eq!(
        FileServer::parse("https://e.org/x", key(1)),
        Err(AddressError::Path)
    );
    let server = FileServer::parse("http://e.org:8000", key(1)).unwrap();
    let file = server.url_of(FileId::parse("7").unwrap(), true);
    assert_eq!(
        file.to_string(),
        format!("http://e.org:8000/file/7#p={}&d", key(1))
    );
    let bare = FileServer::session().url_of(FileId::parse("7").unwrap(), false);
    assert_eq!(bare.to_string(), "http://filev2.getsession.org/file/7");
    // y = 2 belongs to no point; key(1) has torsion.
    let mut bytes = [0; 32];
    bytes[0] = 2;
    let unusable = FileServer::parse("http://e.org", Ed25519PublicKey::from(bytes)).unwrap();
    assert!(matches!(
        unusable.destination(),
        Err(AddressError::UnusableKey(_))
    ));
}

#[test]
fn the_key_is_the_address_own_or_a_known_hosts() {
    let own = FileServer::parse("http://files.example", key(1)).unwrap();
    let named = url(&format!("http://files.example/file/1#p={}", key(2)));
    assert_eq!(named.server(&own).unwrap().key(), &key(2));
    assert!(!named.is_on(&own));

    let unnamed = url("http://files.example/file/1");
    assert_eq!(unnamed.server(&own).unwrap(), own);
    assert!(unnamed.is_on(&own));

    for host in ["filev2.getsession.org", "other.getsession.org"] {
        let sessions = url(&format!("http://{host}/file/1"));
        assert_eq!(sessions.server(&own).unwrap().key(), &DEFAULT_KEY);
    }
    for host in ["foreign.example", "evilgetsession.org", "files.example:81"] {
        let foreign = url(&format!("http://{host}/file/1"));
        assert_eq!(foreign.server(&own), Err(AddressError::NoServerKey), "{host}");
        assert!(!foreign.is_on(&own));
    }
}

#[test]
fn numbers_are_ids_that_fit() {
    let number = |text: &str| FileId::parse(text).unwrap().number();
    assert_eq!(number("12345"), 12345);
    assert_eq!(number("18446744073709551615"), u64::MAX);
    assert_eq!(number("18446744073709551616"), 0);
    assert_eq!(number("1a"), 0);
    assert_eq!(number("-1"), 0);
}

#[test]
fn picture_addresses_are_short() {
    let at = |host: usize| {
        let host = "h".repeat(host);
        url(&format!("http://{host}/file/{}#p={}&d", "a".repeat(44), key(1)))
    };
    // "http://" + "/file/" + 44 + "#p=" + 64 + "&d"
    let others = 7 + 6 + 44 + 3 + 64 + 2;
    assert_eq!(at(223 - others).to_picture_url().unwrap().len(), 223);
    assert_eq!(
        at(224 - others).to_picture_url(),
        Err(AddressError::TooLongForPicture)
    );
}

#[test]
fn addresses_do_not_print_their_file() {
    assert_eq!(
        format!("{:?}", url("http://h/file/secret#d")),
        "FileUrl(http://h, ..)"
    );
}

proptest! {
    #[test]
    fn writing_and_reading_agree(
        https in any::<bool>(),
        host in "[a-z0-9][a-z0-9.-]{0,40}",
        port in 1..=u16::MAX,
        id in "[A-Za-z0-9_-]{1,44}",
        key in proptest::option::of(any::<[u8; 32]>()),
        stream in any::<bool>(),
    ) {
        let scheme = if https { "https" } else { "http" };
        let key = key.map_or(DEFAULT_KEY, Ed25519PublicKey::from);
        let server = FileServer::parse(&format!("{scheme}://{host}:{port}"), key).unwrap();
        let written = server.url_of(FileId::parse(&id).unwrap(), stream);
        let read = FileUrl::parse(&written.to_string());
        prop_assert_eq!(read.as_ref(), Ok(&written));
        let json = serde_json::to_vec(&written).unwrap();
        prop_assert_eq!(serde_json::from_slice::<FileUrl>(&json).unwrap(), written);
    }

    #[test]
    fn what_is_read_writes_to_the_same(text in "(http://h[:/.a1-]{0,8}/file/[a1/]{0,4}[?#&dp=]{0,6}|\\PC{0,40})") {
        if let Ok(parsed) = FileUrl::parse(&text) {
            prop_assert_eq!(FileUrl::parse(&parsed.to_string()), Ok(parsed));
        }
    }
}
