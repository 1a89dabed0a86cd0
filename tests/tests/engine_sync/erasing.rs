//! The end of an account on the network.

use std::sync::Arc;
use std::time::Duration;

use holdfast_client::api::{Command, Event, Failure, Place, Standing};
use holdfast_protocol::swarm::request::Request;
use holdfast_tests::net::{Device, Fault, Lie, World, run};

use super::{SOON, goes_on_without_profile, place, wait_for_name, wait_for_place, written_to};

/// What all nodes hold together.
fn held(world: &World) -> u64 {
    let nodes = world.list();
    nodes.iter().map(|node| world.messages_on(&node.ed25519)).sum()
}

/// Ends an account that the network does not let go of, and makes sure that nothing is lost.
async fn keeps_all_while(world: &World, faulty: usize, fault: Fault) {
    let (one, own_id, bob, bob_id) = written_to(world).await;
    one.wait_until_sent(bob_id, SOON).await;
    tokio::time::sleep(SOON).await;
    let swarm = world.swarm_of(&own_id);
    for key in swarm.iter().take(faulty) {
        world.set_fault(key, fault.clone());
    }
    let refused = one.engine.request(Command::ClearAccount).await;
    assert_eq!(refused.unwrap_err(), Failure::NotErased);
    assert_eq!(one.id().await, own_id);
    assert_eq!(one.texts(bob_id).await, ["hello"]);
    let ended = |event: &Event| matches!(event, Event::LoggedOut);
    assert!(!one.events.borrow().iter().any(ended));
    for key in &swarm {
        world.set_fault(key, Fault::None);
    }
    tokio::time::sleep(SOON * 10).await;
    // What members had deleted by then is there again.
    tokio::time::sleep(Duration::from_secs(2 * 60 * 60)).await;
    let late = Device::new(world);
    late.restore(one.seed().await).await;
    wait_for_name(&late, "Ann").await;
    // It goes on as before, and can be ended once the network is well.
    one.send(bob_id, "still here").await.unwrap();
    bob.wait_for_texts(own_id, 2, SOON).await;
    one.wait_until_sent(bob_id, SOON).await;
    one.ask(Command::ClearAccount).await;
    assert!(one.snapshot().await.account.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cleared_account_comes_back_with_nothing_in_it() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        one.wait_until_sent(bob_id, SOON).await;
        tokio::time::sleep(SOON).await;
        let seed = one.seed().await;
        one.ask(Command::ClearAccount).await;
        assert!(one.snapshot().await.account.is_none());
        tokio::time::sleep(SOON).await;
        let ended = |event: &Event| matches!(event, Event::LoggedOut);
        assert!(one.events.borrow().iter().any(ended));
        let two = Device::new(&world);
        two.restore(seed).await;
        goes_on_without_profile(&two, "Ann again").await;
        assert_eq!(place(&two, bob_id).await, None);
        assert!(two.texts(bob_id).await.is_empty());
        // The account is the same, and goes on.
        assert_eq!(two.id().await, own_id);
        bob.send(own_id, "are you there?").await.unwrap();
        assert_eq!(two.wait_for_texts(bob_id, 1, SOON).await, ["are you there?"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_push_on_its_way_brings_nothing_back() {
    run(async {
        let world = World::new().await;
        let one = Device::new(&world);
        // From before a change goes out to after it.
        for step in 0..16_u64 {
            one.create("Ann").await;
            tokio::time::sleep(SOON).await;
            assert!(held(&world) > 0, "step {step}");
            one.ask(Command::SetDisplayName("Anne".to_owned())).await;
            tokio::time::sleep(Duration::from_millis(1_980 + step * 15)).await;
            one.ask(Command::ClearAccount).await;
            tokio::time::sleep(SOON).await;
            assert_eq!(held(&world), 0, "step {step}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_while_one_member_is_out_of_reach() {
    run(async {
        let world = World::new().await;
        keeps_all_while(&world, 1, Fault::Dead).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_on_a_word_that_nobody_signed() {
    run(async {
        let world = World::new().await;
        let lie: Lie = Arc::new(|request: &Request| {
            let deletes = matches!(request, Request::DeleteAll(_));
            deletes.then(|| (200, br#"{"swarm":{},"hf":[19,0],"t":1}"#.to_vec()))
        });
        keeps_all_while(&world, 4, Fault::Lying(lie)).await;
    })
    .await;
}
