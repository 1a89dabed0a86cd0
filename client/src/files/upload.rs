//! Files on their way to the file server, and the messages that wait for them (`spec/07-files-and-attachments.md §9.1`).
//!
//! A message with files is accepted like any other. Its bytes for the swarms are made once all of its files are on the
//! server: where they are and what opens them stands in it. Each file that got there is noted at once, so that nothing is
//! sent twice after a crash.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Account;
use holdfast_protocol::file::{
    AttachmentKey, EncryptError, FileId as ServerFileId, FileKey, FileServer, api, attachment, stream,
};
use holdfast_protocol::message::schema::Content;
use holdfast_protocol::onion::v4::V4Request;
use prost::Message as _;
use rand_core::CryptoRng;

use super::store::pieces;
use super::wire;
use crate::api::{Event, Failure, FileId, MessageId, MessageState, SendFailure, Transfer};
use crate::core::Core;
use crate::driver::yield_now;
use crate::network::server::ServerError;
use crate::outbox::Copies;
use crate::ports::{Exchanged, Progress, StoreError};
use crate::records::{AttachmentRecord, Guessed, OutboxRecord, Source};
use crate::work::Work;

/// How long a body of ten megabytes may take through a slow connection and four machines.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Attempts before a message is given up, about five minutes; waiting for a connection does not count. As patient as texts
/// are: where many nodes are dead, most attempts fail on their way.
const ATTEMPTS: u32 = 14;
/// First wait after a failed attempt, doubled each time.
const BACKOFF: Duration = Duration::from_secs(1);
/// Longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Wait while there is no connection at all.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(1);
/// A file that the server drops sooner than this after sending is sent again, milliseconds.
const LEAST_REST_MS: u64 = 24 * 60 * 60 * 1_000;
/// Progress is told in steps of so many bytes.
const STEP: u64 = 64 * 1024;

/// Why a file did not get to the server.
pub(super) enum UploadError {
    /// There is no connection; does not count.
    Unavailable,
    /// The gateway has no room now; does not count.
    Busy,
    /// Another attempt may work.
    Again,
    /// The server does not take it, or can't be used.
    Refused(SendFailure),
    /// The bytes can't be read.
    Store(StoreError),
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EncryptError> for UploadError {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::TooLarge => Self::Refused(SendFailure::TooLarge),
            // What is kept of it is not what was announced.
            EncryptError::Empty | EncryptError::OtherSize => Self::Store(StoreError::Damaged),
        }
    }
}

/// How an attempt on a message ended.
enum Outcome {
    /// All of its files are on the server.
    Done,
    /// It was removed, or the user stopped it.
    Stopped,
    /// A file did not get there.
    Failed(UploadError),
}

impl Core {
    /// Sends files of messages for as long as the account is there.
    pub(crate) async fn run_uploads(self: Rc<Self>, account: Rc<Account>) {
        let mut attempts: HashMap<MessageId, u32> = HashMap::new();
        loop {
            let seen = self.outbox.count();
            let Some(record) = self.next_upload() else {
                attempts.retain(|number, _| self.state.borrow().outbox.contains_key(number));
                let wait = self.ports.clock.sleep(self.shortest_postponement());
                let _: Either<_, _> = select(Box::pin(self.outbox.passed(seen)), wait).await;
                continue;
            };
            let number = record.number;
            match self.upload_message(&account, &record).await {
                Outcome::Done | Outcome::Stopped => {
                    attempts.remove(&number);
                }
                Outcome::Failed(error) => {
                    self.set_sending_of(&record, false).await;
                    self.upload_failed(&record, error, attempts.entry(number).or_default())
                        .await;
                }
            }
        }
    }

    /// The oldest message that waits for its files and may be tried now.
    fn next_upload(&self) -> Option<OutboxRecord> {
        let state = self.state.borrow();
        let now = self.ports.clock.monotonic_ms();
        let ready = |record: &&OutboxRecord| {
            let postponed = state.postponed.get(&record.number);
            record.waiting.is_some() && record.failed.is_none() && postponed.is_none_or(|until| *until <= now)
        };
        state.outbox.values().find(ready).cloned()
    }

    async fn set_sending_of(&self, record: &OutboxRecord, sending: bool) {
        self.set_sending(&record.conversation, record.position(), sending)
            .await;
    }

    /// Sends what is missing of a message's files, then has the message itself sent.
    async fn upload_message(self: &Rc<Self>, account: &Account, record: &OutboxRecord) -> Outcome {
        let Ok(server) = self.file_server() else {
            return Outcome::Failed(UploadError::Refused(SendFailure::FileServer));
        };
        self.set_sending_of(record, true).await;
        // What was sent just now is there, however shortly the server keeps it.
        let mut fresh: Vec<FileId> = Vec::new();
        loop {
            let files = match self.files_of(record.number).await {
                Ok(Some(files)) => files,
                Ok(None) => return Outcome::Stopped,
                Err(error) => return Outcome::Failed(error.into()),
            };
            let now = self.time.now();
            let there = |file: &AttachmentRecord| {
                let lasts = |source: &Source| source.until > now.saturating_add(LEAST_REST_MS);
                fresh.contains(&file.file) || file.source.as_ref().is_some_and(lasts)
            };
            let Some(file) = files.into_iter().find(|file| !there(file)) else {
                return match self.release(account, record.number).await {
                    Ok(()) => Outcome::Done,
                    Err(Failure::NotFound) => Outcome::Stopped,
                    Err(Failure::StorageFull | Failure::Storage(_)) => Outcome::Failed(UploadError::Again),
                    Err(_) => Outcome::Failed(UploadError::Refused(SendFailure::TooLarge)),
                };
            };
            let sent = {
                let upload = Box::pin(self.upload(&server, record, &file));
                match select(upload, Box::pin(self.stopped(record.number))).await {
                    Either::Left((sent, _)) => sent,
                    Either::Right(((), _)) => return Outcome::Stopped,
                }
            };
            let noted = match sent {
                Ok(source) => self.note_source(record.number, file.file, source).await,
                Err(error) => return Outcome::Failed(error),
            };
            if let Err(error) = noted {
                return Outcome::Failed(error.into());
            }
            fresh.push(file.file);
        }
    }

    /// The files of a message that waits for them; `None` when it does not any more.
    async fn files_of(&self, number: MessageId) -> Result<Option<Vec<AttachmentRecord>>, StoreError> {
        let work = Work::begin(self).await;
        let waits = work
            .outbox_entry(number)
            .is_some_and(|record| record.waiting.is_some() && record.failed.is_none());
        let message = work.message(number).await?.filter(|_| waits);
        Ok(message.map(|(.., record)| record.all_files().cloned().collect()))
    }

    /// Waits until a message is not to be sent any more.
    async fn stopped(&self, number: MessageId) {
        loop {
            let seen = self.outbox.count();
            let goes_on = {
                let state = self.state.borrow();
                let record = state.outbox.get(&number);
                record.is_some_and(|record| record.failed.is_none())
            };
            if !goes_on {
                return;
            }
            self.outbox.passed(seen).await;
        }
    }

    /// Encrypts a file and brings it to the server.
    async fn upload(
        self: &Rc<Self>,
        server: &FileServer,
        message: &OutboxRecord,
        file: &AttachmentRecord,
    ) -> Result<Source, UploadError> {
        let size = usize::try_from(file.info.size).unwrap_or(usize::MAX);
        let mut body = Vec::new();
        let mut sealing = Sealing::start(size, &mut self.rng(), &mut body)?;
        for index in 0..pieces(file.info.size) {
            let gone = || StoreError::Damaged;
            let piece = self.piece(file.file, index).await?.ok_or_else(gone)?;
            sealing.push(&piece, &mut body)?;
            yield_now().await;
        }
        let key = sealing.finish(&mut body)?;
        let transfer = Transfer {
            file: file.file,
            message: message.number,
            conversation: message.conversation,
            upload: true,
            done: 0,
            total: u64::try_from(body.len()).unwrap_or(u64::MAX),
        };
        let (id, until) = self
            .post_file(server, body, Some(self.progress(transfer)))
            .await?;
        let url = server.url_of(id, key.is_stream());
        Ok(Source { url, key, until })
    }

    /// Posts an encrypted file; gives its name there and until when it is kept, Unix milliseconds.
    pub(super) async fn post_file(
        &self,
        server: &FileServer,
        body: Vec<u8>,
        progress: Option<Progress>,
    ) -> Result<(ServerFileId, u64), UploadError> {
        let headers = [
            ("Content-Type", api::CONTENT_TYPE),
            // Without a name: the server has no need of it (`spec/07-files-and-attachments.md §3.1`).
            ("Content-Disposition", "attachment"),
        ];
        let request = V4Request {
            method: "POST".to_owned(),
            endpoint: api::UPLOAD_PATH.to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            body: Some(body),
        };
        let reply = self
            .ask_server(server, request, TIMEOUT, progress)
            .await
            .map_err(|error| match error {
                ServerError::Unavailable => UploadError::Unavailable,
                ServerError::Busy => UploadError::Busy,
                ServerError::Path | ServerError::Unreachable => UploadError::Again,
                ServerError::Key => UploadError::Refused(SendFailure::FileServer),
            })?;
        match reply.status {
            200 => {
                let uploaded = api::Uploaded::parse(&reply.body).map_err(|_| UploadError::Again)?;
                let longest = self.time.now().saturating_add(wire::SERVER_LIFE_MS);
                let until = uploaded.expires_ms.unwrap_or(longest);
                Ok((uploaded.id, until.min(longest)))
            }
            413 => Err(UploadError::Refused(SendFailure::TooLarge)),
            // It has no time for it now.
            408 | 425 | 429 => Err(UploadError::Again),
            400..=499 => Err(UploadError::Refused(SendFailure::FileServer)),
            _ => Err(UploadError::Again),
        }
    }

    /// Tells front ends how far a transfer is, in steps that can be seen.
    pub(super) fn progress(self: &Rc<Self>, transfer: Transfer) -> Progress {
        let core = Rc::downgrade(self);
        let told = std::cell::Cell::new(0u64);
        self.emit(Event::Transfer(transfer));
        Progress(Rc::new(move |exchanged| {
            let (done, total) = match exchanged {
                Exchanged::Sent(done) if transfer.upload => (done, transfer.total),
                Exchanged::Received(done, total) if !transfer.upload => (done, total),
                _ => return,
            };
            let step = STEP.max(total / 100);
            if done < told.get().saturating_add(step) && done < total {
                return;
            }
            told.set(done);
            if let Some(core) = core.upgrade() {
                let done = done.min(total);
                core.emit(Event::Transfer(Transfer {
                    done,
                    total,
                    ..transfer
                }));
            }
        }))
    }

    /// Notes that a file is on the server.
    async fn note_source(&self, number: MessageId, file: FileId, source: Source) -> Result<(), StoreError> {
        let mut work = Work::begin(self).await;
        if let Some(record) = work.file(file) {
            let again_until = source.until;
            work.put_file(
                file,
                crate::records::FileRecord {
                    again_until,
                    ..record
                },
            )?;
        }
        work.update(number, |record| {
            if let Some(held) = record.file_mut(file) {
                held.source = Some(source);
            }
        })
        .await?;
        work.commit().await
    }

    /// Makes the bytes of a message whose files are all on the server: from now on it is sent like any other.
    async fn release(&self, account: &Account, number: MessageId) -> Result<(), Failure> {
        let mut work = Work::begin(self).await;
        let record = work.outbox_entry(number).ok_or(Failure::NotFound)?;
        let waiting = record.waiting.as_ref().ok_or(Failure::NotFound)?;
        let (.., message) = work.message(number).await?.ok_or(Failure::NotFound)?;
        let mut content = Content::decode(waiting.content.as_slice()).map_err(|_| StoreError::Damaged)?;
        if let Some(data) = &mut content.data_message {
            data.attachments = message.files.iter().filter_map(wire::pointer).collect();
            data.preview = message
                .link
                .iter()
                .filter_map(|link| link.preview(&message.body))
                .collect();
        }
        let (for_contact, for_self) = self.encode_content(
            account,
            &record.conversation,
            &content,
            record.sent_at,
            Copies::Both,
        )?;
        if let Some(copy) = &for_self {
            self.remember_copy(&mut work, account, copy)?;
        }
        let guessed = record.guessed.as_ref().map(|guessed| Guessed {
            content: content.encode_to_vec(),
            ..guessed.clone()
        });
        work.put_outbox(OutboxRecord {
            for_contact,
            for_self,
            guessed,
            waiting: None,
            ..record
        })?;
        work.commit().await?;
        Ok(())
    }

    /// Waits, or gives a message up until the user tries again.
    async fn upload_failed(&self, record: &OutboxRecord, error: UploadError, attempts: &mut u32) {
        let failure = match error {
            UploadError::Unavailable => {
                let seen = self.net.changed.count();
                let changed = Box::pin(self.net.changed.passed(seen));
                let _: Either<_, _> = select(changed, self.ports.clock.sleep(UNAVAILABLE_WAIT)).await;
                return;
            }
            UploadError::Busy => {
                // Every try sends all of the file.
                self.postpone(record.number, self.jitter(LONGEST_BACKOFF));
                return;
            }
            UploadError::Refused(failure) => Some(failure),
            UploadError::Store(StoreError::Damaged) => Some(SendFailure::FileServer),
            UploadError::Again | UploadError::Store(_) => {
                *attempts = attempts.saturating_add(1);
                (*attempts >= ATTEMPTS).then_some(SendFailure::FileServer)
            }
        };
        let Some(failure) = failure else {
            let wait = BACKOFF
                .saturating_mul(1 << (*attempts).min(8))
                .min(LONGEST_BACKOFF);
            self.postpone(record.number, self.jitter(wait));
            return;
        };
        *attempts = 0;
        if self.fail(record.number, failure).await.is_err() {
            self.postpone(record.number, LONGEST_BACKOFF);
        }
    }

    fn postpone(&self, number: MessageId, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let until = self.ports.clock.monotonic_ms().saturating_add(wait);
        self.state.borrow_mut().postponed.insert(number, until);
    }

    /// Gives a message up that waits for its files, until the user tries again.
    pub(super) async fn fail(&self, number: MessageId, failure: SendFailure) -> Result<(), StoreError> {
        let mut work = Work::begin(self).await;
        let waits = |record: &OutboxRecord| record.waiting.is_some() && record.failed.is_none();
        let Some(record) = work.outbox_entry(number).filter(waits) else {
            return Ok(());
        };
        work.put_outbox(OutboxRecord {
            failed: Some(failure),
            ..record
        })?;
        work.set_state(number, MessageState::Failed(failure), None)
            .await?;
        work.commit().await?;
        self.state.borrow_mut().sending.remove(&number);
        Ok(())
    }

    /// The network's file server.
    pub(super) fn file_server(&self) -> Result<FileServer, Failure> {
        self.profile.files.clone().ok_or(Failure::NoFileServer)
    }
}

/// A file that is being encrypted.
enum Sealing {
    /// In the legacy form.
    Legacy {
        key: AttachmentKey,
        encryptor: Box<attachment::Encryptor>,
    },
    /// In the stream form.
    Stream {
        secret: stream::StreamSecret,
        encryptor: stream::Encryptor,
    },
}

impl Sealing {
    /// Begins the body of a file of `size` bytes: in the form that all clients write, or, where that one's padding would
    /// make it larger than iOS takes, in the other, which all of them read (`spec/07-files-and-attachments.md §5.1, §6.3`).
    fn start(size: usize, rng: &mut impl CryptoRng, body: &mut Vec<u8>) -> Result<Self, EncryptError> {
        if size <= attachment::MAX_SIZE as usize {
            body.reserve_exact(attachment::encrypted_size(size));
            let key = AttachmentKey::generate(rng);
            let encryptor = Box::new(attachment::Encryptor::start(&key, rng, body));
            return Ok(Self::Legacy { key, encryptor });
        }
        body.reserve_exact(stream::encrypted_size(size)?);
        let secret = stream::StreamSecret::random(rng);
        let encryptor = stream::Encryptor::start(&secret, size, body)?;
        Ok(Self::Stream { secret, encryptor })
    }

    /// Takes the next bytes of the file.
    fn push(&mut self, piece: &[u8], body: &mut Vec<u8>) -> Result<(), EncryptError> {
        match self {
            Self::Legacy { encryptor, .. } => encryptor.push(piece, body),
            Self::Stream { encryptor, .. } => encryptor.push(piece, body),
        }
    }

    /// Ends the body; gives what opens it.
    fn finish(self, body: &mut Vec<u8>) -> Result<FileKey, EncryptError> {
        match self {
            Self::Legacy { key, encryptor } => {
                let digest = encryptor.finish(body)?;
                Ok(FileKey::Legacy { key, digest })
            }
            Self::Stream { secret, encryptor } => {
                encryptor.finish()?;
                Ok(FileKey::from(&secret))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{FILE_PIECE, MAX_FILE};
    use crate::core::random::PortRng;
    use crate::test_support::CountingRng;

    /// The largest body that iOS takes (`spec/07-files-and-attachments.md §3.1`).
    const IOS_LIMIT: usize = 10_000_000;

    #[test]
    fn every_file_that_may_be_sent_has_a_body_that_all_clients_take() {
        let legacy = attachment::MAX_SIZE as usize;
        let largest = usize::try_from(MAX_FILE).unwrap();
        for (size, is_stream) in [(1, false), (legacy, false), (legacy + 1, true), (largest, true)] {
            let mut rng = PortRng(Rc::new(CountingRng::default()));
            let plain: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut body = Vec::new();
            let mut sealing = Sealing::start(size, &mut rng, &mut body).unwrap();
            let room = body.capacity();
            for piece in plain.chunks(FILE_PIECE) {
                sealing.push(piece, &mut body).unwrap();
            }
            let key = sealing.finish(&mut body).unwrap();
            assert_eq!((key.is_stream(), body.capacity()), (is_stream, room), "{size}");
            assert!(body.len() <= IOS_LIMIT, "{size} became {}", body.len());
            let opened = key.decrypt(u32::try_from(size).unwrap(), &body).unwrap();
            assert!(opened == plain, "{size}");
        }
    }
}
