//! Bodies that are read whole into memory: bounded in size, and in time, so that nobody keeps a place by sending nothing.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// How long a body may take: clients wait as long for an upload of ten megabytes.
const BODY_TIME: Duration = Duration::from_secs(120);

/// Why a body is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// It did not come in time, or broke off.
    BrokenOff,
}

/// A body of at most `max` bytes.
pub(crate) async fn whole(body: Body, max: usize) -> Result<Bytes, BodyError> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) | Err(_) => Err(BodyError::BrokenOff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_up_to_its_size_and_time() {
        assert_eq!(whole(Body::from("12345"), 5).await, Ok(Bytes::from("12345")));
        assert_eq!(whole(Body::from("123456"), 5).await, Err(BodyError::TooLarge));
        let silent = Body::from_stream(futures::stream::pending::<io::Result<Bytes>>());
        assert_eq!(whole(silent, 5).await, Err(BodyError::BrokenOff));
    }
}
