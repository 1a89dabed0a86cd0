//! Clocks that go ahead: what was done by them is set right, and nothing is lost by it.

use super::*;

/// How far a clock is ahead, milliseconds.
const AHEAD_MS: i64 = 3 * 60 * 60 * 1_000;

/// A device starts anew, with a clock that is ahead and without a connection by which it could learn of that.
async fn start_ahead(device: &mut Device) {
    device.set_online(false);
    device.crash();
    device.set_skew(AHEAD_MS);
    device.restart().await;
}

async fn connect(device: &Device) {
    device.set_online(true);
    device.ask(Command::Wake).await;
}

/// Whether a time is about the network's.
fn is_about_now(world: &World, at: u64) -> bool {
    at.abs_diff(world.now_ms()) < AHEAD_MS.unsigned_abs() / 2
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_something_that_was_written_ahead_is_unread() {
    run(async {
        let world = World::new().await;
        let (mut alice, alice_id, bob, bob_id) = pair(&world).await;
        alice.wait_until_sent(bob_id, SOON).await;
        assert_eq!(alice.conversation(bob_id).await.unwrap().unread, 1);
        start_ahead(&mut alice).await;
        let written = alice.send(bob_id, "from later").await.unwrap();
        assert!(!is_about_now(&world, written.sent_at));
        // What was there is read by that.
        assert_eq!(alice.conversation(bob_id).await.unwrap().unread, 0);
        set_timer(&alice, bob_id, Disappearing::AfterRead(86_400)).await;
        let read = Command::MarkRead {
            conversation: bob_id,
            up_to: written.sent_at,
        };
        alice.ask(read).await;
        connect(&alice).await;
        bob.wait_for_texts(alice_id, 3, 3 * MINUTE).await;
        bob.send(alice_id, "answer").await.unwrap();
        alice.wait_for_texts(bob_id, 4, SOON).await;
        let held = alice.conversation(bob_id).await.unwrap();
        assert_eq!(held.unread, 1);
        assert!(held.read_up_to <= world.now_ms());
        // No other device takes it for read either.
        let other = second(&world, &alice, bob_id, 4).await;
        settle().await;
        assert_eq!(other.conversation(bob_id).await.unwrap().unread, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_notice_of_a_request_that_was_accepted_ahead_gets_its_right_place() {
    run(async {
        let world = World::new().await;
        let (mut alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        bob.send(alice_id, "may I?").await.unwrap();
        alice.wait_for_texts(bob_id, 1, SOON).await;
        start_ahead(&mut alice).await;
        alice.ask(Command::AcceptRequest(bob_id)).await;
        connect(&alice).await;
        bob.wait_for("accepted", 3 * MINUTE, |now| {
            let mut all = now.conversations.iter();
            all.any(|held| held.id == alice_id && held.standing == Standing::Active)
        })
        .await;
        bob.send(alice_id, "thank you").await.unwrap();
        alice.wait_for_texts(bob_id, 2, SOON).await;
        let messages = alice.messages(bob_id).await;
        let accepted = MessageKind::Notice(Notice::RequestAccepted);
        let notice = messages.iter().find(|message| message.kind == accepted);
        assert!(is_about_now(&world, notice.unwrap().sent_at));
        assert_eq!(messages.last().unwrap().body, "thank you");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reaction_that_was_given_ahead_can_be_taken_back() {
    run(async {
        let world = World::new().await;
        let (mut alice, alice_id, bob, bob_id) = pair(&world).await;
        alice.wait_until_sent(bob_id, SOON).await;
        start_ahead(&mut alice).await;
        let message = by_text(&alice, bob_id, "hello").await.unwrap();
        react(&alice, message.id, "😂", true).await.unwrap();
        connect(&alice).await;
        alice.wait_until_sent(bob_id, 3 * MINUTE).await;
        until(&bob, alice_id, "given", |messages| {
            messages.iter().any(|message| emoji_of(message) == [("😂", 1)])
        })
        .await;
        react(&alice, message.id, "😂", false).await.unwrap();
        let message = by_text(&alice, bob_id, "hello").await.unwrap();
        assert!(message.reactions.is_empty());
        until(&bob, alice_id, "taken back", |messages| {
            messages.iter().all(|message| message.reactions.is_empty())
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forward_removes_nothing_whose_time_is_not_over() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        let timed = disappearing(
            text("for two hours"),
            content::ExpirationType::DeleteAfterSend,
            7_200,
        );
        deliver(&world, &friend, &id, &timed, START_MS + 50).await;
        alice.wait_for_texts(friend.id(), 3, SOON).await;
        alice.set_skew(AHEAD_MS);
        alice.ask(Command::Wake).await;
        settle().await;
        assert!(by_text(&alice, friend.id(), "for two hours").await.is_some());
        tokio::time::sleep(120 * MINUTE).await;
        assert!(by_text(&alice, friend.id(), "for two hours").await.is_none());
    })
    .await;
}
