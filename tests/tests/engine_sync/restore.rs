//! What comes back to a new device, and what does not.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use holdfast_client::Options;
use holdfast_client::api::{Command, Event, Place, RestoreStage, Standing};
use holdfast_client::ports::{Change, Collection, Entry, Scan, Store, StoreError};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::Seed;
use holdfast_tests::net::{Device, World, run};

use super::keeping::DAY;
use super::{SOON, goes_on_without_profile, in_step, place, wait_for_name, wait_for_place, written_to};

#[tokio::test(start_paused = true)]
async fn a_deleted_contact_does_not_come_back_from_the_mailbox() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        one.ask(Command::DeleteContact(bob_id)).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let two = Device::new(&world);
        two.restore(one.seed().await).await;
        two.wait_for("restored", SOON, |now| now.restore.is_none()).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(place(&two, bob_id).await, None);
        assert_eq!(place(&one, bob_id).await, None);
        // Who writes again makes a request.
        bob.send(own_id, "why?").await.unwrap();
        wait_for_place(&two, bob_id, (Standing::IncomingRequest, Place::Requests)).await;
        wait_for_place(&one, bob_id, (Standing::IncomingRequest, Place::Requests)).await;
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_conversation_stays_deleted_for_devices_that_come_later() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        one.wait_until_sent(bob_id, SOON).await;
        one.ask(Command::DeleteConversation(bob_id)).await;
        assert_eq!(place(&one, bob_id).await, Some((Standing::Active, Place::Hidden)));
        assert!(one.texts(bob_id).await.is_empty());
        tokio::time::sleep(SOON).await;
        bob.send(own_id, "and now?").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        tokio::time::sleep(SOON).await;
        let two = Device::new(&world);
        two.restore(one.seed().await).await;
        two.wait_for("restored", SOON, |now| now.restore.is_none()).await;
        assert_eq!(two.wait_for_texts(bob_id, 1, SOON).await, ["and now?"]);
        tokio::time::sleep(SOON).await;
        assert_eq!(two.texts(bob_id).await, one.texts(bob_id).await);
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_for_recent_messages_takes_no_older_ones_and_lists_who_wrote_lately() {
    run(async {
        let world = World::new().await;
        let (mut one, own_id, mut bob, bob_id) = written_to(&world).await;
        let cleo = Device::new(&world);
        let cleo_id = cleo.create("Cleo").await;
        one.send(cleo_id, "hello").await.unwrap();
        cleo.wait_for_texts(own_id, 1, SOON).await;
        for (friend, id) in [(&bob, bob_id), (&cleo, cleo_id)] {
            friend.send(own_id, "long ago").await.unwrap();
            wait_for_place(&one, id, (Standing::Active, Place::List)).await;
        }
        tokio::time::sleep(SOON).await;
        let seed = one.seed().await;
        one.crash();
        bob.crash();
        drop(cleo);
        tokio::time::advance(DAY * 3).await;
        tokio::time::sleep(SOON).await;
        bob.restart().await;
        bob.send(own_id, "just now").await.unwrap();
        bob.wait_until_sent(own_id, SOON).await;

        let options = Options {
            recent: Some(DAY * 2),
            ..Options::default()
        };
        let two = Device::with_options(&world, options);
        // The next account of the same engine is spared as well.
        for turn in 0..2 {
            if turn > 0 {
                two.ask(Command::LogOut).await;
            }
            two.restore(seed.clone()).await;
            two.wait_for("restored", SOON, |now| now.restore.is_none()).await;
            two.wait_for_texts(bob_id, 1, SOON).await;
            tokio::time::sleep(SOON).await;
            assert_eq!(two.texts(bob_id).await, ["just now"]);
            assert_eq!(place(&two, bob_id).await, Some((Standing::Active, Place::List)));
            assert!(two.texts(cleo_id).await.is_empty());
            // Known by name, and listed once there is something.
            let silent = place(&two, cleo_id).await;
            assert_eq!(silent, Some((Standing::Active, Place::Hidden)));
        }
        two.send(cleo_id, "are you there?").await.unwrap();
        assert_eq!(place(&two, cleo_id).await, Some((Standing::Active, Place::List)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restore_tells_its_steps_and_is_usable_from_the_profile_on() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        one.wait_until_sent(bob_id, SOON).await;
        tokio::time::sleep(SOON).await;
        let mut two = Device::new(&world);
        two.restore(one.seed().await).await;
        two.wait_for("complete", SOON, |now| now.restore.is_none()).await;
        tokio::task::yield_now().await;
        let told: Vec<_> = two
            .events
            .borrow()
            .iter()
            .filter_map(|event| match event {
                Event::Restore(progress) => Some(progress.clone()),
                _ => None,
            })
            .collect();
        let stages: Vec<_> = told.iter().map(|progress| progress.stage).collect();
        let order = [
            RestoreStage::FindingSwarm,
            RestoreStage::LookingForProfile,
            RestoreStage::ReadingMailbox,
            RestoreStage::Complete,
        ];
        let mut steps = stages.clone();
        steps.dedup();
        assert_eq!(steps, order, "{told:?}");
        let last = told.last().unwrap();
        assert_eq!(last.name.as_deref(), Some("Ann"));
        assert_eq!((last.contacts, last.groups), (Some(1), Some(0)));
        assert!(last.messages >= 2, "{last:?}");
        in_step(&[&one, &two], SOON).await;
        two.restart().await;
        assert!(two.snapshot().await.restore.is_none());
        assert_eq!(two.texts(bob_id).await.len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restore_killed_at_any_moment_ends_complete_and_overwrites_nothing() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        for text in ["hello yourself", "how is it going?", "still there?"] {
            bob.send(own_id, text).await.unwrap();
        }
        let texts = one.wait_for_texts(bob_id, 4, SOON).await;
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        let nickname = "Bobby".to_owned();
        one.ask(Command::SetNickname { id: bob_id, nickname }).await;
        let (id, pinned) = (bob_id, true);
        one.ask(Command::SetPinned { id, pinned }).await;
        one.wait_until_sent(bob_id, SOON).await;
        tokio::time::sleep(SOON).await;
        // From here on there is nothing but what the swarm has, and nobody who would mend that.
        one.set_online(false);
        let seed = one.seed().await;
        for step in 0..30_u64 {
            let mut two = Device::new(&world);
            two.restore(seed.clone()).await;
            // From before the network is found to after the first push.
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(3 * step * step)).await;
                two.restart().await;
            }
            two.wait_for("complete", SOON, |now| now.restore.is_none()).await;
            two.wait_for_texts(bob_id, texts.len(), SOON).await;
            tokio::time::sleep(SOON).await;
            assert_eq!(two.texts(bob_id).await, texts, "step {step}");
            assert_eq!(two.snapshot().await.account.unwrap().name, "Ann", "step {step}");
            let held = two.conversation(bob_id).await.unwrap();
            assert_eq!(
                (held.standing, held.place, held.nickname.as_deref()),
                (Standing::Active, Place::List, Some("Bobby")),
                "step {step}"
            );
            assert!(held.priority > 0, "step {step}");
        }
        let late = Device::new(&world);
        late.restore(seed).await;
        late.wait_for("complete", SOON, |now| now.restore.is_none()).await;
        one.set_online(true);
        one.ask(Command::Connectivity { online: true }).await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &late], SOON).await;
        let held = one.conversation(bob_id).await.unwrap();
        assert_eq!(held.nickname.as_deref(), Some("Bobby"));
        assert!(held.priority > 0);
        assert_eq!(one.snapshot().await.account.unwrap().name, "Ann");
        assert_eq!(one.texts(bob_id).await, texts);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_profile_the_user_is_asked_and_a_real_one_wins_later() {
    run(async {
        let world = World::new().await;
        let seed = Seed::from_bytes(&[0x31; 16]);
        let mut one = Device::new(&world);
        one.restore(seed.clone()).await;
        one.wait_for("no profile", SOON, |now| {
            now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
        })
        .await;
        // The question survives a reload.
        one.restart().await;
        one.wait_for("no profile", SOON, |now| {
            now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
        })
        .await;
        one.ask(Command::ContinueWithoutProfile {
            name: "Stopgap".to_owned(),
        })
        .await;
        one.wait_for("complete", SOON, |now| now.restore.is_none()).await;
        assert_eq!(one.snapshot().await.account.unwrap().name, "Stopgap");
        tokio::time::sleep(SOON).await;
        // A device that was out of reach comes back with the real one.
        let store = Rc::new(MemoryStore::new());
        let two = Device::with(&world, store, 0, world.profile());
        two.set_online(false);
        two.ask(Command::RestoreAccount { seed, name: None }).await;
        two.ask(Command::SetDisplayName("Real".to_owned())).await;
        two.set_online(true);
        two.ask(Command::Connectivity { online: true }).await;
        wait_for_name(&one, "Real").await;
        tokio::time::sleep(SOON * 2).await;
        assert_eq!(one.snapshot().await.account.unwrap().name, "Real");
        assert_eq!(two.snapshot().await.account.unwrap().name, "Real");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_name_typed_for_want_of_a_profile_wins_over_no_real_one() {
    run(async {
        let world = World::new().await;
        let seed = Seed::from_bytes(&[0x32; 16]);
        let one = Device::new(&world);
        one.restore(seed.clone()).await;
        // The hash of the message with this name is among the greatest: in a merge of equals it wins.
        goes_on_without_profile(&one, "Somebody").await;
        // A decision besides the name, which has not left this device when the profile comes.
        one.set_online(false);
        let own = one.id().await;
        one.ask(Command::SetPinned {
            id: own,
            pinned: true,
        })
        .await;
        // A device that was out of reach has the real name, and hears of the other one before it can push its own.
        let two = Device::new(&world);
        two.set_online(false);
        two.ask(Command::RestoreAccount { seed, name: None }).await;
        two.ask(Command::SetDisplayName("Real".to_owned())).await;
        two.set_online(true);
        two.ask(Command::Connectivity { online: true }).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(two.snapshot().await.account.unwrap().name, "Real");
        one.set_online(true);
        one.ask(Command::Connectivity { online: true }).await;
        wait_for_name(&one, "Real").await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        assert_eq!(two.snapshot().await.account.unwrap().name, "Real");
        assert!(two.conversation(own).await.unwrap().priority > 0);
    })
    .await;
}

/// A store that takes its time, another one for each commit: what runs side by side overtakes each other, as in a browser.
struct SlowStore {
    inner: MemoryStore,
    commits: Cell<u64>,
}

impl Store for SlowStore {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        self.inner.get(collection, key)
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.scan(scan)
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.commits.set(self.commits.get() + 1);
            let delay = self.commits.get().wrapping_mul(37) % 23 * 100;
            tokio::time::sleep(Duration::from_millis(delay)).await;
            self.inner.commit(changes).await
        })
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.inner.wipe()
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_phrase_can_be_followed_by_the_right_one_on_a_slow_store() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        tokio::time::sleep(SOON).await;
        for first in 0..6 {
            let store = Rc::new(SlowStore {
                inner: MemoryStore::new(),
                commits: Cell::new(first * 5),
            });
            let two = Device::with(&world, store, 0, world.profile());
            two.restore(Seed::from_bytes(&[0x60 + u8::try_from(first).unwrap(); 16]))
                .await;
            two.wait_for("no profile", SOON, |now| {
                now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
            })
            .await;
            two.ask(Command::LogOut).await;
            two.restore(one.seed().await).await;
            two.wait_for("restored", SOON, |now| now.restore.is_none()).await;
            assert_eq!(place(&two, bob_id).await, Some((Standing::Active, Place::List)));
        }
    })
    .await;
}
