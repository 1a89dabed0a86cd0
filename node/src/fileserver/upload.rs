//! A body on its way to the disk: written to a temporary file piece by piece while it is hashed, so that what a transfer
//! needs of memory does not grow with it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use holdfast_protocol::file::FileId;
use holdfast_protocol::file::api::IdHasher;

/// A temporary file that goes with the value, unless it was moved to its place.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // What cannot be removed now is swept at the next start.
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

/// A body of which more is to come. Its calls block on the disk.
pub(super) struct Draft {
    file: File,
    place: Temporary,
    hasher: IdHasher,
    size: u64,
}

impl Draft {
    /// A new temporary file in that folder.
    pub(super) fn create(folder: &Path) -> std::io::Result<Self> {
        let mut name = [0_u8; 16];
        getrandom::fill(&mut name).map_err(|_| std::io::Error::other("no system randomness"))?;
        let path = folder.join(data_encoding::HEXLOWER.encode(&name));
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Self {
            file,
            place: Temporary(path),
            hasher: IdHasher::default(),
            size: 0,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hasher.push(bytes);
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// The body is complete; `flush` waits until the disk has it.
    pub(super) fn finish(self, flush: bool) -> std::io::Result<Upload> {
        if flush {
            self.file.sync_all()?;
        }
        Ok(Upload {
            id: self.hasher.finish(),
            size: self.size,
            place: self.place,
        })
    }
}

/// A complete body in a temporary file, which goes with the value.
#[derive(Debug)]
pub struct Upload {
    id: FileId,
    size: u64,
    place: Temporary,
}

impl Upload {
    /// The id of these bytes.
    pub fn id(&self) -> &FileId {
        &self.id
    }

    /// Their number.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.place.0
    }

    /// Moves them to their place on the same file system.
    pub fn move_to(mut self, path: &Path) -> std::io::Result<()> {
        std::fs::rename(&self.place.0, path)?;
        self.place.0 = PathBuf::new();
        Ok(())
    }
}

/// Removes what a killed process left in the folder.
pub(super) fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        std::fs::remove_file(entry?.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_file_goes_with_whoever_holds_it() {
        let folder = crate::files::temporary_folder("draft");
        let count = || std::fs::read_dir(&folder).unwrap().count();
        let mut draft = Draft::create(&folder).unwrap();
        draft.write(b"hello ").unwrap();
        assert_eq!(count(), 1);
        drop(draft);
        assert_eq!(count(), 0);
        let mut draft = Draft::create(&folder).unwrap();
        draft.write(b"hello ").unwrap();
        draft.write(b"world").unwrap();
        let upload = draft.finish(true).unwrap();
        assert_eq!(
            (upload.size(), upload.id().as_str()),
            (11, "3qXfYbeRSxXa89I8ApcbKl0_BshkLQ6myd0DsvcrDEy3")
        );
        let place = folder.join("kept");
        upload.move_to(&place).unwrap();
        assert_eq!(
            (std::fs::read(&place).unwrap().as_slice(), count()),
            (&b"hello world"[..], 1)
        );
        sweep(&folder).unwrap();
        assert_eq!(count(), 0);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
