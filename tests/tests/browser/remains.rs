//! What a browser of a test left on the disk, and the search through it.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::driver::Browser;

/// What a page keeps to show that a search finds what pages keep.
const CONTROL: &str = "a control puffin";

impl Browser {
    /// Ends the browser as [`Browser::quit`] does, after its page kept what [`Remains::hold_none_of`] has to find.
    pub(crate) async fn quit_to_search(self) -> Remains {
        let keep = format!("localStorage.setItem('control', '{CONTROL}')");
        self.script(&keep).await;
        self.quit().await
    }
}

/// What a browser left behind.
pub(crate) struct Remains {
    profile: TempDir,
    logs: TempDir,
}

impl Remains {
    /// A profile folder, and the folder with the log of the network.
    pub(crate) fn new(profile: TempDir, logs: TempDir) -> Remains {
        Remains { profile, logs }
    }

    /// Makes sure that no file of the profile holds one of the secrets, in UTF-8, UTF-16 or as it is; and that the search
    /// for them finds what a page kept. Only after [`Browser::quit_to_search`].
    pub(crate) fn hold_none_of(&self, secrets: &[Vec<u8>]) {
        let control = self.files_with(&[CONTROL.as_bytes().to_vec()]);
        assert!(!control.is_empty(), "the search does not find what the page kept");
        assert_eq!(self.files_with(secrets), Vec::<String>::new());
    }

    /// Every file of the profile in which one of the texts occurs.
    fn files_with(&self, secrets: &[Vec<u8>]) -> Vec<String> {
        let needles: Vec<Vec<u8>> = secrets
            .iter()
            .flat_map(|secret| {
                let wide = std::str::from_utf8(secret)
                    .ok()
                    .map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
                [Some(secret.clone()), wide].into_iter().flatten()
            })
            .collect();
        let mut found = Vec::new();
        visit(self.profile.path(), &mut |file, bytes| {
            for needle in &needles {
                if contains(bytes, needle) {
                    let name = file.strip_prefix(self.profile.path()).unwrap_or(file);
                    found.push(format!(
                        "{} holds “{}”",
                        name.display(),
                        String::from_utf8_lossy(needle)
                    ));
                }
            }
        });
        found
    }

    /// Whether `look` finds something in a file of the origin's databases.
    pub(crate) fn in_databases(&self, look: impl Fn(&[u8]) -> bool) -> bool {
        let mut found = false;
        visit(self.profile.path(), &mut |file, content| {
            found |= file.to_string_lossy().contains("IndexedDB") && look(content);
        });
        found
    }

    /// How many bytes the origin's databases take.
    pub(crate) fn database_bytes(&self) -> usize {
        let mut bytes = 0;
        visit(self.profile.path(), &mut |file, content| {
            if file.to_string_lossy().contains("IndexedDB") {
                bytes += content.len();
            }
        });
        bytes
    }

    /// Every address that pages, workers and what they load asked for, from the browser's own log of its network.
    pub(crate) fn requested(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.logs.path().join("net.json")).expect("the network log");
        // One event on a line; a log that was cut off misses only its end.
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.trim_end_matches(',')).ok())
            .filter_map(|event| {
                let parameters = event.get("params")?;
                // What the browser does for itself has no page that initiated it.
                parameters
                    .get("initiator")?
                    .as_str()
                    .filter(|who| who.starts_with("http"))?;
                Some(parameters.get("url")?.as_str()?.to_owned())
            })
            .collect()
    }
}

fn visit(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, look);
        } else if let Ok(bytes) = std::fs::read(&path) {
            look(&path, &bytes);
        }
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    needle.first().is_some_and(|first| {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| byte == first) {
            rest = rest.get(at..).unwrap_or_default();
            if rest.starts_with(needle) {
                return true;
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        false
    })
}
