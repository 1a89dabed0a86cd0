//! Files on their way from the file server (`spec/07-files-and-attachments.md §9.2`): of messages that ask for it, and
//! people's pictures. What is wanted is durable; it is checked whole before any of it is kept.

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Id;
use holdfast_protocol::file::{FileServer, FileUrl, api};
use holdfast_protocol::message::profile::Picture;
use holdfast_protocol::onion::v4::V4Request;

use super::wire::{self, Opened};
use crate::api::{Failure, FileId, FileInfo, MessageId, Position, Reply, SendFailure, Standing, Transfer};
use crate::core::Core;
use crate::network::server::ServerError;
use crate::ports::{Collection, Scan, StoreError};
use crate::records::{Fault, FilePlace, FileRecord, Held, MessageRecord, Source, decode, keys};
use crate::work::Work;

/// The header of an answer that says until when its file is kept.
const EXPIRES: &str = "expires";
/// Downloads at a time, as desktop does.
const PARALLEL: usize = 3;
/// How long an answer of ten megabytes may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Attempts before the user has to ask again, about two and a half minutes.
const ATTEMPTS: u32 = 8;
/// First wait after a failed attempt, doubled each time.
const BACKOFF: Duration = Duration::from_secs(2);
/// Longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// A picture that could not be fetched is asked for again no sooner than this, unless the connection came back: ten
/// minutes, milliseconds.
const PICTURE_REST_MS: u64 = 10 * 60 * 1_000;
/// Wait while there is no connection at all.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(1);
/// Files that came within this time are fetched by themselves, milliseconds; older ones when they are looked at.
const NEWS_MS: u64 = 24 * 60 * 60 * 1_000;

/// The preference that keeps whether files come unasked from everywhere: `off` where they do.
pub(crate) const KNOWN_SERVERS: &str = "known_file_servers";

/// How many of a conversation's newest messages are looked through when their files are to come without asking: as many
/// as somebody scrolls through, and no burden for the server.
const LOOKED_THROUGH: usize = 200;

/// What a download is for.
#[allow(clippy::large_enum_variant, reason = "three at a time")]
enum Wanted {
    /// A file of a message.
    Attachment {
        source: Source,
        /// What the message says of it.
        info: FileInfo,
        message: MessageId,
        conversation: Id,
    },
    /// Somebody's picture.
    Picture(Picture),
}

impl Core {
    /// Fetches what is wanted for as long as the account is there.
    pub(crate) async fn run_downloads(self: Rc<Self>) {
        loop {
            let seen = self.files.count();
            let next: Vec<FileId> = {
                let state = self.state.borrow();
                let room = PARALLEL.saturating_sub(state.files.downloads.len());
                let wanted = state.files.iter().filter(|(file, record)| {
                    record.held == Held::Wanted && !state.files.downloads.contains_key(file)
                });
                wanted.map(|(file, _)| file).take(room).collect()
            };
            for file in next {
                let core = self.clone();
                let guard = self.spawner.spawn_scoped(async move {
                    core.download(file).await;
                    core.state.borrow_mut().files.downloads.remove(&file);
                    core.files.notify();
                });
                self.state.borrow_mut().files.downloads.insert(file, guard);
            }
            self.files.passed(seen).await;
        }
    }

    /// The user wants a file of a message.
    pub(crate) async fn load_file(&self, file: FileId) -> Result<Reply, Failure> {
        self.require_account()?;
        let message = self.message_of(file).await?;
        let mut work = Work::begin(self).await;
        work.want_file(message, file).await?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// The user wants a transfer to end: a message with files is not sent for now, a file is not fetched.
    pub(crate) async fn cancel_transfer(&self, file: FileId) -> Result<Reply, Failure> {
        self.require_account()?;
        let message = self.message_of(file).await?;
        self.fail(message, SendFailure::Cancelled).await?;
        let mut work = Work::begin(self).await;
        if work.file(file).is_some_and(|record| record.held == Held::Wanted) {
            work.remove_file(file);
            work.retell(message);
            work.commit().await?;
            let running = self.state.borrow_mut().files.downloads.remove(&file);
            drop(running);
            self.files.notify();
        }
        Ok(Reply::Done)
    }

    /// Whether a file that somebody else names is fetched from there unasked: whoever names a server of their own would be
    /// told by it when the user is online (`spec/07-files-and-attachments.md §11`).
    pub(super) fn comes_unasked(&self, url: &FileUrl) -> bool {
        let own = self.profile.files.as_ref();
        own.is_some_and(|server| url.is_on(server))
            || url.is_on(&FileServer::session())
            || self
                .state
                .borrow()
                .preferences
                .get(KNOWN_SERVERS)
                .is_some_and(|value| value == "off")
    }

    /// Has the files of a message fetched that came just now, where the user wants that.
    pub(crate) fn load_news(
        &self,
        work: &mut Work<'_>,
        conversation: &Id,
        message: MessageId,
        record: &MessageRecord,
        stored_at: u64,
    ) -> Result<(), StoreError> {
        if stored_at.saturating_add(NEWS_MS) < self.time.now() {
            return Ok(());
        }
        let trusted = work.conversation(conversation).auto_load
            && work.contact(conversation).standing() == Standing::Active;
        if !trusted && !record.outgoing {
            return Ok(());
        }
        let comes = |source: &Source| record.outgoing || self.comes_unasked(&source.url);
        for file in record.all_files().filter(|file| file.fault.is_none()) {
            if !file.source.as_ref().is_some_and(comes) {
                continue;
            }
            work.put_file(file.file, wanted(FilePlace::Message(message), file.info.size))?;
        }
        Ok(())
    }

    /// Fetches one file, in as many attempts as it takes.
    async fn download(self: &Rc<Self>, file: FileId) {
        let mut attempts = 0u32;
        loop {
            let wanted = match self.what_is_wanted(file).await {
                Ok(Some(wanted)) => wanted,
                Ok(None) => return,
                Err(_) => {
                    self.sleep(UNAVAILABLE_WAIT).await;
                    continue;
                }
            };
            let outcome = match self.fetch(file, &wanted).await {
                Ok(fetched) => Ok(fetched),
                Err(Trouble::Unavailable) => {
                    let seen = self.net.changed.count();
                    let changed = Box::pin(self.net.changed.passed(seen));
                    let _: Either<_, _> = select(changed, self.ports.clock.sleep(UNAVAILABLE_WAIT)).await;
                    continue;
                }
                Err(Trouble::Again) => {
                    attempts = attempts.saturating_add(1);
                    if attempts < ATTEMPTS {
                        let wait = BACKOFF.saturating_mul(1 << attempts.min(8)).min(LONGEST_BACKOFF);
                        self.sleep(self.jitter(wait)).await;
                        continue;
                    }
                    Err(Fault::Failed)
                }
                Err(Trouble::Final(fault)) => Err(fault),
            };
            let kept = match outcome {
                Ok(fetched) => self.keep_file(file, &wanted, fetched).await,
                Err(fault) => self.note_fault(file, fault).await,
            };
            match kept {
                Ok(()) => break,
                // There is no room: fetching it again by itself would only fetch it in vain.
                Err(StoreError::Full) if self.note_fault(file, Fault::Failed).await.is_ok() => {
                    if let Wanted::Picture(picture) = &wanted {
                        let given_up = &mut self.state.borrow_mut().files.given_up;
                        given_up.insert(picture.url.clone());
                    }
                    break;
                }
                Err(_) => self.sleep(self.jitter(BACKOFF.saturating_mul(16))).await,
            }
        }
        // What does not fit goes with the next one.
        let _ = self.make_room().await;
    }

    /// Where a wanted file comes from; `None` when nobody wants it any more.
    async fn what_is_wanted(&self, file: FileId) -> Result<Option<Wanted>, StoreError> {
        let work = Work::begin(self).await;
        let Some(record) = work.file(file).filter(|record| record.held == Held::Wanted) else {
            return Ok(None);
        };
        let message = match record.place {
            FilePlace::Message(message) => message,
            FilePlace::OwnPicture(Some(picture)) | FilePlace::Picture(_, picture) => {
                return Ok(Some(Wanted::Picture(picture)));
            }
            FilePlace::OwnPicture(None) | FilePlace::Draft(..) | FilePlace::NewPicture(_) => return Ok(None),
        };
        let Some((conversation, _, mut record)) = work.message(message).await? else {
            return Ok(None);
        };
        let held = record.file_mut(file);
        Ok(held.and_then(|held| {
            Some(Wanted::Attachment {
                source: held.source.clone()?,
                info: held.info.clone(),
                message,
                conversation,
            })
        }))
    }

    /// One attempt to fetch and open a file.
    async fn fetch(self: &Rc<Self>, file: FileId, wanted: &Wanted) -> Result<Fetched, Trouble> {
        let damaged = Trouble::Final(Fault::Damaged);
        let url = match wanted {
            Wanted::Attachment { source, .. } => source.url.clone(),
            Wanted::Picture(picture) => FileUrl::parse(&picture.url).map_err(|_| damaged)?,
        };
        let configured = self.file_server().map_err(|_| Trouble::Final(Fault::Failed))?;
        let server = url.server(&configured).map_err(|_| damaged)?;
        let request = V4Request {
            method: "GET".to_owned(),
            endpoint: api::download_path(url.id()),
            ..V4Request::default()
        };
        let progress = match wanted {
            Wanted::Attachment {
                message,
                conversation,
                ..
            } => Some(self.progress(Transfer {
                file,
                message: *message,
                conversation: *conversation,
                upload: false,
                done: 0,
                total: 0,
            })),
            Wanted::Picture(_) => None,
        };
        let reply = match self.ask_server(&server, request, TIMEOUT, progress).await {
            Ok(reply) => reply,
            Err(ServerError::Unavailable | ServerError::Busy) => return Err(Trouble::Unavailable),
            Err(ServerError::Path | ServerError::Unreachable) => return Err(Trouble::Again),
            Err(ServerError::Key) => return Err(damaged),
        };
        match reply.status {
            200 => {
                let opened = match wanted {
                    Wanted::Attachment { source, info, .. } => {
                        wire::open_attachment(&source.key, info, &reply.body)
                    }
                    Wanted::Picture(picture) => wire::open_picture(&url, picture, &reply.body),
                };
                let header = reply.headers.get(EXPIRES);
                Ok(Fetched {
                    opened: opened.ok_or(damaged)?,
                    until: header.and_then(|date| api::expires_ms(date)),
                })
            }
            404 | 410 => Err(Trouble::Final(Fault::Expired)),
            // The server has no time for it now.
            408 | 425 | 429 => Err(Trouble::Again),
            400..=499 => Err(Trouble::Final(Fault::Failed)),
            _ => Err(Trouble::Again),
        }
    }

    /// Keeps what came, if it is still wanted.
    async fn keep_file(&self, file: FileId, wanted: &Wanted, fetched: Fetched) -> Result<(), StoreError> {
        let Fetched { opened, until } = fetched;
        let Opened { plain, content_type } = opened;
        let mut work = Work::begin(self).await;
        let Some(record) = work.file(file).filter(|record| record.held == Held::Wanted) else {
            return Ok(());
        };
        let size = u64::try_from(plain.len()).unwrap_or(u64::MAX);
        work.put_pieces(file, &plain);
        // Ten megabytes that the pieces hold as well.
        drop(plain);
        match &record.place {
            FilePlace::Message(message) => {
                work.update(*message, |record| {
                    if let Some(held) = record.file_mut(file) {
                        held.arrived(content_type, size);
                    }
                })
                .await?;
                work.retell(*message);
            }
            FilePlace::Picture(id, _) => {
                work.touch(id);
                work.drop_pictures_before(id, file);
            }
            FilePlace::OwnPicture(_) => work.drop_own_pictures_before(file),
            FilePlace::Draft(..) | FilePlace::NewPicture(_) => {}
        }
        let now = work.now();
        let again_until = until.unwrap_or(match wanted {
            Wanted::Attachment { source, .. } => source.until,
            // Nobody says when it was sent there, nor whether its owner keeps it alive.
            Wanted::Picture(_) => 0,
        });
        let kept = FileRecord {
            size,
            held: Held::Whole,
            used_at: now,
            again_until,
            ..record
        };
        work.put_file(file, kept)?;
        work.commit().await
    }

    /// Notes why a file did not come.
    async fn note_fault(&self, file: FileId, fault: Fault) -> Result<(), StoreError> {
        let mut work = Work::begin(self).await;
        let Some(record) = work.file(file).filter(|record| record.held == Held::Wanted) else {
            return Ok(());
        };
        work.remove_file(file);
        match record.place {
            FilePlace::Message(message) => {
                work.update(message, |record| {
                    if let Some(held) = record.file_mut(file) {
                        held.fault = Some(fault);
                    }
                })
                .await?;
                work.retell(message);
            }
            FilePlace::Picture(_, picture) | FilePlace::OwnPicture(Some(picture)) => {
                let rest = self.ports.clock.monotonic_ms().saturating_add(PICTURE_REST_MS);
                let mut state = self.state.borrow_mut();
                match fault {
                    // Tried again when the engine starts, or when another picture is named.
                    Fault::Expired | Fault::Damaged => {
                        state.files.given_up.insert(picture.url);
                    }
                    Fault::Failed => {
                        state.files.resting.insert(picture.url, rest);
                    }
                }
            }
            _ => {}
        }
        work.commit().await
    }
}

/// What an attempt brought.
struct Fetched {
    opened: Opened,
    /// Until when the server keeps it, as far as it says so, Unix milliseconds.
    until: Option<u64>,
}

/// Why an attempt failed.
#[derive(Clone, Copy)]
enum Trouble {
    /// There is no connection; does not count.
    Unavailable,
    /// Another attempt may work.
    Again,
    /// None will.
    Final(Fault),
}

impl Work<'_> {
    /// Has a file of a message fetched, unless it is here or on its way.
    pub(crate) async fn want_file(&mut self, message: MessageId, file: FileId) -> Result<(), Failure> {
        if self.file(file).is_some() {
            return Ok(());
        }
        let mut size = None;
        self.update(message, |record| {
            if let Some(held) = record.file_mut(file) {
                // What never was on the server can't come from there.
                size = held.source.is_some().then_some(held.info.size);
                if size.is_some() {
                    held.fault = None;
                }
            }
        })
        .await?;
        let size = size.ok_or(Failure::NotFound)?;
        self.retell(message);
        self.put_file(file, wanted(FilePlace::Message(message), size))?;
        Ok(())
    }

    /// Has those files fetched that wait in a conversation: of its newest messages, what nobody has asked for yet and the
    /// server still keeps.
    pub(super) async fn want_waiting(&mut self, conversation: &Id) -> Result<(), StoreError> {
        let scan = Scan {
            collection: Collection::Messages,
            from: keys::message(conversation, Position::FIRST),
            to: Some(keys::message(conversation, Position::LAST)),
            reverse: true,
            limit: LOOKED_THROUGH,
        };
        let now = self.now();
        let core = self.core;
        for (key, value) in self.store().scan(scan).await? {
            let (_, position) = keys::read_message(&key)?;
            let record: MessageRecord = decode(&value)?;
            let kept =
                |source: &Source| source.until > now && (record.outgoing || core.comes_unasked(&source.url));
            for held in record.all_files() {
                let waits = held.fault.is_none() && held.source.as_ref().is_some_and(kept);
                if waits && self.file(held.file).is_none() {
                    let place = FilePlace::Message(position.id);
                    self.put_file(held.file, wanted(place, held.info.size))?;
                    self.retell(position.id);
                }
            }
        }
        Ok(())
    }
}

/// A file that is to be fetched.
pub(super) fn wanted(place: FilePlace, size: u64) -> FileRecord {
    FileRecord {
        place,
        size,
        held: Held::Wanted,
        used_at: 0,
        again_until: 0,
    }
}
