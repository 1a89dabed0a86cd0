//! What people do with messages: answer, react, delete, let disappear, read, type. Between two accounts, across the
//! devices of one, with crashes in between and messages in any order.

mod blocking;
mod clocks;
mod deleting;
mod disappearing;
mod messages;
mod random;
mod signals;

use std::time::Duration;

use holdfast_client::api::{
    Anchor, Command, DeleteScope, Disappearing, Event, Failure, Message, MessageDetails, MessageId,
    MessageKind, MessagePage, MessageState, Notice, Notify, Reply, SendFailure, Standing,
};
use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{
    CallMessage, Content, DataExtractionNotification, DataMessage, OpenGroupInvitation, Quote, Reaction,
    ReceiptMessage, UnsendRequest, content,
};
use holdfast_tests::net::{Device, Fault, START_MS, TestRng, World, run};

const SOON: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);

/// Somebody without an engine: what they send is written by hand.
fn stranger() -> Account {
    Account::from_seed(Seed::from_bytes(&[0x77; 16]))
}

fn data(data: DataMessage) -> Content {
    Content {
        data_message: Some(data),
        ..Content::default()
    }
}

fn text(body: &str) -> Content {
    data(DataMessage {
        body: Some(body.to_owned()),
        ..DataMessage::default()
    })
}

fn answer(body: &str, author: Id, sent_at: u64) -> Content {
    data(DataMessage {
        body: Some(body.to_owned()),
        quote: Some(Quote {
            id: sent_at,
            author: author.to_hex(),
            ..Quote::default()
        }),
        ..DataMessage::default()
    })
}

fn reaction(emoji: &str, author: Id, sent_at: u64, add: bool) -> Content {
    data(DataMessage {
        reaction: Some(Reaction {
            id: sent_at,
            author: author.to_hex(),
            emoji: Some(emoji.to_owned()),
            action: i32::from(!add),
            msg_id: None,
        }),
        ..DataMessage::default()
    })
}

fn unsend(author: Id, sent_at: u64) -> Content {
    Content {
        unsend_request: Some(UnsendRequest {
            timestamp: sent_at,
            author: author.to_hex(),
            msg_id: None,
        }),
        ..Content::default()
    }
}

fn disappearing(mut content: Content, kind: content::ExpirationType, seconds: u32) -> Content {
    content.set_expiration_type(kind);
    content.expiration_timer = Some(seconds);
    content
}

/// What a sender without an engine does.
async fn deliver(world: &World, from: &Account, to: &Id, content: &Content, sent_at: u64) {
    let bytes = encode_one_to_one(from, to, content, sent_at, &mut TestRng).unwrap();
    world.deposit(to, bytes).await;
}

/// An account that the stranger and the user have both written to.
async fn with_friend(world: &World) -> (Device, Id, Account) {
    let alice = Device::new(world);
    let id = alice.create("Alice").await;
    let friend = stranger();
    alice.send(friend.id(), "hi").await.unwrap();
    deliver(world, &friend, &id, &text("hello"), START_MS + 4).await;
    alice.wait_for_texts(friend.id(), 2, SOON).await;
    (alice, id, friend)
}

/// Two people who have written to each other.
async fn pair(world: &World) -> (Device, Id, Device, Id) {
    let (alice, bob) = (Device::new(world), Device::new(world));
    let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
    alice.send(bob_id, "hi").await.unwrap();
    bob.wait_for_texts(alice_id, 1, SOON).await;
    bob.send(alice_id, "hello").await.unwrap();
    alice.wait_for_texts(bob_id, 2, SOON).await;
    for (device, other) in [(&alice, bob_id), (&bob, alice_id)] {
        let conversation = device.conversation(other).await.unwrap();
        assert_eq!(conversation.standing, Standing::Active);
    }
    (alice, alice_id, bob, bob_id)
}

/// Another device of an account, which has read its mailbox.
async fn second(world: &World, first: &Device, conversation: Id, count: usize) -> Device {
    let device = Device::new(world);
    device.restore(first.seed().await).await;
    device.wait_for_texts(conversation, count, SOON).await;
    device
}

async fn by_text(device: &Device, conversation: Id, body: &str) -> Option<Message> {
    let messages = device.messages(conversation).await;
    messages.into_iter().find(|message| message.body == body)
}

/// Waits until something holds of a conversation's messages.
async fn until(device: &Device, conversation: Id, what: &str, holds: impl Fn(&[Message]) -> bool) {
    let reached = async {
        while !holds(&device.messages(conversation).await) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    if tokio::time::timeout(SOON, reached).await.is_err() {
        panic!("{what}: {:?}", device.messages(conversation).await);
    }
}

async fn settle() {
    tokio::time::sleep(SOON).await;
}

async fn turn_on(device: &Device, key: &str) {
    let (key, value) = (key.to_owned(), "on".to_owned());
    device.ask(Command::SetPreference { key, value }).await;
}

async fn delete(device: &Device, message: &Message, scope: DeleteScope) -> Result<Reply, Failure> {
    let messages = vec![message.id];
    device
        .engine
        .request(Command::DeleteMessages { messages, scope })
        .await
}

async fn react(device: &Device, message: MessageId, emoji: &str, add: bool) -> Result<Reply, Failure> {
    let emoji = emoji.to_owned();
    device
        .engine
        .request(Command::React { message, emoji, add })
        .await
}

async fn set_timer(device: &Device, conversation: Id, mode: Disappearing) {
    device.ask(Command::SetDisappearing { conversation, mode }).await;
}

fn emoji_of(message: &Message) -> Vec<(&str, usize)> {
    let counted = message.reactions.iter();
    counted
        .map(|reaction| (reaction.emoji.as_str(), reaction.from.len()))
        .collect()
}

/// How many messages there are besides notices.
fn count(messages: &[Message]) -> usize {
    let told = |message: &&Message| !matches!(message.kind, MessageKind::Notice(_));
    messages.iter().filter(told).count()
}

/// What happened besides the acceptance that makes a pair.
fn notices(messages: &[Message]) -> Vec<Notice> {
    let kinds = messages.iter().filter_map(|message| match message.kind {
        MessageKind::Notice(notice) if notice != Notice::RequestAccepted => Some(notice),
        _ => None,
    });
    kinds.collect()
}
