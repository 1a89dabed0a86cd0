//! Fills a database with a long history, the app's own when served beside it, and measures what a front end waits for.

use std::rc::Rc;

use holdfast_client::api::Command;
use holdfast_client::ports::{Store, StoreError};
use holdfast_client::seal::Sealed;
use holdfast_client::testing::{Figures, History, contact, fill, measure, offline};
use holdfast_client::{Engine, EngineHandle, Options};
use web_sys::{Document, Performance};

use crate::engine::clock::BrowserClock;
use crate::engine::indexeddb::IndexedDb;
use crate::engine::rng::BrowserRng;
use crate::engine::vault;

/// The page's title once the database is filled.
const FILLED: &str = "filled";

/// `contacts,messages`, as in `#fill=1,100000`.
pub(crate) async fn fill_database(document: &Document, wanted: &str) {
    let numbers = wanted.split_once(',').and_then(|(contacts, messages)| {
        Some(History {
            contacts: contacts.parse().ok()?,
            messages: messages.parse().ok()?,
        })
    });
    let Some(history) = numbers else {
        document.set_title("which history?");
        return;
    };
    let filling = async {
        let (clock, rng) = (Rc::new(BrowserClock), Rc::new(BrowserRng));
        fill(open().await?, clock, rng, history).await
    };
    match filling.await {
        Ok(_) => document.set_title(FILLED),
        Err(error) => document.set_title(&error.to_string()),
    }
}

/// Leaves the figures as JSON in the page's title.
pub(crate) async fn measure_database(document: &Document, performance: &Performance) {
    let store = match open().await {
        Ok(store) => store,
        Err(error) => return document.set_title(&error.to_string()),
    };
    let engine = start(store);
    let figures = measure(&engine, contact(0), || performance.now());
    match figures.await {
        Ok(figures) => document.set_title(&json(&figures)),
        Err(error) => document.set_title(&error.to_string()),
    }
}

/// The database that the app made, under its own key. Where there is none, one with a new account.
async fn open() -> Result<Rc<dyn Store>, StoreError> {
    let database = IndexedDb::open().await?;
    let key = match vault::load(&database).await? {
        Some(key) => key,
        None => vault::create().await?,
    };
    let store: Rc<dyn Store> = Rc::new(Sealed::open(database, &key, Rc::new(BrowserRng)).await?);
    let engine = start(store.clone());
    let name = "Many".to_owned();
    // The app's own account stays what it is.
    let _ = engine.request(Command::CreateAccount { name }).await;
    engine.shut_down();
    Ok(store)
}

/// An engine without a network.
fn start(store: Rc<dyn Store>) -> EngineHandle {
    let (ports, profile) = offline(store, Rc::new(BrowserClock), Rc::new(BrowserRng));
    let (engine, driver) = Engine::new(ports, profile, Options::default());
    wasm_bindgen_futures::spawn_local(driver);
    engine
}

/// Not by `Debug`, which the site is built without.
fn json(figures: &Figures) -> String {
    let list = |all: &[f64]| all.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    format!(
        "{{\"index\":{},\"searches\":[{}],\"opened\":[{}],\"around\":[{}]}}",
        figures.index,
        list(&figures.searches),
        list(&figures.opened),
        list(&figures.around)
    )
}
