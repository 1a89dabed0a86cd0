//! Bodies that come in: bounded in size, and in time, so that nobody keeps a place by sending nothing.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::time::Instant;

/// How long a body may take: clients wait as long for an upload of ten megabytes.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(120);
/// How long a client may send nothing, or take nothing.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// Why a body is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is longer than allowed.
    #[error("request body too large")]
    TooLarge,
    /// It did not come in time.
    #[error("request body too slow")]
    TooSlow,
    /// It broke off.
    #[error("request body broken off")]
    BrokenOff,
}

impl BodyError {
    /// The answer's status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenOff => StatusCode::BAD_REQUEST,
        }
    }
}

/// A body that comes piece by piece, and must have come by some time.
pub(crate) struct Coming {
    body: Body,
    until: Instant,
}

impl Coming {
    pub(crate) fn new(body: Body, time: Duration) -> Self {
        Self {
            body,
            until: Instant::now() + time,
        }
    }

    /// The next piece; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let until = self.until.min(Instant::now() + SILENCE);
            let frame = tokio::time::timeout_at(until, self.body.frame())
                .await
                .map_err(|_| BodyError::TooSlow)?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(BodyError::BrokenOff),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// Takes the rest of a body that is no larger than allowed, and forgets it: a client that is cut off while it sends often
    /// does not read why.
    pub(crate) async fn pass_over(&mut self, max: u64) {
        let mut left = max;
        while let Ok(Some(piece)) = self.next().await {
            match left.checked_sub(piece.len() as u64) {
                Some(less) => left = less,
                None => return,
            }
        }
    }
}

/// A whole body in memory, of at most `max` bytes, within `time`. Room for as many as are `declared` is made beforehand, for
/// whoever has counted them.
pub(crate) async fn whole(
    body: Body,
    declared: Option<u64>,
    max: usize,
    time: Duration,
) -> Result<Bytes, BodyError> {
    let expected = declared
        .map_or(Ok(0), usize::try_from)
        .map_err(|_| BodyError::TooLarge)?;
    if expected > max {
        return Err(BodyError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(expected);
    let mut coming = Coming::new(body, time);
    while let Some(piece) = coming.next().await? {
        if piece.len() > max.saturating_sub(bytes.len()) {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::io;

    async fn read(body: Body) -> Result<Bytes, BodyError> {
        whole(body, None, 5, BODY_TIME).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_up_to_its_size() {
        assert_eq!(read(Body::from("12345")).await, Ok(Bytes::from("12345")));
        assert_eq!(read(Body::from("123456")).await, Err(BodyError::TooLarge));
        let pieces: [io::Result<&str>; 2] = [Ok("123"), Ok("456")];
        let pieces = Body::from_stream(stream::iter(pieces));
        assert_eq!(read(pieces).await, Err(BodyError::TooLarge));
        let declared = whole(Body::from("1"), Some(6), 5, BODY_TIME).await;
        assert_eq!(declared, Err(BodyError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_must_come_and_end_in_time() {
        let silent = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        assert_eq!(read(silent).await, Err(BodyError::TooSlow));
        let dripping = Body::from_stream(stream::unfold((), |()| async {
            tokio::time::sleep(SILENCE / 2).await;
            Some((Ok::<_, io::Error>(Bytes::new()), ()))
        }));
        assert_eq!(read(dripping).await, Err(BodyError::TooSlow));
        let broken: [io::Result<&str>; 2] = [Ok("123"), Err(io::Error::other("gone"))];
        let broken = Body::from_stream(stream::iter(broken));
        assert_eq!(read(broken).await, Err(BodyError::BrokenOff));
    }
}
