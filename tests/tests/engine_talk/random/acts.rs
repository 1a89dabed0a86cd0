//! What people do on their machines: the acts of a random history.

use super::*;

impl History<'_> {
    pub(super) async fn write(&mut self, at: usize, note: bool, body: &str, reply_to: Option<MessageId>) {
        let command = Command::SendText {
            conversation: self.conversation(at, note),
            body: body.to_owned(),
            reply_to,
            files: Vec::new(),
            link: None,
        };
        if let Ok(Reply::Accepted(message)) = self.give(at, command).await.reply {
            self.accepted(at, note, &message);
        }
    }

    /// Whether a message is in all swarms that it is for, so that nothing that is done to it here keeps it back.
    async fn is_synced(&mut self, at: usize, message: &Message) -> bool {
        let answer = self.machines[at]
            .powered
            .insist(Command::MessageDetails(message.id))
            .await;
        matches!(answer.reply, Ok(Reply::Details(details)) if details.synced == Some(true))
    }

    async fn delete(&mut self, at: usize, message: &Message, scope: DeleteScope) {
        let synced = self.is_synced(at, message).await;
        let messages = vec![message.id];
        let answer = self.give(at, Command::DeleteMessages { messages, scope }).await;
        let side = self.machines[at].side;
        let Some(told) = self.told.get_mut(&message.body) else {
            return;
        };
        if !answer.is_done() {
            // A mark that was left the first time can't be deleted the second time.
            told.loose |= answer.again;
            return;
        }
        match scope {
            DeleteScope::ThisDevice => {
                told.loose |= told.writer == at && !synced;
                self.machines[at].removed.insert(message.body.clone());
            }
            DeleteScope::OwnDevices => {
                told.deleted_by.insert(side);
                // It never gets to the other side then.
                told.loose |= told.side == side && !is_out(message);
            }
            DeleteScope::Everyone => told.deleted_for_everyone = true,
        }
    }

    /// Carries out a command that removes all of a conversation here; whether it did.
    async fn clear(&mut self, at: usize, note: bool, command: Command) -> bool {
        let (mut here, mut unsynced) = (Vec::new(), Vec::new());
        for message in self.messages(at, note).await {
            let Some(label) = label(&message) else { continue };
            let own = self.told.get(&label).is_some_and(|told| told.writer == at);
            if own && !self.is_synced(at, &message).await {
                unsynced.push(label.clone());
            }
            here.push(label);
        }
        let answer = self.give(at, command).await;
        if answer.is_refused() {
            return false;
        }
        let done = answer.is_done();
        let uncertain = if done { &unsynced } else { &here };
        for label in uncertain {
            if let Some(told) = self.told.get_mut(label) {
                told.loose = true;
            }
        }
        let machine = &mut self.machines[at];
        if done {
            machine.removed.extend(here);
        }
        // Something may have come just before it was carried out.
        machine.cleared[usize::from(note)] = self.told.len();
        true
    }

    /// One act of somebody, or of fate.
    pub(super) async fn step(&mut self, step: u32) {
        // Two devices of one account never write in the same millisecond, as long as they agree about the time.
        tokio::time::sleep(Duration::from_millis(7)).await;
        if self.dice.roll(3) == 0 {
            tokio::time::sleep(Duration::from_millis(self.dice.roll(8_000))).await;
        }
        let at = self.dice.pick(self.machines.len());
        let note = self.dice.roll(6) == 0;
        let messages = self.messages(at, note).await;
        self.machines[at].had.extend(messages.iter().filter_map(label));
        let texts: Vec<&Message> = messages
            .iter()
            .filter(|message| message.kind == MessageKind::Text)
            .collect();
        let some = if texts.is_empty() {
            None
        } else {
            Some(texts[self.dice.pick(texts.len())])
        };
        let (conversation, own) = (self.conversation(at, note), self.own(at));
        match (self.dice.roll(40), some) {
            (0..=8, _) => self.write(at, note, &format!("{step}"), None).await,
            (9..=11, Some(message)) => {
                let body = format!("{step} answers");
                self.write(at, note, &body, Some(message.id)).await;
            }
            (12..=16, Some(message)) => {
                let command = Command::React {
                    message: message.id,
                    emoji: EMOJI[self.dice.pick(EMOJI.len())].to_owned(),
                    add: self.dice.roll(3) > 0,
                };
                self.give(at, command).await;
            }
            (17, Some(message)) => self.delete(at, message, DeleteScope::ThisDevice).await,
            (18, Some(message)) => self.delete(at, message, DeleteScope::OwnDevices).await,
            (19 | 20, Some(message)) if message.author == own => {
                self.delete(at, message, DeleteScope::Everyone).await;
            }
            (21 | 22, Some(message)) => {
                let up_to = if self.dice.coin() {
                    message.sent_at
                } else {
                    u64::MAX
                };
                let read = Command::MarkRead { conversation, up_to };
                self.give(at, read).await;
            }
            (23..=29, _) => self.decide(at, note, step, &messages).await,
            (30 | 31, _) => self.act_by_temper(at, note).await,
            _ => self.suffer(at).await,
        }
        for at in 0..self.machines.len() {
            if self.machines[at].powered.is_dead() {
                self.acts.note(&format!("machine {at}: has power again"));
                self.machines[at].powered.restart().await;
            }
        }
    }

    /// What follows the account, beside messages.
    async fn decide(&mut self, at: usize, note: bool, step: u32, messages: &[Message]) {
        let (conversation, other) = (self.conversation(at, note), self.other(at));
        let is = self.dice.coin();
        match self.dice.roll(8) {
            0 => {
                let command = Command::MarkUnread(conversation);
                self.give(at, command).await;
            }
            1 => {
                let life = match self.temper {
                    Temper::Fleeting if self.dice.roll(3) > 0 => SHORT + step,
                    _ => LONG + step,
                };
                let mode = match self.dice.roll(5) {
                    0 => Disappearing::Off,
                    1 | 2 if !note => Disappearing::AfterRead(life),
                    _ => Disappearing::AfterSend(life),
                };
                let command = Command::SetDisappearing { conversation, mode };
                self.give(at, command).await;
                for message in self.messages(at, note).await {
                    if message.outgoing && message.kind != MessageKind::Text {
                        self.accepted(at, note, &message);
                    }
                }
            }
            2 => {
                let name = format!("name {step}");
                let command = Command::SetDisplayName(name.clone());
                if self.give(at, command).await.is_done() {
                    let machine = &mut self.machines[at];
                    self.sides[machine.side].names.insert(name.clone());
                    machine.name = Some(name);
                }
            }
            3 => {
                let nickname = format!("nickname {step}");
                let command = Command::SetNickname {
                    id: other,
                    nickname: nickname.clone(),
                };
                if self.give(at, command).await.is_done() {
                    self.machines[at].nickname = Some(nickname);
                }
            }
            4 => {
                let command = Command::SetPinned {
                    id: conversation,
                    pinned: is,
                };
                self.give(at, command).await;
            }
            5 => {
                let command = Command::SetNotifications {
                    id: other,
                    mode: if is { Notify::Nothing } else { Notify::All },
                    muted_until: self.dice.coin().then(|| 2_000_000_000 + u64::from(step)),
                };
                self.give(at, command).await;
            }
            6 => {
                self.give(at, Command::AcceptRequest(other)).await;
            }
            _ => {
                let failed = messages
                    .iter()
                    .find(|message| matches!(message.state, MessageState::Failed(_)));
                if let Some(message) = failed {
                    self.retry(at, message).await;
                }
            }
        }
    }

    pub(super) async fn retry(&mut self, at: usize, message: &Message) {
        if let Some(label) = label(message)
            && let Some(told) = self.told.get_mut(&label)
        {
            told.retried = true;
        }
        self.give(at, Command::Retry(message.id)).await;
    }

    /// What not every history has.
    async fn act_by_temper(&mut self, at: usize, note: bool) {
        let (side, other) = (self.machines[at].side, self.other(at));
        let what = match self.temper {
            Temper::Plain | Temper::Fleeting => 0,
            Temper::Clearing => 1,
            Temper::Blocking => 2,
            Temper::Hiding => self.dice.roll(2) * 3,
            Temper::Removing => self.dice.roll(6),
        };
        match what {
            0 => {
                self.give(at, Command::OpenConversation(other)).await;
            }
            1 => {
                let command = Command::ClearMessages(self.conversation(at, note));
                self.clear(at, note, command).await;
            }
            2 => {
                let blocked = self.dice.coin();
                let command = Command::SetBlocked { id: other, blocked };
                if !self.give(at, command).await.is_refused() {
                    self.sides[side].blocks |= blocked;
                }
            }
            3 => {
                let hidden = if self.dice.coin() {
                    !self.give(at, Command::HideConversation(other)).await.is_refused()
                } else {
                    self.clear(at, false, Command::DeleteConversation(other)).await
                };
                self.sides[side].hides |= hidden;
            }
            4 => {
                let removed = self.clear(at, false, Command::DeleteContact(other)).await;
                self.sides[side].removes |= removed;
            }
            _ => {
                let standing = self
                    .device(at)
                    .conversation(other)
                    .await
                    .map(|held| held.standing);
                // Where there is none, nothing is removed.
                if standing == Some(Standing::IncomingRequest) {
                    let command = if self.dice.coin() {
                        Command::DeclineAllRequests
                    } else {
                        Command::DeclineRequest(other)
                    };
                    let removed = self.clear(at, false, command).await;
                    self.sides[side].removes |= removed;
                }
            }
        }
    }
}
