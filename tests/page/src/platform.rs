//! What the app's adapters use of its module of that name.

#[path = "../../../app/src/platform/errors.rs"]
mod errors;

pub(crate) use errors::error_text;
