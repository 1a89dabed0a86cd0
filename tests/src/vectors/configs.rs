//! Known answers of configs: their encryption and wrapper, addresses of communities, and scenarios on the four documents
//! of an account.

use super::fields::{account, array, bytes, case_list, failed, number, refused, same, same_bytes, text};
use super::records;
use data_encoding::HEXLOWER;
use holdfast_protocol::account::Account;
use holdfast_protocol::config::{
    CommunityUrl, Config, ConfigKind, ConfigState, Contacts, ConvoInfoVolatile, Dict, Scalar, Tree,
    UserGroups, UserProfile, seal, wrap,
};
use holdfast_protocol::hash::blake2b;
use holdfast_protocol::swarm::Namespace;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

/// Shows how an old release forgot read positions; today's keep them in an archive (the README of the vectors).
const OLD_RULES: &str = "pruning_2025";

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "config_pad" => pad(case),
        "config_encrypt" => encrypt(case),
        "config_decrypt_error" => decrypt_error(case),
        "config_wrap" => wrapping(case),
        "config_unwrap_error" => unwrap_error(case),
        "community_url" => community_url(case),
        "userprofile" => scenario(case, ConfigKind::UserProfile),
        "contacts" => scenario(case, ConfigKind::Contacts),
        "convo" => scenario(case, ConfigKind::ConvoInfoVolatile),
        "usergroups" => scenario(case, ConfigKind::UserGroups),
        _ => return None,
    })
}

fn pad(case: &Value) -> Result<(), String> {
    let message = vec![b'x'; usize::try_from(number(case, "msg_len")?).map_err(failed)?];
    let padded = seal::pad(&message);
    same("padded_len", padded.len() as u64, number(case, "padded_len")?)?;
    let zeros = padded.len() - message.len();
    same("zeros_in_front", zeros as u64, number(case, "zeros_in_front")?)?;
    same_bytes("unpadded", seal::unpad(&padded), message)
}

fn encrypt(case: &Value) -> Result<(), String> {
    let (key, domain) = (array(case, "key")?, text(case, "domain")?);
    let (message, ciphertext) = (bytes(case, "msg")?, bytes(case, "ciphertext")?);
    let sealed = seal::encrypt(&key, domain, &message).map_err(failed)?;
    same_bytes("ciphertext", sealed, &ciphertext)?;
    let opened = seal::decrypt(&key, domain, &ciphertext).map_err(failed)?;
    same_bytes("msg", &*opened, message)
}

fn decrypt_error(case: &Value) -> Result<(), String> {
    let (key, domain) = (array(case, "key")?, text(case, "domain")?);
    refused(seal::decrypt(&key, domain, &bytes(case, "ciphertext")?))
}

fn kind_of(case: &Value) -> Result<ConfigKind, String> {
    let namespace = i16::try_from(number(case, "ns")?).map_err(failed)?;
    ConfigKind::of_namespace(Namespace(namespace)).ok_or_else(|| format!("namespace {namespace}"))
}

fn wrapping(case: &Value) -> Result<(), String> {
    let (account, kind) = (account(case, "seed")?, kind_of(case)?);
    let seqno = case["seqno"].as_i64().ok_or("'seqno' is no number")?;
    let (data, wrapped) = (bytes(case, "data")?, bytes(case, "wrapped")?);
    let ours = wrap::wrap(&account, kind, seqno, data.clone()).ok_or("not wrapped")?;
    same_bytes("wrapped", ours, &wrapped)?;
    let inner = wrap::unwrap(&account, kind, &wrapped).ok_or("not unwrapped")?;
    same_bytes("data", inner, data)
}

fn unwrap_error(case: &Value) -> Result<(), String> {
    let (account, kind) = (account(case, "seed")?, kind_of(case)?);
    refused(wrap::unwrap(&account, kind, &bytes(case, "data")?).ok_or(()))
}

fn community_url(case: &Value) -> Result<(), String> {
    let parsed = CommunityUrl::parse(text(case, "url")?);
    if case["ok"] == false {
        return refused(parsed);
    }
    let url = parsed.map_err(failed)?;
    same("base_url", url.base_url.as_str(), text(case, "base_url")?)?;
    same(
        "canonical_url",
        url.base_url.as_str(),
        text(case, "canonical_url")?,
    )?;
    same("room", url.room.as_str(), text(case, "room")?)?;
    same(
        "canonical_room",
        url.canonical_room().as_str(),
        text(case, "canonical_room")?,
    )?;
    let key = url.public_key.map(|key| key.to_hex());
    same("pubkey", key.as_deref(), case["pubkey"].as_str())
}

/// A device's object: a typed document, or a generic one that stands for a newer client.
pub(super) enum Device {
    Profile(UserProfile),
    Contacts(Contacts),
    Convos(ConvoInfoVolatile),
    Groups(UserGroups),
    Raw(Config),
}

impl Device {
    fn new(kind: ConfigKind, account: &Account, step: &Value) -> Result<Self, String> {
        let dump = match &step["dump"] {
            Value::Null => None,
            _ => Some(bytes(step, "dump")?),
        };
        let dump = dump.as_deref();
        let raw = step["raw"] == true;
        macro_rules! made {
            ($document:ident) => {
                match dump {
                    None => Ok($document::new(account)),
                    Some(dump) => $document::load(account, dump),
                }
            };
        }
        let device = match kind {
            _ if raw => match dump {
                None => Ok(Config::new(kind, account)),
                Some(dump) => Config::load(kind, account, dump),
            }
            .map(Self::Raw),
            ConfigKind::UserProfile => made!(UserProfile).map(Self::Profile),
            ConfigKind::Contacts => made!(Contacts).map(Self::Contacts),
            ConfigKind::ConvoInfoVolatile => made!(ConvoInfoVolatile).map(Self::Convos),
            ConfigKind::UserGroups => made!(UserGroups).map(Self::Groups),
        };
        device.map_err(failed)
    }
}

impl Deref for Device {
    type Target = Config;

    fn deref(&self) -> &Config {
        match self {
            Self::Profile(document) => document,
            Self::Contacts(document) => document,
            Self::Convos(document) => document,
            Self::Groups(document) => document,
            Self::Raw(config) => config,
        }
    }
}

impl DerefMut for Device {
    fn deref_mut(&mut self) -> &mut Config {
        match self {
            Self::Profile(document) => document,
            Self::Contacts(document) => document,
            Self::Convos(document) => document,
            Self::Groups(document) => document,
            Self::Raw(config) => config,
        }
    }
}

fn scenario(case: &Value, kind: ConfigKind) -> Result<(), String> {
    let account = account(case, "seed")?;
    if case["name"] == OLD_RULES {
        return received_only(case, &account, kind);
    }
    // Without a clock the profile leaves no time of its changes, as the releases did that the cases come from.
    let mut now_ms = case["now_ms"].as_u64().unwrap_or(0);
    let mut devices: BTreeMap<String, Device> = BTreeMap::new();
    for (at, step) in case_list(case, "steps")?.iter().enumerate() {
        let place = |reason: String| format!("step {at} ({}): {reason}", step["do"]);
        if step["do"] == "set_clock" {
            now_ms = number(step, "now_ms")?;
            continue;
        }
        let name = text(step, "device")?;
        if step["do"] == "new" {
            devices.insert(name.to_owned(), Device::new(kind, &account, step).map_err(place)?);
            continue;
        }
        let device = devices.get_mut(name).ok_or("no such device")?;
        run_step(device, &account, kind, step, now_ms).map_err(place)?;
    }
    agree(case, &devices)
}

/// The cases of several devices: all end with the same bytes.
fn agree(case: &Value, devices: &BTreeMap<String, Device>) -> Result<(), String> {
    if case["all_devices_agree"] != true {
        return Ok(());
    }
    let plain = bytes(case, "final_plain")?;
    devices.iter().try_for_each(|(name, device)| {
        same_bytes(&format!("final_plain of {name}"), &*device.message(), &plain)
    })
}

/// A case whose edits follow other rules: what it pushes is understood all the same.
fn received_only(case: &Value, account: &Account, kind: ConfigKind) -> Result<(), String> {
    for step in case_list(case, "steps")? {
        if step["do"] == "push" {
            opened(account, kind, &step["expect"])?;
        }
    }
    Ok(())
}

fn run_step(
    device: &mut Device,
    account: &Account,
    kind: ConfigKind,
    step: &Value,
    now_ms: u64,
) -> Result<(), String> {
    let expect = &step["expect"];
    match text(step, "do")? {
        "set" => {
            let mut commands = case_list(step, "cmds")?.iter();
            let done = commands.try_for_each(|command| records::set(device, command, now_ms));
            if step["expect_error"] == true {
                return refused(done);
            }
            done?;
            needs(device, expect)
        }
        "push" => push(device, account, kind, expect, now_ms),
        "confirm" => {
            let seqno = step["seqno"].as_i64().ok_or("'seqno' is no number")?;
            device.confirm_pushed(seqno, hashes(step, "hashes")?);
            Ok(())
        }
        "merge" => {
            let messages: Result<Vec<(String, Vec<u8>)>, String> =
                case_list(step, "messages")?.iter().map(message).collect();
            let report = device.merge(&messages?, now_ms);
            same("good", report.accepted, hashes(expect, "good")?)?;
            needs(device, expect)
        }
        "get" | "get_brief" => get(device, expect),
        "old_hashes" => same("old", device.obsolete_hashes().clone(), hashes(expect, "old")?),
        "active_hashes" => same("active", device.active_hashes(), hashes(expect, "active")?),
        "dump" => {
            // The format is ours; what it must do is bring the same object back.
            let dump = device.dump();
            let (before, loaded) = (state(device), Config::load(kind, account, &dump).map_err(failed)?);
            if device.state() == ConfigState::Dirty {
                return same("data after reload", loaded.data(), device.data());
            }
            same("reloaded", state(&loaded), before)
        }
        other => Err(format!("unknown step {other}")),
    }
}

fn message(pair: &Value) -> Result<(String, Vec<u8>), String> {
    let (hash, data) = (pair[0].as_str(), pair[1].as_str());
    let (hash, data) = hash.zip(data).ok_or("a message is no pair")?;
    let data = HEXLOWER.decode(data.as_bytes()).map_err(failed)?;
    Ok((hash.to_owned(), data))
}

fn hashes(case: &Value, name: &str) -> Result<BTreeSet<String>, String> {
    let hash = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or("a hash is no text".to_owned())
    };
    case_list(case, name)?.iter().map(hash).collect()
}

/// What is kept alive across a reload.
fn state(config: &Config) -> impl PartialEq + std::fmt::Debug + use<> {
    let hashes = (config.active_hashes(), config.obsolete_hashes().clone());
    (
        HEXLOWER.encode(&config.message()),
        config.state(),
        config.seqno(),
        hashes,
    )
}

fn needs(device: &Device, expect: &Value) -> Result<(), String> {
    let dump = expect["needs_dump"].as_bool().unwrap_or(device.needs_dump());
    same("needs_dump", device.needs_dump(), dump)?;
    let push = expect["needs_push"].as_bool().unwrap_or(device.needs_push());
    same("needs_push", device.needs_push(), push)
}

fn push(
    device: &mut Device,
    account: &Account,
    kind: ConfigKind,
    expect: &Value,
    now_ms: u64,
) -> Result<(), String> {
    let push = device.push(now_ms).map_err(failed)?;
    same("seqno", Some(push.seqno), expect["seqno"].as_i64())?;
    let obsolete: BTreeSet<String> = push.obsolete.into_iter().collect();
    same("obsolete", obsolete, hashes(expect, "obsolete")?)?;
    let messages = case_list(expect, "messages")?;
    let compressed = case_list(expect, "opened")?
        .iter()
        .any(|part| part["compressed"] == true);
    // Of several parts, what is compressed cannot be seen.
    if !compressed && messages.len() == 1 {
        for (ours, message) in push.messages.iter().zip(messages) {
            same(
                "message",
                HEXLOWER.encode(ours).as_str(),
                message.as_str().unwrap_or_default(),
            )?;
        }
    }
    let plain = opened(account, kind, expect)?;
    same_bytes("plain", &*device.message(), plain)?;
    // Ours must bring another device to the same state.
    let mut other = Config::new(kind, account);
    let ours: Vec<_> = push
        .messages
        .iter()
        .enumerate()
        .map(|(at, data)| (at.to_string(), data))
        .collect();
    let report = other.merge(&ours, 0);
    same("refused", report.refused, Vec::new())?;
    same("data of a receiver", other.data(), device.data())
}

/// What a fresh device finds in the messages of a push; checked against the answers.
fn opened(account: &Account, kind: ConfigKind, expect: &Value) -> Result<Vec<u8>, String> {
    let mut other = Config::new(kind, account);
    let mut messages = Vec::new();
    for (at, value) in case_list(expect, "messages")?.iter().enumerate() {
        let data = HEXLOWER
            .decode(value.as_str().unwrap_or_default().as_bytes())
            .map_err(failed)?;
        messages.push((at.to_string(), data));
    }
    let report = other.merge(&messages, 0);
    same("refused", report.refused, Vec::new())?;
    let plain = other.message().to_vec();
    for part in case_list(expect, "opened")? {
        if part["plain"].is_string() {
            same_bytes("plain of the known message", &plain, bytes(part, "plain")?)?;
        }
        if part["plain_hash"].is_string() {
            same_bytes("plain_hash", blake2b::<32>(&[&plain]), bytes(part, "plain_hash")?)?;
        }
    }
    Ok(plain)
}

fn get(device: &Device, expect: &Value) -> Result<(), String> {
    needs(device, expect)?;
    if expect["curr_hashes"].is_array() {
        same(
            "curr_hashes",
            device.current_hashes().clone(),
            hashes(expect, "curr_hashes")?,
        )?;
    }
    if let Some(seqno) = expect["seqno"].as_i64() {
        same("seqno", device.seqno(), seqno)?;
    }
    if expect["serialized_unsigned"].is_string() {
        let plain = bytes(expect, "serialized_unsigned")?;
        same_bytes("serialized", &*device.message(), plain)?;
    }
    if expect["hash"].is_string() {
        same_bytes("hash", device.message_hash(), bytes(expect, "hash")?)?;
    }
    if let Some(code) = expect["state_code"].as_str() {
        let ours = match device.state() {
            ConfigState::Clean => "clean",
            ConfigState::Dirty => "dirty",
            ConfigState::Waiting => "waiting",
        };
        same("state_code", ours, code)?;
    }
    if expect["tree"].is_object() {
        same("tree", Tree::Dict(device.data().clone()), tree(&expect["tree"])?)?;
    }
    if let Some(count) = expect["count"].as_u64() {
        same("count", records::count(device), count)?;
    }
    match &expect["state"] {
        Value::Null => Ok(()),
        state => same("state", sorted(records::state(device)), sorted(state.clone())),
    }
}

/// Records in one order: the cases list them by kind, in the order of the library.
fn sorted(mut state: Value) -> Value {
    for list in ["contacts", "convos", "groups"] {
        if let Some(list) = state[list].as_array_mut() {
            list.sort_by_key(canonical);
        }
    }
    if state.is_null() { json!({}) } else { state }
}

/// A value's text, the same whatever the order of its fields: whether a map keeps it depends on who else uses the library.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// A key of a raw tree: bytes in hex when they are not printable.
pub(super) fn key(text: &str) -> Result<Vec<u8>, String> {
    match text.strip_prefix("0x") {
        Some(hex) => HEXLOWER.decode(hex.as_bytes()).map_err(failed),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// A raw tree.
pub(super) fn tree(value: &Value) -> Result<Tree, String> {
    if let Some(entries) = value["d"].as_object() {
        let mut dict = Dict::new();
        for (name, value) in entries {
            dict.insert(key(name)?, tree(value)?);
        }
        return Ok(Tree::Dict(dict));
    }
    if let Some(elements) = value["set"].as_array() {
        let element = |value: &Value| match tree(value)? {
            Tree::Scalar(scalar) => Ok(scalar),
            _ => Err("a set holds scalars".to_owned()),
        };
        let set: Result<_, String> = elements.iter().map(element).collect();
        return Ok(Tree::Set(set?));
    }
    if let Some(number) = value["i"].as_i64() {
        return Ok(number.into());
    }
    if let Some(text) = value["s"].as_str() {
        return Ok(text.into());
    }
    Ok(Tree::Scalar(Scalar::from(bytes(value, "x")?.as_slice())))
}
