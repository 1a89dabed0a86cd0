//! Pictures of people: those of contacts are fetched, the own one is sent, shown to others and kept alive
//! (`spec/07-files-and-attachments.md §8`).

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Id;
use holdfast_protocol::config::ProfilePicture;
use holdfast_protocol::file::{FileUrl, ProfileKey, api, picture};
use holdfast_protocol::message::profile::Picture;
use holdfast_protocol::onion::v4::V4Request;

use super::download::wanted;
use super::store::pieces;
use super::upload::UploadError;
use crate::api::{Failure, FileId, Reply, Standing};
use crate::core::Core;
use crate::network::server::ServerError;
use crate::ports::StoreError;
use crate::records::{FilePlace, FileRecord, Held};
use crate::work::Work;

/// After the start, before the own picture's life on the server is looked at.
const RENEWAL_DELAY: Duration = Duration::from_secs(30);
/// How often it is.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// A picture that was told later than this needs no renewal, seconds.
const FRESH_S: u64 = 2 * 60 * 60;
/// A picture that the server does not have any more is sent again when it was told longer ago than this, seconds.
const STALE_S: u64 = 12 * 24 * 60 * 60;
/// First wait after a failed attempt, doubled each time.
const BACKOFF: Duration = Duration::from_secs(2);
/// Longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10 * 60);
/// How long the server may take for an answer without a file.
const TIMEOUT: Duration = Duration::from_secs(20);

impl Core {
    /// The own picture as messages tell it to others.
    pub(crate) fn told_picture(&self) -> Option<Picture> {
        let picture = self.read_configs(|docs| docs.profile.picture()).flatten()?;
        Some(Picture {
            url: picture.url.clone(),
            key: picture.key.to_vec(),
        })
    }

    /// Sets or removes the own picture.
    pub(crate) async fn set_picture(&self, file: Option<FileId>) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        match file {
            Some(file) => {
                let record = work.file(file).ok_or(Failure::NotFound)?;
                match record.place {
                    // Given before.
                    FilePlace::OwnPicture(_) => return Ok(Reply::Done),
                    FilePlace::NewPicture(_) if record.held == Held::Whole => {}
                    FilePlace::NewPicture(_) => return Err(Failure::FileIncomplete),
                    _ => return Err(Failure::NotAllowed),
                }
                work.drop_own_pictures_before(file);
                let place = FilePlace::OwnPicture(None);
                work.put_file(file, FileRecord { place, ..record })?;
            }
            None => {
                work.drop_own_pictures();
                work.tell_picture(None);
            }
        }
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Fetches pictures of contacts and sends the own one for as long as the account is there.
    pub(crate) async fn run_pictures(self: Rc<Self>) {
        let mut failures = 0u32;
        loop {
            let seen = self.files.count();
            // A store that takes nothing now is tried again with the next change.
            let _ = self.want_pictures().await;
            let waiting = self.state.borrow().files.own_picture();
            let (Some((file, true)), true) = (waiting, self.profile.files.is_some()) else {
                self.files.passed(seen).await;
                continue;
            };
            match self.send_picture(file, false).await {
                Ok(()) => failures = 0,
                Err(UploadError::Unavailable) => {
                    let changed = Box::pin(self.net.changed.passed(self.net.changed.count()));
                    let _: Either<_, _> = select(changed, self.ports.clock.sleep(BACKOFF)).await;
                }
                Err(_) => {
                    failures = failures.saturating_add(1);
                    let wait = BACKOFF.saturating_mul(1 << failures.min(9)).min(LONGEST_BACKOFF);
                    let news = Box::pin(self.files.passed(seen));
                    let _: Either<_, _> = select(news, self.ports.clock.sleep(self.jitter(wait))).await;
                }
            }
        }
    }

    /// Keeps the own picture alive on its server for as long as the account is there.
    pub(crate) async fn run_picture_renewal(self: Rc<Self>) {
        self.sleep(RENEWAL_DELAY).await;
        loop {
            // What fails is tried again tomorrow, long before the picture is gone.
            let _ = self.renew_picture().await;
            self.sleep(RENEWAL_INTERVAL).await;
        }
    }

    /// Has the pictures fetched that profiles name and that are neither here nor on their way. Those of strangers stay
    /// where they are, and so do those on servers that nobody knows: fetching one tells its server when. The own one comes
    /// from wherever another own device has put it.
    async fn want_pictures(&self) -> Result<(), StoreError> {
        let (missing, own): (Vec<(Id, Picture)>, Option<Picture>) = {
            let told = self.told_picture();
            let now = self.ports.clock.monotonic_ms();
            let state = self.state.borrow();
            let named = |id: &Id| {
                state
                    .contacts
                    .get(id)
                    .and_then(|contact| contact.picture.as_ref())
            };
            let covered = |id: &Id, picture: &Picture| {
                state.files.let_be(&picture.url, now)
                    || state
                        .files
                        .pictures()
                        .any(|(_, of, held, _)| of == *id && held == picture)
            };
            let missing = state
                .contacts
                .keys()
                .filter(|id| matches!(state.standing(id), Standing::Active | Standing::OutgoingRequest))
                .filter_map(|id| Some((*id, named(id)?.clone())))
                .filter(|(id, picture)| !covered(id, picture))
                .filter(|(_, picture)| {
                    let url = FileUrl::parse(&picture.url);
                    url.is_ok_and(|url| self.comes_unasked(&url))
                })
                .collect();
            let own = told.filter(|told| {
                !state.files.let_be(&told.url, now)
                    && !state
                        .files
                        .own_pictures()
                        .any(|(_, held)| held.is_none() || held == Some(told))
            });
            (missing, own)
        };
        if missing.is_empty() && own.is_none() {
            return Ok(());
        }
        let mut work = Work::begin(self).await;
        for (id, picture) in missing {
            let file = FileId(work.next_number());
            work.put_file(file, wanted(FilePlace::Picture(id, picture), 0))?;
        }
        if let Some(picture) = own {
            let file = FileId(work.next_number());
            work.put_file(file, wanted(FilePlace::OwnPicture(Some(picture)), 0))?;
        }
        work.commit().await
    }

    /// Brings the own picture to the server and tells it; `again` when it is the same one as before.
    async fn send_picture(&self, file: FileId, again: bool) -> Result<(), UploadError> {
        let unusable = || UploadError::Again;
        let server = self.file_server().map_err(|_| unusable())?;
        let size = match self.state.borrow().files.get(file) {
            Some(record) if record.held == Held::Whole => record.size,
            _ => return Ok(()),
        };
        let mut plain = Vec::new();
        for index in 0..pieces(size) {
            plain.extend(self.piece(file, index).await?.ok_or_else(unusable)?);
        }
        let key = ProfileKey::generate(&mut self.rng());
        let encrypted = picture::encrypt_legacy(key, &plain, &mut self.rng()).map_err(|_| unusable())?;
        let (id, _) = self.post_file(&server, encrypted.body.clone(), None).await?;
        let named = encrypted.uploaded(&server, id).map_err(|_| unusable())?;
        let sent = Picture {
            url: named.url.clone(),
            key: named.key.to_vec(),
        };
        let mut work = Work::begin(self).await;
        let Some(record) = work.file(file) else {
            return Ok(());
        };
        let place = FilePlace::OwnPicture(Some(sent.clone()));
        work.put_file(file, FileRecord { place, ..record })?;
        if again {
            work.tell_picture_again(&sent);
        } else {
            work.tell_picture(Some(&sent));
        }
        work.commit().await?;
        Ok(())
    }

    /// Has the server keep the own picture longer, or sends it again where it is gone.
    async fn renew_picture(&self) -> Result<(), UploadError> {
        let Some(told) = self.told_picture() else {
            return Ok(());
        };
        let updated = self.read_configs(|docs| docs.profile.updated_at()).unwrap_or(0);
        let age = (self.time.now() / 1_000).saturating_sub(updated);
        let Ok(url) = FileUrl::parse(&told.url) else {
            return Ok(());
        };
        let Ok(server) = self
            .file_server()
            .and_then(|own| url.server(&own).map_err(|_| Failure::NoFileServer))
        else {
            return Ok(());
        };
        if age < FRESH_S {
            return Ok(());
        }
        let request = V4Request {
            method: "POST".to_owned(),
            endpoint: api::extend_path(url.id()),
            ..V4Request::default()
        };
        let reply = self
            .ask_server(&server, request, TIMEOUT, None)
            .await
            .map_err(|error| match error {
                ServerError::Unavailable => UploadError::Unavailable,
                _ => UploadError::Again,
            })?;
        if reply.status == 200 {
            let mut work = Work::begin(self).await;
            work.tell_picture_again(&told);
            work.commit().await?;
        } else if reply.status == 404 && age >= STALE_S {
            let held = self.state.borrow().files.own_picture();
            if let Some((file, false)) = held {
                self.send_picture(file, true).await?;
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Puts the own picture into the profile, or takes it out.
    fn tell_picture(&mut self, picture: Option<&Picture>) {
        let now = self.profile_time();
        let wanted =
            picture.and_then(|picture| ProfilePicture::new(&picture.url, &picture.key).ok().flatten());
        if let Some(profile) = self.profile() {
            // Only an address that is too long is refused, and this one was made to fit.
            let _ = profile.set_picture(wanted.as_ref(), now);
        }
        self.note_profile_time();
    }

    /// Says where the same picture is now; that is no change of the profile that others need to show.
    fn tell_picture_again(&mut self, picture: &Picture) {
        let now = self.profile_time();
        let Ok(Some(wanted)) = ProfilePicture::new(&picture.url, &picture.key) else {
            return;
        };
        if let Some(profile) = self.profile() {
            let _ = profile.set_reuploaded_picture(&wanted, now);
        }
        self.note_profile_time();
    }

    /// Now, or just after the last change: receivers take a profile only when its time grew
    /// (`spec/02-messages-v1.md §5.5`). Milliseconds.
    fn profile_time(&mut self) -> u64 {
        let now = self.now();
        let last = self.profile().map_or(0, |profile| profile.updated_at());
        now.max(last.saturating_add(1).saturating_mul(1_000))
    }

    fn note_profile_time(&mut self) {
        let Some(changed) = self.profile().map(|profile| profile.updated_at()) else {
            return;
        };
        if let Some(record) = self.account_record() {
            record.name_changed = changed;
        }
    }

    /// The own picture was removed, or another one takes its place.
    pub(crate) fn drop_own_pictures(&mut self) {
        self.drop_own_pictures_before(FileId(u64::MAX));
    }

    /// Another own device removed the picture. One that is not sent yet was chosen here meanwhile.
    pub(crate) fn drop_sent_pictures(&mut self) {
        let files: Vec<FileId> = {
            let state = self.core.state.borrow();
            let sent = state
                .files
                .own_pictures()
                .filter(|(_, picture)| picture.is_some());
            sent.map(|(file, _)| file).collect()
        };
        for file in files {
            self.remove_file(file);
        }
    }

    /// Removes every own picture but one.
    pub(super) fn drop_own_pictures_before(&mut self, kept: FileId) {
        let files: Vec<FileId> = {
            let state = self.core.state.borrow();
            state.files.own_pictures().map(|(file, _)| file).collect()
        };
        for file in files.into_iter().filter(|file| *file != kept) {
            self.remove_file(file);
        }
    }

    /// Removes every picture of a contact but one.
    pub(super) fn drop_pictures_before(&mut self, id: &Id, kept: FileId) {
        let files: Vec<FileId> = {
            let state = self.core.state.borrow();
            let of = state.files.pictures().filter(|(_, of, ..)| of == id);
            of.map(|(file, ..)| file).collect()
        };
        for file in files.into_iter().filter(|file| *file != kept) {
            self.remove_file(file);
        }
    }
}
