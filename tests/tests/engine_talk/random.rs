//! Random histories on three devices.

use super::*;

/// Histories of one run; `HOLDFAST_TALK_HISTORIES` asks for another number.
const HISTORIES: u64 = 6;

/// What of a message must be the same on every device.
type Seen = (Id, u64, String, Option<String>, Vec<(String, Vec<Id>)>);

async fn seen(device: &Device, conversation: Id) -> Vec<Seen> {
    let messages = device.messages(conversation).await;
    let texts = messages
        .into_iter()
        .filter(|message| message.kind == MessageKind::Text);
    texts
        .map(|message| {
            let reactions = message.reactions.into_iter();
            let reactions = reactions.map(|mut reaction| {
                reaction.from.sort();
                (reaction.emoji, reaction.from)
            });
            (
                message.author,
                message.sent_at,
                message.body,
                message.quote.map(|quote| quote.text),
                reactions.collect(),
            )
        })
        .collect()
}

/// One random history: two devices of one account and one of another write, answer, react, delete, read, crash and lose
/// their connection. In the end all three show the same, and the two have read the same.
async fn random_history(seed: u64) {
    use rand_core::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
    let world = World::new().await;
    let (alice, alice_id, bob, bob_id) = pair(&world).await;
    let other = second(&world, &alice, bob_id, 2).await;
    let mut devices = [(alice, bob_id), (other, bob_id), (bob, alice_id)];
    let own = [alice_id, alice_id, bob_id];
    for step in 0..40 {
        // Two devices of one account never write in the same millisecond.
        tokio::time::sleep(Duration::from_millis(7)).await;
        let mut below = |bound: usize| random.next_u64() as usize % bound;
        let at = below(devices.len());
        let (device, conversation) = &mut devices[at];
        let messages = device.messages(*conversation).await;
        let texts: Vec<_> = messages
            .iter()
            .filter(|message| message.kind == MessageKind::Text)
            .collect();
        let some = (!texts.is_empty()).then(|| texts[below(texts.len().max(1))]);
        match (below(11), some) {
            (0..=2, _) => drop(device.send(*conversation, &format!("{step}")).await.unwrap()),
            (3, Some(message)) => {
                let command = Command::SendText {
                    files: Vec::new(),
                    link: None,
                    conversation: *conversation,
                    body: format!("{step} to {}", message.body),
                    reply_to: Some(message.id),
                };
                device.ask(command).await;
            }
            (4 | 5, Some(message)) => {
                let emoji = ["😂", "❤️", "👍🏽"][below(3)];
                react(device, message.id, emoji, below(3) > 0).await.unwrap();
            }
            (6, Some(message)) if message.author == own[at] => {
                delete(device, message, DeleteScope::Everyone).await.unwrap();
            }
            (7, _) => device.restart().await,
            (8, _) => {
                let online = below(2) == 0;
                device.set_online(online);
            }
            (9, Some(message)) => {
                let read = Command::MarkRead {
                    conversation: *conversation,
                    up_to: message.sent_at,
                };
                device.ask(read).await;
            }
            _ => tokio::time::sleep(Duration::from_secs(below(20) as u64)).await,
        }
    }
    for (device, _) in &devices {
        device.set_online(true);
        device.ask(Command::Wake).await;
    }
    tokio::time::sleep(5 * MINUTE).await;
    let mut views = Vec::new();
    for (device, conversation) in &devices {
        views.push(seen(device, *conversation).await);
    }
    assert_eq!(views[0], views[1], "two devices of one account, seed {seed}");
    assert_eq!(views[0], views[2], "both sides, seed {seed}");
    let mut read = Vec::new();
    for (device, conversation) in devices.iter().filter(|(_, with)| *with == bob_id) {
        let held = device.conversation(*conversation).await.unwrap();
        read.push((held.read_up_to, held.unread));
    }
    assert_eq!(read[0], read[1], "what was read, seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn random_histories_end_the_same_on_all_devices() {
    let asked = std::env::var("HOLDFAST_TALK_HISTORIES").ok();
    let count = asked.map_or(HISTORIES, |count| count.parse().unwrap());
    for seed in 0..count {
        run(random_history(seed)).await;
    }
}
