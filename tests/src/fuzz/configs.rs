//! Configs: stored messages, what is under their encryption, dumps, what documents say, and addresses of communities.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_protocol::config::{
    Community, CommunityUrl, Config, ConfigKind, Contact, Contacts, Convo, ConvoId, ConvoInfoVolatile, Group,
    GroupSettings, LegacyGroup, ProfilePicture, Tree, UserGroups, UserProfile, canonical_base_url, seal,
    wrap,
};
use holdfast_protocol::keys::Ed25519KeyPair;

pub(super) const TARGETS: &[Row] = &[
    ("config_stored", stored, stored_seeds, CRYPTOGRAPHIC),
    ("config_message", message, message_seeds, PARSING),
    ("config_dump", dump, dump_seeds, PARSING),
    ("config_document", document, document_seeds, PARSING / 2),
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

/// What a document says, whatever was put into it: read as its kind, and written back. The first byte chooses the kind, the others
/// are a message under the encryption.
fn document(input: &[u8]) {
    let Some((first, message)) = input.split_first() else {
        return;
    };
    let Some(kind) = ConfigKind::ALL.get(usize::from(*first) % ConfigKind::ALL.len()) else {
        return;
    };
    let account = account();
    let sealed = seal::encrypt(account.ed25519().seed(), kind.domain(), message);
    let mut config = Config::new(*kind, &account);
    let report = config.merge(&[("hash", sealed.unwrap_or_default())], NOW);
    if report.accepted.is_empty() {
        return;
    }
    let dump = config.dump();
    match kind {
        ConfigKind::UserProfile => profile(UserProfile::load(&account, &dump).expect("its own dump")),
        ConfigKind::Contacts => contacts(Contacts::load(&account, &dump).expect("its own dump")),
        ConfigKind::UserGroups => groups(UserGroups::load(&account, &dump).expect("its own dump")),
        ConfigKind::ConvoInfoVolatile => {
            convos(ConvoInfoVolatile::load(&account, &dump).expect("its own dump"));
        }
    }
}

fn profile(mut document: UserProfile) {
    let name = document.name().unwrap_or_default().to_owned();
    let picture = document.picture();
    let _ = (document.chosen_at(), document.updated_at());
    document.set_name_cut(&name, NOW);
    let _ = document.set_picture(picture.as_ref(), NOW);
    document.set_note_to_self_priority(document.note_to_self_priority());
    document.set_note_to_self_expiry(document.note_to_self_expiry());
    document.set_blinded_requests(document.blinded_requests(), NOW);
    let _ = document.push(NOW);
}

fn contacts(mut document: Contacts) {
    let all: Vec<Contact> = document.contacts().collect();
    for contact in &all {
        assert_eq!(document.contact(&contact.id).as_ref(), Some(contact));
        let _ = document.set_contact(contact);
    }
    let _ = document.push(NOW);
}

fn groups(mut document: UserGroups) {
    let groups: Vec<Group> = document.groups().collect();
    for group in &groups {
        assert_eq!(document.group(&group.id).as_ref(), Some(group));
        let _ = document.set_group(group);
    }
    let communities: Vec<Community> = document.communities().collect();
    for community in &communities {
        let _ = (community.url.full_url(), document.community(&community.url));
        let _ = document.set_community(community);
    }
    let old: Vec<LegacyGroup> = document.legacy_groups().collect();
    for group in &old {
        let _ = document.set_legacy_group(group);
    }
    let _ = document.push(NOW);
}

fn convos(mut document: ConvoInfoVolatile) {
    let all: Vec<Convo> = document.convos().collect();
    for convo in &all {
        let _ = document.convo(&convo.id);
        let _ = document.advance(convo, NOW);
        let _ = document.set_convo(convo, NOW);
    }
    let _ = document.push(NOW);
}

/// One of each kind with something of everything in it.
fn document_seeds() -> Vec<Vec<u8>> {
    let account = account();
    let other = Account::from_seed(Seed::from_bytes(&[2; 16])).id();
    let group = Id::group(Ed25519KeyPair::from_seed(&[3; 32]).public());
    let room = url_seeds()
        .first()
        .map(|url| String::from_utf8_lossy(url).into_owned());
    let room = CommunityUrl::parse(&room.unwrap_or_default()).expect("an address with its key");
    let picture = ProfilePicture::new("http://filev2.getsession.org/file/1234", &[5; 32]).unwrap_or_default();

    let mut profile = UserProfile::new(&account);
    let _ = profile.set_name("Ann", NOW);
    let _ = profile.set_picture(picture.as_ref(), NOW);
    profile.set_note_to_self_priority(1);
    profile.set_note_to_self_expiry(60);
    profile.set_blinded_requests(Some(true), NOW);

    let mut contacts = Contacts::new(&account);
    let mut contact = Contact::new(other);
    (contact.name, contact.nickname) = ("Bo".to_owned(), "B".to_owned());
    (contact.picture, contact.approved, contact.priority) = (picture, true, -1);
    let _ = contacts.set_contact(&contact);

    let mut groups = UserGroups::new(&account);
    let _ = groups.set_group(&Group::new(group));
    let _ = groups.set_community(&Community {
        url: room.clone(),
        settings: GroupSettings::default(),
    });
    let mut old = LegacyGroup::new(other);
    old.members.insert(account.id(), true);
    let _ = groups.set_legacy_group(&old);

    let mut convos = ConvoInfoVolatile::new(&account);
    for id in [
        ConvoId::OneToOne(other),
        ConvoId::Group(group),
        ConvoId::LegacyGroup(other),
        ConvoId::community(&room),
    ] {
        let convo = Convo {
            id,
            server_key: room.public_key,
            last_read: NOW,
            unread: true,
        };
        let _ = convos.set_convo(&convo, NOW);
    }
    // In the order of their kinds.
    let documents: [&Config; 4] = [&profile, &contacts, &groups, &convos];
    let messages = documents.iter().map(|document| document.message().to_vec());
    (0..)
        .zip(messages)
        .map(|(kind, message)| [vec![kind], message].concat())
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
        let account = account();
        for (seed, kind) in document_seeds().iter().zip(ConfigKind::ALL) {
            let sealed = seal::encrypt(account.ed25519().seed(), kind.domain(), &seed[1..]).unwrap();
            let mut config = Config::new(kind, &account);
            let report = config.merge(&[("hash", sealed)], NOW);
            assert!(report.refused.is_empty() && !config.data().is_empty(), "{kind:?}");
        }
    }
}
