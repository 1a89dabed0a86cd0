//! Which releases of the apps are the latest, as the operator says in a file (spec/07-files-and-attachments.md §3.6). The
//! file is read whenever somebody asks, so that a new release needs no restart.
//!
//! Apps may sign their question, so that a server can count installations. Nobody is counted here, and nothing is checked.

use std::path::PathBuf;

use serde_json::{Map, Value};

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

/// The answer's JSON.
pub(super) async fn latest(file: Option<PathBuf>, platform: Platform) -> Result<Vec<u8>, Refusal> {
    let file = file.ok_or(Refusal::Missing)?;
    let read = tokio::task::spawn_blocking(move || crate::files::read_capped(&file, MAX_FILE));
    let Ok(Ok(Some(text))) = read.await else {
        tracing::warn!("the file of releases cannot be read, or is too large");
        return Err(Refusal::NoRelease);
    };
    let Ok(mut platforms) = serde_json::from_slice::<Map<String, Value>>(&text) else {
        tracing::warn!("the file of releases is no JSON object");
        return Err(Refusal::NoRelease);
    };
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
