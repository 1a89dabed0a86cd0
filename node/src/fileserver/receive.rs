//! Takes bodies in, within limits of size and time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use super::Inner;
use super::content::ContentError;
use super::store::Refusal;
use super::upload::{Draft, Upload};

/// How long a client may send nothing, or take nothing.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// How long a whole transfer may take, in either direction: 10 MB over the slowest lines that are in use.
pub(super) const TRANSFER_TIME: Duration = Duration::from_secs(600);
/// Bytes gathered before the disk gets them: what one upload holds in memory.
const PIECE: usize = 128 * 1024;

/// A body that comes piece by piece, and must have come by some time.
struct Coming {
    body: Body,
    until: Instant,
}

impl Coming {
    fn new(body: Body, time: Duration) -> Self {
        Self {
            body,
            until: Instant::now() + time,
        }
    }

    /// The next piece; nothing at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let until = self.until.min(Instant::now() + SILENCE);
            let frame = tokio::time::timeout_at(until, self.body.frame())
                .await
                .map_err(|_| Refusal::TooSlow)?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(Refusal::Malformed),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}

impl Coming {
    /// Takes the rest of a body that is no larger than allowed, and forgets it: a client that is cut off while it sends often
    /// does not read why.
    async fn pass_over(&mut self, max: u64) {
        let mut left = max;
        while let Ok(Some(piece)) = self.next().await {
            match left.checked_sub(piece.len() as u64) {
                Some(less) => left = less,
                None => return,
            }
        }
    }
}

/// A whole body in memory, of at most `max` bytes.
pub(super) async fn whole(
    body: Body,
    declared: Option<u64>,
    max: usize,
    time: Duration,
) -> Result<Vec<u8>, Refusal> {
    let expected = declared
        .map_or(Ok(0), usize::try_from)
        .map_err(|_| Refusal::Size)?;
    if expected > max {
        return Err(Refusal::Size);
    }
    let mut bytes = Vec::with_capacity(expected);
    let mut coming = Coming::new(body, time);
    while let Some(piece) = coming.next().await? {
        if piece.len() > max.saturating_sub(bytes.len()) {
            return Err(Refusal::Size);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

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
