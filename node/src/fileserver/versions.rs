//! Which releases of the apps are the latest, as the operator says in a file (spec/07-files-and-attachments.md §3.6). The
//! file is read whenever somebody asks, so that a new release needs no restart. The log hears of a bad one when it changed.
//!
//! Apps may sign their question, so that a server can count installations. Nobody is counted here, and nothing is checked.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::Inner;
use super::store::Refusal;

/// Where releases are asked about, without the slash in front.
pub(super) const PATH: &str = "session_version";
/// The largest file that is read, bytes: three releases with their notes.
const MAX_FILE: usize = 256 * 1024;

/// What an app runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    Desktop,
    Android,
    Ios,
}

impl Platform {
    /// The platform that a query names, if there is an app for it.
    pub(super) fn asked_about(query: &str) -> Option<Self> {
        let name = query.split('&').find_map(|part| part.strip_prefix("platform="))?;
        [Self::Desktop, Self::Android, Self::Ios]
            .into_iter()
            .find(|platform| platform.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }
}

/// What is wrong with a state of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trouble {
    /// When the file was changed last; nothing if that can't be told, as where there is none.
    changed: Option<SystemTime>,
    why: &'static str,
}

/// The operator's file.
pub(super) struct Releases {
    file: PathBuf,
    /// What the log has heard of last, for as long as it is so.
    logged: Mutex<Option<Trouble>>,
}

impl Releases {
    pub(super) fn new(file: PathBuf) -> Self {
        Self {
            file,
            logged: Mutex::new(None),
        }
    }

    /// All that the file says now.
    fn read(&self) -> Result<Map<String, Value>, Refusal> {
        // Asked first: a file that is changed meanwhile is logged once too often rather than never.
        let changed = std::fs::metadata(&self.file).and_then(|about| about.modified());
        let read: Result<_, &'static str> = match crate::files::read_capped(&self.file, MAX_FILE) {
            Ok(Some(text)) => {
                serde_json::from_slice(&text).map_err(|_| "the file of releases is no JSON object")
            }
            Ok(None) | Err(_) => Err("the file of releases cannot be read, or is too large"),
        };
        let trouble = read.as_ref().err().map(|&why| Trouble {
            changed: changed.ok(),
            why,
        });
        if let Some(news) = self.news(trouble) {
            tracing::warn!("{}", news.why);
        }
        read.map_err(|_| Refusal::NoRelease)
    }

    /// The trouble, if the log has not heard of it.
    fn news(&self, trouble: Option<Trouble>) -> Option<Trouble> {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::replace(&mut *logged, trouble);
        trouble.filter(|_| known != trouble)
    }
}

/// The answer's JSON.
pub(super) async fn latest(inner: &Arc<Inner>, platform: Platform) -> Result<Vec<u8>, Refusal> {
    let server = Arc::clone(inner);
    let read = tokio::task::spawn_blocking(move || server.releases.as_ref().map(Releases::read));
    let read = read.await.map_err(|_| Refusal::NoRelease)?;
    let mut platforms = read.ok_or(Refusal::Missing)??;
    let release = platforms.remove(platform.name());
    release.and_then(told).ok_or(Refusal::NoRelease)
}

/// A release as it is told: all that stands there of it, where that is what every app needs.
fn told(release: Value) -> Option<Vec<u8>> {
    let Value::Object(mut release) = release else {
        return None;
    };
    let named = release.get("result").is_some_and(Value::is_string);
    let dated = release.get("updated").is_some_and(Value::is_number);
    if !named || !dated {
        return None;
    }
    release.insert("status_code".to_owned(), Value::from(200));
    serde_json::to_vec(&release).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_hears_of_a_bad_file_once_until_it_changes() {
        let releases = Releases::new("releases.json".into());
        let bad = |changed: Option<SystemTime>| Some(Trouble { changed, why: "bad" });
        let (first, later) = (Some(SystemTime::UNIX_EPOCH), Some(SystemTime::now()));
        for (trouble, news) in [
            (bad(None), true),
            (bad(None), false),
            (bad(first), true),
            (bad(first), false),
            (bad(later), true),
            (bad(later), false),
            (None, false),
            (bad(later), true),
        ] {
            assert_eq!(releases.news(trouble).is_some(), news, "{trouble:?}");
        }
    }

    #[test]
    fn a_query_names_one_of_three_apps() {
        for (query, platform) in [
            ("platform=desktop", Some(Platform::Desktop)),
            ("release_channel=alpha&platform=android", Some(Platform::Android)),
            ("platform=ios&platform=desktop", Some(Platform::Ios)),
            ("platform=web", None),
            ("platform", None),
            ("", None),
        ] {
            assert_eq!(Platform::asked_about(query), platform, "{query}");
        }
    }

    #[test]
    fn a_release_without_number_or_time_is_none() {
        let release = |json: &str| told(serde_json::from_str(json).unwrap());
        let whole = release(r#"{"result":"1.2.3","updated":5,"notes":"new"}"#).unwrap();
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(
            whole,
            serde_json::json!({"status_code": 200, "result": "1.2.3", "updated": 5, "notes": "new"})
        );
        for json in [
            r#"{"result":"1.2.3"}"#,
            r#"{"updated":5}"#,
            r#"{"result":1,"updated":5}"#,
            r#""1.2.3""#,
        ] {
            assert!(release(json).is_none(), "{json}");
        }
    }
}
