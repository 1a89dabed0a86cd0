//! One document on one or two devices: edits, pushes, confirmations, dumps, and what ages.

use super::super::{
    Config, ConfigKind, ConfigState, Contact, Contacts, Convo, ConvoId, ConvoInfoVolatile, Group,
    Notifications, ProfilePicture, Refusal, UserGroups, UserProfile,
};
use super::{NOW, account};
use crate::account::{Id, IdKind};
use crate::keys::Ed25519KeyPair;
use crate::swarm::message_hash;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Stores a push and tells so.
fn store(config: &mut Config, hash: &str) -> Vec<(String, Vec<u8>)> {
    let push = config.push(NOW).unwrap();
    let stored: Vec<_> = push
        .messages
        .into_iter()
        .enumerate()
        .map(|(at, data)| (format!("{hash}{at}"), data))
        .collect();
    config.confirm_pushed(push.seqno, stored.iter().map(|(hash, _)| hash.as_str()));
    stored
}

#[test]
fn changes_of_the_profile_leave_their_time() {
    let mut profile = UserProfile::new(&account());
    assert_eq!(profile.updated_at(), 0);
    profile.set_name("Ann", NOW).unwrap();
    assert_eq!(profile.updated_at(), NOW / 1000);
    profile.set_note_to_self_priority(-1);
    profile.set_note_to_self_expiry(60);
    profile.set_name("Ann", NOW + DAY).unwrap();
    assert_eq!(profile.updated_at(), NOW / 1000);
    assert!(profile.set_name(&"é".repeat(51), NOW).is_err());
    assert!(profile.set_name_cut(&"é".repeat(51), NOW));
    assert_eq!(profile.name(), Some("é".repeat(50).as_str()));
}

#[test]
fn the_picture_in_force_is_the_later_one() {
    let picture = |url: &str| ProfilePicture::new(url, &[5; 32]).unwrap().unwrap();
    let mut profile = UserProfile::new(&account());
    profile.set_picture(Some(&picture("http://a")), NOW).unwrap();
    profile
        .set_reuploaded_picture(&picture("http://b"), NOW + DAY)
        .unwrap();
    assert_eq!(profile.picture(), Some(picture("http://b")));
    // A change of the name keeps it in force.
    profile.set_name("Ann", NOW + 2 * DAY).unwrap();
    assert_eq!(profile.picture(), Some(picture("http://b")));
    assert_eq!(profile.updated_at(), (NOW + 2 * DAY) / 1000);
    profile
        .set_picture(Some(&picture("http://c")), NOW + 3 * DAY)
        .unwrap();
    assert_eq!(profile.picture(), Some(picture("http://c")));
    assert!(profile.set_picture(None, NOW + 4 * DAY).unwrap());
    assert_eq!(profile.picture(), None);
    let mut long = picture("http://d");
    long.url = "x".repeat(224);
    assert!(profile.set_picture(Some(&long), NOW).is_err());
    assert!(!format!("{long:?} {profile:?}").contains("xx"));
}

#[test]
fn a_failed_push_is_made_again_and_a_confirmation_comes_late() {
    let mut config = UserProfile::new(&account());
    config.set_name("one", NOW).unwrap();
    let first = config.push(NOW).unwrap();
    assert_eq!(config.state(), ConfigState::Waiting);
    assert_eq!(config.push(NOW).unwrap(), first);
    config.set_name("two", NOW).unwrap();
    config.confirm_pushed(first.seqno, ["old"]);
    assert_eq!((config.state(), config.seqno()), (ConfigState::Dirty, 2));
    store(&mut config, "new");
    assert_eq!(config.active_hashes(), ["new0".to_owned()].into());
    config.confirm_pushed(2, ["again"]);
    assert_eq!(config.active_hashes(), ["new0".to_owned()].into());
}

#[test]
fn the_own_message_is_never_called_obsolete_before_it_is_confirmed() {
    // The app stored a push and died before it knew.
    let mut config = UserProfile::new(&account());
    config.set_name("Ann", NOW).unwrap();
    let push = config.push(NOW).unwrap();
    let mut config = UserProfile::load(&account(), &config.dump()).unwrap();
    let hash = message_hash(&account().id(), push.namespace, &push.messages[0]);
    let report = config.merge(
        &[(hash.as_str(), &push.messages[0]), ("other", &push.messages[0])],
        NOW,
    );
    assert!(report.accepted.contains(hash.as_str()) && report.redone == 0);
    let again = config.push(NOW).unwrap();
    assert_eq!(again.messages, push.messages);
    assert_eq!(again.obsolete, ["other"]);
    // A later message takes its place, and then it must go.
    let mut later = config.clone();
    later.set_name("Bob", NOW).unwrap();
    assert_eq!(later.push(NOW).unwrap().obsolete, [hash.as_str()]);
    config.confirm_pushed(again.seqno, [hash.as_str()]);
    assert!(config.obsolete_hashes().is_empty() && config.active_hashes().contains(hash.as_str()));
}

#[test]
fn a_dump_keeps_everything() {
    let mut contacts = Contacts::new(&account());
    for at in 0..1_200_u32 {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&at.wrapping_mul(0x9e37_79b1).to_le_bytes());
        key[4..20].copy_from_slice(&crate::hash::blake2b::<16>(&[&at.to_le_bytes()]));
        let mut contact = Contact::new(Id::new(IdKind::Account, &key));
        contact.name = format!("{}", u64::from(at) * 0x9e37_79b9_7f4a);
        contact.nickname = data_encoding::HEXLOWER.encode(&crate::hash::blake2b::<40>(&[&key]));
        contacts.set_contact(&contact).unwrap();
    }
    let stored = store(&mut contacts, "part");
    assert!(stored.len() > 1, "one message was enough");
    assert!(!contacts.needs_push() && contacts.needs_dump());

    let mut other = Contacts::new(&account());
    let (last, first) = stored.split_last().unwrap();
    assert!(!other.merge(first, NOW).changed && other.needs_dump());
    let mut other = Contacts::load(&account(), &other.dump()).unwrap();
    assert!(!other.needs_dump());
    assert_eq!(other.active_hashes().len(), first.len());
    let report = other.merge(std::slice::from_ref(last), NOW);
    assert!(report.changed && report.refused.is_empty());
    assert_eq!(other.message_hash(), contacts.message_hash());
    let mut reloaded = Contacts::load(&account(), &other.dump()).unwrap();
    assert_eq!(reloaded.active_hashes().len(), stored.len());
    assert_eq!(reloaded.contacts().count(), 1_200);
    // What was received is stored again with the same bytes.
    let again: Vec<_> = reloaded.push(NOW).unwrap().messages;
    assert_eq!(
        again,
        stored.into_iter().map(|(_, data)| data).collect::<Vec<_>>()
    );
}

#[test]
fn unpushed_edits_survive_a_reload_as_they_were() {
    let mut config = UserProfile::new(&account());
    config.set_name("one", NOW).unwrap();
    store(&mut config, "a");
    config.set_name("two", NOW).unwrap();
    let dump = config.dump();
    let mut loaded = UserProfile::load(&account(), &dump).unwrap();
    assert_eq!((loaded.name(), loaded.seqno()), (Some("two"), 2));
    assert_eq!(loaded.dump(), dump);
    loaded.set_note_to_self_priority(1);
    config.set_note_to_self_priority(1);
    let pushed = loaded.push(NOW).unwrap();
    assert_eq!(pushed.obsolete, ["a0"]);
    assert_eq!(pushed, config.push(NOW).unwrap());
    for end in 0..dump.len() {
        assert!(UserProfile::load(&account(), &dump[..end]).is_err());
    }
}

#[test]
fn a_dump_of_an_earlier_version_loads_with_its_edits_as_a_later_message() {
    let mut config = UserProfile::new(&account());
    config.set_name("one", NOW).unwrap();
    let base = config.clone();
    store(&mut config, "a");
    config.set_name("two", NOW).unwrap();
    config.set_note_to_self_priority(1);
    // Earlier versions kept neither edits nor where a message in the making came from, and ended before those keys.
    let dump = config.dump();
    let kept = dump.windows(4).rposition(|bytes| bytes == b"1:-l").unwrap();
    let old = [&dump[..kept], b"e"].concat();
    let mut loaded = UserProfile::load(&account(), &old).unwrap();
    assert_eq!(loaded.data(), config.data());
    assert_eq!((loaded.state(), loaded.seqno()), (ConfigState::Dirty, 3));
    // The document without its edits lay beside it: with that, none is lost when others are far ahead.
    loaded.keep_edits_since(&base);
    let mut ahead = base.clone();
    store(&mut ahead, "a");
    let mut last = Vec::new();
    for at in 0..9 {
        ahead.set_note_to_self_expiry(60 + at);
        last = store(&mut ahead, &at.to_string());
    }
    let report = loaded.merge(&last, NOW);
    assert_eq!((report.redone, loaded.note_to_self_priority()), (2, 1));
    assert_eq!((loaded.name(), loaded.note_to_self_expiry()), (Some("two"), 68));
    // What was pushed loads as it was.
    store(&mut config, "b");
    let dump = config.dump();
    let kept = dump.windows(4).rposition(|bytes| bytes == b"1:-l").unwrap();
    let loaded = UserProfile::load(&account(), &[&dump[..kept], b"e"].concat()).unwrap();
    assert_eq!(
        (loaded.state(), loaded.message()),
        (ConfigState::Clean, config.message())
    );
}

#[test]
fn edits_too_far_behind_are_made_again_except_where_others_changed_the_same() {
    let (mut ahead, mut behind) = (UserProfile::new(&account()), UserProfile::new(&account()));
    ahead.set_name("0", NOW).unwrap();
    let first = store(&mut ahead, "0");
    behind.merge(&first, NOW);
    behind.set_note_to_self_priority(1);
    behind.set_name("mine", NOW).unwrap();
    let mut last = first;
    for at in 1..=6 {
        ahead.set_name(&at.to_string(), NOW).unwrap();
        last = store(&mut ahead, &at.to_string());
    }
    let report = behind.merge(&last, NOW);
    assert!(report.changed && behind.needs_push());
    assert_eq!(report.redone, 1);
    assert_eq!((behind.note_to_self_priority(), behind.name()), (1, Some("6")));
    ahead.merge(&store(&mut behind, "7"), NOW);
    assert_eq!(ahead.message_hash(), behind.message_hash());
}

#[test]
fn contacts_follow_their_rules() {
    let id = Id::new(IdKind::Account, &[1; 32]);
    let mut contacts = Contacts::new(&account());
    let mut contact = Contact::new(id);
    contact.created = 1_700_000_000_000;
    contact.notifications = Notifications::Mentions;
    contact.pro_features = 0b101;
    assert!(contacts.set_contact(&contact).unwrap());
    contact.created = 5;
    contacts.set_contact(&contact).unwrap();
    let stored = contacts.contact(&id).unwrap();
    assert_eq!(
        (stored.created, stored.notifications),
        (1_700_000_000, Notifications::All)
    );
    assert_eq!(stored.pro_features, 0b101);
    store(&mut contacts, "a");
    assert!(!contacts.set_contact(&stored).unwrap() && !contacts.needs_push());
    assert!(
        contacts
            .set_contact(&Contact::new(Id::new(IdKind::Group, &[1; 32])))
            .is_err()
    );
    contact.nickname = "x".repeat(101);
    assert!(contacts.set_contact(&contact).is_err() && !contacts.needs_push());
    // What another client wrote stays, and the rest of the contact can be changed.
    let path: [&[u8]; 3] = [b"c", id.as_bytes(), b"N"];
    contacts.set(&path, Some(contact.nickname.as_str().into()));
    contact.blocked = true;
    assert!(contacts.set_contact(&contact).unwrap());
    let stored = contacts.contact(&id).unwrap();
    assert_eq!((stored.blocked, stored.nickname.len()), (true, 101));
    contact.nickname.push('x');
    assert!(contacts.set_contact(&contact).is_err());
    assert!(contacts.erase_contact(&id) && !contacts.erase_contact(&id));
    assert_eq!(contacts.contacts().count(), 0);
}

#[test]
fn old_read_positions_stay_on_the_device() {
    let id = |byte| ConvoId::OneToOne(Id::new(IdKind::Account, &[byte; 32]));
    let convo = |byte, last_read, unread| Convo {
        id: id(byte),
        server_key: None,
        last_read,
        unread,
    };
    let mut convos = ConvoInfoVolatile::new(&account());
    assert!(!convos.set_convo(&convo(1, NOW - 31 * DAY, false), NOW).unwrap());
    assert!(!convos.needs_push() && convos.needs_dump());
    convos.set_convo(&convo(2, NOW - 31 * DAY, true), NOW).unwrap();
    convos.set_convo(&convo(3, NOW, false), NOW).unwrap();
    assert!(!convos.advance(&convo(3, NOW - 1, false), NOW).unwrap());
    assert!(convos.advance(&convo(3, NOW + 1, false), NOW).unwrap());
    assert_eq!(convos.convos().count(), 2);
    // A month later the read one ages too, and comes back when it is read again.
    convos.push(NOW + 40 * DAY).unwrap();
    assert_eq!(convos.convos().map(|convo| convo.id).collect::<Vec<_>>(), [id(2)]);
    let mut convos = ConvoInfoVolatile::load(&account(), &convos.dump()).unwrap();
    assert_eq!(convos.convo(&id(3)).unwrap().last_read, NOW + 1);
    assert_eq!(convos.convo(&id(1)).unwrap().last_read, NOW - 31 * DAY);
    convos
        .advance(&convo(3, NOW + 40 * DAY, false), NOW + 40 * DAY)
        .unwrap();
    assert_eq!(convos.convos().count(), 2);
    assert!(convos.erase_convo(&id(1)) && convos.convo(&id(1)).is_none());
    assert!(convos.erase_convo(&id(2)) && !convos.erase_convo(&id(2)));
    let group = Convo {
        id: ConvoId::Group(Id::new(IdKind::Account, &[1; 32])),
        ..convo(1, NOW, false)
    };
    assert!(convos.set_convo(&group, NOW).is_err());
}

#[test]
fn a_mark_on_what_was_never_read_leaves_nothing_when_it_goes() {
    let id = ConvoId::OneToOne(Id::new(IdKind::Account, &[1; 32]));
    let convo = |last_read, unread| Convo {
        id: id.clone(),
        server_key: None,
        last_read,
        unread,
    };
    let mut convos = ConvoInfoVolatile::new(&account());
    for last_read in [0, NOW - 31 * DAY] {
        // One that is read long ago is among the old ones before.
        convos.set_convo(&convo(last_read, false), NOW).unwrap();
        assert!(convos.set_convo(&convo(0, true), NOW).unwrap());
        assert!(convos.set_convo(&convo(0, false), NOW).unwrap());
        assert_eq!(convos.convo(&id), None);
        convos = ConvoInfoVolatile::load(&account(), &convos.dump()).unwrap();
        assert_eq!((convos.convo(&id), convos.convos().count()), (None, 0));
    }
}

#[test]
fn a_dump_with_records_that_say_nothing_among_the_old_ones_loads_without_them() {
    let id = |byte| Id::new(IdKind::Account, &[byte; 32]);
    let mut convos = ConvoInfoVolatile::new(&account());
    let read = Convo {
        id: ConvoId::OneToOne(id(2)),
        server_key: None,
        last_read: NOW - 31 * DAY,
        unread: false,
    };
    convos.set_convo(&read, NOW).unwrap();
    let dump = convos.dump();
    // As earlier versions wrote them: before the other one.
    let key = |id: Id| [b"33:".as_slice(), id.as_bytes()].concat();
    let place = dump.windows(36).position(|bytes| bytes == key(id(2))).unwrap();
    let empty = [key(id(1)).as_slice(), b"de"].concat();
    let earlier = [&dump[..place], empty.as_slice(), &dump[place..]].concat();
    let mut loaded = ConvoInfoVolatile::load(&account(), &earlier).unwrap();
    assert_eq!(loaded.convo(&ConvoId::OneToOne(id(1))), None);
    assert_eq!(loaded.convo(&read.id), Some(read));
    assert_eq!(loaded.dump(), dump);
}

#[test]
fn what_a_swarm_lost_is_made_again_as_it_was_stored() {
    let convo = |byte, last_read| Convo {
        id: ConvoId::OneToOne(Id::new(IdKind::Account, &[byte; 32])),
        server_key: None,
        last_read,
        unread: false,
    };
    let mut convos = ConvoInfoVolatile::new(&account());
    convos.set_convo(&convo(1, NOW), NOW).unwrap();
    convos.set_convo(&convo(2, NOW + 30 * DAY), NOW).unwrap();
    let stored: Vec<Vec<u8>> = store(&mut convos, "a")
        .into_iter()
        .map(|(_, data)| data)
        .collect();
    let loaded = ConvoInfoVolatile::load(&account(), &convos.dump()).unwrap();
    assert_eq!(loaded.push_again().unwrap(), stored);
    assert_eq!((loaded.seqno(), loaded.needs_push()), (1, false));
    // A push would leave out what has aged by then, as a message of its own.
    let mut later = loaded.clone();
    assert_ne!(later.push(NOW + 40 * DAY).unwrap().messages, stored);
    assert_eq!(later.seqno(), 2);
}

#[test]
fn a_group_takes_only_its_own_seed_and_prints_none() {
    let pair = Ed25519KeyPair::from_seed(&[9; 32]);
    let mut group = Group::new(Id::group(pair.public()));
    group.admin_seed = Some([9; 32].into());
    group.auth_data = Some([8; 100].into());
    let mut groups = UserGroups::new(&account());
    assert!(groups.set_group(&group).unwrap());
    assert!(!format!("{group:?} {groups:?}").contains("9, 9, 9"));
    assert!(!format!("{:?}", groups.data()).contains("9, 9, 9"));
    group.admin_seed = Some([1; 32].into());
    assert!(groups.set_group(&group).is_err());
    group.mark_destroyed();
    group.mark_invited();
    group.mark_kicked();
    groups.set_group(&group).unwrap();
    let stored = groups.group(&group.id).unwrap();
    assert_eq!(stored, group);
    assert!(stored.admin_seed.is_none() && stored.auth_data.is_none());
}

#[test]
fn another_documents_messages_are_refused() {
    let mut profile = UserProfile::new(&account());
    profile.set_name("Ann", NOW).unwrap();
    let stored = store(&mut profile, "a");
    for kind in [
        ConfigKind::Contacts,
        ConfigKind::UserGroups,
        ConfigKind::ConvoInfoVolatile,
    ] {
        let mut other = Config::new(kind, &account());
        let report = other.merge(&stored, NOW);
        assert!(matches!(report.refused[..], [(_, Refusal::Undecryptable(_))]));
        assert!(report.accepted.is_empty() && !other.needs_dump());
    }
}
