//! Takes files in, within limits of size and time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;

use super::Inner;
use super::content::ContentError;
use super::store::Refusal;
use super::upload::{Draft, Upload};
use crate::net::body::Coming;

/// How long a whole transfer may take, in either direction: 10 MB over the slowest lines that are in use.
pub(super) const TRANSFER_TIME: Duration = Duration::from_secs(600);
/// Bytes gathered before the disk gets them: what one upload holds in memory.
const PIECE: usize = 128 * 1024;

/// A body becoming a temporary file.
pub(super) struct Receiver {
    inner: Arc<Inner>,
    draft: Option<Draft>,
    buffer: Vec<u8>,
    size: u64,
}

impl Receiver {
    pub(super) fn new(inner: &Arc<Inner>) -> Self {
        Self {
            inner: Arc::clone(inner),
            draft: None,
            buffer: Vec::new(),
            size: 0,
        }
    }

    /// A file of at most the largest size, from a body that comes.
    pub(super) async fn stream(
        inner: &Arc<Inner>,
        body: Body,
        declared: Option<u64>,
    ) -> Result<Upload, Refusal> {
        let declared = declared.unwrap_or(0);
        if declared > inner.options.max_size {
            return Err(Refusal::Size);
        }
        // Before anything is written: what has no room need not be sent.
        let reserved = inner.quota.reserve(declared)?;
        let mut receiver = Self::new(inner);
        let mut coming = Coming::new(body, TRANSFER_TIME);
        while let Some(piece) = coming.next().await? {
            if let Err(refusal) = receiver.take(&piece).await {
                if !matches!(refusal, Refusal::Size) {
                    drop((receiver, reserved));
                    coming.pass_over(inner.options.max_size).await;
                }
                return Err(refusal);
            }
        }
        drop(reserved);
        receiver.finish().await
    }

    /// A file from bytes in memory.
    pub(super) async fn bytes(inner: &Arc<Inner>, bytes: Vec<u8>) -> Result<Upload, Refusal> {
        let mut receiver = Self::new(inner);
        receiver.grow(bytes.len())?;
        receiver.buffer = bytes;
        receiver.finish().await
    }

    fn grow(&mut self, by: usize) -> Result<(), Refusal> {
        self.size = self.size.saturating_add(by as u64);
        if self.size > self.inner.options.max_size {
            return Err(Refusal::Size);
        }
        Ok(())
    }

    async fn take(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.grow(piece.len())?;
        self.buffer.extend_from_slice(piece);
        if self.buffer.len() >= PIECE {
            let (draft, buffer) = self.write().await?;
            (self.draft, self.buffer) = (Some(draft), buffer);
        }
        Ok(())
    }

    /// Brings what was gathered to the disk; the emptied buffer comes back.
    async fn write(&mut self) -> Result<(Draft, Vec<u8>), Refusal> {
        let (draft, mut buffer) = (self.draft.take(), std::mem::take(&mut self.buffer));
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let mut draft = draft.map_or_else(|| Draft::create(&inner.incoming), Ok)?;
            draft.write(&buffer)?;
            buffer.clear();
            Ok((draft, buffer))
        })
        .await
    }

    async fn finish(mut self) -> Result<Upload, Refusal> {
        if self.size == 0 {
            return Err(Refusal::Size);
        }
        let (draft, _) = self.write().await?;
        let flush = self.inner.flush;
        blocking(move || draft.finish(flush)).await
    }
}

/// Runs something that blocks on the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| ContentError::from(error).into()),
        Err(_) => Err(Refusal::Lost),
    }
}
