//! Files between people: sent, fetched, refused, interrupted, thrown away and fetched again, over a real file server.

mod links;
mod pictures;
mod receiving;
mod room;
mod sending;

use std::time::Duration;

use holdfast_client::api::{
    Attachment, Command, Disappearing, FILE_PIECE, Failure, FileId, FileInfo, FileKind, FileState, Gallery,
    Message, MessageKind, MessagePage, MessageState, Notice, Purpose, Reply, SendFailure, StagedFile,
    StorageUse,
};
use holdfast_protocol::account::Id;
use holdfast_tests::net::{Device, World, run};

const SOON: Duration = Duration::from_secs(120);
/// Longer than the engine tries to bring or fetch a file.
const GIVEN_UP: Duration = Duration::from_secs(20 * 60);

/// Bytes that look like nothing in particular, and differ by their seed.
fn noise(size: usize, seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// A PNG of one pixel: small, and known by its first bytes.
fn png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89".to_vec();
    png.extend(b"\0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa75\x81\x84\0\0\0\0IEND\xaeB`\x82");
    png
}

fn info(name: &str, content_type: &str, size: usize) -> FileInfo {
    FileInfo {
        name: Some(name.to_owned()),
        content_type: content_type.to_owned(),
        size: size as u64,
        ..FileInfo::default()
    }
}

/// Announces a file.
async fn announce(device: &Device, purpose: Purpose, info: FileInfo) -> Result<StagedFile, Failure> {
    let command = Command::StageFile {
        purpose,
        info,
        voice: false,
    };
    match device.engine.request(command).await? {
        Reply::Staged(staged) => Ok(staged),
        other => panic!("{other:?}"),
    }
}

/// Writes all of a staged file.
async fn write(device: &Device, file: FileId, bytes: &[u8]) {
    for (index, piece) in bytes.chunks(FILE_PIECE).enumerate() {
        device
            .ask(Command::WriteFile {
                file,
                offset: (index * FILE_PIECE) as u64,
                bytes: piece.to_vec(),
            })
            .await;
    }
}

/// Hands a file over for a message.
async fn stage(device: &Device, to: Id, name: &str, content_type: &str, bytes: &[u8]) -> FileId {
    let staged = announce(
        device,
        Purpose::Message(to),
        info(name, content_type, bytes.len()),
    )
    .await
    .unwrap();
    write(device, staged.file, bytes).await;
    staged.file
}

/// Sends a message with files.
async fn send(device: &Device, to: Id, body: &str, files: Vec<FileId>) -> Result<Message, Failure> {
    let command = Command::SendText {
        conversation: to,
        body: body.to_owned(),
        reply_to: None,
        files,
        link: None,
    };
    match device.engine.request(command).await? {
        Reply::Accepted(message) => Ok(message),
        other => panic!("{other:?}"),
    }
}

/// All bytes of a file that is here.
async fn read(device: &Device, file: FileId, size: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        match device
            .ask(Command::ReadFile {
                file,
                offset: bytes.len() as u64,
            })
            .await
        {
            Reply::Bytes(piece) => bytes.extend(piece),
            other => panic!("{other:?}"),
        }
    }
    bytes
}

/// The newest message of a conversation that has files.
async fn newest_files(device: &Device, conversation: Id) -> Option<Message> {
    let messages = device.messages(conversation).await;
    messages
        .into_iter()
        .rev()
        .find(|message| !message.files.is_empty())
}

/// Waits until the newest message with files satisfies something.
async fn wait_for_files(
    device: &Device,
    conversation: Id,
    what: &str,
    holds: impl Fn(&Message) -> bool,
) -> Message {
    wait_for_files_within(SOON, device, conversation, what, holds).await
}

/// The same within another time.
async fn wait_for_files_within(
    longest: Duration,
    device: &Device,
    conversation: Id,
    what: &str,
    holds: impl Fn(&Message) -> bool,
) -> Message {
    let reached = async {
        loop {
            if let Some(message) = newest_files(device, conversation).await
                && holds(&message)
            {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(longest, reached).await {
        Ok(message) => message,
        Err(_) => panic!("{what}: {:?}", newest_files(device, conversation).await),
    }
}

fn state(message: &Message) -> FileState {
    message.files[0].state
}

/// Fetches the first file of the newest message that has any, and gives its bytes.
async fn fetch(device: &Device, conversation: Id) -> Vec<u8> {
    let message = wait_for_files(device, conversation, "a message with files", |_| true).await;
    device.ask(Command::LoadFile(message.files[0].file)).await;
    let message = wait_for_files(device, conversation, "the file", |message| {
        state(message) == FileState::Here
    })
    .await;
    read(device, message.files[0].file, message.files[0].info.size).await
}

/// Two accounts that have agreed to hear from each other.
async fn friends(world: &World) -> (Device, Id, Device, Id) {
    make_friends(Device::new(world), Device::new(world)).await
}

/// Makes an account on each of two devices, which agree to hear from each other.
async fn make_friends(alice: Device, bob: Device) -> (Device, Id, Device, Id) {
    let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
    alice.ask(Command::OpenConversation(bob_id)).await;
    alice.send(bob_id, "hello").await.unwrap();
    bob.wait_for_texts(alice_id, 1, SOON).await;
    bob.send(alice_id, "hello back").await.unwrap();
    alice.wait_for_texts(bob_id, 2, SOON).await;
    alice.wait_until_sent(bob_id, SOON).await;
    bob.wait_until_sent(alice_id, SOON).await;
    (alice, alice_id, bob, bob_id)
}
