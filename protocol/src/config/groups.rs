//! Groups and communities the account is in (spec/04-configs.md §13).

use super::community::CommunityUrl;
use super::fields::{FieldError, Fields, Notifications, Record, check_name, int, seconds};
use super::tree::{Scalar, Set, Tree};
use super::{ConfigKind, document};
use crate::account::{Id, IdKind};
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey, X25519PublicKey};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const GROUPS: &[u8] = b"g";
const COMMUNITIES: &[u8] = b"o";
const LEGACY_GROUPS: &[u8] = b"C";
const SERVER_KEY: &[u8] = b"#";
const ROOMS: &[u8] = b"R";

const NAME: &[u8] = b"n";
const PRIORITY: &[u8] = b"+";
const JOINED: &[u8] = b"j";
const NOTIFICATIONS: &[u8] = b"@";
const MUTE_UNTIL: &[u8] = b"!";
const INVITED: &[u8] = b"i";
const ADMIN_SEED: &[u8] = b"K";
const AUTH_DATA: &[u8] = b"s";
const REMOVED: &[u8] = b"r";
const LEGACY_PUBLIC: &[u8] = b"k";
const LEGACY_SECRET: &[u8] = b"K";
const MEMBERS: &[u8] = b"m";
const ADMINS: &[u8] = b"a";
const TIMER: &[u8] = b"E";

/// Bytes of a member's proof that it may use a group's swarm (spec/05).
pub const AUTH_DATA_SIZE: usize = 100;

/// What every kind of group has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupSettings {
    /// −1 hidden, 0 among the others, above pinned.
    pub priority: i64,
    /// When it was joined, unix seconds.
    pub joined_at: u64,
    /// When it notifies.
    pub notifications: Notifications,
    /// No notifications until then, unix seconds.
    pub mute_until: u64,
    /// The invitation is not accepted yet.
    pub invited: bool,
}

impl GroupSettings {
    fn read(fields: Fields<'_>) -> Self {
        Self {
            priority: fields.int(PRIORITY),
            joined_at: seconds(fields.int(JOINED)),
            notifications: Notifications::from_number(fields.int(NOTIFICATIONS)),
            mute_until: seconds(fields.int(MUTE_UNTIL)),
            invited: fields.flag(INVITED),
        }
    }

    fn write(&self, record: &mut Record<'_>) {
        record.nonzero(PRIORITY, self.priority);
        record.positive(JOINED, seconds(int(self.joined_at)));
        record.nonzero(NOTIFICATIONS, self.notifications.number());
        record.positive(MUTE_UNTIL, seconds(int(self.mute_until)));
        record.flag(INVITED, self.invited);
    }
}

/// A room of a community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// Where it is. The room has the capitals that were stored first.
    pub url: CommunityUrl,
    /// Settings.
    pub settings: GroupSettings,
}

/// Whether one is still in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// One is.
    #[default]
    None,
    /// An admin removed this account.
    Kicked,
    /// The group is no more.
    Destroyed,
}

/// A group. Its secrets are wiped on drop and not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Group {
    /// The group's id.
    pub id: Id,
    /// The last known name, at most 100 bytes.
    pub name: String,
    /// The group's seed, for admins.
    pub admin_seed: Option<Zeroizing<[u8; 32]>>,
    /// What members use the swarm with.
    pub auth_data: Option<Zeroizing<[u8; AUTH_DATA_SIZE]>>,
    /// Whether one is still in it.
    pub removal: Removal,
    /// Settings.
    pub settings: GroupSettings,
}

impl core::fmt::Debug for Group {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Group({}, {:?}, {:?})", self.id, self.removal, self.settings)
    }
}

impl Group {
    /// A group of which nothing but the id is known.
    pub fn new(id: Id) -> Self {
        Self {
            id,
            name: String::new(),
            admin_seed: None,
            auth_data: None,
            removal: Removal::None,
            settings: GroupSettings::default(),
        }
    }

    fn read(id: Id, fields: Fields<'_>) -> Self {
        let seed = fields.array(ADMIN_SEED).map(Zeroizing::new);
        Self {
            id,
            name: fields.text(NAME),
            admin_seed: seed.filter(|seed| is_seed_of(seed, &id)),
            auth_data: fields.array(AUTH_DATA).map(Zeroizing::new),
            removal: match fields.int(REMOVED) {
                1 => Removal::Kicked,
                2 => Removal::Destroyed,
                _ => Removal::None,
            },
            settings: GroupSettings::read(fields),
        }
    }

    /// An admin removed this account: the secrets go. A destroyed group stays destroyed.
    pub fn mark_kicked(&mut self) {
        self.forget_secrets();
        if self.removal != Removal::Destroyed {
            self.removal = Removal::Kicked;
        }
    }

    /// This account was invited again. A destroyed group stays destroyed.
    pub fn mark_invited(&mut self) {
        if self.removal == Removal::Kicked {
            self.removal = Removal::None;
        }
    }

    /// The group is no more; there is no way back.
    pub fn mark_destroyed(&mut self) {
        self.forget_secrets();
        self.removal = Removal::Destroyed;
    }

    fn forget_secrets(&mut self) {
        self.admin_seed = None;
        self.auth_data = None;
    }
}

fn is_seed_of(seed: &[u8; 32], id: &Id) -> bool {
    id.ed25519() == Some(Ed25519KeyPair::from_seed(seed).public())
}

/// A group of the old kind, kept for those who still have one. Its secret is wiped on drop and not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyGroup {
    /// The group's id, which looks like an account's.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The keys its messages are encrypted with.
    pub keys: Option<(X25519PublicKey, Zeroizing<[u8; 32]>)>,
    /// Account ids of the members; `true` for admins.
    pub members: BTreeMap<Id, bool>,
    /// After how many seconds messages disappear; 0 if they stay.
    pub timer: u64,
    /// Settings.
    pub settings: GroupSettings,
}

impl core::fmt::Debug for LegacyGroup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LegacyGroup({}, {:?})", self.id, self.settings)
    }
}

impl LegacyGroup {
    /// A group of which nothing but the id is known.
    pub fn new(id: Id) -> Self {
        Self {
            id,
            name: String::new(),
            keys: None,
            members: BTreeMap::new(),
            timer: 0,
            settings: GroupSettings::default(),
        }
    }

    fn read(id: Id, fields: Fields<'_>) -> Self {
        let public = fields.array(LEGACY_PUBLIC).map(X25519PublicKey::from);
        let secret = fields.array(LEGACY_SECRET).map(Zeroizing::new);
        let ids = |key: &[u8], admin: bool| {
            let set = fields.0.get(key).and_then(Tree::as_set);
            set.into_iter()
                .flatten()
                .filter_map(move |element| match element {
                    Scalar::Bytes(bytes) => Some((Id::from_slice(bytes.as_bytes()).ok()?, admin)),
                    Scalar::Int(_) => None,
                })
        };
        Self {
            id,
            name: fields.text(NAME),
            keys: public.zip(secret),
            members: ids(MEMBERS, false).chain(ids(ADMINS, true)).collect(),
            timer: fields.positive(TIMER),
            settings: GroupSettings::read(fields),
        }
    }
}

document!(
    /// Groups and communities, in namespace 5.
    UserGroups,
    ConfigKind::UserGroups
);

impl UserGroups {
    /// A group by its id.
    pub fn group(&self, id: &Id) -> Option<Group> {
        let fields = Fields::at(self, &[GROUPS, id.as_bytes()])?;
        Some(Group::read(*id, fields))
    }

    /// All groups in the order of their ids.
    pub fn groups(&self) -> impl Iterator<Item = Group> {
        self.records(GROUPS, IdKind::Group)
            .map(|(id, fields)| Group::read(id, fields))
    }

    /// Adds or changes a group. Returns whether anything changed.
    ///
    /// # Errors
    /// When the id is no group's, the name takes more than 100 bytes, or the seed is another group's.
    pub fn set_group(&mut self, group: &Group) -> Result<bool, FieldError> {
        if group.id.kind() != IdKind::Group {
            return Err(FieldError::IdKind);
        }
        check_name(&group.name)?;
        let seed = group.admin_seed.as_ref();
        if seed.is_some_and(|seed| !is_seed_of(seed, &group.id)) {
            return Err(FieldError::GroupKey);
        }
        let path: &[&[u8]] = &[GROUPS, group.id.as_bytes()];
        let mut record = Record::at(self, path);
        group.settings.write(&mut record);
        match seed {
            // Admins need no proof; one that is there stays.
            Some(seed) => record.bytes(ADMIN_SEED, seed.as_slice()),
            None => {
                record.bytes(ADMIN_SEED, &[]);
                let auth_data = group.auth_data.as_ref();
                record.put(AUTH_DATA, auth_data.map(|data| data.as_slice().into()));
            }
        }
        record.nonempty(NAME, group.name.as_bytes());
        let removal = match group.removal {
            Removal::None => 0,
            Removal::Kicked => 1,
            Removal::Destroyed => 2,
        };
        record.nonzero(REMOVED, removal);
        Ok(record.changed)
    }

    /// Removes a group. Returns whether there was one.
    pub fn erase_group(&mut self, id: &Id) -> bool {
        self.set(&[GROUPS, id.as_bytes()], None)
    }

    /// A room, whatever capitals its address has.
    pub fn community(&self, url: &CommunityUrl) -> Option<Community> {
        let room = url.canonical_room();
        let server = Fields::at(self, &[COMMUNITIES, url.base_url.as_bytes()])?;
        let fields = Fields(server.0.get(ROOMS)?.as_dict()?.get(room.as_bytes())?.as_dict()?);
        Some(read_community(&url.base_url, server, fields, &room))
    }

    /// All rooms, by server and token.
    pub fn communities(&self) -> impl Iterator<Item = Community> {
        let servers = self.data().get(COMMUNITIES).and_then(Tree::as_dict);
        servers.into_iter().flatten().flat_map(|(base_url, server)| {
            let server = server.as_dict();
            let rooms = server.and_then(|server| server.get(ROOMS)?.as_dict());
            rooms.into_iter().flatten().filter_map(move |(room, fields)| {
                let base_url = core::str::from_utf8(base_url).ok()?;
                let room = core::str::from_utf8(room).ok()?;
                Some(read_community(
                    base_url,
                    Fields(server?),
                    Fields(fields.as_dict()?),
                    room,
                ))
            })
        })
    }

    /// Adds or changes a room. The capitals of its token stay as they were stored first. Returns whether anything
    /// changed.
    ///
    /// # Errors
    /// When the address comes without the server's key.
    pub fn set_community(&mut self, community: &Community) -> Result<bool, FieldError> {
        let url = &community.url;
        let key = url.public_key.ok_or(FieldError::ServerKey)?;
        let name = self
            .community(url)
            .map_or_else(|| url.room.clone(), |stored| stored.url.room);
        let room = url.canonical_room();
        let server: &[&[u8]] = &[COMMUNITIES, url.base_url.as_bytes()];
        let key_changed = self.set(
            &[server, &[SERVER_KEY]].concat(),
            Some(key.as_bytes().as_slice().into()),
        );
        let path = [server, &[ROOMS, room.as_bytes()]].concat();
        let mut record = Record::at(self, &path);
        record.bytes(NAME, name.as_bytes());
        community.settings.write(&mut record);
        Ok(record.changed || key_changed)
    }

    /// Removes a room; with the last one its server goes too. Returns whether there was one.
    pub fn erase_community(&mut self, url: &CommunityUrl) -> bool {
        let server: &[&[u8]] = &[COMMUNITIES, url.base_url.as_bytes()];
        let room = url.canonical_room();
        let erased = self.set(&[server, &[ROOMS, room.as_bytes()]].concat(), None);
        if self.get(&[server, &[ROOMS]].concat()).is_none() {
            self.set(server, None);
        }
        erased
    }

    /// A group of the old kind.
    pub fn legacy_group(&self, id: &Id) -> Option<LegacyGroup> {
        let fields = Fields::at(self, &[LEGACY_GROUPS, id.as_bytes()])?;
        Some(LegacyGroup::read(*id, fields))
    }

    /// All groups of the old kind.
    pub fn legacy_groups(&self) -> impl Iterator<Item = LegacyGroup> {
        self.records(LEGACY_GROUPS, IdKind::Account)
            .map(|(id, fields)| LegacyGroup::read(id, fields))
    }

    /// Adds or changes a group of the old kind. Returns whether anything changed.
    ///
    /// # Errors
    /// When an id is no `05` id or the name takes more than 100 bytes.
    pub fn set_legacy_group(&mut self, group: &LegacyGroup) -> Result<bool, FieldError> {
        let mut ids = group.members.keys().chain([&group.id]);
        if ids.any(|id| id.kind() != IdKind::Account) {
            return Err(FieldError::IdKind);
        }
        check_name(&group.name)?;
        let path: &[&[u8]] = &[LEGACY_GROUPS, group.id.as_bytes()];
        let mut record = Record::at(self, path);
        group.settings.write(&mut record);
        record.bytes(NAME, group.name.as_bytes());
        let (public, secret) = group
            .keys
            .as_ref()
            .map(|(public, secret)| (public, secret))
            .unzip();
        record.put(LEGACY_PUBLIC, public.map(|key| key.as_bytes().as_slice().into()));
        record.put(LEGACY_SECRET, secret.map(|key| key.as_slice().into()));
        for (key, admin) in [(MEMBERS, false), (ADMINS, true)] {
            let ids = group.members.iter().filter(|(_, is_admin)| **is_admin == admin);
            let set: Set = ids
                .map(|(id, _)| Scalar::from(id.as_bytes().as_slice()))
                .collect();
            record.put(key, Some(Tree::Set(set)));
        }
        record.positive(TIMER, group.timer);
        Ok(record.changed)
    }

    /// Removes a group of the old kind. Returns whether there was one.
    pub fn erase_legacy_group(&mut self, id: &Id) -> bool {
        self.set(&[LEGACY_GROUPS, id.as_bytes()], None)
    }

    /// The records under ids of a kind; others are passed over.
    fn records(&self, key: &[u8], kind: IdKind) -> impl Iterator<Item = (Id, Fields<'_>)> {
        let entries = self.data().get(key).and_then(Tree::as_dict);
        entries.into_iter().flatten().filter_map(move |(key, value)| {
            let id = Id::from_slice(key).ok().filter(|id| id.kind() == kind)?;
            Some((id, Fields(value.as_dict()?)))
        })
    }
}

fn read_community(base_url: &str, server: Fields<'_>, fields: Fields<'_>, room: &str) -> Community {
    let name = fields.text(NAME);
    // What only differs in its capitals is the room's token; anything else is not.
    let room = if name.eq_ignore_ascii_case(room) {
        name
    } else {
        room.to_owned()
    };
    let url = CommunityUrl {
        base_url: base_url.to_owned(),
        room,
        public_key: server.array(SERVER_KEY).map(Ed25519PublicKey::from),
    };
    Community {
        url,
        settings: GroupSettings::read(fields),
    }
}
