//! Files: staged for sending, as parts of messages, on their way to and from the file server, and kept here.
//!
//! A message's record says what its files are and where the server has them. Which bytes are here is a record of its own for
//! each file, all of which are held in memory; the bytes lie in pieces, so that nothing larger is copied at once. Files go
//! with their messages, in the same commit.

mod commands;
mod download;
mod links;
mod pictures;
mod staging;
mod store;
mod upload;
mod wire;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use holdfast_protocol::account::Id;
use holdfast_protocol::message::profile::Picture;

use crate::api::{Attachment, FileId, FileInfo, FileState, StagedFile};
use crate::driver::TaskGuard;
use crate::records::{AttachmentRecord, Fault, FilePlace, FileRecord, Held};

pub(crate) use download::KNOWN_SERVERS;
pub(crate) use store::pieces;
pub(crate) use wire::read_files;

/// What the engine holds in memory of files.
#[derive(Default)]
pub(crate) struct Files {
    records: BTreeMap<FileId, FileRecord>,
    /// Files of drafts, by conversation.
    drafts: BTreeMap<Id, BTreeSet<FileId>>,
    /// Pictures of people.
    pictures: HashMap<Id, FileId>,
    /// The own picture, sent or not.
    own_picture: Option<FileId>,
    /// Bytes of files that are here.
    bytes: u64,
    /// Addresses of pictures that are gone or were not what they should be, since the start.
    pub(crate) given_up: HashSet<String>,
    /// Addresses of pictures that could not be fetched, and until when they are let be, by the monotonic clock.
    pub(crate) resting: HashMap<String, u64>,
    /// Downloads that run.
    pub(crate) downloads: HashMap<FileId, TaskGuard>,
}

impl Files {
    pub(crate) fn get(&self, file: FileId) -> Option<&FileRecord> {
        self.records.get(&file)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (FileId, &FileRecord)> {
        self.records.iter().map(|(file, record)| (*file, record))
    }

    /// Whether a picture is not to be asked for now.
    pub(crate) fn let_be(&self, url: &str, now: u64) -> bool {
        self.given_up.contains(url) || self.resting.get(url).is_some_and(|until| *until > now)
    }

    /// Bytes of files that are here.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A file was looked at. Kept in memory only: after a restart, what came last counts as used last.
    pub(crate) fn used(&mut self, file: FileId, now: u64) {
        if let Some(record) = self.records.get_mut(&file) {
            record.used_at = now;
        }
    }

    pub(crate) fn insert(&mut self, file: FileId, record: FileRecord) {
        self.remove(file);
        self.bytes = self.bytes.saturating_add(record.here());
        match &record.place {
            FilePlace::Draft(conversation, _) => {
                self.drafts.entry(*conversation).or_default().insert(file);
            }
            // The picture before stays until the new one is here.
            FilePlace::OwnPicture(_) if record.held == Held::Whole => self.own_picture = Some(file),
            FilePlace::Picture(id, _) if record.held == Held::Whole => {
                self.pictures.insert(*id, file);
            }
            _ => {}
        }
        self.records.insert(file, record);
    }

    pub(crate) fn remove(&mut self, file: FileId) {
        let Some(record) = self.records.remove(&file) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(record.here());
        match record.place {
            FilePlace::Draft(conversation, _) => {
                if let Some(files) = self.drafts.get_mut(&conversation) {
                    files.remove(&file);
                }
            }
            FilePlace::OwnPicture(_) if self.own_picture == Some(file) => self.own_picture = None,
            FilePlace::Picture(id, _) if self.pictures.get(&id) == Some(&file) => {
                self.pictures.remove(&id);
            }
            _ => {}
        }
    }

    /// A file of a message as front ends see it.
    pub(crate) fn shown(&self, record: AttachmentRecord) -> Attachment {
        let held = self.get(record.file).map(|file| file.held);
        Attachment {
            state: match (held, record.fault) {
                (Some(Held::Whole), _) => FileState::Here,
                (Some(Held::Wanted | Held::Part(_)), _) => FileState::Moving,
                (None, Some(Fault::Failed)) => FileState::Failed,
                (None, Some(Fault::Expired)) => FileState::Expired,
                (None, Some(Fault::Damaged)) => FileState::Damaged,
                (None, None) => FileState::NotLoaded,
            },
            file: record.file,
            info: record.info,
        }
    }

    /// The files of a draft.
    pub(crate) fn staged(&self, conversation: &Id) -> Vec<StagedFile> {
        let files = self.drafts.get(conversation).into_iter().flatten();
        files
            .filter_map(|file| {
                let record = self.get(*file)?;
                let info = record.place.info()?.clone();
                Some(StagedFile {
                    file: *file,
                    info,
                    complete: record.held == Held::Whole,
                })
            })
            .collect()
    }

    /// Somebody's picture that is here, if their profile names any.
    pub(crate) fn picture(&self, id: &Id, named: Option<&Picture>) -> Option<FileId> {
        named.and(self.pictures.get(id).copied())
    }

    /// The own picture that is here, and whether it waits to be sent.
    pub(crate) fn own_picture(&self) -> Option<(FileId, bool)> {
        let file = self.own_picture?;
        let record = self.get(file)?;
        Some((file, record.place == FilePlace::OwnPicture(None)))
    }

    /// Files of people's pictures, here or on their way: whose, where from, and how far.
    pub(crate) fn pictures(&self) -> impl Iterator<Item = (FileId, Id, &Picture, Held)> {
        self.records
            .iter()
            .filter_map(|(file, record)| match &record.place {
                FilePlace::Picture(id, picture) => Some((*file, *id, picture, record.held)),
                _ => None,
            })
    }

    /// Files of the own picture, here or on their way, by the address that they were fetched from or sent to.
    pub(crate) fn own_pictures(&self) -> impl Iterator<Item = (FileId, Option<&Picture>)> {
        self.records
            .iter()
            .filter_map(|(file, record)| match &record.place {
                FilePlace::OwnPicture(picture) => Some((*file, picture.as_ref())),
                _ => None,
            })
    }
}

impl FileRecord {
    /// Bytes that are here.
    fn here(&self) -> u64 {
        match self.held {
            Held::Wanted => 0,
            Held::Part(bytes) => bytes,
            Held::Whole => self.size,
        }
    }
}

impl FilePlace {
    /// What is known of a file that is not part of a message yet.
    fn info(&self) -> Option<&FileInfo> {
        match self {
            Self::Draft(_, info) | Self::NewPicture(info) => Some(info),
            _ => None,
        }
    }
}
