//! Deletes what has expired and what nobody owns.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use futures::StreamExt as _;

use super::Inner;
use super::StartError;
use holdfast_protocol::file::FileId;

/// How often expired files are deleted (spec/07-files-and-attachments.md §4.2).
const CLEAN_EVERY: Duration = Duration::from_secs(15);
/// After how many rounds files and bytes are counted again: every five minutes.
const COUNT_EVERY: u32 = 20;
/// After how many rounds bytes without a row are looked for: once a day.
const SWEEP_EVERY: u32 = 5_760;
/// Files marked at once.
const BATCH: u32 = 256;
/// After how many milliseconds a row that is still being written or deleted belongs to a process that died. Longer than
/// any call to a store takes.
const ABANDONED_MS: u64 = 10 * 60 * 1000;

/// Starts the background work.
pub(super) fn start(inner: &Arc<Inner>) {
    let mut tasks = inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
    tasks.spawn(run(Arc::downgrade(inner)));
}

async fn run(server: Weak<Inner>) {
    for round in 0_u32.. {
        let Some(inner) = server.upgrade() else { return };
        if round.is_multiple_of(SWEEP_EVERY)
            && let Err(error) = sweep_orphans(&inner).await
        {
            tracing::warn!(%error, "content without a row could not be swept");
        }
        if let Err(error) = delete_expired(&inner).await {
            tracing::warn!(%error, "expired files could not be deleted");
        }
        if round.is_multiple_of(COUNT_EVERY)
            && let Err(error) = count(&inner).await
        {
            tracing::warn!(%error, "files could not be counted");
        }
        drop(inner);
        tokio::time::sleep(CLEAN_EVERY).await;
    }
}

/// What a former process was writing or deleting when it ended, if nobody else can be at it; then the count.
pub(super) async fn clean_up_after_former(inner: &Inner) -> Result<(), StartError> {
    if inner.records.is_exclusive() {
        delete(inner, inner.now()).await?;
    }
    count(inner).await
}

/// Deletes every file that has expired, and what was abandoned long ago.
pub(super) async fn delete_expired(inner: &Inner) -> Result<(), StartError> {
    delete(inner, inner.now().saturating_sub(ABANDONED_MS)).await
}

async fn delete(inner: &Inner, abandoned: u64) -> Result<(), StartError> {
    let mut deleted = 0_u64;
    loop {
        let ids = inner.records.take_expired(inner.now(), abandoned, BATCH).await?;
        let complete = ids.len() < BATCH as usize;
        for id in ids {
            delete_marked(inner, id).await?;
            deleted += 1;
        }
        if complete {
            break;
        }
    }
    if deleted > 0 {
        inner.metrics.deleted.add(deleted);
        tracing::debug!(deleted, "expired files are deleted");
        count(inner).await?;
    }
    Ok(())
}

/// The second and third step for a file that is marked.
async fn delete_marked(inner: &Inner, id: FileId) -> Result<(), StartError> {
    inner.content.delete(id.clone()).await?;
    Ok(inner.records.forget(id).await?)
}

/// Removes bytes that no row knows: a database was lost or put back, or somebody copied files into the store.
pub(super) async fn sweep_orphans(inner: &Inner) -> Result<(), StartError> {
    let mut listed = inner.content.list();
    let mut swept = 0_u64;
    while let Some(ids) = listed.next().await {
        for id in inner.records.unknown(ids?).await? {
            // The mark is set only if there is still no row: an upload of the same file waits for us, or we leave it be.
            if inner.records.take_orphan(id.clone(), inner.now()).await? {
                delete_marked(inner, id).await?;
                swept += 1;
            }
        }
    }
    if swept > 0 {
        tracing::warn!(swept, "content without a row is deleted");
    }
    Ok(())
}

/// Takes the sums from the database.
async fn count(inner: &Inner) -> Result<(), StartError> {
    inner.quota.set(inner.records.totals().await?);
    Ok(())
}
