//! What others can do: answer too, fill the mailbox, show codes that are none; and commands at the wrong time.

use holdfast_client::api::RequestId;
use holdfast_protocol::transfer::{CODE_SIZE, MESSAGE_SIZE};

use super::*;

#[tokio::test(start_paused = true)]
async fn two_answers_end_it() {
    run(async {
        let world = World::new().await;
        let (old, _) = with_account(&world, "Ann").await;
        let (eve, _) = with_account(&world, "Eve").await;
        let new = Device::new(&world);
        let (asked, _) = compared(&old, &new).await;
        eve.ask(answer(&asked)).await;
        wait_for(&new, over(TransferEnd::TwoAnswers)).await;
        // Also when the account of the first one is here already.
        let asked = ask(&new).await;
        eve.ask(answer(&asked)).await;
        let digits = shown_digits(&new).await;
        eve.ask(give(&digits)).await;
        assert_eq!(offered(&new, SOON).await.1, "Eve");
        old.ask(answer(&asked)).await;
        wait_for(&new, over(TransferEnd::TwoAnswers)).await;
        assert_eq!(
            refused(&new, Command::TakeAccount).await,
            no(TransferFault::NotNow)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_strangers_put_into_the_mailbox_stops_nothing() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let (bob, _) = with_account(&world, "Bob").await;
        let new = Device::new(&world);
        let asked = ask(&new).await;
        let place = mailbox(&asked);
        let garbage = |number: u8, size: usize| vec![number; size];
        bob.send(place, "hello?").await.unwrap();
        for (number, size) in [(1, 1), (2, MESSAGE_SIZE), (3, 70_000), (4, MESSAGE_SIZE - 1)] {
            world.deposit(&place, garbage(number, size)).await;
        }
        old.ask(answer(&asked)).await;
        let digits = shown_digits(&new).await;
        for (number, size) in [(5, MESSAGE_SIZE), (6, 70_000), (7, MESSAGE_SIZE)] {
            world.deposit(&place, garbage(number, size)).await;
        }
        old.ask(give(&digits)).await;
        assert_eq!(offered(&new, SOON).await, (id, "Ann".to_owned()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flooded_mailbox_is_given_up() {
    run(async {
        let world = World::new().await;
        let new = Device::new(&world);
        let place = mailbox(&ask(&new).await);
        for number in 0..60 {
            world.deposit(&place, vec![number; 100]).await;
        }
        wait_for(&new, over(TransferEnd::Unreachable)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn codes_that_are_none_are_told_apart() {
    run(async {
        let world = World::new().await;
        let (old, _) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let asked = ask(&new).await;
        let mut later = Code::read(&asked.code).unwrap().to_bytes();
        let mut endless = later;
        later[0] = 2;
        endless[CODE_SIZE - 4..].fill(0xff);
        let text = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
        for (code, fault) in [
            ("kelp".to_owned(), TransferFault::Code),
            (asked.code[..60].to_owned(), TransferFault::Code),
            (text(&later), TransferFault::Version),
            // Good for years: nobody makes these.
            (text(&endless), TransferFault::Code),
        ] {
            let failure = refused(&old, Command::AnswerTransfer(code)).await;
            assert_eq!(failure, no(fault));
        }
        assert_eq!(refused(&new, answer(&asked)).await, no(TransferFault::OwnCode));
        wait_for(&new, TransferStage::Waiting).await;
        assert_eq!(stage(&old), None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn commands_at_the_wrong_time_change_nothing() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let (new, other) = (Device::new(&world), Device::new(&world));
        assert_eq!(
            refused(&old, Command::AskForAccount).await,
            Failure::AccountExists
        );
        assert_eq!(refused(&old, give("123456")).await, no(TransferFault::NotNow));
        assert_eq!(
            refused(&old, Command::TakeAccount).await,
            no(TransferFault::NotNow)
        );
        let asked = ask(&new).await;
        assert_eq!(refused(&other, answer(&asked)).await, Failure::NoAccount);
        assert_eq!(refused(&new, give("123456")).await, Failure::NoAccount);
        old.ask(answer(&asked)).await;
        let digits = shown_digits(&new).await;
        assert_eq!(
            refused(&new, Command::TakeAccount).await,
            no(TransferFault::NotNow)
        );
        old.ask(give(&digits)).await;
        offered(&new, SOON).await;
        // A front end that lost its engine in mid-command gives the same one again.
        let number = RequestId([7; 16]);
        for _ in 0..2 {
            match new.engine.request_numbered(number, Command::TakeAccount).await {
                Ok(Reply::Snapshot(now)) => assert_eq!(now.account.unwrap().id, id),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_network_nothing_hangs() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let asked = ask(&new).await;
        old.set_online(false);
        assert_eq!(
            refused(&old, answer(&asked)).await,
            no(TransferFault::Unreachable)
        );
        wait_for(&old, over(TransferEnd::Unreachable)).await;
        old.set_online(true);
        old.ask(Command::Connectivity { online: true }).await;
        old.ask(answer(&asked)).await;
        let digits = shown_digits(&new).await;
        old.ask(give(&digits)).await;
        assert_eq!(offered(&new, SOON).await.0, id);
    })
    .await;
}
