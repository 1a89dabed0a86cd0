//! From documents to records, after a merge: what other devices decided takes effect here.

use holdfast_protocol::account::Id;
use holdfast_protocol::config::{ConfigKind, Contact, ConvoId};
use holdfast_protocol::message::name::received_name;

use super::write;
use crate::api::Disappearing;
use crate::deleting::Reach;
use crate::ports::StoreError;
use crate::records::ContactRecord;
use crate::work::{Reader, Work};

impl Work<'_> {
    /// Carries a document that was merged in this unit into the records.
    pub(super) async fn apply_document(&mut self, kind: ConfigKind) -> Result<(), StoreError> {
        match kind {
            ConfigKind::UserProfile => self.apply_profile(),
            ConfigKind::Contacts => self.apply_contacts().await?,
            ConfigKind::ConvoInfoVolatile => self.apply_read_positions(),
            // Kept and synced; groups come with a later version.
            ConfigKind::UserGroups => {}
        }
        Ok(())
    }

    fn apply_profile(&mut self) {
        let Some(profile) = self.profile() else {
            return;
        };
        let name = profile.name().and_then(received_name);
        let changed = profile.updated_at();
        let has_picture = profile.picture().is_some();
        let priority = write::priority(profile.note_to_self_priority());
        let seconds = u32::try_from(profile.note_to_self_expiry()).unwrap_or(u32::MAX);
        if let (Some(name), Some(record)) = (name, self.account_record()) {
            record.name = name;
            record.name_changed = changed;
        }
        if !has_picture {
            self.drop_sent_pictures();
        }
        let Some(own) = self.core.own_id() else {
            return;
        };
        let record = self.contact(&own);
        record.priority = priority;
        record.disappearing = match seconds {
            0 => Disappearing::Off,
            seconds => Disappearing::AfterSend(seconds),
        };
        if priority > 0 {
            // Pinning shows it, on whichever device that was done.
            self.conversation(&own).visible = true;
        }
    }

    async fn apply_contacts(&mut self) -> Result<(), StoreError> {
        let Some(contacts) = self.contacts() else {
            return Ok(());
        };
        let after: Vec<Contact> = contacts.contacts().collect();
        let own = self.core.own_id();
        let before: Vec<Id> = self
            .core
            .read_configs(|docs| docs.contacts.contacts().map(|contact| contact.id).collect())
            .unwrap_or_default();
        for id in before {
            let gone = after.binary_search_by(|contact| contact.id.cmp(&id)).is_err();
            if gone && Some(id) != own {
                self.remove_contact(&id, Reach::Here).await?;
            }
        }
        for contact in &after {
            if Some(contact.id) == own {
                continue;
            }
            let record = ContactRecord::from(contact);
            let unchanged = self.core.state.borrow().contacts.get(&contact.id) == Some(&record);
            if unchanged {
                continue;
            }
            let was_shared = self.contact(&contact.id).is_shared();
            if was_shared && !record.is_shared() {
                // Two devices changed it at once, and one of them removed it: what is left is nobody.
                self.clear_messages(&contact.id, Reach::Here).await?;
                *self.conversation(&contact.id) = crate::records::ConversationRecord::new();
            }
            let (shown, since) = (
                record.approved && !record.blocked,
                record.created.saturating_mul(1_000),
            );
            let timer_changed = self.contact(&contact.id).disappearing != record.disappearing;
            *self.contact(&contact.id) = record;
            let now = self.now();
            let conversation = self.conversation(&contact.id);
            if timer_changed {
                conversation.disappearing_since = 0;
            }
            if shown && !conversation.visible {
                conversation.visible = true;
                conversation.active_at = conversation.active_at.max(since.min(now));
            }
        }
        Ok(())
    }

    fn apply_read_positions(&mut self) {
        let Some(convos) = self.convos() else {
            return;
        };
        let positions: Vec<_> = convos
            .convos()
            .filter_map(|convo| match convo.id {
                ConvoId::OneToOne(id) => Some((id, convo.last_read, convo.unread)),
                _ => None,
            })
            .collect();
        // Where nothing was read lately, a mark that another device takes off goes with its record.
        let marked_before: Vec<Id> = self
            .core
            .read_configs(|docs| {
                let marked = docs.convos.convos().filter(|convo| convo.unread);
                let ids = marked.filter_map(|convo| match convo.id {
                    ConvoId::OneToOne(id) => Some(id),
                    _ => None,
                });
                ids.collect()
            })
            .unwrap_or_default();
        for id in marked_before {
            let gone = positions.iter().all(|(there, ..)| *there != id);
            let state = self.core.state.borrow();
            let shown = state.conversations.get(&id).is_some_and(|held| held.marked_unread);
            drop(state);
            if gone && shown {
                self.conversation(&id).marked_unread = false;
            }
        }
        for (id, last_read, unread) in positions {
            let known = {
                let state = self.core.state.borrow();
                let held = state.conversations.get(&id);
                held.map_or((0, false), |held| (held.read_up_to, held.marked_unread))
            };
            if last_read < known.0 {
                // What was read here stays read, whoever wins a conflict (`spec/04-configs.md §12`).
                let held = self.conversation(&id).clone();
                self.write_read_position(&id, &held);
            }
            if last_read <= known.0 && unread == known.1 {
                continue;
            }
            self.mark_read(&id, last_read, Reader::Elsewhere);
            self.conversation(&id).marked_unread = unread;
        }
    }
}
