//! Random histories of three devices.

use std::time::Duration;

use holdfast_client::api::{Command, Notify};
use holdfast_tests::net::{Device, World, run};

use super::{SOON, id, in_step, wait_for_name};

/// Numbers that look random and come again with their seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Three devices do what they like, cut off and crashing as it comes; in the end all are the same.
async fn history(seed: u64) {
    let world = World::new().await;
    let mut dice = Dice(seed);
    let first = Device::new(&world);
    first.create("Ann").await;
    let account = first.seed().await;
    for number in 1..=4 {
        first.send(id(number), "hello").await.unwrap();
    }
    let mut devices = vec![first];
    for _ in 0..2 {
        let device = Device::new(&world);
        device.restore(account.clone()).await;
        wait_for_name(&device, "Ann").await;
        devices.push(device);
    }
    tokio::time::sleep(SOON).await;
    for step in 0..40 {
        let at = usize::try_from(dice.roll(3)).unwrap();
        let who = id(u8::try_from(1 + dice.roll(4)).unwrap());
        let device = &mut devices[at];
        let (is, text) = (dice.roll(2) == 0, format!("{seed} {step}"));
        let command = match dice.roll(12) {
            0 => Command::SetDisplayName(text),
            1 | 2 => Command::SetNickname {
                id: who,
                nickname: text,
            },
            3 => Command::SetBlocked { id: who, blocked: is },
            4 => Command::SetPinned {
                id: who,
                pinned: false,
            },
            5 => Command::HideConversation(who),
            6 => Command::SetNotifications {
                id: who,
                mode: if is { Notify::All } else { Notify::Nothing },
                muted_until: None,
            },
            7 => Command::MarkUnread(who),
            8 => Command::OpenConversation(who),
            9 => {
                device.set_online(is);
                continue;
            }
            10 => {
                device.restart().await;
                continue;
            }
            _ => {
                tokio::time::sleep(Duration::from_millis(dice.roll(8_000))).await;
                continue;
            }
        };
        // Refusals are fine: nothing changed then.
        let _ = device.engine.request(command).await;
    }
    for device in &devices {
        device.set_online(true);
        device.ask(Command::Connectivity { online: true }).await;
    }
    tokio::time::sleep(SOON * 3).await;
    let all: Vec<&Device> = devices.iter().collect();
    in_step(&all, Duration::from_secs(300)).await;
    // A new device finds the same.
    let late = Device::new(&world);
    late.restore(account).await;
    late.wait_for("complete", SOON, |now| now.restore.is_none()).await;
    tokio::time::sleep(SOON).await;
    let all: Vec<&Device> = devices.iter().chain([&late]).collect();
    in_step(&all, SOON).await;
}

#[tokio::test(start_paused = true)]
async fn three_devices_end_in_step_whatever_happens() {
    for seed in 1..=12 {
        run(history(seed)).await;
    }
}
