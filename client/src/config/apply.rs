//! From documents to records, after a merge: what other devices decided takes effect here.

use holdfast_protocol::account::Id;
use holdfast_protocol::config::{ConfigKind, Contact, ConvoId};
use holdfast_protocol::message::name::received_name;

use super::write;
use crate::api::{Disappearing, MessageId};
use crate::deleting::Reach;
use crate::ports::StoreError;
use crate::records::{ContactRecord, ConversationRecord};
use crate::requests::CONFIG_LEAD_MS;
use crate::work::{Reader, Work};

/// Whether a contact was removed and is there anew, in what another own device says of it: approvals are taken back by
/// nothing else, and a contact that is there keeps the time since when it is.
fn is_there_again(held: &ContactRecord, record: &ContactRecord) -> bool {
    let taken_back = held.approved && !record.approved || held.approved_me && !record.approved_me;
    taken_back && held.created != 0 && record.created > held.created
}

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
                self.removed_elsewhere(&id).await?;
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
            let held = self.contact(&contact.id).clone();
            // Two devices changed it at once, and one of them removed it: what is left is nobody.
            let nobody = held.is_shared() && !record.is_shared();
            if nobody && self.removed_elsewhere(&contact.id).await? {
                continue;
            }
            let again = !nobody && is_there_again(&held, &record);
            if again {
                self.begin_again(&contact.id, record.created).await?;
            }
            let (shown, since) = (
                record.approved && !record.blocked,
                record.created.saturating_mul(1_000),
            );
            let timer_changed = self.contact(&contact.id).disappearing != record.disappearing;
            *self.contact(&contact.id) = record;
            if again && self.first_to_send(&contact.id).is_some() {
                self.approve(&contact.id);
            }
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

    /// Another own device removed a contact: it goes here too, with its messages. What the user is writing to them here
    /// stays (`spec/04-configs.md §11`): a draft keeps its conversation; a message that waits to be sent, or was written
    /// after the removal, brings the contact back. Tells whether it did.
    async fn removed_elsewhere(&mut self, id: &Id) -> Result<bool, StoreError> {
        // The removal was stored by then, so that what is newer was written after it.
        let removed_by = self.sync().map_or(0, |sync| sync.stored_at(ConfigKind::Contacts));
        let newer = self
            .first_of_newest(id, |position, message| {
                message.outgoing && position.sent_at > removed_by
            })
            .await?;
        if let Some(first) = self.first_to_send(id).into_iter().chain(newer).min() {
            self.clear_messages_up_to(id, Reach::Here, first.0.saturating_sub(1))
                .await?;
            self.approve(id);
            let contact = self.contact(id).clone();
            self.write_contact(id, &contact);
            return Ok(true);
        }
        let (contact, conversation) = (self.contact(id).clone(), self.conversation(id).clone());
        let shown = conversation.visible && contact.priority >= 0 && !contact.blocked;
        if !shown || !self.is_drafted(id) {
            self.remove_contact(id, Reach::Here).await?;
            return Ok(false);
        }
        self.clear_messages(id, Reach::Here).await?;
        *self.conversation(id) = ConversationRecord {
            visible: true,
            active_at: conversation.active_at,
            draft: conversation.draft,
            ..ConversationRecord::new()
        };
        // Whom the draft is to.
        *self.contact(id) = ContactRecord {
            name: contact.name,
            profile_changed: contact.profile_changed,
            picture: contact.picture,
            ..ContactRecord::default()
        };
        Ok(false)
    }

    /// Another own device removed a contact, and they wrote again before this one heard of it: what was here before goes.
    async fn begin_again(&mut self, id: &Id, created: u64) -> Result<(), StoreError> {
        // Their new message may have come before the config.
        let since = created.saturating_mul(1_000).saturating_sub(CONFIG_LEAD_MS);
        let newer = self
            .first_of_newest(id, |position, message| {
                message.received_at.unwrap_or(position.sent_at) >= since
            })
            .await?;
        let first = self.first_to_send(id).into_iter().chain(newer).min();
        self.conversation(id).read_up_to = 0;
        let up_to = first.map_or(self.last_number(), |first| first.0.saturating_sub(1));
        self.clear_messages_up_to(id, Reach::Here, up_to).await?;
        // Copies for the own devices, which would take them for a new beginning.
        for message in self.unsent_messages(id) {
            if message.0 <= up_to {
                self.remove_outbox(message);
            }
        }
        let drafted = self.is_drafted(id);
        let held = self.conversation(id);
        held.visible = held.total > 0 || drafted;
        held.marked_unread = false;
        held.auto_load = false;
        Ok(())
    }

    /// Whether a text or files are being prepared for somebody.
    fn is_drafted(&mut self, id: &Id) -> bool {
        let staged = self.core.state.borrow().files.staged(id);
        !staged.is_empty() || !self.conversation(id).draft.is_empty()
    }

    /// The first message to a contact that waits to be sent and was not given up.
    fn first_to_send(&self, id: &Id) -> Option<MessageId> {
        let waits = |id: &MessageId| {
            let entry = self.outbox_entry(*id);
            // What they have by now waits for the own devices alone: it is nothing that is written to them.
            entry.is_some_and(|record| record.failed.is_none()) && !self.is_with_contact(*id)
        };
        self.unsent_messages(id).into_iter().find(waits)
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
            let shown = state
                .conversations
                .get(&id)
                .is_some_and(|held| held.marked_unread);
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

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures::executor::block_on;

    use super::*;
    use crate::Options;
    use crate::api::{Command, MessageState};
    use crate::core::Core;
    use crate::driver::Driver;
    use crate::records::{Lifetime, MessageRecord, OutboxRecord};
    use crate::store::memory::MemoryStore;
    use crate::test_support::{CountingRng, ManualClock, id};
    use crate::testing::offline;

    const NOW: u64 = 1_780_000_000_000;

    #[test]
    fn a_copy_that_waits_for_the_own_devices_alone_brings_nobody_back() {
        block_on(async {
            let clock = Rc::new(ManualClock::new(NOW));
            let store: Rc<MemoryStore> = Rc::default();
            let (ports, profile) = offline(store, clock, Rc::new(CountingRng::default()));
            let (spawner, _driver) = Driver::new();
            let core = Core::new(ports, profile, Options::default(), spawner);
            let name = "Ann".to_owned();
            core.carry_out(None, Command::CreateAccount { name })
                .await
                .unwrap();
            let own = core.own_id().unwrap();
            let mut work = Work::begin(&core).await;
            let record = MessageRecord::text(own, true, "x".to_owned(), MessageState::Sent);
            let number = work.insert(&id(2), NOW, record).await.unwrap().id;
            let entry = OutboxRecord {
                number,
                message: true,
                conversation: id(2),
                sent_at: NOW,
                for_contact: Some(vec![1]),
                for_self: Some(vec![2]),
                lifetime: Lifetime::LONGEST,
                guessed: None,
                failed: None,
                waiting: None,
            };
            work.put_outbox(entry.clone()).unwrap();
            assert_eq!(work.first_to_send(&id(2)), Some(number));
            work.put_outbox(OutboxRecord {
                for_contact: None,
                ..entry
            })
            .unwrap();
            assert_eq!(work.first_to_send(&id(2)), None);
            work.commit().await.unwrap();
            // They were removed elsewhere, and wrote again a day later.
            let mut work = Work::begin(&core).await;
            work.begin_again(&id(2), NOW / 1_000 + 24 * 60 * 60)
                .await
                .unwrap();
            work.commit().await.unwrap();
            let state = core.state.borrow();
            assert!(state.outbox.is_empty());
            assert_eq!(state.conversations.get(&id(2)).map_or(0, |held| held.total), 0);
        });
    }
}
