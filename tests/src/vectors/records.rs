//! The typed side of config scenarios: commands that set one record, and records in the form of the cases.

use super::configs::{Device, key, tree};
use super::fields::{array, bytes, failed, text};
use data_encoding::HEXLOWER;
use holdfast_protocol::account::Id;
use holdfast_protocol::config::{
    Community, CommunityUrl, Contact, Contacts, Convo, ConvoId, ConvoInfoVolatile, Disappearing, Group,
    GroupSettings, LegacyGroup, Notifications, ProfilePicture, Removal, UserGroups, UserProfile, cut_name,
};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use serde_json::{Map, Value, json};

/// Carries out one command.
pub(super) fn set(device: &mut Device, command: &Value, now_ms: u64) -> Result<(), String> {
    if let Some(raw) = command.get("raw_set") {
        return raw_set(device, raw);
    }
    match device {
        Device::Profile(profile) => set_profile(profile, command, now_ms),
        Device::Contacts(contacts) => set_contact(contacts, command),
        Device::Convos(convos) => set_convo(convos, command, now_ms),
        Device::Groups(groups) => set_group(groups, command),
        Device::Raw(_) => Err("a generic object knows no records".to_owned()),
    }
}

fn raw_set(device: &mut Device, raw: &Value) -> Result<(), String> {
    let path = raw["path"].as_array().ok_or("'path' is no list")?;
    let keys: Result<Vec<Vec<u8>>, String> = path
        .iter()
        .map(|part| key(part.as_str().unwrap_or_default()))
        .collect();
    let keys = keys?;
    let path: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let value = raw.get("value").map(tree).transpose()?;
    device.set(&path, value);
    Ok(())
}

/// Every field of a command with its value.
fn fields(command: &Value) -> Result<&Map<String, Value>, String> {
    command.as_object().ok_or("a command is no object".to_owned())
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or("no flag".to_owned())
}

fn int(value: &Value) -> Result<i64, String> {
    value.as_i64().ok_or("no number".to_owned())
}

/// A number that is nothing below zero.
fn positive(value: &Value) -> Result<u64, String> {
    Ok(u64::try_from(int(value)?).unwrap_or_default())
}

fn string(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or("no text".to_owned())
}

fn picture(value: &Value) -> Result<Option<ProfilePicture>, String> {
    if value.is_null() {
        return Ok(None);
    }
    ProfilePicture::new(text(value, "url")?, &bytes(value, "key")?).map_err(failed)
}

fn picture_json(picture: Option<ProfilePicture>) -> Value {
    match picture {
        None => json!({"url": "", "key": ""}),
        Some(picture) => json!({"url": picture.url, "key": HEXLOWER.encode(picture.key.as_slice())}),
    }
}

fn notifications(value: &Value) -> Result<Notifications, String> {
    Ok(match int(value)? {
        1 => Notifications::All,
        2 => Notifications::Disabled,
        3 => Notifications::Mentions,
        _ => Notifications::Default,
    })
}

fn notifications_json(notifications: Notifications) -> u8 {
    match notifications {
        Notifications::Default => 0,
        Notifications::All => 1,
        Notifications::Disabled => 2,
        Notifications::Mentions => 3,
    }
}

fn set_profile(profile: &mut UserProfile, command: &Value, now_ms: u64) -> Result<(), String> {
    for (name, value) in fields(command)? {
        match name.as_str() {
            "name" => {
                let name = value.as_str().unwrap_or_default();
                profile.set_name(name, now_ms).map_err(failed)?;
            }
            "name_truncated" => {
                profile.set_name_cut(string(value)?, now_ms);
            }
            "pic" => {
                let picture = picture(value)?;
                profile.set_picture(picture.as_ref(), now_ms).map_err(failed)?;
            }
            "nts_priority" => {
                profile.set_note_to_self_priority(int(value)?);
            }
            "nts_expiry" => {
                profile.set_note_to_self_expiry(value.as_u64().unwrap_or_default());
            }
            "blinded_msgreqs" => {
                profile.set_blinded_requests(value.as_bool(), now_ms);
            }
            other => return Err(format!("unknown field {other}")),
        }
    }
    Ok(())
}

fn set_contact(contacts: &mut Contacts, command: &Value) -> Result<(), String> {
    if let Some(erased) = command.get("erase") {
        contacts.erase_contact(&Id::parse(string(erased)?).map_err(failed)?);
        return Ok(());
    }
    let command = &command["set"];
    let id = Id::parse(text(command, "session_id")?).map_err(failed)?;
    let mut contact = contacts.contact_or_new(id);
    let (mut mode, mut timer) = disappearing_numbers(contact.disappearing);
    for (name, value) in fields(command)? {
        match name.as_str() {
            "session_id" => {}
            "name" => contact.name = string(value)?.to_owned(),
            "nickname" => contact.nickname = string(value)?.to_owned(),
            "nickname_truncated" => contact.nickname = cut_name(string(value)?).to_owned(),
            "pic" => contact.picture = picture(value)?,
            "approved" => contact.approved = flag(value)?,
            "approved_me" => contact.approved_me = flag(value)?,
            "blocked" => contact.blocked = flag(value)?,
            "priority" => contact.priority = int(value)?,
            "notifications" => contact.notifications = notifications(value)?,
            "mute_until" => contact.mute_until = positive(value)?,
            "exp_mode" => mode = int(value)?,
            "exp_timer" => timer = positive(value)?,
            "created" => contact.created = positive(value)?,
            other => return Err(format!("unknown field {other}")),
        }
    }
    contact.disappearing = match mode {
        1 => Disappearing::AfterSend(timer),
        2 => Disappearing::AfterRead(timer),
        _ => Disappearing::Off,
    };
    contacts.set_contact(&contact).map_err(failed).map(drop)
}

fn disappearing_numbers(disappearing: Disappearing) -> (i64, u64) {
    match disappearing {
        Disappearing::Off => (0, 0),
        Disappearing::AfterSend(timer) => (1, timer),
        Disappearing::AfterRead(timer) => (2, timer),
    }
}

/// The room that a command names, by its whole address or in parts.
fn community(command: &Value) -> Result<CommunityUrl, String> {
    if command["full_url"].is_string() {
        return CommunityUrl::parse(text(command, "full_url")?).map_err(failed);
    }
    let key = match &command["pubkey"] {
        Value::Null => None,
        _ => Some(Ed25519PublicKey::from(array(command, "pubkey")?)),
    };
    CommunityUrl::from_parts(text(command, "base_url")?, text(command, "room")?, key).map_err(failed)
}

fn convo_id(command: &Value) -> Result<ConvoId, String> {
    let id = || Id::parse(text(command, "id")?).map_err(failed);
    Ok(match text(command, "type")? {
        "1to1" => ConvoId::OneToOne(id()?),
        "group" => ConvoId::Group(id()?),
        "legacy_group" => ConvoId::LegacyGroup(id()?),
        "community" => ConvoId::community(&community(command)?),
        other => return Err(format!("unknown type {other}")),
    })
}

fn set_convo(convos: &mut ConvoInfoVolatile, command: &Value, now_ms: u64) -> Result<(), String> {
    if let Some(erased) = command.get("erase") {
        convos.erase_convo(&convo_id(erased)?);
        return Ok(());
    }
    let command = &command["set"];
    let id = convo_id(command)?;
    let stored = convos.convo(&id);
    let mut convo = stored.unwrap_or(Convo {
        id: id.clone(),
        server_key: None,
        last_read: 0,
        unread: false,
    });
    if matches!(id, ConvoId::Community { .. }) {
        convo.server_key = community(command)?.public_key.or(convo.server_key);
    }
    if let Some(last_read) = command.get("last_read") {
        convo.last_read = positive(last_read)?;
    }
    if let Some(unread) = command.get("unread") {
        convo.unread = flag(unread)?;
    }
    convos.set_convo(&convo, now_ms).map_err(failed).map(drop)
}

fn set_group(groups: &mut UserGroups, command: &Value) -> Result<(), String> {
    let (command, erase) = match command.get("erase") {
        Some(erased) => (erased, true),
        None => (&command["set"], false),
    };
    let id = || Id::parse(text(command, "id")?).map_err(failed);
    match (text(command, "type")?, erase) {
        ("community", true) => {
            groups.erase_community(&community(command)?);
            Ok(())
        }
        ("group", true) => {
            groups.erase_group(&id()?);
            Ok(())
        }
        ("legacy_group", true) => {
            groups.erase_legacy_group(&id()?);
            Ok(())
        }
        ("community", false) => {
            let url = community(command)?;
            let stored = groups.community(&url).map(|stored| stored.settings);
            let mut settings = stored.unwrap_or_default();
            set_settings(&mut settings, command)?;
            let community = Community { url, settings };
            groups.set_community(&community).map_err(failed).map(drop)
        }
        ("group", false) => {
            let id = id()?;
            let mut group = groups.group(&id).unwrap_or_else(|| Group::new(id));
            change_group(&mut group, command)?;
            groups.set_group(&group).map_err(failed).map(drop)
        }
        ("legacy_group", false) => {
            let id = id()?;
            let mut group = groups.legacy_group(&id).unwrap_or_else(|| LegacyGroup::new(id));
            change_legacy(&mut group, command)?;
            groups.set_legacy_group(&group).map_err(failed).map(drop)
        }
        (other, _) => Err(format!("unknown type {other}")),
    }
}

fn set_settings(settings: &mut GroupSettings, command: &Value) -> Result<(), String> {
    for (name, value) in fields(command)? {
        match name.as_str() {
            "priority" => settings.priority = int(value)?,
            "joined_at" => settings.joined_at = positive(value)?,
            "notifications" => settings.notifications = notifications(value)?,
            "mute_until" => settings.mute_until = positive(value)?,
            "invited" => settings.invited = flag(value)?,
            _ => {}
        }
    }
    Ok(())
}

fn change_group(group: &mut Group, command: &Value) -> Result<(), String> {
    // Status changes clear the secrets; new ones in the same command come after.
    for (mark, change) in [
        ("mark_kicked", Group::mark_kicked as fn(&mut Group)),
        ("mark_invited", Group::mark_invited),
        ("mark_destroyed", Group::mark_destroyed),
    ] {
        if command[mark] == true {
            change(group);
        }
    }
    set_settings(&mut group.settings, command)?;
    if let Some(name) = command.get("name") {
        group.name = string(name)?.to_owned();
    }
    if command["secretkey"].is_string() {
        let secret = bytes(command, "secretkey")?;
        let seed = secret.get(..32).and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        group.admin_seed = seed.map(Into::into);
    }
    if command["auth_data"].is_string() {
        let data = bytes(command, "auth_data")?;
        group.auth_data = if data.is_empty() {
            None
        } else {
            Some(array(command, "auth_data")?.into())
        };
    }
    Ok(())
}

fn change_legacy(group: &mut LegacyGroup, command: &Value) -> Result<(), String> {
    set_settings(&mut group.settings, command)?;
    if let Some(name) = command.get("name") {
        group.name = string(name)?.to_owned();
    }
    for (member, admin) in command["members"].as_object().into_iter().flatten() {
        let id = Id::parse(member).map_err(failed)?;
        match admin.as_bool() {
            None => group.members.remove(&id),
            Some(admin) => group.members.insert(id, admin),
        };
    }
    if command["enc_pubkey"].is_string() {
        let public = array::<32>(command, "enc_pubkey")?.into();
        group.keys = Some((public, array(command, "enc_seckey")?.into()));
    }
    if let Some(timer) = command.get("disappearing_timer") {
        group.timer = positive(timer)?;
    }
    Ok(())
}

/// How many records there are.
pub(super) fn count(device: &Device) -> u64 {
    let count = match device {
        Device::Contacts(contacts) => contacts.contacts().count(),
        Device::Convos(convos) => convos.convos().count(),
        Device::Groups(groups) => {
            groups.groups().count() + groups.communities().count() + groups.legacy_groups().count()
        }
        Device::Profile(_) | Device::Raw(_) => 0,
    };
    count as u64
}

/// Everything typed, as the cases write it.
pub(super) fn state(device: &Device) -> Value {
    match device {
        Device::Profile(profile) => json!({
            "name": profile.name(),
            "pic": picture_json(profile.picture()),
            "nts_priority": profile.note_to_self_priority(),
            "nts_expiry": Some(profile.note_to_self_expiry()).filter(|timer| *timer != 0),
            "blinded_msgreqs": profile.blinded_requests(),
        }),
        Device::Contacts(contacts) => {
            json!({"contacts": contacts.contacts().map(contact_json).collect::<Vec<_>>()})
        }
        Device::Convos(convos) => json!({"convos": convos.convos().map(convo_json).collect::<Vec<_>>()}),
        Device::Groups(groups) => {
            let all = groups.groups().map(group_json);
            let all = all.chain(groups.communities().map(community_json));
            let all = all.chain(groups.legacy_groups().map(legacy_json));
            json!({"groups": all.collect::<Vec<_>>()})
        }
        Device::Raw(_) => json!({}),
    }
}

fn contact_json(contact: Contact) -> Value {
    let (mode, timer) = disappearing_numbers(contact.disappearing);
    json!({
        "session_id": contact.id.to_hex(),
        "name": contact.name,
        "nickname": contact.nickname,
        "pic": picture_json(contact.picture),
        "approved": contact.approved,
        "approved_me": contact.approved_me,
        "blocked": contact.blocked,
        "priority": contact.priority,
        "notifications": notifications_json(contact.notifications),
        "mute_until": contact.mute_until,
        "exp_mode": mode,
        "exp_timer": timer,
        "created": contact.created,
    })
}

fn convo_json(convo: Convo) -> Value {
    let mut shown = json!({"last_read": convo.last_read, "unread": convo.unread});
    let (kind, id) = match &convo.id {
        ConvoId::OneToOne(id) => ("1to1", id),
        ConvoId::Blinded(id) => ("blinded", id),
        ConvoId::Group(id) => ("group", id),
        ConvoId::LegacyGroup(id) => ("legacy_group", id),
        ConvoId::Community { base_url, room } => {
            shown["type"] = json!("community");
            shown["base_url"] = json!(base_url);
            shown["room"] = json!(room);
            shown["room_norm"] = json!(room);
            shown["pubkey"] = json!(convo.server_key.map(|key| key.to_hex()));
            return shown;
        }
    };
    shown["type"] = json!(kind);
    shown["id"] = json!(id.to_hex());
    shown
}

fn settings_json(shown: &mut Value, settings: &GroupSettings) {
    shown["priority"] = json!(settings.priority);
    shown["joined_at"] = json!(settings.joined_at);
    shown["notifications"] = json!(notifications_json(settings.notifications));
    shown["mute_until"] = json!(settings.mute_until);
    shown["invited"] = json!(settings.invited);
}

fn community_json(community: Community) -> Value {
    let url = &community.url;
    let mut shown = json!({
        "type": "community",
        "base_url": url.base_url,
        "room": url.room,
        "room_norm": url.canonical_room(),
        "pubkey": url.public_key.map(|key| key.to_hex()),
        "full_url": url.full_url(),
        "name": "",
    });
    settings_json(&mut shown, &community.settings);
    shown
}

fn group_json(group: Group) -> Value {
    let secret = group.admin_seed.as_ref().map(|seed| {
        let pair = Ed25519KeyPair::from_seed(seed);
        HEXLOWER.encode(pair.to_keypair_bytes().as_slice())
    });
    let auth_data = group
        .auth_data
        .as_ref()
        .map(|data| HEXLOWER.encode(data.as_slice()));
    let mut shown = json!({
        "type": "group",
        "id": group.id.to_hex(),
        "name": group.name,
        "secretkey": secret.unwrap_or_default(),
        "auth_data": auth_data.unwrap_or_default(),
        "kicked": group.removal == Removal::Kicked,
        "destroyed": group.removal == Removal::Destroyed,
    });
    settings_json(&mut shown, &group.settings);
    shown
}

fn legacy_json(group: LegacyGroup) -> Value {
    let members: Map<String, Value> = group
        .members
        .iter()
        .map(|(id, admin)| (id.to_hex(), json!(admin)))
        .collect();
    let (public, secret) = match &group.keys {
        Some((public, secret)) => (public.to_hex(), HEXLOWER.encode(secret.as_slice())),
        None => Default::default(),
    };
    let mut shown = json!({
        "type": "legacy_group",
        "id": group.id.to_hex(),
        "name": group.name,
        "members": members,
        "enc_pubkey": public,
        "enc_seckey": secret,
        "disappearing_timer": group.timer,
    });
    settings_json(&mut shown, &group.settings);
    shown
}
