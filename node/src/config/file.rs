//! The configuration file: options of the command line, in JSON.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde_json::{Map, Value};

use super::ConfigError;

/// The option that names a file.
const OPTION: &str = "--config";

/// Puts the options of a file where `--config FILE` or `--config=FILE` names it.
pub(super) fn expand(args: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>, ConfigError> {
    let mut out = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let joined = arg
            .to_str()
            .and_then(|text| text.strip_prefix(OPTION)?.strip_prefix('='));
        if let Some(file) = joined {
            out.extend(options_in(file.as_ref())?);
        } else if arg == OPTION {
            let file = args
                .next()
                .ok_or_else(|| ConfigError::File("--config names none".to_owned()))?;
            out.extend(options_in(&file)?);
        } else {
            out.push(arg);
        }
    }
    Ok(out)
}

/// The options in a file, as the command line writes them.
fn options_in(file: &OsStr) -> Result<Vec<OsString>, ConfigError> {
    let file = Path::new(file);
    let failed = |why: &dyn std::fmt::Display| ConfigError::File(format!("{}: {why}", file.display()));
    let text = std::fs::read(file).map_err(|error| failed(&error))?;
    let object: Map<String, Value> = serde_json::from_slice(&text).map_err(|error| failed(&error))?;
    let mut out = Vec::new();
    for (name, value) in object {
        let values = match value {
            Value::Array(list) => list,
            single => vec![single],
        };
        for value in values {
            match value {
                Value::Bool(true) => out.push(format!("--{name}").into()),
                Value::Bool(false) => {}
                Value::String(text) => out.push(format!("--{name}={text}").into()),
                Value::Number(number) => out.push(format!("--{name}={number}").into()),
                _ => return Err(failed(&format!("{name} has a value of no use"))),
            }
        }
    }
    Ok(out)
}
