//! Configs: stored messages, what is under their encryption, dumps, and addresses of communities.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::config::{
    CommunityUrl, Config, ConfigKind, Contact, Contacts, Tree, canonical_base_url, seal, wrap,
};

pub(super) const TARGETS: &[Row] = &[
    ("config_stored", stored, stored_seeds, CRYPTOGRAPHIC),
    ("config_message", message, message_seeds, PARSING),
    ("config_dump", dump, dump_seeds, PARSING),
    ("community_url", community_url, url_seeds, PARSING),
];

/// Some time, ms.
const NOW: u64 = 1_754_971_101_000;
const KIND: ConfigKind = ConfigKind::Contacts;

fn account() -> Account {
    Account::from_seed(Seed::from_bytes(&[1; 16]))
}

/// A document with an edit that is not pushed.
fn config() -> Config {
    let mut config = Config::new(KIND, &account());
    config.set(&[b"c", b"x"], Some(5.into()));
    config
}

/// Merges a message into a document. What is refused changes nothing.
fn merge(input: &[u8]) {
    let mut config = config();
    let before = config.message_hash();
    let report = config.merge(&[("hash", input)], NOW);
    if report.accepted.is_empty() {
        assert_eq!(config.message_hash(), before);
        return;
    }
    // What was understood can be kept, and be pushed unless it grew too large.
    let dump = config.dump();
    assert!(Config::load(KIND, &account(), &dump).is_ok());
    let _ = config.push(NOW);
}

/// The bytes as a node stores them.
fn stored(input: &[u8]) {
    let _ = wrap::unwrap(&account(), KIND, input);
    merge(input);
}

fn stored_seeds() -> Vec<Vec<u8>> {
    let mut contacts = Contacts::new(&account());
    let mut seeds = Vec::new();
    for byte in 0..12 {
        let other = Account::from_seed(Seed::from_bytes(&[byte; 16]));
        let _ = contacts.set_contact(&Contact::new(other.id()));
        let push = contacts.push(NOW).map(|push| push.messages);
        seeds.extend(push.unwrap_or_default());
    }
    seeds
}

/// What is under the encryption: a message, a compressed one, or a part of one.
fn message(input: &[u8]) {
    let account = account();
    let sealed = seal::encrypt(account.ed25519().seed(), KIND.domain(), input);
    merge(&sealed.unwrap_or_default());
}

fn message_seeds() -> Vec<Vec<u8>> {
    let account = account();
    let mut seeds: Vec<Vec<u8>> = stored_seeds()
        .iter()
        .filter_map(|stored| {
            let sealed = wrap::unwrap(&account, KIND, stored)?;
            let padded = seal::decrypt(account.ed25519().seed(), KIND.domain(), &sealed).ok()?;
            Some(seal::unpad(&padded).to_vec())
        })
        .collect();
    let mut part = b"ml32:".to_vec();
    part.extend_from_slice(&[7; 32]);
    part.extend_from_slice(b"1:\x001:\x023:abce");
    seeds.push(part);
    seeds.push(config().message().to_vec());
    seeds
}

fn dump(input: &[u8]) {
    if let Ok(mut config) = Config::load(KIND, &account(), input) {
        let _ = config.active_hashes();
        let dump = config.dump();
        assert!(Config::load(KIND, &account(), &dump).is_ok());
    }
}

fn dump_seeds() -> Vec<Vec<u8>> {
    let mut merged = config();
    let messages: Vec<_> = stored_seeds().into_iter().enumerate().collect();
    let messages: Vec<_> = messages.iter().map(|(at, data)| (at.to_string(), data)).collect();
    merged.merge(&messages, NOW);
    // Edits on top of a merge, edits that were pushed, and one of an element of a set.
    let mut edited = merged.clone();
    edited.set(&[b"c", b"x"], Some(6.into()));
    edited.set(
        &[b"s"],
        Some(Tree::Set([1.into(), b"e".as_slice().into()].into())),
    );
    let mut pushed = edited.clone();
    let _ = pushed.push(NOW);
    let dumps = [config(), merged, edited, pushed];
    dumps
        .into_iter()
        .map(|mut config| config.dump().to_vec())
        .collect()
}

fn community_url(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(url) = CommunityUrl::parse(&text) {
        assert_eq!(CommunityUrl::parse(&url.full_url()).as_ref(), Ok(&url));
        assert_eq!(canonical_base_url(&url.base_url).as_ref(), Ok(&url.base_url));
    }
}

fn url_seeds() -> Vec<Vec<u8>> {
    let key = "85aae694fd7fa280cdd20beb0a4ada5638a646121e682f88578d67402a4a6e52";
    vec![
        format!("https://example.com:8080/r/Room?public_key={key}").into_bytes(),
        b"HTTP://Example.com:80/room".to_vec(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_understood() {
        for stored in stored_seeds() {
            let report = Config::new(KIND, &account()).merge(&[("hash", stored)], NOW);
            assert!(report.refused.is_empty());
        }
        for dump in dump_seeds() {
            assert!(Config::load(KIND, &account(), &dump).is_ok());
        }
    }
}
