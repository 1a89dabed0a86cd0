//! From records to documents, within the commit that stores the records.

use holdfast_protocol::account::Id;
use holdfast_protocol::config::{
    Contact, Convo, ConvoId, Disappearing as Timer, MAX_PICTURE_URL, Notifications, ProfilePicture, cut_name,
};
use holdfast_protocol::message::name::received_name;
use holdfast_protocol::message::profile::Picture;

use crate::api::{Disappearing, Notify};
use crate::records::{ContactRecord, ConversationRecord};
use crate::work::Work;

/// A number of the document in this device's size.
fn small<T: TryFrom<u64>>(number: u64, largest: T) -> T {
    T::try_from(number).unwrap_or(largest)
}

impl From<Timer> for Disappearing {
    fn from(timer: Timer) -> Self {
        match timer {
            Timer::Off => Self::Off,
            Timer::AfterSend(seconds) => Self::AfterSend(small(seconds, u32::MAX)),
            Timer::AfterRead(seconds) => Self::AfterRead(small(seconds, u32::MAX)),
        }
    }
}

impl From<Disappearing> for Timer {
    fn from(mode: Disappearing) -> Self {
        match mode {
            Disappearing::Off => Self::Off,
            Disappearing::AfterSend(seconds) => Self::AfterSend(seconds.into()),
            Disappearing::AfterRead(seconds) => Self::AfterRead(seconds.into()),
        }
    }
}

/// The document's priority in this device's size.
pub(super) fn priority(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { -1 } else { i32::MAX })
}

fn notify(notifications: Notifications) -> Notify {
    match notifications {
        Notifications::Disabled => Notify::Nothing,
        _ => Notify::All,
    }
}

impl From<&Contact> for ContactRecord {
    fn from(contact: &Contact) -> Self {
        Self {
            name: received_name(&contact.name),
            profile_changed: contact.profile_updated,
            picture: contact.picture.as_ref().map(|picture| Picture {
                url: picture.url.clone(),
                key: picture.key.to_vec(),
            }),
            nickname: received_name(&contact.nickname),
            approved: contact.approved,
            approved_me: contact.approved_me,
            blocked: contact.blocked,
            priority: priority(contact.priority),
            notify: notify(contact.notifications),
            muted_until: contact.mute_until,
            disappearing: contact.disappearing.into(),
            created: contact.created,
        }
    }
}

impl ContactRecord {
    /// What the document should say; what has no place in the record stays.
    fn written(&self, held: Contact) -> Contact {
        let before = Self::from(&held);
        let mut contact = held;
        if self.name != before.name {
            contact.name = self.name.clone().unwrap_or_default();
        }
        contact.profile_updated = self.profile_changed;
        if self.picture != before.picture {
            // Addresses and keys that other clients could not read stay on this device.
            contact.picture = self.picture.as_ref().and_then(|picture| {
                let fits = picture.url.len() <= MAX_PICTURE_URL;
                fits.then(|| ProfilePicture::new(&picture.url, &picture.key).ok().flatten())?
            });
        }
        if self.nickname != before.nickname {
            contact.nickname = cut_name(self.nickname.as_deref().unwrap_or_default()).to_owned();
        }
        contact.approved = self.approved;
        contact.approved_me = self.approved_me;
        contact.blocked = self.blocked;
        if self.priority != before.priority {
            contact.priority = self.priority.into();
        }
        if self.notify != before.notify {
            contact.notifications = match self.notify {
                Notify::All => Notifications::All,
                Notify::Nothing => Notifications::Disabled,
            };
        }
        contact.mute_until = self.muted_until;
        if self.disappearing != before.disappearing {
            contact.disappearing = self.disappearing.into();
        }
        contact.created = self.created;
        contact
    }
}

impl Work<'_> {
    /// Carries the changed records into the documents. What they say already changes nothing.
    pub(crate) fn write_documents(
        &mut self,
        contacts: &[(Id, ContactRecord)],
        conversations: &[(Id, ConversationRecord)],
    ) {
        for (id, record) in contacts {
            if self.is_own(id) {
                self.write_note_to_self(record);
            } else {
                self.write_contact(id, record);
            }
        }
        for (id, record) in conversations {
            self.write_read_position(id, record);
        }
    }

    fn write_note_to_self(&mut self, record: &ContactRecord) {
        let seconds = match record.disappearing {
            Disappearing::Off => 0,
            Disappearing::AfterSend(seconds) | Disappearing::AfterRead(seconds) => seconds,
        };
        let wanted = (record.priority, seconds);
        let Some(held) = self.core.read_configs(|docs| {
            let expiry = docs.profile.note_to_self_expiry();
            (
                priority(docs.profile.note_to_self_priority()),
                small(expiry, u32::MAX),
            )
        }) else {
            return;
        };
        if wanted == held && self.staged.profile.is_none() {
            return;
        }
        if let Some(profile) = self.profile() {
            if priority(profile.note_to_self_priority()) != wanted.0 {
                profile.set_note_to_self_priority(wanted.0.into());
            }
            if small(profile.note_to_self_expiry(), u32::MAX) != seconds {
                profile.set_note_to_self_expiry(seconds.into());
            }
        }
    }

    pub(super) fn write_contact(&mut self, id: &Id, record: &ContactRecord) {
        let staged = self.staged.contacts.as_ref().map(|contacts| contacts.contact(id));
        let held = match staged {
            Some(held) => held,
            None => match self.core.read_configs(|docs| docs.contacts.contact(id)) {
                Some(held) => held,
                None => return,
            },
        };
        let gone = *record == ContactRecord::default();
        let written = match held {
            None if !record.is_shared() => return,
            Some(_) if gone => {
                if let Some(contacts) = self.contacts() {
                    contacts.erase_contact(id);
                }
                return;
            }
            Some(held) if ContactRecord::from(&held) == *record => return,
            held => record.written(held.unwrap_or_else(|| Contact::new(*id))),
        };
        if let Some(contacts) = self.contacts() {
            // New names are cut and new pictures checked, and what others wrote may stay: nothing is refused.
            let _ = contacts.set_contact(&written);
        }
    }

    pub(super) fn write_read_position(&mut self, id: &Id, record: &ConversationRecord) {
        if self.core.options.leave_unread {
            // Not even into the document here: an entry of our own would contend with what other devices have read.
            return;
        }
        let now = self.now();
        let convo = ConvoId::OneToOne(*id);
        let staged = self.staged.convos.as_ref().map(|convos| convos.convo(&convo));
        let held = match staged {
            Some(held) => held,
            None => match self.core.read_configs(|docs| docs.convos.convo(&convo)) {
                Some(held) => held,
                None => return,
            },
        };
        if *record == ConversationRecord::new() {
            if let Some(convos) = self.convos().filter(|_| held.is_some()) {
                convos.erase_convo(&convo);
            }
            return;
        }
        let (read, unread) = held.map_or((0, false), |held| (held.last_read, held.unread));
        let wanted = (record.read_up_to.max(read), record.marked_unread);
        let shared = self.is_own(id) || self.is_shared(id);
        if wanted == (read, unread) || !shared {
            return;
        }
        if let Some(convos) = self.convos() {
            let written = Convo {
                id: convo,
                server_key: None,
                last_read: wanted.0,
                unread: wanted.1,
            };
            // Only an id of another kind is refused, and those have no conversations here.
            let _ = convos.set_convo(&written, now);
        }
    }
}
