//! What a `kiosk.json` may say, and what is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn id(digit: char) -> String {
    format!("05{}", digit.to_string().repeat(64))
}

fn read(value: &Value) -> Result<Kiosk, KioskError> {
    Kiosk::read(value.to_string().as_bytes())
}

fn with(field: &str, value: Value) -> Result<Kiosk, KioskError> {
    let mut object = json!({ "version": 1 });
    object[field] = value;
    read(&object)
}

#[test]
fn the_shortest_file_allows_nothing_and_has_the_usual_limits() {
    let kiosk = read(&json!({ "version": 1 })).unwrap();
    assert_eq!(kiosk, Kiosk::default());
    assert!(kiosk.allow.is_empty() && !kiosk.keyboard && !kiosk.leave_unread);
    assert_eq!(
        (kiosk.limits.idle_seconds, kiosk.limits.hidden_seconds),
        (60, 120)
    );
    assert_eq!((kiosk.limits.total_minutes, kiosk.limits.extensions), (30, 10));
    assert!(kiosk.may_write_to(&Id::parse(&id('3')).unwrap(), || false));
    assert!(!kiosk.names_people() && kiosk.takes_new_accounts());
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let kiosk = read(&json!({
        "version": 1,
        "name": " City library ",
        "logo": "library.png",
        "theme": "dark",
        "languages": ["de", "en", "ar"],
        "language": "de",
        "contacts": [{ "id": id('3'), "name": "Front desk" }, { "id": id('4'), "name": "Help" }],
        "allow": ["restore", "transfer", "send_files", "save_files", "voice", "account_id", "print"],
        "idle_seconds": 30,
        "hidden_seconds": 10,
        "total_minutes": 60,
        "extension_minutes": 5,
        "extensions": 0,
        "keyboard": true,
        "leave_unread": true,
        "recent_days": 3,
    }))
    .unwrap();
    assert_eq!(kiosk.name.as_deref(), Some("City library"));
    assert_eq!(kiosk.logo.as_deref(), Some("library.png"));
    assert_eq!(kiosk.theme, Theme::Dark);
    assert_eq!(kiosk.language.as_deref(), Some("de"));
    assert!(kiosk.offers("ar") && !kiosk.offers("ru"));
    assert_eq!(kiosk.allow.len(), 7);
    assert!(kiosk.keyboard && kiosk.leave_unread);
    assert_eq!(kiosk.recent_days, Some(3));
    assert!(kiosk.allows(Feature::Voice) && kiosk.allows(Feature::Transfer));
    let third = Id::parse(&id('3')).unwrap();
    assert_eq!(kiosk.contact_name(&third), Some("Front desk"));
    assert!(kiosk.may_write_to(&third, || false));
    assert!(
        !kiosk.may_write_to(&Id::parse(&id('5')).unwrap(), || true),
        "the operator's contacts, and not the account's"
    );
}

#[test]
fn where_contacts_alone_can_be_written_to_they_are_the_accounts_and_the_operators() {
    let (third, fourth) = (Id::parse(&id('3')).unwrap(), Id::parse(&id('4')).unwrap());
    let own = read(&json!({ "version": 1, "contacts_only": true, "allow": ["transfer"] })).unwrap();
    assert!(own.names_people() && !own.takes_new_accounts());
    assert!(own.may_write_to(&third, || true) && !own.may_write_to(&third, || false));

    let desk = json!([{ "id": id('3'), "name": "Front desk" }]);
    let both = read(&json!({ "version": 1, "contacts_only": true, "contacts": desk })).unwrap();
    assert!(both.takes_new_accounts());
    assert!(both.may_write_to(&third, || false));
    assert!(both.may_write_to(&fourth, || true) && !both.may_write_to(&fourth, || false));

    // Nobody could be written to.
    assert!(matches!(
        with("contacts_only", json!(true)),
        Err(KioskError::Nobody)
    ));
}

#[test]
fn what_is_not_known_is_refused_and_named() {
    let said = |value: Value| read(&value).unwrap_err().to_string();
    assert!(said(json!({ "version": 1, "idel_seconds": 60 })).contains("idel_seconds"));
    assert!(said(json!({ "version": 1, "allow": ["everything"] })).contains("everything"));
    let contact = json!([{ "id": id('3'), "name": "Desk", "admin": true }]);
    assert!(said(json!({ "version": 1, "contacts": contact })).contains("admin"));
    assert!(said(json!({})).contains("version"));
    assert_eq!(
        said(json!({ "version": 2, "shiny": true })),
        "its \"version\" is 2, and this program reads version 1"
    );
    assert!(matches!(Kiosk::read(b"{"), Err(KioskError::Json(_))));
}

#[test]
fn numbers_have_bounds() {
    for (field, low, high) in [
        ("idle_seconds", 30, 600),
        ("hidden_seconds", 10, 3_600),
        ("total_minutes", 2, 1_440),
        ("extension_minutes", 1, 1_440),
        ("extensions", 0, 100),
        ("recent_days", 1, 14),
    ] {
        assert!(with(field, json!(low)).is_ok(), "{field}");
        assert!(with(field, json!(high)).is_ok(), "{field}");
        let error = with(field, json!(high + 1)).unwrap_err().to_string();
        assert_eq!(error, format!("\"{field}\" must be from {low} to {high}"));
        assert!(with(field, json!(i64::from(low) - 1)).is_err(), "{field}");
        assert!(with(field, json!(1.5)).is_err(), "{field}");
    }
}

#[test]
fn people_have_ids_of_accounts_and_are_there_once() {
    let contacts = |ids: &[&str]| {
        let all: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "name": "Desk" })).collect();
        with("contacts", json!(all))
    };
    let (third, fourth) = (id('3'), id('4'));
    assert!(contacts(&[&third, &fourth]).is_ok());
    assert!(matches!(contacts(&[&third, &third]), Err(KioskError::Twice(2))));
    for bad in [
        "",
        "05ab",
        &format!("03{}", "3".repeat(64)),
        &format!("15{}", "3".repeat(64)),
    ] {
        assert!(
            matches!(
                contacts(&[&third, bad]),
                Err(KioskError::Contact { number: 2, .. })
            ),
            "{bad}"
        );
    }
    let many: Vec<String> = (0..=MAX_CONTACTS).map(|n| format!("05{n:064x}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(contacts(&many[..MAX_CONTACTS]).is_ok());
    assert!(matches!(
        contacts(&many),
        Err(KioskError::TooMany {
            field: "contacts",
            ..
        })
    ));
}

#[test]
fn names_languages_and_the_logo_are_checked() {
    assert!(matches!(with("name", json!("  ")), Err(KioskError::Name)));
    assert!(matches!(
        with("name", json!("x".repeat(101))),
        Err(KioskError::Name)
    ));
    for bad in ["../logo.png", "a/b.png", "", ".hidden", "https:", "logo png"] {
        assert!(matches!(with("logo", json!(bad)), Err(KioskError::Logo)), "{bad}");
    }
    for bad in [json!(["de", "de"]), json!(["d"]), json!(["de/en"]), json!(["-"])] {
        assert!(
            matches!(with("languages", bad.clone()), Err(KioskError::Language)),
            "{bad}"
        );
    }
    assert!(with("language", json!("ru")).is_ok(), "all are offered");
    let other = json!({ "version": 1, "languages": ["de"], "language": "ru" });
    assert!(matches!(read(&other), Err(KioskError::Language)));
}

#[test]
fn a_file_that_is_too_long_is_not_parsed() {
    let long = format!("{{\"version\":1{}}}", " ".repeat(MAX_SIZE));
    assert!(matches!(
        Kiosk::read(long.as_bytes()),
        Err(KioskError::Limit(JsonLimit::TooLong))
    ));
}

/// Values of every type, for fields of every type.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u32..4_000).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::collection::vec("[a-z_]{0,12}", 0..4).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn whatever_is_read_keeps_to_its_bounds(
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "name", "logo", "theme", "languages", "language", "contacts", "contacts_only", "allow",
                "idle_seconds", "hidden_seconds", "total_minutes", "extension_minutes", "extensions", "keyboard",
            ]),
            any_value(),
            0..6,
        )
    ) {
        let mut object = serde_json::Map::from_iter(fields.into_iter().map(|(k, v)| (k.to_owned(), v)));
        object.insert("version".to_owned(), json!(1));
        if let Ok(kiosk) = read(&Value::Object(object)) {
            prop_assert!((30..=600).contains(&kiosk.limits.idle_seconds));
            prop_assert!((10..=3_600).contains(&kiosk.limits.hidden_seconds));
            prop_assert!((2..=1_440).contains(&kiosk.limits.total_minutes));
            prop_assert!(kiosk.name.is_none_or(|name| (1..=100).contains(&name.len())));
            prop_assert!(kiosk.logo.is_none_or(|logo| !logo.contains('/')));
        }
    }

    #[test]
    fn an_unknown_field_is_always_refused(name in "[a-z_]{1,20}") {
        let known = read(&json!({ "version": 1 })).unwrap();
        let read = with(&name, Value::Null);
        // Null is "not given" for those that may be left out.
        prop_assert!(read.is_err() || read.unwrap() == known);
        let known_names = ["name", "logo", "language", "idle_seconds", "hidden_seconds", "total_minutes",
            "extension_minutes", "extensions"];
        prop_assert!(with(&name, Value::Null).is_err() || known_names.contains(&name.as_str()));
    }

    #[test]
    fn nothing_is_too_odd(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Kiosk::read(&text);
    }
}
