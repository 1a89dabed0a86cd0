//! A conversation's loaded window: which messages it holds, and how they are laid out in days and runs.

use holdfast_client::api::{
    Attachment, FileId, FileKind, Message, MessageId, MessageKind, MessagePage, MessageState, Notice,
    Position,
};

use super::files::is_here;

/// How many messages are asked for at a time (`spec/12-client-behaviour.md §5.2`); few, so that laying them out does not hold up a
/// scroll.
pub(crate) const PAGE: u16 = 30;
/// How many messages the window holds at most; the far end is let go beyond that.
pub(crate) const MAX_LOADED: usize = 240;
/// Messages of one sender within this time are joined to a run.
const RUN_MS: u64 = 5 * 60 * 1000;

/// The loaded messages, oldest first, without gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    messages: Vec<Message>,
    /// There are older ones.
    pub more_before: bool,
    /// There are newer ones.
    pub more_after: bool,
    /// How many the conversation has in all.
    pub total: u32,
}

impl Timeline {
    /// Starts over with a page.
    pub(crate) fn replace(&mut self, page: MessagePage) {
        *self = Timeline {
            messages: page.messages,
            more_before: page.more_before,
            more_after: page.more_after,
            total: page.total,
        };
    }

    /// Adds older messages; lets go of the newest when there are too many.
    pub(crate) fn prepend(&mut self, page: MessagePage) {
        self.more_before = page.more_before;
        self.total = page.total;
        for message in page.messages {
            self.put(message);
        }
        if self.messages.len() > MAX_LOADED {
            self.messages.truncate(MAX_LOADED);
            self.more_after = true;
        }
    }

    /// Adds newer messages; lets go of the oldest when there are too many.
    pub(crate) fn append(&mut self, page: MessagePage) {
        self.more_after = page.more_after;
        self.total = page.total;
        for message in page.messages {
            self.put(message);
        }
        self.trim_oldest();
    }

    /// Lets go of the oldest messages beyond what the window holds. Not done while somebody reads up there.
    pub(crate) fn trim_oldest(&mut self) {
        let surplus = self.messages.len().saturating_sub(MAX_LOADED);
        if surplus > 0 {
            self.messages.drain(..surplus);
            self.more_before = true;
        }
    }

    /// Takes a new or changed message, if its place is inside the window. Says whether it was new to it.
    pub(crate) fn apply(&mut self, message: Message) -> bool {
        let known = self.messages.iter().any(|m| m.id == message.id);
        if !known {
            let before = self
                .messages
                .first()
                .is_some_and(|first| message.position() < first.position());
            let after = self
                .messages
                .last()
                .is_none_or(|last| message.position() > last.position());
            if (before && self.more_before) || (after && self.more_after) {
                return false;
            }
            self.total = self.total.saturating_add(1);
        }
        self.put(message);
        !known
    }

    /// Takes a message out.
    pub(crate) fn remove(&mut self, id: MessageId) {
        let before = self.messages.len();
        self.messages.retain(|m| m.id != id);
        if self.messages.len() < before {
            self.total = self.total.saturating_sub(1);
        }
    }

    fn put(&mut self, message: Message) {
        self.messages.retain(|m| m.id != message.id);
        let at = self
            .messages
            .partition_point(|m| m.position() < message.position());
        self.messages.insert(at, message);
    }

    /// The loaded messages, oldest first.
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The oldest loaded place.
    pub(crate) fn first(&self) -> Option<Position> {
        self.messages.first().map(Message::position)
    }

    /// The newest loaded place.
    pub(crate) fn last(&self) -> Option<Position> {
        self.messages.last().map(Message::position)
    }
}

/// The voice message to be heard after one that has ended: the next one, if the same person spoke it
/// (`spec/12-client-behaviour.md §5.11`) and it is here.
pub(crate) fn next_voice(messages: &[Message], ended: FileId) -> Option<&Attachment> {
    let mut voices = messages
        .iter()
        .flat_map(|message| message.files.iter().map(move |file| (message, file)))
        .filter(|(_, file)| file.info.kind == FileKind::Voice);
    let (heard, _) = voices.find(|(_, file)| file.file == ended)?;
    let (message, next) = voices.next()?;
    (message.author == heard.author && is_here(next, message.state)).then_some(next)
}

/// A message with its place in its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The message.
    pub message: Message,
    /// It opens a run.
    pub first: bool,
    /// It closes a run: it bears the time.
    pub last: bool,
    /// The new-messages line stands above it.
    pub unread_line: bool,
    /// It is the newest notice that the other side's messages live differently.
    pub newest_timer: bool,
}

/// The messages of one local day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// Days since 1970-01-01, local.
    pub day: i64,
    /// When its first message was sent, Unix milliseconds.
    pub at: u64,
    /// Its messages.
    pub rows: Vec<Row>,
}

/// Lays messages out. `unread_from` is the sent time of the first message that was not read when the conversation was
/// opened; `day_of` tells the local day of a moment.
pub(crate) fn days(messages: &[Message], unread_from: Option<u64>, day_of: impl Fn(u64) -> i64) -> Vec<Day> {
    let mut out: Vec<Day> = Vec::new();
    let mut line_pending = unread_from;
    let mut previous: Option<&Message> = None;
    for message in messages {
        let day = day_of(message.sent_at);
        let unread_line = !message.outgoing && line_pending.is_some_and(|t| message.sent_at >= t);
        if unread_line {
            line_pending = None;
        }
        let same_day = out.last().is_some_and(|d| d.day == day);
        let joins = same_day && !unread_line && previous.is_some_and(|p| same_run(p, message));
        if !same_day {
            out.push(Day {
                day,
                at: message.sent_at,
                rows: Vec::new(),
            });
        }
        if let Some(current) = out.last_mut() {
            if joins && let Some(row) = current.rows.last_mut() {
                row.last = false;
            }
            current.rows.push(Row {
                message: message.clone(),
                first: !joins,
                last: true,
                unread_line,
                newest_timer: false,
            });
        }
        previous = Some(message);
    }
    let timer = |row: &&mut Row| {
        !row.message.outgoing && matches!(row.message.kind, MessageKind::Notice(Notice::Disappearing(_)))
    };
    if let Some(row) = out
        .iter_mut()
        .rev()
        .flat_map(|d| d.rows.iter_mut().rev())
        .find(timer)
    {
        row.newest_timer = true;
    }
    out
}

/// Whether a message tells of something that happened.
fn is_notice(message: &Message) -> bool {
    matches!(message.kind, MessageKind::Notice(_))
}

/// Whether two neighbours belong to one run. A failed message ends its run, so that its notice has a place; a notice
/// stands alone.
fn same_run(a: &Message, b: &Message) -> bool {
    a.author == b.author
        && a.outgoing == b.outgoing
        && b.sent_at.saturating_sub(a.sent_at) < RUN_MS
        && !matches!(a.state, MessageState::Failed(_))
        && !is_notice(a)
        && !is_notice(b)
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::{
        Attachment, Disappearing, FileId, FileInfo, FileKind, FileState, Message, MessageId, MessageKind,
        MessagePage, MessageState, Notice, SendFailure,
    };
    use holdfast_protocol::account::Id;

    use super::{MAX_LOADED, Timeline, days, next_voice};

    const MINUTE: u64 = 60_000;

    fn message(id: u64, minute: u64, outgoing: bool) -> Message {
        let me = Id::parse(&format!("05{}", "22".repeat(32))).expect("id");
        let other = Id::parse(&format!("05{}", "33".repeat(32))).expect("id");
        Message {
            id: MessageId(id),
            conversation: other,
            author: if outgoing { me } else { other },
            outgoing,
            kind: MessageKind::Text,
            body: id.to_string(),
            files: Vec::new(),
            link: None,
            quote: None,
            reactions: Vec::new(),
            expiry: None,
            sent_at: minute * MINUTE,
            state: if outgoing {
                MessageState::Sent
            } else {
                MessageState::Received
            },
        }
    }

    fn page(ids: std::ops::Range<u64>, before: bool, after: bool) -> MessagePage {
        MessagePage {
            messages: ids.map(|n| message(n, n, false)).collect(),
            more_before: before,
            more_after: after,
            total: 10_000,
        }
    }

    fn ids(timeline: &Timeline) -> Vec<u64> {
        timeline.messages().iter().map(|m| m.id.0).collect()
    }

    #[test]
    fn a_late_message_takes_its_place_by_sent_time() {
        let mut timeline = Timeline::default();
        timeline.replace(page(10..13, true, false));
        assert!(timeline.apply(message(99, 11, false)));
        assert_eq!(ids(&timeline), [10, 11, 99, 12]);
        assert!(!timeline.apply(message(99, 11, false)), "seen before");
    }

    #[test]
    fn messages_beyond_a_gap_stay_out() {
        let mut timeline = Timeline::default();
        timeline.replace(page(10..13, true, true));
        assert!(!timeline.apply(message(50, 50, false)));
        assert!(!timeline.apply(message(1, 1, false)));
        assert_eq!(ids(&timeline), [10, 11, 12]);
    }

    #[test]
    fn the_window_lets_go_of_the_far_end() {
        let mut timeline = Timeline::default();
        timeline.replace(page(1000..1200, true, false));
        timeline.prepend(page(900..1000, true, true));
        assert_eq!(timeline.messages().len(), MAX_LOADED);
        assert!(timeline.more_after);
        assert_eq!(ids(&timeline).first(), Some(&900));
        timeline.append(page(1140..1300, true, false));
        assert_eq!(timeline.messages().len(), MAX_LOADED);
        assert!(timeline.more_before && !timeline.more_after);
        assert_eq!(ids(&timeline).last(), Some(&1299));
    }

    #[test]
    fn a_changed_message_is_replaced_in_place_and_a_removed_one_goes() {
        let mut timeline = Timeline::default();
        timeline.replace(page(10..13, false, false));
        let mut changed = message(11, 11, false);
        changed.body = "new".into();
        timeline.apply(changed);
        assert_eq!(timeline.messages()[1].body, "new");
        timeline.remove(MessageId(11));
        assert_eq!(ids(&timeline), [10, 12]);
    }

    #[test]
    fn runs_join_within_five_minutes_and_end_at_the_other_sender() {
        let list = [
            message(1, 0, true),
            message(2, 4, true),
            message(3, 9, true),
            message(4, 10, false),
        ];
        let days = days(&list, None, |_| 0);
        let shape: Vec<_> = days[0].rows.iter().map(|r| (r.first, r.last)).collect();
        assert_eq!(shape, [(true, false), (false, true), (true, true), (true, true)]);
    }

    #[test]
    fn a_failed_message_ends_its_run() {
        let mut failed = message(1, 0, true);
        failed.state = MessageState::Failed(SendFailure::Network);
        let days = days(&[failed, message(2, 1, true)], None, |_| 0);
        assert!(days[0].rows[0].last && days[0].rows[1].first);
    }

    #[test]
    fn a_notice_stands_alone_and_only_the_others_newest_timer_can_be_followed() {
        let timer = |id, minute, outgoing, seconds| Message {
            kind: MessageKind::Notice(Notice::Disappearing(Disappearing::AfterRead(seconds))),
            ..message(id, minute, outgoing)
        };
        let list = [
            message(1, 0, false),
            timer(2, 0, false, 60),
            message(3, 0, false),
            timer(4, 1, false, 300),
            timer(5, 1, true, 60),
        ];
        let days = days(&list, None, |_| 0);
        assert!(days[0].rows.iter().all(|r| r.first && r.last));
        let newest: Vec<_> = days[0].rows.iter().map(|r| r.newest_timer).collect();
        assert_eq!(newest, [false, false, false, true, false]);
    }

    #[test]
    fn the_new_messages_line_stands_once_above_the_first_unread_one() {
        let list = [
            message(1, 0, false),
            message(2, 1, true),
            message(3, 2, false),
            message(4, 3, false),
        ];
        let days = days(&list, Some(MINUTE), |_| 0);
        let lines: Vec<_> = days[0].rows.iter().map(|r| r.unread_line).collect();
        assert_eq!(lines, [false, false, true, false]);
    }

    fn with_file(id: u64, outgoing: bool, kind: FileKind, state: FileState) -> Message {
        let info = FileInfo {
            kind,
            ..FileInfo::default()
        };
        Message {
            files: vec![Attachment {
                file: FileId(id),
                info,
                state,
            }],
            ..message(id, id, outgoing)
        }
    }

    #[test]
    fn after_a_voice_message_comes_the_next_one_of_the_same_person() {
        let voice = |id, outgoing| with_file(id, outgoing, FileKind::Voice, FileState::Here);
        let list = [
            voice(1, false),
            message(2, 2, true),
            with_file(3, false, FileKind::Image, FileState::Here),
            voice(4, false),
            voice(5, true),
            voice(6, false),
            with_file(7, false, FileKind::Voice, FileState::NotLoaded),
            with_file(8, false, FileKind::Audio, FileState::Here),
            voice(9, false),
        ];
        let after = |ended| next_voice(&list, FileId(ended)).map(|next| next.file.0);
        assert_eq!(after(1), Some(4), "what is said between is no voice");
        assert_eq!(after(4), None, "somebody else speaks");
        assert_eq!(after(5), None);
        assert_eq!(after(6), None, "it would have to be fetched");
        assert_eq!(after(7), Some(9));
        assert_eq!(after(8), None, "a recording is no voice message");
        assert_eq!(after(9), None, "the last one");
        assert_eq!(after(99), None, "one of another conversation");
    }

    #[test]
    fn days_break_at_local_midnight() {
        let list = [message(1, 0, true), message(2, 1, true)];
        let days = days(&list, None, |ms| (ms / MINUTE) as i64);
        assert_eq!(days.len(), 2);
        assert!(days[1].rows[0].first);
    }
}
