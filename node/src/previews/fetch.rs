//! Visiting sites on somebody else's behalf: only the internet, only what is asked, and no site too often.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::http::header;
use bytes::Bytes;
use holdfast_protocol::file::lookup::MAX_IMAGE;
use tokio::time::Instant;
use url::Url;

use super::{Inner, page};
use crate::net::client::{Begun, CallError};

/// How much of a page is read, bytes. What is looked for stands at its beginning; pages of shops put much before it.
const MAX_PAGE: usize = 768 * 1024;
/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Times that a site may send elsewhere.
const MAX_REDIRECTS: usize = 5;
/// What a page may be.
const PAGE_TYPES: &str = "text/html,application/xhtml+xml,image/*;q=0.8";
/// What a picture may be.
const PICTURE_TYPES: &str = "image/jpeg,image/png,image/webp,image/gif";
/// Requests to one site at once, and how soon one more is allowed: a person's clicks, and not enough to harm anybody.
const BURST: f64 = 12.0;
/// See [`BURST`].
const PER_SECOND: f64 = 0.5;
/// Sites told apart at once; beyond it new ones are refused.
const MAX_HOSTS: usize = 10_000;

/// Why there is nothing to say of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request is none.
    Malformed,
    /// It leads where nobody may be sent.
    Forbidden,
    /// There are too many requests, or too many to this site.
    Busy,
    /// The site did not answer, or not with a page.
    Unreachable,
}

impl Refusal {
    /// The status of the answer.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Forbidden => 403,
            Self::Busy => 429,
            Self::Unreachable => 502,
        }
    }
}

/// What was got, and from where in the end.
pub(super) struct Got {
    pub(super) url: Url,
    pub(super) bytes: Bytes,
    pub(super) content_type: Option<String>,
    /// There was no more of it.
    pub(super) whole: bool,
}

impl Inner {
    /// The beginning of a page.
    pub(super) async fn page(&self, url: &str) -> Result<Got, Refusal> {
        let url = Url::parse(url).map_err(|_| Refusal::Malformed)?;
        // A picture that the link itself leads to is taken as well.
        self.follow(url, PAGE_TYPES, MAX_PAGE.max(MAX_IMAGE)).await
    }

    /// A picture, whole.
    pub(super) async fn picture(&self, url: &Url) -> Result<Vec<u8>, Refusal> {
        let got = self.follow(url.clone(), PICTURE_TYPES, MAX_IMAGE).await?;
        if got.whole && page::is_picture(&got.bytes) {
            Ok(got.bytes.to_vec())
        } else {
            Err(Refusal::Unreachable)
        }
    }

    /// Goes where a site sends, some times. Each step is checked as the first one is.
    async fn follow(&self, url: Url, accept: &'static str, max: usize) -> Result<Got, Refusal> {
        let mut url = url;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let Begun {
                status,
                headers,
                bytes,
                whole,
            } = self
                .client
                .get_start(url.as_str(), accept, max, TIMEOUT)
                .await
                .map_err(|error| match error {
                    CallError::Forbidden => Refusal::Forbidden,
                    _ => Refusal::Unreachable,
                })?;
            let text = |name| {
                headers
                    .get(name)
                    .and_then(|value: &::http::HeaderValue| value.to_str().ok())
            };
            match status {
                200 => {
                    return Ok(Got {
                        content_type: text(header::CONTENT_TYPE).map(str::to_owned),
                        url,
                        bytes,
                        whole,
                    });
                }
                301 | 302 | 303 | 307 | 308 => {
                    let to = text(header::LOCATION).ok_or(Refusal::Unreachable)?;
                    url = url.join(to).map_err(|_| Refusal::Unreachable)?;
                }
                _ => return Err(Refusal::Unreachable),
            }
        }
        Err(Refusal::Unreachable)
    }

    /// Encrypted connections to the usual port only, so that the helper can't be made to try doors elsewhere; and not
    /// too often to one site.
    fn check(&self, url: &Url) -> Result<(), Refusal> {
        let usual = url.port_or_known_default() == Some(443);
        let plain = url.username().is_empty() && url.password().is_none();
        let host = url.host_str().ok_or(Refusal::Forbidden)?;
        if url.scheme() != "https" || !plain || !(usual || self.local_network) {
            return Err(Refusal::Forbidden);
        }
        if self.hosts.admit(host) {
            Ok(())
        } else {
            Err(Refusal::Busy)
        }
    }
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

/// How often each site was visited lately. In memory only, and only for as long as it matters.
#[derive(Default)]
pub(super) struct Hosts(Mutex<HashMap<String, Bucket>>);

impl Hosts {
    /// Whether a site may be visited once more.
    pub(super) fn admit(&self, host: &str) -> bool {
        let now = Instant::now();
        let refilled = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.tokens + since * PER_SECOND).min(BURST)
        };
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_HOSTS && !buckets.contains_key(host) {
            buckets.retain(|_, bucket| refilled(bucket) < BURST);
            if buckets.len() >= MAX_HOSTS {
                return false;
            }
        }
        let bucket = buckets.entry(host.to_owned()).or_insert(Bucket {
            tokens: BURST,
            at: now,
        });
        let tokens = refilled(bucket);
        *bucket = Bucket {
            tokens: (tokens - 1.0).max(0.0),
            at: now,
        };
        tokens >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_site_is_not_visited_too_often() {
        let hosts = Hosts::default();
        let admitted = (0..100).filter(|_| hosts.admit("example.org")).count();
        assert_eq!(admitted, BURST as usize);
        assert!(hosts.admit("example.com"), "each site has its own");
        tokio::time::advance(Duration::from_secs_f64(1.0 / PER_SECOND)).await;
        assert!(hosts.admit("example.org"));
        assert!(!hosts.admit("example.org"));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_for_sites_is_bounded() {
        let hosts = Hosts::default();
        for n in 0..MAX_HOSTS {
            assert!(hosts.admit(&format!("{n}.example")));
        }
        assert!(!hosts.admit("one-more.example"));
        tokio::time::advance(Duration::from_secs_f64(2.0 / PER_SECOND)).await;
        assert!(hosts.admit("one-more.example"), "those that are quiet make room");
    }
}
