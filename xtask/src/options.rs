//! The options of `cargo xtask up`.

use std::path::PathBuf;

use crate::paths;
use crate::progress::Outcome;

/// The port of the app when none is asked for.
const DEFAULT_PORT: u16 = 8080;
/// Two swarms of four.
pub(crate) const DEFAULT_NODES: u16 = 8;

/// What `up` was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Port of the app and the gateway on loopback.
    pub(crate) port: u16,
    /// Folder of keys, ports and databases.
    pub(crate) data: PathBuf,
    /// Number of storage nodes.
    pub(crate) nodes: u16,
    /// Print one JSON object first.
    pub(crate) json: bool,
    /// Serve a page of somebody else's that shows the chat.
    pub(crate) demo: bool,
    /// Try everything on free ports and a temporary folder, then end.
    pub(crate) check: bool,
}

impl Options {
    /// Reads the words after `up`.
    pub(crate) fn parse(words: &[String]) -> Outcome<Self> {
        let mut options = Self {
            port: DEFAULT_PORT,
            data: paths::root().join(".data"),
            nodes: DEFAULT_NODES,
            json: false,
            demo: false,
            check: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, joined) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let mut value = || {
                joined
                    .clone()
                    .or_else(|| words.next().cloned())
                    .ok_or(format!("{name} needs a value"))
            };
            match name {
                "--port" => options.port = number(name, &value()?)?,
                "--nodes" => options.nodes = number(name, &value()?)?,
                "--data" => options.data = PathBuf::from(value()?),
                "--json" => options.json = true,
                "--demo" => options.demo = true,
                "--check" => options.check = true,
                _ => return Err(format!("unknown option {word}")),
            }
        }
        Ok(options)
    }
}

/// A number that fits a port or a count.
fn number(name: &str, value: &str) -> Outcome<u16> {
    value
        .parse()
        .map_err(|_| format!("{name} wants a number from 0 to 65535, not `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Outcome<Options> {
        Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn both_spellings_of_a_value_are_read() {
        let options = parse(&[
            "--port",
            "9000",
            "--nodes=4",
            "--data=elsewhere",
            "--json",
            "--demo",
        ])
        .unwrap();
        assert_eq!(
            (
                options.port,
                options.nodes,
                options.json,
                options.demo,
                options.check
            ),
            (9000, 4, true, true, false)
        );
        assert_eq!(options.data, PathBuf::from("elsewhere"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parse(&["--port"]).unwrap_err(), "--port needs a value");
        assert!(parse(&["--port", "70000"]).unwrap_err().contains("70000"));
        assert_eq!(parse(&["--fast"]).unwrap_err(), "unknown option --fast");
    }
}
