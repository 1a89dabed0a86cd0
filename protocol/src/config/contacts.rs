//! Everybody the account knows, message requests included (spec/04-configs.md §11).

use super::fields::{
    FieldError, Fields, Notifications, ProfilePicture, Record, check_name, check_picture, cut_name, int,
    seconds,
};
use super::{ConfigKind, document};
use crate::account::{Id, IdKind};

/// The dict of contacts; blinded contacts have another one, which is kept as it is.
const CONTACTS: &[u8] = b"c";

const NAME: &[u8] = b"n";
const NICKNAME: &[u8] = b"N";
const PICTURE_URL: &[u8] = b"p";
const PICTURE_KEY: &[u8] = b"q";
const UPDATED: &[u8] = b"t";
const APPROVED: &[u8] = b"a";
const APPROVED_ME: &[u8] = b"A";
const BLOCKED: &[u8] = b"b";
const PRIORITY: &[u8] = b"+";
const NOTIFICATIONS: &[u8] = b"@";
const MUTE_UNTIL: &[u8] = b"!";
const EXPIRY_MODE: &[u8] = b"e";
const EXPIRY_SECONDS: &[u8] = b"E";
const CREATED: &[u8] = b"j";
const PRO_FEATURES: &[u8] = b"f";

/// When messages of a conversation disappear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disappearing {
    /// They stay.
    #[default]
    Off,
    /// This many seconds after they were sent.
    AfterSend(u64),
    /// This many seconds after they were read.
    AfterRead(u64),
}

/// What is known of somebody. Written as a whole, while keys that are not known here stay in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Their account id.
    pub id: Id,
    /// The name they gave themselves.
    pub name: String,
    /// The name they have here; empty for none.
    pub nickname: String,
    /// Their picture.
    pub picture: Option<ProfilePicture>,
    /// The time of name and picture, unix seconds, as they said; 0 if unknown. Only newer ones replace them.
    pub profile_updated: u64,
    /// We accepted them.
    pub approved: bool,
    /// They accepted us.
    pub approved_me: bool,
    /// Blocked.
    pub blocked: bool,
    /// −1 hidden, 0 among the others, above pinned.
    pub priority: i64,
    /// When the conversation notifies; mentions are read and written as all.
    pub notifications: Notifications,
    /// No notifications until then, unix seconds.
    pub mute_until: u64,
    /// When messages disappear.
    pub disappearing: Disappearing,
    /// When the contact was added, unix seconds. Never overwritten once set.
    pub created: u64,
    /// Pro features they claim, as a mask.
    pub pro_features: u64,
}

impl Contact {
    /// Somebody of whom nothing but the id is known.
    pub fn new(id: Id) -> Self {
        Self {
            id,
            name: String::new(),
            nickname: String::new(),
            picture: None,
            profile_updated: 0,
            approved: false,
            approved_me: false,
            blocked: false,
            priority: 0,
            notifications: Notifications::Default,
            mute_until: 0,
            disappearing: Disappearing::Off,
            created: 0,
            pro_features: 0,
        }
    }

    fn read(id: Id, fields: Fields<'_>) -> Self {
        let timer = fields.positive(EXPIRY_SECONDS);
        Self {
            id,
            name: fields.text(NAME),
            nickname: fields.text(NICKNAME),
            picture: fields.picture(PICTURE_URL, PICTURE_KEY),
            profile_updated: fields.positive(UPDATED),
            approved: fields.flag(APPROVED),
            approved_me: fields.flag(APPROVED_ME),
            blocked: fields.flag(BLOCKED),
            priority: fields.int(PRIORITY),
            notifications: without_mentions(Notifications::from_number(fields.int(NOTIFICATIONS))),
            mute_until: seconds(fields.int(MUTE_UNTIL)),
            disappearing: match fields.int(EXPIRY_MODE) {
                1 if timer > 0 => Disappearing::AfterSend(timer),
                2 if timer > 0 => Disappearing::AfterRead(timer),
                _ => Disappearing::Off,
            },
            created: seconds(fields.int(CREATED)),
            pro_features: fields.bits(PRO_FEATURES),
        }
    }
}

/// One-to-one conversations have no mentions.
fn without_mentions(notifications: Notifications) -> Notifications {
    match notifications {
        Notifications::Mentions => Notifications::All,
        other => other,
    }
}

document!(
    /// Contacts, in namespace 3.
    Contacts,
    ConfigKind::Contacts
);

impl Contacts {
    /// A contact by account id.
    pub fn contact(&self, id: &Id) -> Option<Contact> {
        let fields = Fields::at(self, &[CONTACTS, id.as_bytes()])?;
        Some(Contact::read(*id, fields))
    }

    /// The contact, or a new one that is not in the document yet.
    pub fn contact_or_new(&self, id: Id) -> Contact {
        self.contact(&id).unwrap_or_else(|| Contact::new(id))
    }

    /// All contacts in the order of their ids. Entries that are none are passed over.
    pub fn contacts(&self) -> impl Iterator<Item = Contact> {
        let entries = self.data().get(CONTACTS).and_then(super::Tree::as_dict);
        entries.into_iter().flatten().filter_map(|(key, value)| {
            let id = Id::from_slice(key)
                .ok()
                .filter(|id| id.kind() == IdKind::Account)?;
            Some(Contact::read(id, Fields(value.as_dict()?)))
        })
    }

    /// Adds or changes a contact. A name that is too long is cut. Returns whether anything changed.
    ///
    /// # Errors
    /// When the id is no account's, or a new nickname or picture's address is too long; nothing changes then.
    pub fn set_contact(&mut self, contact: &Contact) -> Result<bool, FieldError> {
        if contact.id.kind() != IdKind::Account {
            return Err(FieldError::IdKind);
        }
        let stored = self.contact(&contact.id);
        let stored_nickname = stored.as_ref().map(|stored| stored.nickname.as_str());
        if stored_nickname != Some(contact.nickname.as_str()) {
            // A longer one is accepted from others.
            check_name(&contact.nickname)?;
        }
        let stored_picture = stored.as_ref().and_then(|stored| stored.picture.as_ref());
        check_picture(contact.picture.as_ref(), stored_picture)?;
        let created = stored
            .as_ref()
            .map(|stored| stored.created)
            .filter(|created| *created != 0);

        let path: &[&[u8]] = &[CONTACTS, contact.id.as_bytes()];
        let mut record = Record::at(self, path);
        record.bytes(NAME, cut_name(&contact.name).as_bytes());
        record.nonempty(NICKNAME, contact.nickname.as_bytes());
        record.picture(PICTURE_URL, PICTURE_KEY, contact.picture.as_ref());
        record.positive(UPDATED, contact.profile_updated);
        record.flag(APPROVED, contact.approved);
        record.flag(APPROVED_ME, contact.approved_me);
        record.flag(BLOCKED, contact.blocked);
        record.nonzero(PRIORITY, contact.priority);
        record.nonzero(NOTIFICATIONS, without_mentions(contact.notifications).number());
        record.positive(MUTE_UNTIL, seconds(int(contact.mute_until)));
        let (mode, timer) = match contact.disappearing {
            Disappearing::Off | Disappearing::AfterSend(0) | Disappearing::AfterRead(0) => (0, 0),
            Disappearing::AfterSend(timer) => (1, timer),
            Disappearing::AfterRead(timer) => (2, timer),
        };
        record.nonzero(EXPIRY_MODE, mode);
        record.positive(EXPIRY_SECONDS, timer);
        record.positive(CREATED, created.unwrap_or(seconds(int(contact.created))));
        record.bits(PRO_FEATURES, contact.pro_features);
        Ok(record.changed)
    }

    /// Removes a contact with everything known of them. Returns whether there was one.
    pub fn erase_contact(&mut self, id: &Id) -> bool {
        self.set(&[CONTACTS, id.as_bytes()], None)
    }
}
