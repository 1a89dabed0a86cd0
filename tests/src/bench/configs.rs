//! Merging and pushing a document of contacts on one native thread.

use std::hint::black_box;

use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::config::{Contact, Contacts};
use rand_core::CryptoRng;

use super::{Outcome, print_rate};

/// Contacts in the document.
const CONTACTS: usize = 100;
/// Some time, ms.
const NOW: u64 = 1_754_971_101_000;

/// Merge: two devices' messages that contradict each other, by a device that holds their common parent. Push: an edit of
/// one contact, from the edit to the bytes to store.
pub fn run(rng: &mut impl CryptoRng) -> Outcome {
    let account = Account::from_seed(Seed::generate(rng));
    let mut base = Contacts::new(&account);
    for at in 0..CONTACTS {
        let mut contact = Contact::new(Account::from_seed(Seed::generate(rng)).id());
        contact.name = format!("Contact {at}");
        contact.approved = true;
        contact.approved_me = true;
        contact.created = NOW / 1000 + at as u64;
        base.set_contact(&contact)?;
    }
    let push = base.push(NOW)?;
    base.confirm_pushed(push.seqno, ["base"]);

    let ids: Vec<_> = base.contacts().map(|contact| contact.id).collect();
    let mut messages = Vec::new();
    for (at, id) in ids.iter().take(2).enumerate() {
        let mut device = base.clone();
        let mut contact = device.contact_or_new(*id);
        contact.nickname = format!("Nickname {at}");
        device.set_contact(&contact)?;
        messages.push((at.to_string(), device.push(NOW)?.messages.remove(0)));
    }
    print_rate("config_merge_per_s", || {
        let mut device = base.clone();
        if !device.merge(&messages, NOW).changed || !device.needs_push() {
            return Err("no conflict was merged".into());
        }
        black_box(&device);
        Ok(())
    })?;

    let mut contact = base.contact_or_new(*ids.first().ok_or("no contacts")?);
    let mut priority = 0;
    print_rate("config_push_per_s", || {
        priority += 1;
        contact.priority = priority;
        base.set_contact(&contact)?;
        let push = base.push(NOW)?;
        base.confirm_pushed(push.seqno, ["pushed"]);
        black_box(push);
        Ok(())
    })
}
