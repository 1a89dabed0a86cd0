//! How long a front end waits for what it asks of a long history. The clock is the caller's, so that the same
//! measurement runs natively and in a browser.

use holdfast_protocol::account::Id;

use crate::api::{Anchor, Command, Failure, Found, MessagePage, Reply};
use crate::engine::EngineHandle;

/// What is typed, letter by letter.
const TYPED: [&str; 8] = [
    "station",
    "grusse",
    "tomorrow morning",
    "kelp-7000",
    "завтра",
    "umbrella concert",
    "nobody wrote this",
    "the",
];
/// How often everything is typed.
const ROUNDS: usize = 3;
/// How often a conversation is opened.
const OPENED: usize = 40;
/// Messages of a window, as the app asks for.
const PAGE: u16 = 30;
/// Messages of an answer, as the app asks for.
const FOUND: u16 = 50;

/// Times in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// From the first search until the index was complete.
    pub index: f64,
    /// Each search, with the messages it shows.
    pub searches: Vec<f64>,
    /// The window that a conversation opens with.
    pub opened: Vec<f64>,
    /// The window around a message that was found.
    pub around: Vec<f64>,
}

/// Asks an engine over a store that [`super::fill`] filled. `now` gives milliseconds.
///
/// # Errors
/// The engine's own.
pub async fn measure(engine: &EngineHandle, contact: Id, now: impl Fn() -> f64) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let started = now();
    while !search(engine, "kelp").await?.complete {}
    figures.index = now() - started;
    let mut places = Vec::new();
    for _ in 0..ROUNDS {
        for typed in TYPED {
            for (end, c) in typed.char_indices() {
                let query = typed.get(..end + c.len_utf8()).unwrap_or(typed);
                let started = now();
                let found = search(engine, query).await?;
                figures.searches.push(now() - started);
                places.extend(found.messages.last().map(|found| found.message.position()));
            }
        }
    }
    for _ in 0..OPENED {
        let started = now();
        read(engine, contact, Anchor::FirstUnread).await?;
        figures.opened.push(now() - started);
    }
    for place in places.into_iter().take(OPENED) {
        let started = now();
        read(engine, contact, Anchor::Around(place)).await?;
        figures.around.push(now() - started);
    }
    Ok(figures)
}

async fn search(engine: &EngineHandle, query: &str) -> Result<Found, Failure> {
    let command = Command::Search {
        query: query.to_owned(),
        conversation: None,
        limit: FOUND,
        after: None,
    };
    match engine.request(command).await? {
        Reply::Found(found) => Ok(found),
        _ => Err(Failure::NotFound),
    }
}

async fn read(engine: &EngineHandle, conversation: Id, anchor: Anchor) -> Result<MessagePage, Failure> {
    let command = Command::Messages {
        conversation,
        anchor,
        limit: PAGE,
    };
    match engine.request(command).await? {
        Reply::Messages(page) => Ok(page),
        _ => Err(Failure::NotFound),
    }
}
