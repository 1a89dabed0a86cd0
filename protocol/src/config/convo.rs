//! Read positions (spec/04-configs.md §12).
//!
//! What was read long ago is not synced any more: it moves to an archive that stays on the device.

use super::community::CommunityUrl;
use super::fields::{FieldError, Fields, int};
use super::state::Config;
use super::tree::{self, Dict, Tree};
use super::{ConfigKind, document};
use crate::account::{Id, IdKind};
use crate::keys::Ed25519PublicKey;

const ONE_TO_ONE: &[u8] = b"1";
const LEGACY_GROUPS: &[u8] = b"C";
const BLINDED: &[u8] = b"b";
const GROUPS: &[u8] = b"g";
const COMMUNITIES: &[u8] = b"o";
const SERVER_KEY: &[u8] = b"#";
const ROOMS: &[u8] = b"R";

const LAST_READ: &[u8] = b"r";
const UNREAD: &[u8] = b"u";
const PRO_EXPIRY: &[u8] = b"e";
const PRO_TAG: &[u8] = b"g";
const LEGACY_BLINDING: &[u8] = b"y";

/// How long a read position is synced, ms: 30 days.
const SYNCED_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Above this the expiry of a proof is in milliseconds.
const MILLISECONDS_ABOVE: u64 = 1_000_000_000_000;

/// Which conversation a read position belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConvoId {
    /// With an account (`05`).
    OneToOne(Id),
    /// With a blinded id (`15`, `25`).
    Blinded(Id),
    /// A group (`03`).
    Group(Id),
    /// A group of the old kind, which has an id like an account's.
    LegacyGroup(Id),
    /// A room of a community: the canonical address of the server and the lower-case token.
    Community {
        /// `https://host`, without a slash at its end.
        base_url: String,
        /// Lower case.
        room: String,
    },
}

impl ConvoId {
    /// The room of a community's address.
    pub fn community(url: &CommunityUrl) -> Self {
        Self::Community {
            base_url: url.base_url.clone(),
            room: url.room.to_ascii_lowercase(),
        }
    }

    fn check(&self) -> Result<(), FieldError> {
        let fits = match self {
            Self::OneToOne(id) | Self::LegacyGroup(id) => id.kind() == IdKind::Account,
            Self::Blinded(id) => matches!(id.kind(), IdKind::Blinded15 | IdKind::Blinded25),
            Self::Group(id) => id.kind() == IdKind::Group,
            Self::Community { .. } => true,
        };
        fits.then_some(()).ok_or(FieldError::IdKind)
    }

    fn path(&self) -> Vec<&[u8]> {
        match self {
            Self::OneToOne(id) => vec![ONE_TO_ONE, id.as_bytes()],
            Self::Blinded(id) => vec![BLINDED, id.as_bytes()],
            Self::Group(id) => vec![GROUPS, id.as_bytes()],
            Self::LegacyGroup(id) => vec![LEGACY_GROUPS, id.as_bytes()],
            Self::Community { base_url, room } => {
                vec![COMMUNITIES, base_url.as_bytes(), ROOMS, room.as_bytes()]
            }
        }
    }
}

/// How far a conversation was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convo {
    /// Which conversation.
    pub id: ConvoId,
    /// The server's key; communities only, and needed there.
    pub server_key: Option<Ed25519PublicKey>,
    /// Sent time of the last message read, ms; 0 if none was.
    pub last_read: u64,
    /// Marked unread by hand.
    pub unread: bool,
}

document!(
    /// Read positions, in namespace 4.
    ConvoInfoVolatile,
    ConfigKind::ConvoInfoVolatile
);

impl ConvoInfoVolatile {
    /// The read position of a conversation, also one that is not synced any more.
    pub fn convo(&self, id: &ConvoId) -> Option<Convo> {
        let path = id.path();
        let from = |data: &Dict| Some(read(id.clone(), data, tree::get(data, &path)?.as_dict()?));
        from(self.data()).or_else(|| from(&self.archive))
    }

    /// All read positions that are synced.
    pub fn convos(&self) -> impl Iterator<Item = Convo> {
        leaves(self.data()).map(|(id, leaf)| read(id, self.data(), leaf))
    }

    /// Sets a read position, backwards too. One older than 30 days that is not marked unread leaves the synced data and
    /// is kept here only. Returns whether the synced data changed.
    ///
    /// # Errors
    /// When the id is of the wrong kind, or a community comes without its server's key.
    pub fn set_convo(&mut self, convo: &Convo, now_ms: u64) -> Result<bool, FieldError> {
        convo.id.check()?;
        let path = convo.id.path();
        let stored = self.get(&path).or_else(|| tree::get(&self.archive, &path));
        let mut leaf = stored.and_then(Tree::as_dict).cloned().unwrap_or_default();
        put(&mut leaf, LAST_READ, int(convo.last_read));
        put(&mut leaf, UNREAD, convo.unread.into());
        if matches!(&convo.id, ConvoId::Blinded(id) if id.kind() == IdKind::Blinded15) {
            put(&mut leaf, LEGACY_BLINDING, 1);
        }
        let server_key = match &convo.id {
            ConvoId::Community { .. } => Some(convo.server_key.ok_or(FieldError::ServerKey)?),
            _ => None,
        };
        if is_old(&leaf, now_ms) {
            self.archive_leaf(&convo.id, leaf, server_key);
            return Ok(erase_leaf(self, &convo.id));
        }
        self.unarchive(&convo.id);
        let mut changed = self.set(&path, Some(Tree::Dict(leaf)));
        if let (ConvoId::Community { base_url, .. }, Some(key)) = (&convo.id, server_key) {
            let key_path: &[&[u8]] = &[COMMUNITIES, base_url.as_bytes(), SERVER_KEY];
            changed |= self.set(key_path, Some(key.as_bytes().as_slice().into()));
        }
        Ok(changed)
    }

    /// Moves a read position forward, never back. Returns whether it moved.
    ///
    /// # Errors
    /// As [`Self::set_convo`].
    pub fn advance(&mut self, convo: &Convo, now_ms: u64) -> Result<bool, FieldError> {
        let known = self.convo(&convo.id).map_or(0, |known| known.last_read);
        if convo.last_read <= known {
            return Ok(false);
        }
        self.set_convo(convo, now_ms)
    }

    /// Forgets a read position; with the last room of a server the server goes too. Returns whether there was one.
    pub fn erase_convo(&mut self, id: &ConvoId) -> bool {
        let archived = self.unarchive(id);
        erase_leaf(self, id) || archived
    }
}

impl Config {
    /// Keeps a record, and the key of its server, on this device only. One that says nothing is not kept: empty dicts are in
    /// no data tree (spec/04 §2).
    fn archive_leaf(&mut self, id: &ConvoId, leaf: Dict, server_key: Option<Ed25519PublicKey>) {
        if leaf.is_empty() {
            self.unarchive(id);
            return;
        }
        if let (ConvoId::Community { base_url, .. }, Some(key)) = (id, server_key) {
            let path: &[&[u8]] = &[COMMUNITIES, base_url.as_bytes(), SERVER_KEY];
            tree::set(&mut self.archive, path, key.as_bytes().as_slice().into());
        }
        tree::set(&mut self.archive, &id.path(), Tree::Dict(leaf));
        self.needs_dump = true;
    }

    /// Removes a record that is kept on this device only; whether there was one.
    fn unarchive(&mut self, id: &ConvoId) -> bool {
        let path = id.path();
        let archived = tree::get(&self.archive, &path).is_some();
        if archived {
            tree::remove(&mut self.archive, &path);
            self.needs_dump = true;
        }
        archived
    }
}

/// Writes a number, or removes it when it is nothing.
fn put(leaf: &mut Dict, key: &[u8], number: i64) {
    if number == 0 {
        leaf.remove(key);
    } else {
        leaf.insert(key.to_vec(), number.into());
    }
}

/// Removes a record from the synced data.
fn erase_leaf(config: &mut Config, id: &ConvoId) -> bool {
    let erased = config.set(&id.path(), None);
    if let ConvoId::Community { base_url, .. } = id {
        let server: &[&[u8]] = &[COMMUNITIES, base_url.as_bytes()];
        if config.get(&[server, &[ROOMS]].concat()).is_none() {
            config.set(server, None);
        }
    }
    erased
}

fn server_key(data: &Dict, id: &ConvoId) -> Option<Ed25519PublicKey> {
    let ConvoId::Community { base_url, .. } = id else {
        return None;
    };
    let server = tree::get(data, &[COMMUNITIES, base_url.as_bytes()])?.as_dict()?;
    Fields(server).array(SERVER_KEY).map(Ed25519PublicKey::from)
}

fn read(id: ConvoId, data: &Dict, leaf: &Dict) -> Convo {
    let fields = Fields(leaf);
    Convo {
        server_key: server_key(data, &id),
        id,
        last_read: fields.positive(LAST_READ),
        unread: fields.flag(UNREAD),
    }
}

/// Every record with its id; what is none is passed over.
fn leaves(data: &Dict) -> impl Iterator<Item = (ConvoId, &Dict)> {
    type Kind = fn(Id) -> ConvoId;
    let kinds: [(&[u8], Kind); 4] = [
        (ONE_TO_ONE, ConvoId::OneToOne),
        (BLINDED, ConvoId::Blinded),
        (GROUPS, ConvoId::Group),
        (LEGACY_GROUPS, ConvoId::LegacyGroup),
    ];
    let by_id = kinds.into_iter().flat_map(move |(key, kind)| {
        let entries = data.get(key).and_then(Tree::as_dict).into_iter().flatten();
        entries.filter_map(move |(key, leaf)| {
            let id = kind(Id::from_slice(key).ok()?);
            id.check().ok()?;
            Some((id, leaf.as_dict()?))
        })
    });
    let servers = data.get(COMMUNITIES).and_then(Tree::as_dict);
    let rooms = servers.into_iter().flatten().flat_map(|(base_url, server)| {
        let rooms = server.as_dict().and_then(|server| server.get(ROOMS)?.as_dict());
        rooms.into_iter().flatten().filter_map(move |(room, leaf)| {
            let id = ConvoId::Community {
                base_url: core::str::from_utf8(base_url).ok()?.to_owned(),
                room: core::str::from_utf8(room).ok()?.to_owned(),
            };
            Some((id, leaf.as_dict()?))
        })
    });
    by_id.chain(rooms)
}

/// Moves what is too old to be synced into the archive; whether anything was. Nothing happens with other documents.
pub(super) fn archive(config: &mut Config, now_ms: u64) -> bool {
    if config.kind() != ConfigKind::ConvoInfoVolatile {
        return false;
    }
    let old: Vec<(ConvoId, Dict)> = leaves(config.data())
        .filter(|(_, leaf)| is_old(leaf, now_ms))
        .map(|(id, leaf)| (id, leaf.clone()))
        .collect();
    let moved = !old.is_empty();
    for (id, leaf) in old {
        let key = server_key(config.data(), &id);
        config.archive_leaf(&id, leaf, key);
        erase_leaf(config, &id);
    }
    moved
}

/// Whether a record is not synced any more: not marked unread, and neither what was read nor a proof of Pro is recent.
fn is_old(leaf: &Dict, now_ms: u64) -> bool {
    let fields = Fields(leaf);
    let proof = fields.positive(PRO_EXPIRY);
    let proof_ms = if proof > MILLISECONDS_ABOVE {
        proof
    } else {
        proof.saturating_mul(1000)
    };
    let recent = |time_ms: u64| time_ms.saturating_add(SYNCED_MS) > now_ms;
    let proven = fields.array::<32>(PRO_TAG).is_some() && recent(proof_ms);
    !fields.flag(UNREAD) && !recent(fields.positive(LAST_READ)) && !proven
}

/// After a merge: what came back leaves the archive, what is too old goes there.
pub(super) fn after_merge(config: &mut Config, now_ms: u64) -> bool {
    if config.kind() != ConfigKind::ConvoInfoVolatile {
        return false;
    }
    let back: Vec<ConvoId> = leaves(&config.archive)
        .map(|(id, _)| id)
        .filter(|id| config.get(&id.path()).is_some())
        .collect();
    for id in back {
        tree::remove(&mut config.archive, &id.path());
        config.needs_dump = true;
    }
    archive(config, now_ms)
}
