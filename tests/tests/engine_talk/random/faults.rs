//! What happens to machines and nodes in a random history, and how all of it is mended.

use super::*;

impl History<'_> {
    /// What nobody wants.
    pub(super) async fn suffer(&mut self, at: usize) {
        match self.dice.roll(10) {
            0 => {
                self.acts.note(&format!("machine {at}: restarted"));
                self.machines[at].powered.restart().await;
            }
            1 => {
                let (commit, kept) = (1 + self.dice.roll(6), self.dice.coin());
                self.acts.note(&format!(
                    "machine {at}: power goes at commit {commit}, kept: {kept}"
                ));
                self.machines[at].powered.unplug_at(commit, kept);
            }
            2..=4 => {
                let device = &self.machines[at].powered.device;
                let what = match self.dice.roll(5) {
                    0 | 1 => {
                        device.set_online(false);
                        "offline"
                    }
                    2 => {
                        device.cut_off();
                        "cut off"
                    }
                    _ => {
                        device.set_online(true);
                        "online"
                    }
                };
                self.acts.note(&format!("machine {at}: {what}"));
            }
            5..=7 => self.break_node(),
            8 => {
                let up = self.dice.roll(3) > 0;
                self.acts.note(&format!("gateway up: {up}"));
                self.world.set_gateway(up);
            }
            _ if self.dice.roll(6) == 0 => {
                self.acts.note("an hour passes");
                tokio::time::advance(60 * MINUTE).await;
            }
            _ => {
                let longest = if self.temper == Temper::Fleeting { 120 } else { 20 };
                tokio::time::sleep(Duration::from_secs(self.dice.roll(longest))).await;
            }
        }
    }

    /// Something happens to a node. What others have and it has not makes things come to some in another order.
    fn break_node(&mut self) {
        let node = self.world.nodes[self.dice.pick(self.world.nodes.len())];
        let slow = Duration::from_millis(self.dice.roll(8_000));
        let (what, fault) = match self.dice.roll(8) {
            0 => ("dead", Fault::Dead),
            1 => ("dies answering", Fault::DiesAnswering),
            2 | 3 => ("slow", Fault::Slow(slow)),
            4..=6 => ("behind", Fault::Behind),
            _ => ("mended", Fault::None),
        };
        self.acts.note(&format!("node {node}: {what} ({slow:?})"));
        self.world.set_fault(&node, fault);
        self.broken.retain(|other| *other != node);
        self.broken.push_back(node);
        if self.broken.len() > BROKEN
            && let Some(node) = self.broken.pop_front()
        {
            self.world.set_fault(&node, Fault::None);
        }
    }

    /// Everything is well again.
    pub(super) async fn mend(&mut self) {
        self.acts.note("everything is mended");
        self.world.set_gateway(true);
        for node in &self.world.nodes {
            self.world.set_fault(node, Fault::None);
        }
        for machine in &mut self.machines {
            machine.powered.restart().await;
            machine.powered.device.set_online(true);
            machine
                .powered
                .device
                .ask(Command::Connectivity { online: true })
                .await;
        }
    }
}
