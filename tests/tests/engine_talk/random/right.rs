//! How everything should be in the end, and what is not so.

use holdfast_client::api::{Conversation, Place};

use super::*;

/// What a machine shows of something that was told.
struct Shown {
    author: Id,
    sent_at: u64,
    quote: Option<(Id, u64)>,
    /// Emoji, with who chose them.
    words: BTreeSet<(Id, String)>,
    outgoing: bool,
    read: bool,
}

type View = BTreeMap<String, Shown>;

impl Shown {
    fn of(message: &Message) -> Self {
        let words = message.reactions.iter().flat_map(|reaction| {
            let from = reaction.from.iter();
            from.map(|id| (*id, reaction.emoji.clone()))
        });
        Self {
            author: message.author,
            sent_at: message.sent_at,
            quote: message.quote.as_ref().map(|quote| (quote.author, quote.sent_at)),
            words: words.collect(),
            outgoing: message.outgoing,
            read: message.state == MessageState::Read,
        }
    }
}

/// What an account wrote on two machines under the same sent time, since nodes told one of them a wrong time: author and time
/// are all that tells messages apart (`spec/02-messages-v1.md §6.4`), so that one of them is lost.
fn told_at_once(views: &[View]) -> BTreeSet<&String> {
    let mut by_time: BTreeMap<(Id, u64), BTreeSet<&String>> = BTreeMap::new();
    for (label, shown) in views.iter().flatten() {
        let labels = by_time.entry((shown.author, shown.sent_at)).or_default();
        labels.insert(label);
    }
    let twice = by_time.into_values().filter(|labels| labels.len() > 1);
    twice.flatten().collect()
}

impl History<'_> {
    /// Everything that is not as it should be.
    pub(super) async fn what_is_wrong(&self, end: bool) -> Vec<String> {
        let (mut wrong, mut views, mut follows) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..self.machines.len() {
            views.push(self.view(at, &mut wrong).await);
            follows.push(self.follows(at, &mut wrong).await);
        }
        self.find_missing(&views, end, &mut wrong);
        for (one, view) in views.iter().enumerate() {
            for (two, other) in views.iter().enumerate().skip(one + 1) {
                self.compare(one, two, (view, other), &mut wrong);
                if self.machines[one].side == self.machines[two].side && follows[one] != follows[two] {
                    let (one_has, two_has) = (&follows[one], &follows[two]);
                    wrong.push(format!("{one} and {two}: {one_has:#?} and {two_has:#?}"));
                }
            }
        }
        self.compare_sides(&mut wrong).await;
        wrong
    }

    /// What a machine shows, which must be consistent in itself.
    async fn view(&self, at: usize, wrong: &mut Vec<String>) -> View {
        let mut view = View::new();
        let snapshot = self.device(at).snapshot().await;
        if snapshot.network.outbox > 0 {
            wrong.push(format!("{at}: {} wait to be sent", snapshot.network.outbox));
        }
        for note in [false, true] {
            let conversation = self.conversation(at, note);
            let messages = self.messages(at, note).await;
            let mut names = BTreeSet::new();
            for message in &messages {
                if !names.insert((message.author, message.sent_at)) {
                    wrong.push(format!("{at}: twice: {message:?}"));
                }
                if message.kind == MessageKind::Deleted && !message.body.is_empty() {
                    wrong.push(format!("{at}: deleted: {message:?}"));
                }
                if let Some(quote) = &message.quote {
                    let quoted = messages.iter().find(|other| {
                        other.kind == MessageKind::Text
                            && (other.author, other.sent_at) == (quote.author, quote.sent_at)
                    });
                    let text = quoted.map_or("", |quoted| quoted.body.as_str());
                    if quote.found != quoted.map(|quoted| quoted.id) || quote.text != text {
                        wrong.push(format!("{at}: answers {quoted:?}: {message:?}"));
                    }
                }
                let Some(label) = label(message) else { continue };
                let Some(told) = self.told.get(&label) else {
                    wrong.push(format!("{at}: nobody was told that it is sent: {message:?}"));
                    continue;
                };
                let own = told.side == self.machines[at].side;
                if message.author != self.sides[told.side].id || message.outgoing != own || told.note != note
                {
                    wrong.push(format!("{at}: from somebody else: {message:?}"));
                }
                if own && !is_out(message) {
                    wrong.push(format!("{at}: not sent: {message:?}"));
                }
                if view.insert(label, Shown::of(message)).is_some() {
                    wrong.push(format!("{at}: twice: {message:?}"));
                }
            }
            let mut listed = snapshot.conversations.iter();
            let Some(held) = listed.find(|held| held.id == conversation) else {
                continue;
            };
            let unread = messages.iter().filter(|message| {
                message.kind == MessageKind::Text && !message.outgoing && message.sent_at > held.read_up_to
            });
            let unread = unread.count();
            if usize::try_from(held.unread) != Ok(unread) {
                wrong.push(format!("{at}: counts {} as unread of {unread}", held.unread));
            }
        }
        view
    }

    /// What must be the same on all machines of an account.
    async fn follows(&self, at: usize, wrong: &mut Vec<String>) -> Vec<String> {
        let snapshot = self.device(at).snapshot().await;
        let number = self.machines[at].side;
        let side = &self.sides[number];
        let own = snapshot.account.map(|account| account.name).unwrap_or_default();
        let last = |word: fn(&Machine) -> &Option<String>| -> BTreeSet<&String> {
            let machines = self.machines.iter().filter(|machine| machine.side == number);
            machines.filter_map(|machine| word(machine).as_ref()).collect()
        };
        let names = last(|machine| &machine.name);
        if !names.is_empty() && !names.contains(&own) {
            wrong.push(format!(
                "{at}: the name is {own}, nobody's last word of {names:?}"
            ));
        }
        let find = |id: Id| snapshot.conversations.iter().find(|held| held.id == id);
        let shows = |held: &Conversation| {
            format!(
                "{:?} {:?} {:?} {} {:?} {:?} {:?}",
                held.name,
                held.nickname,
                held.standing,
                held.priority,
                held.notify,
                held.muted_until,
                held.disappearing
            )
        };
        let reads = |held: &Conversation| format!("{} {}", held.read_up_to, held.marked_unread);
        let mut all = vec![own];
        if let Some(notes) = find(side.id) {
            all.extend([shows(notes), reads(notes)]);
        }
        if let Some(held) = find(self.other(at)) {
            let nicknames = last(|machine| &machine.nickname);
            let nickname = held.nickname.as_ref();
            if !side.removes
                && !nicknames.is_empty()
                && !nickname.is_some_and(|name| nicknames.contains(name))
            {
                let text = format!("{at}: the nickname is {nickname:?}, nobody's last word of {nicknames:?}");
                wrong.push(text);
            }
            let names = &self.sides[1 - number].names;
            if held.name.as_ref().is_some_and(|name| !names.contains(name)) {
                wrong.push(format!("{at}: they never were {:?}", held.name));
            }
            // What nobody is to another is not in the documents: one may have opened it, or have a notice in it.
            if held.standing != Standing::Fresh {
                all.push(shows(held));
            }
            // Where somebody is nobody for a while, what was read of theirs stays where it was read.
            if !side.removes {
                all.push(reads(held));
            }
            // What came of a request before one device blocked or removed its author is listed there alone.
            if !side.removes && !side.blocks {
                all.push(format!("{:?}", held.place));
            }
        } else if !side.removes {
            wrong.push(format!("{at}: the conversation is gone"));
        }
        all
    }

    /// Whether a machine may lack something that it never showed.
    fn may_lack(&self, at: usize, told: &Told) -> bool {
        let machine = &self.machines[at];
        let side = &self.sides[machine.side];
        if told.order < machine.cleared[usize::from(told.note)] {
            return true;
        }
        if told.note {
            return false;
        }
        let from_other = told.side != machine.side;
        side.hides || (side.blocks && from_other) || side.removes || self.sides[told.side].removes
    }

    fn find_missing(&self, views: &[View], end: bool, wrong: &mut Vec<String>) {
        let same_time = told_at_once(views);
        for (label, told) in &self.told {
            for (at, view) in views.iter().enumerate() {
                let machine = &self.machines[at];
                let (side, there) = (&self.sides[machine.side], view.contains_key(label));
                let from_other = told.side != machine.side;
                // Who was blocked can't delete either.
                let unheard = from_other && side.blocks;
                let gone = told.deleted_by.contains(&machine.side)
                    || (told.deleted_for_everyone && !unheard)
                    || machine.removed.contains(label)
                    || (told.fleeting && end)
                    || (told.note && from_other);
                if gone {
                    if there {
                        wrong.push(format!("{at}: still has «{label}»"));
                    }
                    continue;
                }
                let open = told.fleeting || told.deleted_for_everyone || told.loose;
                if there || open || same_time.contains(label) {
                    continue;
                }
                if machine.had.contains(label) {
                    if told.note || !side.removes {
                        wrong.push(format!("{at}: had «{label}» and lost it"));
                    }
                } else if !self.may_lack(at, told) {
                    wrong.push(format!("{at}: never got «{label}»"));
                }
            }
        }
    }

    /// Whether a machine hears all that a side says about messages.
    fn hears(&self, at: usize, speaker: usize) -> bool {
        let number = self.machines[at].side;
        let side = &self.sides[number];
        let removes = self.sides.iter().any(|side| side.removes);
        !side.hides && !removes && (speaker == number || !side.blocks)
    }

    /// What two machines both have must be the same.
    fn compare(&self, one: usize, two: usize, views: (&View, &View), wrong: &mut Vec<String>) {
        let same_side = self.machines[one].side == self.machines[two].side;
        for (label, shown) in views.0 {
            let Some((told, other)) = self.told.get(label).zip(views.1.get(label)) else {
                continue;
            };
            if told.fleeting {
                continue;
            }
            let place = |shown: &Shown| (shown.author, shown.sent_at, shown.quote);
            if place(shown) != place(other) {
                let (one_has, two_has) = (place(shown), place(other));
                wrong.push(format!("{one} and {two}: «{label}»: {one_has:?} and {two_has:?}"));
            }
            for (speaker, side) in self.sides.iter().enumerate() {
                let words = |shown: &Shown| -> BTreeSet<String> {
                    let said = shown.words.iter().filter(|(from, _)| *from == side.id);
                    said.map(|(_, emoji)| emoji.clone()).collect()
                };
                let heard = told.note || (self.hears(one, speaker) && self.hears(two, speaker));
                if heard && words(shown) != words(other) {
                    let (one_has, two_has) = (words(shown), words(other));
                    wrong.push(format!("{one} and {two}: «{label}»: {one_has:?} and {two_has:?}"));
                }
            }
            // A receipt for what was given up meanwhile comes too early on the machine that gave it up.
            let reader = 1 - self.machines[one].side;
            let heard = self.hears(one, reader) && self.hears(two, reader);
            let read = same_side && shown.outgoing && heard && !told.retried;
            if read && shown.read != other.read {
                let (one_has, two_has) = (shown.read, other.read);
                wrong.push(format!(
                    "{one} and {two}: «{label}» is read: {one_has} and {two_has}"
                ));
            }
        }
    }

    /// Where nothing stood in the way, both know whether they accepted each other.
    async fn compare_sides(&self, wrong: &mut Vec<String>) {
        let disturbed = |side: &Side| side.blocks || side.hides || side.removes;
        if self.sides.iter().any(disturbed) {
            return;
        }
        let mut accepted = Vec::new();
        for at in 0..self.machines.len() {
            let held = self.device(at).conversation(self.other(at)).await;
            let Some(held) = held.filter(|held| held.place != Place::Hidden) else {
                wrong.push(format!("{at}: the conversation is not shown"));
                continue;
            };
            accepted.push(held.standing == Standing::Active);
        }
        if accepted.contains(&true) && accepted.contains(&false) {
            wrong.push(format!("accepted, by machine: {accepted:?}"));
        }
    }
}
