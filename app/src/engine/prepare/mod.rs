//! The worker's half of sending files: one chosen file after another is looked at, cleaned and given to the engine in
//! pieces; what the microphone hears becomes a voice message.
//!
//! A file is never in memory as a whole here, except pictures while they are redrawn or cleaned: the browser holds the
//! `Blob`, and a piece at a time is read from it. So a row of thirty-two films takes no more memory than one.

mod canvas;
mod film;
mod look;
mod picture;
mod resample;
mod sizes;
mod voice;
mod waveform;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use holdfast_client::api::{
    Command, FILE_PIECE, Failure, FileId, FileInfo, MAX_FILE, MAX_PICTURE, Purpose, Reply,
};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, MessagePort};

use super::jobs::{Job, JobId, News, Refusal};
use super::worker::Worker;
use voice::Recording;

/// How often a file is staged anew when the engine that knew it has gone: another tab took over and forgot what was not
/// complete.
const RESTAGE: usize = 2;

/// A file that is ready to be given to the engine.
struct Ready {
    blob: Blob,
    info: FileInfo,
    voice: bool,
}

/// The jobs of one worker; clones are the same ones.
#[derive(Clone, Default)]
pub(super) struct Jobs {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// What waits for its turn, in the order of giving.
    waiting: RefCell<VecDeque<(JobId, Task)>>,
    /// Something is being worked on.
    busy: Cell<bool>,
    /// Jobs that were taken back before their end.
    cancelled: RefCell<BTreeSet<JobId>>,
    /// Voice messages that are being recorded.
    recordings: RefCell<BTreeMap<JobId, Recording>>,
}

enum Task {
    /// A file as it was chosen.
    Chosen(Job, Blob),
    /// A recording that ended.
    Recorded(Purpose, Box<Result<Ready, Refusal>>),
}

impl Jobs {
    /// Takes a job with what it works on: a `Blob`, or the channel that sound comes through.
    pub(super) fn take(&self, worker: &Rc<Worker>, id: JobId, job: Job, payload: &JsValue) {
        if let Job::Voice { conversation, rate } = job {
            let Some(port) = payload.dyn_ref::<MessagePort>() else {
                return;
            };
            let jobs = self.clone();
            let over = Rc::clone(worker);
            let ended = move || jobs.end_voice(&over, id);
            match Recording::start(port.clone(), rate, conversation, ended) {
                Ok(recording) => {
                    self.inner.recordings.borrow_mut().insert(id, recording);
                }
                Err(refusal) => worker.tell_news(id, News::Refused(refusal)),
            }
        } else if let Some(blob) = payload.dyn_ref::<Blob>() {
            self.queue(worker, id, Task::Chosen(job, blob.clone()));
        }
    }

    /// Takes a job back.
    pub(super) fn cancel(&self, worker: &Rc<Worker>, id: JobId) {
        if self.inner.recordings.borrow_mut().remove(&id).is_some() {
            worker.tell_news(id, News::Refused(Refusal::Cancelled));
            return;
        }
        let mut waiting = self.inner.waiting.borrow_mut();
        let before = waiting.len();
        waiting.retain(|(other, _)| *other != id);
        if waiting.len() < before {
            worker.tell_news(id, News::Refused(Refusal::Cancelled));
        } else if self.inner.busy.get() {
            self.inner.cancelled.borrow_mut().insert(id);
        }
    }

    /// No more sound comes: what was heard becomes a file.
    pub(super) fn end_voice(&self, worker: &Rc<Worker>, id: JobId) {
        let Some(recording) = self.inner.recordings.borrow_mut().remove(&id) else {
            return;
        };
        let (conversation, ready) = recording.finish();
        let task = Task::Recorded(Purpose::Message(conversation), Box::new(ready));
        self.queue(worker, id, task);
    }

    fn queue(&self, worker: &Rc<Worker>, id: JobId, task: Task) {
        self.inner.waiting.borrow_mut().push_back((id, task));
        if self.inner.busy.replace(true) {
            return;
        }
        let (jobs, worker) = (self.clone(), Rc::clone(worker));
        spawn_local(async move {
            loop {
                let next = jobs.inner.waiting.borrow_mut().pop_front();
                let Some((id, task)) = next else { break };
                let news = match task {
                    Task::Chosen(Job::LinkImage, blob) => picture::of_link(&blob).await.map(News::Drawn),
                    task => jobs.carry_out(&worker, id, task).await.map(News::Done),
                };
                let news = news.unwrap_or_else(News::Refused);
                jobs.inner.cancelled.borrow_mut().remove(&id);
                worker.tell_news(id, news);
            }
            jobs.inner.busy.set(false);
        });
    }

    async fn carry_out(&self, worker: &Rc<Worker>, id: JobId, task: Task) -> Result<FileId, Refusal> {
        let (purpose, ready) = match task {
            Task::Recorded(purpose, ready) => (purpose, (*ready)?),
            Task::Chosen(job, blob) => prepared(job, blob).await?,
        };
        self.go_on(id)?;
        self.give(worker, id, purpose, &ready).await
    }

    /// Gives a file to the engine, piece by piece.
    async fn give(
        &self,
        worker: &Rc<Worker>,
        id: JobId,
        purpose: Purpose,
        ready: &Ready,
    ) -> Result<FileId, Refusal> {
        let mut tries = 0;
        loop {
            match self.give_once(worker, id, purpose, ready).await {
                Err(Refusal::Failed(Failure::NotFound)) if tries < RESTAGE => tries += 1,
                other => return other,
            }
        }
    }

    async fn give_once(
        &self,
        worker: &Rc<Worker>,
        id: JobId,
        purpose: Purpose,
        ready: &Ready,
    ) -> Result<FileId, Refusal> {
        let announce = Command::StageFile {
            purpose,
            info: ready.info.clone(),
            voice: ready.voice,
        };
        let file = match worker.ask(announce).await.map_err(Refusal::Failed)? {
            Reply::Staged(staged) => staged.file,
            _ => return Err(Refusal::Lost),
        };
        worker.tell_news(id, News::Staged(file));
        let written = self.write(worker, id, file, ready).await;
        if written.is_err() {
            // Half a file is of no use. When the engine does not know it any more, that was the wish.
            let _ = worker.ask(Command::DiscardFile(file)).await;
        }
        written.map(|()| file)
    }

    async fn write(
        &self,
        worker: &Rc<Worker>,
        id: JobId,
        file: FileId,
        ready: &Ready,
    ) -> Result<(), Refusal> {
        let total = ready.info.size;
        let mut done = 0;
        while done < total {
            self.go_on(id)?;
            let end = total.min(done + FILE_PIECE as u64);
            let bytes = bytes(&ready.blob, done, end).await?;
            let piece = Command::WriteFile {
                file,
                offset: done,
                bytes,
            };
            worker.ask(piece).await.map_err(Refusal::Failed)?;
            done = end;
            worker.tell_news(id, News::Written { done, total });
        }
        self.go_on(id)
    }

    fn go_on(&self, id: JobId) -> Result<(), Refusal> {
        if self.inner.cancelled.borrow().contains(&id) {
            return Err(Refusal::Cancelled);
        }
        Ok(())
    }
}

/// Looks at a chosen file and makes of it what is sent.
async fn prepared(job: Job, blob: Blob) -> Result<(Purpose, Ready), Refusal> {
    match job {
        Job::File {
            conversation,
            name,
            full_quality,
            seen,
        } => {
            let ready = picture::chosen(blob, name, full_quality, seen).await?;
            check_size(&ready, MAX_FILE)?;
            Ok((Purpose::Message(conversation), ready))
        }
        Job::Picture(square) => {
            let ready = picture::own(blob, square).await?;
            check_size(&ready, MAX_PICTURE)?;
            Ok((Purpose::Picture, ready))
        }
        // These are taken elsewhere.
        Job::Voice { .. } | Job::LinkImage => Err(Refusal::Unreadable),
    }
}

fn check_size(ready: &Ready, most: u64) -> Result<(), Refusal> {
    match ready.info.size {
        0 => Err(Refusal::Empty),
        size if size > most => Err(Refusal::TooLarge),
        _ => Ok(()),
    }
}

/// Reads a part of a blob; fewer bytes than asked for are an error.
async fn bytes(blob: &Blob, start: u64, end: u64) -> Result<Vec<u8>, Refusal> {
    let part = blob
        .slice_with_f64_and_f64(start as f64, end as f64)
        .map_err(|_| Refusal::Unreadable)?;
    let buffer = JsFuture::from(part.array_buffer())
        .await
        .map_err(|_| Refusal::Unreadable)?;
    let bytes = Uint8Array::new(&buffer).to_vec();
    if bytes.len() as u64 == end - start {
        Ok(bytes)
    } else {
        Err(Refusal::Unreadable)
    }
}

/// How many bytes a blob holds.
fn size(blob: &Blob) -> u64 {
    // A whole number below 2⁵³.
    blob.size() as u64
}

/// A blob of some bytes.
fn blob_of(bytes: &[u8]) -> Result<Blob, Refusal> {
    let parts = js_sys::Array::of1(&Uint8Array::from(bytes));
    Blob::new_with_u8_array_sequence(&parts).map_err(|_| Refusal::Unreadable)
}
