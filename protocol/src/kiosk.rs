//! `kiosk.json`: what an operator allows at a computer that many people use one after the other
//! (`spec/12-client-behaviour.md §12.2`).
//!
//! The server reads it when it starts and refuses to run with a wrong one; the page reads it again and, should it be
//! wrong there, begins no session at all. A field that is not known is refused rather than passed over: a misspelt
//! restriction would restrict nothing.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::account::{Id, IdError};
use crate::json::{JsonLimit, check_limits};
use crate::message::name::clean_display_name;

/// The file's form that this version reads.
pub const VERSION: u32 = 1;
/// Longest file, bytes.
pub const MAX_SIZE: usize = 64 * 1024;
/// Most people that can be named: each is a button on the start page.
pub const MAX_CONTACTS: usize = 50;
/// Most languages.
pub const MAX_LANGUAGES: usize = 32;
/// Longest name of the logo's file, bytes.
pub const MAX_LOGO_NAME: usize = 100;

/// How long nothing may happen before the countdown, seconds (`§12.2`, rule 3).
const IDLE: Bounds = Bounds::new("idle_seconds", 30, 600);
/// How long the page may be out of sight, seconds. A day would be the same as never.
const HIDDEN: Bounds = Bounds::new("hidden_seconds", 10, 3_600);
/// How long a session may take, minutes.
const TOTAL: Bounds = Bounds::new("total_minutes", 2, 24 * 60);
/// What one extension adds to it, minutes.
const EXTENSION: Bounds = Bounds::new("extension_minutes", 1, 24 * 60);
/// How old messages may be, days. No node keeps one longer.
const RECENT: Bounds = Bounds::new("recent_days", 1, 14);
/// How often it can be extended.
const EXTENSIONS: Bounds = Bounds::new("extensions", 0, 100);

/// Why a `kiosk.json` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KioskError {
    /// It is too long or too deeply nested.
    #[error("it is {0}")]
    Limit(#[from] JsonLimit),
    /// It is no JSON, a field has another type than it should, or is not known.
    #[error("it can't be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It is written for another version of this program.
    #[error("its \"version\" is {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// A number is out of its bounds.
    #[error("\"{field}\" must be from {low} to {high}")]
    Range {
        /// The field.
        field: &'static str,
        /// The least value.
        low: u32,
        /// The greatest value.
        high: u32,
    },
    /// The name of the place, or of somebody, is empty or takes more than 100 bytes.
    #[error("a \"name\" must have from 1 to 100 bytes")]
    Name,
    /// Somebody's Account ID is none.
    #[error("\"contacts\": entry {number} has no Account ID that can be written to: {why}")]
    Contact {
        /// Which of them, counted from one.
        number: usize,
        /// What is wrong with it.
        why: IdError,
    },
    /// Somebody is there twice.
    #[error("\"contacts\": entry {0} has the Account ID of an earlier one")]
    Twice(usize),
    /// There are too many of something.
    #[error("\"{field}\" may have up to {most} entries")]
    TooMany {
        /// The field.
        field: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Only contacts can be written to, and nobody can have any.
    #[error(
        "\"contacts_only\" leaves nobody to write to: \"allow\" \"restore\" or \"transfer\", or name \"contacts\""
    )]
    Nobody,
    /// A language is none, or the one to begin with is not among those offered.
    #[error("\"languages\" takes tags such as \"en\", each once, and \"language\" one of them")]
    Language,
    /// The logo is not a file beside `kiosk.json`.
    #[error("\"logo\" must be the plain name of a file beside kiosk.json")]
    Logo,
}

/// A number's bounds.
struct Bounds {
    field: &'static str,
    low: u32,
    high: u32,
}

impl Bounds {
    const fn new(field: &'static str, low: u32, high: u32) -> Self {
        Self { field, low, high }
    }

    /// What was given, or the usual value where nothing was.
    fn check(&self, given: Option<u32>, usual: u32) -> Result<u32, KioskError> {
        let value = given.unwrap_or(usual);
        if (self.low..=self.high).contains(&value) {
            Ok(value)
        } else {
            Err(KioskError::Range {
                field: self.field,
                low: self.low,
                high: self.high,
            })
        }
    }
}

/// Something that is not allowed unless the operator says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Open an account that exists, by its recovery phrase.
    Restore,
    /// Open an account that exists, by having another device give it.
    Transfer,
    /// Send photos and files.
    SendFiles,
    /// Write received files to the computer's disk, after a warning.
    SaveFiles,
    /// Record voice messages.
    Voice,
    /// See the own Account ID, to give it to somebody.
    AccountId,
    /// Have the browser print what is on the screen.
    Print,
}

/// Light, dark, or what the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// What the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// Somebody who can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Their account.
    pub id: Id,
    /// How the operator calls them.
    pub name: String,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long nothing may happen before the countdown, seconds.
    pub idle_seconds: u32,
    /// How long the page may be out of sight, seconds.
    pub hidden_seconds: u32,
    /// How long a session may take, minutes.
    pub total_minutes: u32,
    /// What one extension adds, minutes.
    pub extension_minutes: u32,
    /// How often it can be extended.
    pub extensions: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_seconds: 60,
            hidden_seconds: 120,
            total_minutes: 30,
            extension_minutes: 15,
            // Ten times is what WCAG 2.2.1 asks for.
            extensions: 10,
        }
    }
}

/// What an operator allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kiosk {
    /// The name of the place, on the start page.
    pub name: Option<String>,
    /// The name of a picture's file beside `kiosk.json`.
    pub logo: Option<String>,
    /// Light or dark.
    pub theme: Theme,
    /// Tags of the languages that can be chosen; empty for all.
    pub languages: Vec<String>,
    /// The language that a session begins in; the browser's if none.
    pub language: Option<String>,
    /// The only people who can be written to; empty for anybody, unless `contacts_only`.
    pub contacts: Vec<Contact>,
    /// The contacts that an opened account has already can be written to too, and nobody else.
    pub contacts_only: bool,
    /// What is allowed.
    pub allow: BTreeSet<Feature>,
    /// How long things may take.
    pub limits: Limits,
    /// The page shows a keyboard of its own.
    pub keyboard: bool,
    /// What is read here stays unread on the account's other devices.
    pub leave_unread: bool,
    /// Messages of more days ago are not taken; all are for none.
    pub recent_days: Option<u32>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[allow(dead_code, reason = "read before the other fields, by `Version`")]
    version: u32,
    name: Option<String>,
    logo: Option<String>,
    #[serde(default)]
    theme: Theme,
    #[serde(default)]
    languages: Vec<String>,
    language: Option<String>,
    #[serde(default)]
    contacts: Vec<RawContact>,
    #[serde(default)]
    contacts_only: bool,
    #[serde(default)]
    allow: Vec<Feature>,
    idle_seconds: Option<u32>,
    hidden_seconds: Option<u32>,
    total_minutes: Option<u32>,
    extension_minutes: Option<u32>,
    extensions: Option<u32>,
    #[serde(default)]
    keyboard: bool,
    #[serde(default)]
    leave_unread: bool,
    recent_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContact {
    id: String,
    name: String,
}

/// What is read first: another version may have other fields.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Kiosk {
    /// Reads a `kiosk.json`.
    ///
    /// # Errors
    /// What is wrong with it, in words for the operator.
    pub fn read(text: &[u8]) -> Result<Self, KioskError> {
        check_limits(text, MAX_SIZE)?;
        let Version { version } = serde_json::from_slice(text)?;
        if version != VERSION {
            return Err(KioskError::Version(version));
        }
        let raw: Raw = serde_json::from_slice(text)?;
        let usual = Limits::default();
        let kiosk = Self {
            name: raw.name.as_deref().map(clean_name).transpose()?,
            logo: raw.logo.map(plain_file).transpose()?,
            theme: raw.theme,
            language: raw
                .language
                .map(|tag| begin_in(tag, &raw.languages))
                .transpose()?,
            languages: tags(raw.languages)?,
            contacts: people(raw.contacts)?,
            contacts_only: raw.contacts_only,
            allow: raw.allow.into_iter().collect(),
            limits: Limits {
                idle_seconds: IDLE.check(raw.idle_seconds, usual.idle_seconds)?,
                hidden_seconds: HIDDEN.check(raw.hidden_seconds, usual.hidden_seconds)?,
                total_minutes: TOTAL.check(raw.total_minutes, usual.total_minutes)?,
                extension_minutes: EXTENSION.check(raw.extension_minutes, usual.extension_minutes)?,
                extensions: EXTENSIONS.check(raw.extensions, usual.extensions)?,
            },
            keyboard: raw.keyboard,
            leave_unread: raw.leave_unread,
            recent_days: raw
                .recent_days
                .map(|days| RECENT.check(Some(days), days))
                .transpose()?,
        };
        let opens = kiosk.allows(Feature::Restore) || kiosk.allows(Feature::Transfer);
        if kiosk.takes_new_accounts() || opens {
            Ok(kiosk)
        } else {
            Err(KioskError::Nobody)
        }
    }

    /// Whether something is allowed.
    pub fn allows(&self, feature: Feature) -> bool {
        self.allow.contains(&feature)
    }

    /// How the operator calls somebody.
    pub fn contact_name(&self, id: &Id) -> Option<&str> {
        self.contacts
            .iter()
            .find(|contact| contact.id == *id)
            .map(|contact| contact.name.as_str())
    }

    /// Whether it is said who can be written to: by their names, or as the contacts of the account.
    pub fn names_people(&self) -> bool {
        self.contacts_only || !self.contacts.is_empty()
    }

    /// Whether a new account has anybody to write to.
    pub fn takes_new_accounts(&self) -> bool {
        !self.contacts_only || !self.contacts.is_empty()
    }

    /// Whether somebody can be written to. `is_contact` says whether the account has them as a contact already.
    pub fn may_write_to(&self, id: &Id, is_contact: impl FnOnce() -> bool) -> bool {
        !self.names_people() || self.contact_name(id).is_some() || (self.contacts_only && is_contact())
    }

    /// Whether a language can be chosen.
    pub fn offers(&self, tag: &str) -> bool {
        self.languages.is_empty() || self.languages.iter().any(|offered| offered == tag)
    }
}

fn clean_name(name: &str) -> Result<String, KioskError> {
    clean_display_name(name).map_err(|_| KioskError::Name)
}

/// A plain name: it can't lead out of the folder.
fn plain_file(name: String) -> Result<String, KioskError> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if plain && (1..=MAX_LOGO_NAME).contains(&name.len()) && !name.starts_with('.') {
        Ok(name)
    } else {
        Err(KioskError::Logo)
    }
}

/// Whether a text has the form of a language tag: `de`, `en-GB`.
fn is_tag(tag: &str) -> bool {
    (2..=16).contains(&tag.len())
        && tag
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn tags(given: Vec<String>) -> Result<Vec<String>, KioskError> {
    if given.len() > MAX_LANGUAGES {
        return Err(KioskError::TooMany {
            field: "languages",
            most: MAX_LANGUAGES,
        });
    }
    let different: BTreeSet<&str> = given.iter().map(String::as_str).collect();
    if different.len() == given.len() && different.into_iter().all(is_tag) {
        Ok(given)
    } else {
        Err(KioskError::Language)
    }
}

fn begin_in(tag: String, offered: &[String]) -> Result<String, KioskError> {
    if is_tag(&tag) && (offered.is_empty() || offered.contains(&tag)) {
        Ok(tag)
    } else {
        Err(KioskError::Language)
    }
}

fn people(given: Vec<RawContact>) -> Result<Vec<Contact>, KioskError> {
    if given.len() > MAX_CONTACTS {
        return Err(KioskError::TooMany {
            field: "contacts",
            most: MAX_CONTACTS,
        });
    }
    let mut people: Vec<Contact> = Vec::with_capacity(given.len());
    for (at, contact) in given.into_iter().enumerate() {
        let number = at + 1;
        let id = Id::parse_account(contact.id.trim()).map_err(|why| KioskError::Contact { number, why })?;
        if people.iter().any(|other| other.id == id) {
            return Err(KioskError::Twice(number));
        }
        people.push(Contact {
            id,
            name: clean_name(&contact.name)?,
        });
    }
    Ok(people)
}

#[cfg(test)]
mod tests;
