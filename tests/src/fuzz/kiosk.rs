//! What an operator says of a public computer.

use holdfast_protocol::kiosk::{Kiosk, MAX_CONTACTS};

use super::{PARSING, Row};

pub(super) const TARGETS: &[Row] = &[("kiosk", kiosk, kiosk_seeds, PARSING)];

fn kiosk(input: &[u8]) {
    let Ok(kiosk) = Kiosk::read(input) else { return };
    assert!((30..=600).contains(&kiosk.limits.idle_seconds));
    assert!((10..=3_600).contains(&kiosk.limits.hidden_seconds));
    assert!(kiosk.contacts.len() <= MAX_CONTACTS);
    for contact in &kiosk.contacts {
        assert!(kiosk.may_write_to(&contact.id, || false));
        assert_eq!(kiosk.contact_name(&contact.id), Some(contact.name.as_str()));
    }
    if let Some(tag) = &kiosk.language {
        assert!(kiosk.offers(tag));
    }
}

fn kiosk_seeds() -> Vec<Vec<u8>> {
    let id = format!("05{}", "3".repeat(64));
    let seeds = vec![
        br#"{"version":1}"#.to_vec(),
        format!(
            r#"{{"version":1,"name":"Library","logo":"logo.png","theme":"dark","languages":["de","en"],"language":"de",
            "contacts":[{{"id":"{id}","name":"Desk"}}],"contacts_only":true,"allow":["restore","voice","print"],"idle_seconds":30,
            "hidden_seconds":10,"total_minutes":30,"extension_minutes":5,"extensions":2,"keyboard":true}}"#
        )
        .into_bytes(),
    ];
    for seed in &seeds {
        assert!(Kiosk::read(seed).is_ok(), "{}", String::from_utf8_lossy(seed));
    }
    seeds
}
