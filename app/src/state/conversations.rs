//! The conversations as listed: pinned ones first, then by newest activity.

use std::cmp::Reverse;
use std::collections::HashMap;

use holdfast_client::api::{Conversation, FileId, NetworkStatus, Notify, Place};
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::network_now;

/// A conversation of the list; its signal changes without the list being laid out again.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The other account, or the own one.
    pub id: Id,
    /// What is shown of it.
    pub data: ArcRwSignal<Conversation>,
    /// Counts its moves in the list. A row that moves is made anew at its new place: the others stay where they are, whereas
    /// moving it would lift out all rows that it passes.
    pub moves: u32,
    /// Its rank or place changed, and the list is being sorted anew.
    reranked: bool,
}

/// Where a conversation stands in its list: by its pin, then by its activity.
type Rank = (Reverse<i32>, Reverse<u64>);

impl Listed {
    fn new(conversation: Conversation) -> Self {
        Self {
            id: conversation.id,
            data: ArcRwSignal::new(conversation),
            moves: 0,
            reranked: false,
        }
    }

    fn rank(&self) -> Rank {
        self.data
            .with_untracked(|c| (Reverse(c.priority.max(0)), Reverse(c.active_at)))
    }

    fn place(&self) -> Place {
        self.data.with_untracked(|c| c.place)
    }
}

/// Numbers about all conversations together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Unread messages of the list, without those of muted conversations.
    pub unread: u32,
    /// Message requests.
    pub requests: u32,
    /// Message requests with something unread.
    pub new_requests: u32,
    /// Blocked contacts.
    pub blocked: u32,
}

/// Whether a conversation makes no notifications at a time, which is asked for only where it matters: Unix milliseconds as
/// the network has them. The end of a mute that is over stays where it was written.
pub(super) fn is_muted(conversation: &Conversation, now: impl FnOnce() -> u64) -> bool {
    let silent = conversation.notify == Notify::Nothing;
    silent
        || conversation
            .muted_until
            .is_some_and(|until| until > now() / 1_000)
}

/// Changes that came shortly after others.
#[derive(Debug, Default)]
struct Waiting {
    /// Others were taken over a moment ago.
    rests: bool,
    /// The latest of each conversation.
    changed: HashMap<Id, Conversation>,
}

/// All conversations and contacts, whatever their place.
#[derive(Clone, Copy)]
pub(crate) struct Conversations {
    all: RwSignal<Vec<Listed>>,
    counts: RwSignal<Counts>,
    waiting: StoredValue<Waiting>,
    network: RwSignal<NetworkStatus>,
}

impl Conversations {
    /// None yet; the network's state says what time it is.
    pub(super) fn new(network: RwSignal<NetworkStatus>) -> Self {
        Self {
            all: RwSignal::new(Vec::new()),
            counts: RwSignal::new(Counts::default()),
            waiting: StoredValue::default(),
            network,
        }
    }

    /// Gives a change back that can be taken over at once. One that comes within a moment of that waits until the moment is
    /// over, with all others that do: laying out a long list thousands of times would hold up everything else.
    pub(super) fn now_or_soon(self, conversation: Conversation) -> Option<Conversation> {
        self.waiting.try_update_value(|waiting| {
            if std::mem::replace(&mut waiting.rests, true) {
                waiting.changed.insert(conversation.id, conversation);
                None
            } else {
                Some(conversation)
            }
        })?
    }

    /// The moment is over. Whether nothing came in it, so that the next change needs not wait.
    pub(super) fn moment_over(self) -> bool {
        let over = self.waiting.try_update_value(|waiting| {
            waiting.rests = !waiting.changed.is_empty();
            !waiting.rests
        });
        over.unwrap_or(true)
    }

    /// Takes out what waits.
    pub(super) fn take_waiting(self) -> Vec<Conversation> {
        self.waiting
            .try_update_value(|waiting| std::mem::take(&mut waiting.changed))
            .map(|changed| changed.into_values().collect())
            .unwrap_or_default()
    }

    /// Takes over a whole state. What was listed before keeps its signal: its row is not made anew.
    pub(super) fn replace(self, conversations: Vec<Conversation>) {
        drop(self.take_waiting());
        let mut known: HashMap<Id, Listed> = self
            .all
            .with_untracked(|all| all.iter().map(|listed| (listed.id, listed.clone())).collect());
        let mut all: Vec<Listed> = conversations
            .into_iter()
            .map(|conversation| match known.remove(&conversation.id) {
                Some(listed) => {
                    listed.data.set(conversation);
                    listed
                }
                None => Listed::new(conversation),
            })
            .collect();
        all.sort_by_key(Listed::rank);
        self.all.set(all);
        self.count();
    }

    /// Takes over new or changed conversations, in one pass over the list. Gives the pictures that people had and have no
    /// more.
    pub(super) fn put(self, conversations: Vec<Conversation>) -> Vec<FileId> {
        let mut changed: HashMap<Id, Conversation> =
            conversations.into_iter().map(|now| (now.id, now)).collect();
        let mut all = self.all.get_untracked();
        let before: Vec<Id> = all.iter().map(|listed| listed.id).collect();
        let (mut reranked, mut told, mut dropped) = (false, Vec::new(), Vec::new());
        for listed in &mut all {
            if changed.is_empty() {
                break;
            }
            let Some(now) = changed.remove(&listed.id) else {
                continue;
            };
            let was = (listed.rank(), listed.place());
            let had = listed.data.with_untracked(|known| known.picture);
            dropped.extend(had.filter(|had| now.picture != Some(*had)));
            listed.data.update_untracked(|known| *known = now);
            listed.reranked = was != (listed.rank(), listed.place());
            reranked |= listed.reranked;
            told.push(listed.data.clone());
        }
        if reranked || !changed.is_empty() {
            all.extend(changed.into_values().map(Listed::new));
            all.sort_by_key(Listed::rank);
            for (at, listed) in all.iter_mut().enumerate() {
                let reranked = std::mem::take(&mut listed.reranked);
                if reranked && before.get(at).is_some_and(|stood_here| *stood_here != listed.id) {
                    listed.moves = listed.moves.wrapping_add(1);
                }
            }
            self.all.set(all);
        }
        // After the list: a row that is made anew is not drawn once more where it stood.
        for data in told {
            data.update(|_| ());
        }
        self.count();
        dropped
    }

    /// Drops a conversation.
    pub(super) fn remove(self, id: Id) {
        self.all.update(|all| all.retain(|c| c.id != id));
        self.count();
    }

    /// Counts anew: after a change, or when mutes may have ended.
    pub(crate) fn count(self) {
        let counts = self.counts_at(|| network_now(self.network));
        if self.counts.get_untracked() != counts {
            self.counts.set(counts);
        }
    }

    fn counts_at(self, now: impl Fn() -> u64) -> Counts {
        self.all.with_untracked(|all| {
            let mut counts = Counts::default();
            for listed in all {
                listed.data.with_untracked(|c| match c.place {
                    Place::List if !is_muted(c, &now) => counts.unread += c.unread,
                    Place::Requests => {
                        counts.requests += 1;
                        counts.new_requests += u32::from(c.unread > 0);
                    }
                    Place::Blocked => counts.blocked += 1,
                    Place::List | Place::Hidden => {}
                });
            }
            counts
        })
    }

    /// Numbers about all of them.
    pub(crate) fn counts(self) -> Counts {
        self.counts.get()
    }

    /// Those of one place, in order.
    pub(crate) fn at(self, place: Place) -> Vec<Listed> {
        self.all
            .with(|all| all.iter().filter(|c| c.place() == place).cloned().collect())
    }

    /// Whether one place has none.
    pub(crate) fn none_at(self, place: Place) -> bool {
        self.all.with(|all| !all.iter().any(|c| c.place() == place))
    }

    /// A conversation as it is now, and again when it changes.
    pub(crate) fn get(self, id: Id) -> Option<Conversation> {
        let listed = self.all.with(|all| all.iter().find(|c| c.id == id).cloned());
        listed.map(|c| c.data.get())
    }

    /// A conversation as it is now.
    pub(crate) fn get_untracked(self, id: Id) -> Option<Conversation> {
        self.all
            .with_untracked(|all| all.iter().find(|c| c.id == id).map(|c| c.data.get_untracked()))
    }

    /// A conversation as the engine told it last, also if that still waits.
    pub(super) fn latest(self, id: Id) -> Option<Conversation> {
        let waits = self
            .waiting
            .try_with_value(|waiting| waiting.changed.get(&id).cloned());
        waits.flatten().or_else(|| self.get_untracked(id))
    }

    /// All of them as they are now.
    pub(crate) fn snapshot(self) -> Vec<Conversation> {
        self.all
            .with(|all| all.iter().map(|c| c.data.get_untracked()).collect())
    }
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::{Conversation, Disappearing, FileId, NetworkStatus, Notify, Place, Standing};
    use holdfast_protocol::account::Id;
    use leptos::prelude::{Owner, RwSignal, Set, WithUntracked};

    use super::{Conversations, Listed, is_muted};

    fn none_yet() -> Conversations {
        Conversations::new(RwSignal::new(NetworkStatus::default()))
    }

    fn conversation(number: u8, priority: i32, active_at: u64) -> Conversation {
        Conversation {
            id: Id::parse(&format!("05{}", format!("{number:02x}").repeat(32))).expect("id"),
            name: None,
            nickname: None,
            note_to_self: false,
            standing: Standing::Active,
            place: Place::List,
            priority,
            notify: Notify::All,
            muted_until: None,
            disappearing: Disappearing::Off,
            draft: None,
            staged: Vec::new(),
            picture: None,
            auto_load: false,
            preview: None,
            unread: 2,
            marked_unread: false,
            read_up_to: 0,
            active_at,
        }
    }

    fn order(all: Conversations, place: Place) -> Vec<u8> {
        all.at(place)
            .iter()
            .map(|c| c.id.as_bytes().last().copied().unwrap_or_default())
            .collect()
    }

    #[test]
    fn pins_come_first_and_changes_move_a_row() {
        let owner = Owner::new();
        owner.with(|| {
            let all = none_yet();
            all.replace(vec![
                conversation(1, 0, 10),
                conversation(2, 0, 30),
                conversation(3, 1, 5),
            ]);
            assert_eq!(order(all, Place::List), [3, 2, 1]);
            all.put(vec![conversation(1, 0, 40)]);
            assert_eq!(order(all, Place::List), [3, 1, 2]);
            all.put(vec![conversation(2, 2, 30)]);
            assert_eq!(order(all, Place::List), [2, 3, 1]);
            all.remove(conversation(3, 0, 0).id);
            assert_eq!(order(all, Place::List), [2, 1]);
        });
    }

    #[test]
    fn only_rows_that_change_their_place_are_made_anew() {
        let owner = Owner::new();
        owner.with(|| {
            let all = none_yet();
            all.replace((1..=5).map(|number| conversation(number, 0, 10)).collect());
            let moves = || -> Vec<u32> { all.at(Place::List).iter().map(|listed| listed.moves).collect() };
            all.put(vec![conversation(4, 0, 20)]);
            assert_eq!(order(all, Place::List), [4, 1, 2, 3, 5]);
            assert_eq!(moves(), [1, 0, 0, 0, 0]);
            all.put(vec![conversation(4, 0, 30), conversation(2, 0, 25)]);
            assert_eq!(order(all, Place::List), [4, 2, 1, 3, 5]);
            assert_eq!(moves(), [1, 1, 0, 0, 0], "the first one stays the first");
        });
    }

    #[test]
    fn pictures_that_nobody_has_any_more_are_given_back() {
        let owner = Owner::new();
        owner.with(|| {
            let all = none_yet();
            let shown = |number: u8, picture: Option<u64>| Conversation {
                picture: picture.map(FileId),
                ..conversation(number, 0, 10)
            };
            let first = (1..=4).map(|number| shown(number, (number < 4).then_some(u64::from(number))));
            assert!(all.put(first.collect()).is_empty());
            let mut gone = all.put(vec![
                shown(1, Some(1)),
                shown(2, Some(5)),
                shown(3, None),
                shown(4, Some(6)),
            ]);
            gone.sort_unstable();
            assert_eq!(gone, [FileId(2), FileId(3)]);
        });
    }

    #[test]
    fn changes_that_come_together_are_taken_over_together() {
        let owner = Owner::new();
        owner.with(|| {
            let all = none_yet();
            let first = all.now_or_soon(conversation(1, 0, 10));
            assert!(first.is_some(), "at once");
            all.put(first.into_iter().collect());
            for (number, active_at) in [(2, 20), (1, 30), (2, 40)] {
                assert!(all.now_or_soon(conversation(number, 0, active_at)).is_none());
            }
            assert_eq!(order(all, Place::List), [1]);
            let latest = |number| all.latest(conversation(number, 0, 0).id).map(|c| c.active_at);
            assert_eq!([latest(1), latest(2), latest(3)], [Some(30), Some(40), None]);
            assert!(!all.moment_over());
            let waiting = all.take_waiting();
            assert_eq!(waiting.len(), 2, "the latest of each");
            all.put(waiting);
            assert_eq!(order(all, Place::List), [2, 1]);
            assert!(all.moment_over());
            assert!(all.now_or_soon(conversation(3, 0, 50)).is_some());
            assert!(all.now_or_soon(conversation(3, 0, 60)).is_none());
            all.replace(Vec::new());
            assert!(all.take_waiting().is_empty(), "of a state that is over");
        });
    }

    #[test]
    fn a_row_follows_its_conversation_into_another_whole_state() {
        let owner = Owner::new();
        owner.with(|| {
            let all = none_yet();
            all.replace(vec![conversation(1, 0, 10), conversation(2, 0, 30)]);
            let rows = all.at(Place::List);
            let row = rows.last().expect("the older one");
            all.replace(vec![conversation(1, 0, 20), conversation(3, 0, 5)]);
            assert_eq!(order(all, Place::List), [1, 3]);
            assert_eq!(row.data.with_untracked(|c| c.active_at), 20);
            all.put(vec![conversation(1, 0, 21)]);
            assert_eq!(row.data.with_untracked(|c| c.active_at), 21);
        });
    }

    #[test]
    fn places_are_lists_of_their_own_and_are_counted() {
        let owner = Owner::new();
        owner.with(|| {
            let all = none_yet();
            all.replace(vec![conversation(1, 0, 10), conversation(2, 0, 30)]);
            assert_eq!(all.counts().unread, 4);
            all.put(vec![Conversation {
                place: Place::Requests,
                ..conversation(2, 0, 30)
            }]);
            assert_eq!(order(all, Place::List), [1]);
            assert_eq!(order(all, Place::Requests), [2]);
            let counts = all.counts();
            assert_eq!((counts.unread, counts.requests, counts.new_requests), (2, 1, 1));
            all.put(vec![Conversation {
                notify: Notify::Nothing,
                ..conversation(1, 0, 10)
            }]);
            assert_eq!(all.counts().unread, 0, "muted ones are not counted");
        });
    }

    #[test]
    fn a_mute_for_a_while_counts_until_its_end() {
        let muted = Conversation {
            muted_until: Some(100),
            ..conversation(1, 0, 10)
        };
        assert!(is_muted(&muted, || 99_999));
        assert!(!is_muted(&muted, || 100_000));
        let silent = Conversation {
            notify: Notify::Nothing,
            ..muted.clone()
        };
        assert!(is_muted(&silent, || 100_000));
        let owner = Owner::new();
        owner.with(|| {
            let all = none_yet();
            all.all
                .set(vec![Listed::new(muted), Listed::new(conversation(2, 0, 30))]);
            assert_eq!(all.counts_at(|| 99_999).unread, 2);
            assert_eq!(all.counts_at(|| 100_000).unread, 4);
        });
    }
}
