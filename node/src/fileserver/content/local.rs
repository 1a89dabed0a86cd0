//! Files in a folder, spread over subfolders by the first two characters of their ids.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};

use super::{Content, ContentError, Opened, blocking};
use crate::fileserver::upload::Upload;
use holdfast_protocol::file::FileId;

/// Bytes read at once: what one download holds of its file.
const PIECE: usize = 128 * 1024;

/// A folder of files.
pub struct Folder {
    root: Arc<PathBuf>,
    flush: bool,
}

impl Folder {
    /// Files below that folder, which is made. `flush` waits for the disk, so that a power failure loses nothing.
    pub fn open(root: &Path, flush: bool) -> std::io::Result<Self> {
        std::fs::create_dir_all(root)?;
        Ok(Self {
            root: Arc::new(root.to_owned()),
            flush,
        })
    }

    fn path(&self, id: &FileId) -> PathBuf {
        let id = id.as_str();
        self.root.join(id.get(..2).unwrap_or(id)).join(id)
    }
}

/// Turns a missing file into nothing.
fn found<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until the disk has a folder's entries.
fn flush_folder(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

impl Content for Folder {
    fn put(&self, id: FileId, upload: Upload) -> BoxFuture<'_, Result<(), ContentError>> {
        let (path, root, flush) = (self.path(&id), Arc::clone(&self.root), self.flush);
        Box::pin(blocking(move || {
            let folder = path.parent().unwrap_or(&root);
            let is_new = match std::fs::create_dir(folder) {
                Ok(()) => true,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error),
            };
            upload.move_to(&path)?;
            if flush {
                flush_folder(folder)?;
                if is_new {
                    flush_folder(&root)?;
                }
            }
            Ok(())
        }))
    }

    fn moves_uploads(&self) -> bool {
        true
    }

    fn open(&self, id: FileId, range: Range<u64>) -> BoxFuture<'_, Result<Option<Opened>, ContentError>> {
        let path = self.path(&id);
        Box::pin(async move {
            let opened = blocking(move || {
                let Some(mut file) = found(std::fs::File::open(path))? else {
                    return Ok(None);
                };
                let size = file.metadata()?.len();
                file.seek(SeekFrom::Start(range.start))?;
                Ok(Some((file, size, range.end.saturating_sub(range.start))))
            })
            .await?;
            Ok(opened.map(|(file, size, length)| Opened {
                size,
                pieces: pieces(file, length).boxed(),
            }))
        })
    }

    fn size(&self, id: FileId) -> BoxFuture<'_, Result<Option<u64>, ContentError>> {
        let path = self.path(&id);
        Box::pin(blocking(move || {
            Ok(found(std::fs::metadata(path))?.map(|metadata| metadata.len()))
        }))
    }

    fn delete(&self, id: FileId) -> BoxFuture<'_, Result<(), ContentError>> {
        let path = self.path(&id);
        Box::pin(blocking(move || found(std::fs::remove_file(path)).map(|_| ())))
    }

    fn list(&self) -> BoxStream<'_, Result<Vec<FileId>, ContentError>> {
        let root = Arc::clone(&self.root);
        let folders = async move {
            blocking(move || {
                std::fs::read_dir(root.as_path())?
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect::<std::io::Result<Vec<PathBuf>>>()
            })
            .await
        };
        stream::once(folders)
            .flat_map(|folders| match folders {
                Ok(folders) => stream::iter(folders.into_iter().map(Ok)).left_stream(),
                Err(error) => stream::iter([Err(error)]).right_stream(),
            })
            .then(|folder| async move {
                let folder = folder?;
                blocking(move || names_in(&folder)).await
            })
            .boxed()
    }
}

/// The ids in a subfolder; other names are none of ours.
fn names_in(folder: &Path) -> std::io::Result<Vec<FileId>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        ids.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| FileId::parse(name).ok()),
        );
    }
    Ok(ids)
}

/// The next bytes of a file, at most `left`; fewer than that in all means that the file was cut.
fn pieces(
    file: std::fs::File,
    left: u64,
) -> impl futures::Stream<Item = Result<Bytes, ContentError>> + Send + 'static {
    stream::try_unfold((file, left), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        let (file, piece) = blocking(move || {
            let mut piece = vec![0; wanted];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok((file, piece))
        })
        .await?;
        let left = left.saturating_sub(piece.len() as u64);
        Ok(match piece.is_empty() {
            true => None,
            false => Some((Bytes::from(piece), (file, left))),
        })
    })
}
