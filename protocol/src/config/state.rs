//! A config on this device: what is current, what was edited and pushed, and what the swarm holds of it
//! (spec/04-configs.md §6, §8).

use super::diff::diff;
use super::kept::{self, Change, Kept};
use super::message::{Draft, FormatError, Frozen, MAX_ROWS};
use super::parts::{self, MAX_MESSAGE, PartError, Parts, WholeHash};
use super::published::{Name, Published};
use super::seal::{self, Undecryptable};
use super::tree::{self, Dict, Tree};
use super::wrap;
use super::zstd::{self, CompressionError, MAX_PLAIN};
use super::{ConfigKind, convo};
use crate::account::Account;
use crate::swarm::{Namespace, message_hash};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Where a config stands between this device and the swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigState {
    /// The swarm has what is here.
    Clean,
    /// There are edits that no push has taken yet.
    Dirty,
    /// A push was made and not confirmed yet.
    Waiting,
}

/// Why a stored message was refused. It stays in the swarm: a newer version may have made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Larger than a swarm stores.
    #[error("too large")]
    TooLarge,
    /// Made for another account or document, or changed.
    #[error(transparent)]
    Undecryptable(#[from] Undecryptable),
    /// Nothing but padding.
    #[error("empty")]
    Empty,
    /// Neither a message, nor a compressed one, nor a part of one.
    #[error("neither message nor part")]
    Unknown,
    /// The compression is broken, or a bomb.
    #[error(transparent)]
    Compression(#[from] CompressionError),
    /// A part of a message is wrong, or with it the whole.
    #[error(transparent)]
    Part(#[from] PartError),
    /// What is inside is no config message, or not signed as it must be.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// What came of a merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeReport {
    /// Storage hashes of the messages that were understood, parts included.
    pub accepted: BTreeSet<String>,
    /// Storage hashes of the others, and why.
    pub refused: Vec<(String, Refusal)>,
    /// The data is another one than before.
    pub changed: bool,
    /// So many fields would have been lost in the merge of the reference library and were set right. There is something to
    /// push then.
    pub redone: usize,
}

/// What to send to the swarm.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// Where to store.
    pub namespace: Namespace,
    /// For [`Config::confirm_pushed`].
    pub seqno: i64,
    /// What to store, each at most [`MAX_MESSAGE`] bytes and for [`super::TTL_CONFIG`]. All of them or none count.
    pub messages: Vec<Vec<u8>>,
    /// What to delete once that is stored. Given once only.
    pub obsolete: Vec<String>,
}

impl core::fmt::Debug for Push {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (seqno, count) = (self.seqno, self.messages.len());
        write!(
            f,
            "Push {{ {}, seqno {seqno}, {count} messages }}",
            self.namespace
        )
    }
}

/// Why a config cannot be pushed; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It takes more than [`MAX_PLAIN`] bytes, or more than [`super::MAX_SPLIT`] when compressed.
    #[error("the document is too large to be stored")]
    TooLarge,
    /// The account's own key cannot be encrypted to, which no seed gives.
    #[error("the account's key cannot be encrypted to")]
    Key,
}

/// The message in force: the last one that was pushed or received, and the edits since.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) message: Arc<Frozen>,
    pub(super) draft: Option<Draft>,
    /// Of a message that a merge made here, and that others may not have yet: what was edited here besides. Its own diff
    /// may say that everything was (spec/04 §6.1).
    pub(super) edited: Option<Vec<Change>>,
}

impl Current {
    /// Without edits.
    pub(super) fn frozen(message: Arc<Frozen>) -> Self {
        Self {
            message,
            draft: None,
            edited: None,
        }
    }

    fn data(&self) -> &Dict {
        self.draft
            .as_ref()
            .map_or(&self.message.data, |draft| &draft.data)
    }

    fn seqno(&self) -> i64 {
        self.draft
            .as_ref()
            .map_or(self.message.seqno, |draft| draft.seqno)
    }

    /// The edits, of which there are none yet the first time.
    pub(super) fn edit(&mut self) -> &mut Draft {
        let draft = match self.draft.take() {
            Some(draft) => draft,
            None => {
                let child = self.candidate().child();
                self.edited = None;
                child
            }
        };
        self.draft.insert(draft)
    }

    /// What was edited since the message.
    pub(super) fn changes(&self) -> Vec<Change> {
        let Some(draft) = &self.draft else {
            return Vec::new();
        };
        kept::changes(draft.before_edits(), &draft.data)
    }

    /// The message as others should weigh it against theirs: what a merge on this device took over and no push has brought
    /// out is nothing that was changed here.
    pub(super) fn candidate(&self) -> Cow<'_, Frozen> {
        match (&self.draft, &self.edited) {
            (Some(draft), _) if draft.merged.is_some() => {
                // Under the name that it would go out with: whoever resolves the same conflict makes the same message.
                let mut message = draft.clone().freeze(None);
                message.diff = Arc::new(diff(draft.before_edits(), &message.data));
                Cow::Owned(message)
            }
            (None, Some(edited)) => {
                let before = kept::undone(&self.message.data, edited);
                let mut message = (*self.message).clone();
                message.diff = Arc::new(diff(&before, &message.data));
                Cow::Owned(message)
            }
            _ => self.freeze(),
        }
    }

    /// As it would be pushed now.
    pub(super) fn freeze(&self) -> Cow<'_, Frozen> {
        match &self.draft {
            None => Cow::Borrowed(&self.message),
            Some(draft) => Cow::Owned(draft.clone().freeze(None)),
        }
    }
}

/// One of an account's documents, of whichever kind.
#[derive(Clone)]
pub struct Config {
    pub(super) kind: ConfigKind,
    pub(super) account: Account,
    pub(super) state: ConfigState,
    pub(super) current: Current,
    /// Storage hashes of the current message.
    pub(super) hashes: BTreeSet<String>,
    /// Storage hashes that the next push deletes.
    pub(super) old: BTreeSet<String>,
    /// What the swarm has, as far as is known here.
    pub(super) published: Published,
    pub(super) parts: Parts,
    /// Edits that a merge must not take away, without those since the last push or merge.
    pub(super) kept: Kept,
    /// When the last push was made, Unix ms.
    pushed_ms: u64,
    /// What the last push brought out, in this run.
    pushed: Option<Name>,
    /// Records too old to be synced, kept here only.
    pub(super) archive: Dict,
    pub(super) needs_dump: bool,
}

impl core::fmt::Debug for Config {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (kind, seqno) = (self.kind, self.seqno());
        write!(f, "Config {{ {kind:?}, {:?}, seqno {seqno} }}", self.state)
    }
}

impl Config {
    /// A document in which nothing was ever set.
    pub fn new(kind: ConfigKind, account: &Account) -> Self {
        let empty = Arc::new(Frozen::empty());
        Self {
            kind,
            account: account.clone(),
            state: ConfigState::Clean,
            current: Current::frozen(Arc::clone(&empty)),
            published: Published::new(empty),
            hashes: BTreeSet::new(),
            old: BTreeSet::new(),
            parts: Parts::default(),
            kept: Kept::default(),
            pushed_ms: 0,
            pushed: None,
            archive: Dict::new(),
            needs_dump: false,
        }
    }

    /// Which document.
    pub fn kind(&self) -> ConfigKind {
        self.kind
    }

    /// Where it stands.
    pub fn state(&self) -> ConfigState {
        self.state
    }

    /// The sequence number of the current message, with edits counted.
    pub fn seqno(&self) -> i64 {
        self.current.seqno()
    }

    /// The hash of the current message before compression and encryption: equal on devices that are in step.
    pub fn message_hash(&self) -> [u8; 32] {
        self.current.freeze().hash
    }

    /// The current message before compression and encryption.
    pub fn message(&self) -> Zeroizing<Vec<u8>> {
        self.current.freeze().plain.clone()
    }

    /// All data, known and unknown.
    pub fn data(&self) -> &Dict {
        self.current.data()
    }

    /// The value at a path of keys.
    pub fn get(&self, path: &[&[u8]]) -> Option<&Tree> {
        tree::get(self.data(), path)
    }

    /// Writes a value at a path of keys, or removes it. What is empty is removed. Nothing happens, and `false` comes back,
    /// when it is there already.
    pub fn set(&mut self, path: &[&[u8]], value: Option<Tree>) -> bool {
        let value = value.and_then(|mut value| value.prune().then_some(value));
        if self.get(path) == value.as_ref() {
            return false;
        }
        let draft = self.edit();
        match value {
            Some(value) => tree::set(&mut draft.data, path, value),
            None => tree::remove(&mut draft.data, path),
        }
        true
    }

    /// The message with the edits since the last push, made if there are none yet.
    pub(super) fn edit(&mut self) -> &mut Draft {
        if self.state == ConfigState::Clean {
            self.old.append(&mut self.hashes);
        }
        self.state = ConfigState::Dirty;
        self.needs_dump = true;
        self.current.edit()
    }

    /// Whether something is here that the swarm does not have. Never push before the first complete pull.
    pub fn needs_push(&self) -> bool {
        self.state != ConfigState::Clean
    }

    /// Whether something changed since the last [`Self::dump`].
    pub fn needs_dump(&self) -> bool {
        self.needs_dump
    }

    /// Storage hashes of the current message.
    pub fn current_hashes(&self) -> &BTreeSet<String> {
        &self.hashes
    }

    /// Storage hashes to keep alive: of the current message, and of parts whose others did not come yet.
    pub fn active_hashes(&self) -> BTreeSet<String> {
        self.hashes.iter().chain(self.parts.hashes()).cloned().collect()
    }

    /// Storage hashes that the next push will name as obsolete.
    pub fn obsolete_hashes(&self) -> &BTreeSet<String> {
        &self.old
    }

    /// Makes the messages to store. Without edits the current message is made again; for a swarm that lost what it had there is
    /// [`Self::push_again`].
    ///
    /// Keep the [`Self::dump`] before any of them leaves: a device that forgets that it pushed would give other content the
    /// same sequence number.
    ///
    /// # Errors
    /// When the document is too large; nothing changes then.
    pub fn push(&mut self, now_ms: u64) -> Result<Push, PushError> {
        convo::archive(self, now_ms);
        self.kept.follow(self.current.data(), Some(self.current.seqno()));
        self.cover();
        let message = self.current.freeze().into_owned();
        let (messages, whole) = self.encode(&message)?;
        if let Some(whole) = whole {
            self.parts.finished(whole, now_ms);
            self.needs_dump = true;
        }
        let seqno = message.seqno;
        self.pushed_ms = now_ms;
        self.pushed = Some((seqno, message.hash));
        self.kept.settle(now_ms);
        if self.state == ConfigState::Dirty {
            let edited = self.current.changes();
            let merged = self
                .current
                .draft
                .as_ref()
                .is_some_and(|draft| draft.merged.is_some());
            self.kept.add(edited.clone(), Some(seqno));
            self.kept.carried((seqno, message.hash));
            self.published.note_own((seqno, message.hash));
            self.current = Current::frozen(Arc::new(message));
            self.current.edited = merged.then_some(edited);
            self.state = ConfigState::Waiting;
            self.needs_dump = true;
        }
        // A copy of this very message may be among them, stored by a push whose confirmation was lost. Storing it again
        // and then deleting it would leave the swarm with nothing.
        let account = self.account.id();
        let namespace = self.kind.namespace();
        let own: BTreeSet<String> = messages
            .iter()
            .map(|message| message_hash(&account, namespace, message).as_str().to_owned())
            .collect();
        let (kept, obsolete) = std::mem::take(&mut self.old)
            .into_iter()
            .partition::<BTreeSet<_>, _>(|hash| own.contains(hash));
        self.needs_dump |= !obsolete.is_empty();
        self.old = kept;
        Ok(Push {
            namespace,
            seqno,
            messages,
            obsolete: obsolete.into_iter().collect(),
        })
    }

    /// The current message as it was stored, for a swarm that lost it: under the same sequence number, with what has aged
    /// since. Edits that no push has taken are not in it.
    ///
    /// # Errors
    /// When the document is too large.
    pub fn push_again(&self) -> Result<Vec<Vec<u8>>, PushError> {
        Ok(self.encode(&self.current.message)?.0)
    }

    /// The push with this sequence number was stored, all of it, under these hashes. Without effect when an edit or a merge
    /// came between; the next push then takes its place.
    pub fn confirm_pushed<H: Into<String>>(&mut self, seqno: i64, hashes: impl IntoIterator<Item = H>) {
        let current = (self.current.message.seqno, self.current.message.hash);
        // A merge may have put another message of the same number in its place.
        let is_other = self.pushed.is_some_and(|pushed| pushed != current);
        if self.state != ConfigState::Waiting || self.seqno() != seqno || is_other {
            return;
        }
        self.state = ConfigState::Clean;
        self.published.claim = self.current.edited.take().map(|edited| {
            let message = &self.current.message;
            Arc::new(diff(&kept::undone(&message.data, &edited), &message.data))
        });
        self.published.message = Arc::clone(&self.current.message);
        self.published.made_here = false;
        self.hashes = hashes.into_iter().map(Into::into).collect();
        self.old.retain(|hash| !self.hashes.contains(hash));
        self.kept.confirmed(self.pushed_ms);
        self.needs_dump = true;
    }

    /// Takes this document, which has edits that no push brought out, for one that goes on from `before`: what differs is
    /// kept as edits made here. For documents that were kept without their edits.
    pub fn keep_edits_since(&mut self, before: &Self) {
        let since_push = self.current.changes();
        let before_those = kept::undone(self.data(), &since_push);
        self.kept.add(kept::changes(before.data(), &before_those), None);
        self.published = before.published.clone();
        self.needs_dump = true;
    }

    /// Lets the diff of the message that is to be pushed name the edits that no other diff in it names.
    fn cover(&mut self) {
        let Some(draft) = &mut self.current.draft else {
            return;
        };
        if draft.merged.is_some() {
            // That diff names everything.
            return;
        }
        let edited = kept::changes(&draft.base, &draft.data);
        let uncovered = self.kept.uncovered(draft.seqno, &draft.data, &edited);
        if !uncovered.is_empty() {
            draft.base = kept::undone(&draft.base, &uncovered);
        }
    }

    /// The bytes to store, and the hash of the whole if it had to be split.
    fn encode(&self, message: &Frozen) -> Result<(Vec<Vec<u8>>, Option<WholeHash>), PushError> {
        if message.plain.len() > MAX_PLAIN || message.lagged.len() > MAX_ROWS {
            return Err(PushError::TooLarge);
        }
        let packed = match &message.packed {
            Some(packed) => Some(packed.clone()),
            None => zstd::pack(&message.plain),
        };
        let padded = seal::pad(packed.as_ref().unwrap_or(&message.plain));
        let encrypt = |bytes: &[u8]| {
            seal::encrypt(self.account.ed25519().seed(), self.kind.domain(), bytes)
                .map_err(|_| PushError::TooLarge)
        };
        if padded.len() + seal::OVERHEAD > MAX_MESSAGE {
            let (whole, parts) = parts::split(&padded).ok_or(PushError::TooLarge)?;
            let sealed: Result<_, _> = parts.iter().map(|part| encrypt(part)).collect();
            return Ok((sealed?, Some(whole)));
        }
        let sealed = encrypt(&padded)?;
        let wrapped =
            wrap::wrap(&self.account, self.kind, message.seqno, sealed.clone()).ok_or(PushError::Key)?;
        let stored = if wrapped.len() <= MAX_MESSAGE {
            wrapped
        } else {
            sealed
        };
        Ok((vec![stored], None))
    }
}
