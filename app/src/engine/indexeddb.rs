//! The `Store` port: IndexedDB, one object store for each collection, commits with strict durability.
//!
//! Keys and values arrive here already sealed. Beside the collections there is one object store for the vault's records.
//!
//! Whoever runs the engine claims the database. Each commit checks within its own transaction that the claim still stands:
//! an engine whose tab was frozen while another took over can't write any more when it wakes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use holdfast_client::ports::{Change, Collection, Entry, Scan, Store, StoreError};
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, IdbCursor, IdbCursorDirection, IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore,
    IdbRequest, IdbTransaction,
};

/// The database's name. One for each origin: there is one account on a device.
const DATABASE: &str = "holdfast";

/// The database's version. A step up needs a migration in [`create_stores`].
const VERSION: u32 = 3;

/// The database of the key that opens the vault without a lock. It is apart, so that setting a lock removes it as a whole
/// ([`IndexedDb::erase`]).
const KEYS: &str = "holdfast-key";

/// Databases that exist only while others are erased.
const FILLERS: [&str; 3] = ["holdfast-erasing-1", "holdfast-erasing-2", "holdfast-erasing-3"];

/// The object store of the vault's records.
const VAULT: &str = "vault";

/// The vault's record of whose claim stands.
const CLAIM: &str = "claim";

/// A commit that another engine's claim forbids.
const SUPERSEDED: &str = "another tab took over";

#[wasm_bindgen]
extern "C" {
    /// A database, for the call that web-sys does not offer yet.
    type DurableDatabase;
    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &DurableDatabase,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;

    /// The factory, for the call that web-sys does not offer yet.
    type ListingFactory;
    #[wasm_bindgen(method, catch)]
    fn databases(this: &ListingFactory) -> Result<Promise, JsValue>;
}

/// Who claimed the database here.
pub(crate) struct Claim {
    /// The engine's number.
    pub(crate) term: u64,
    /// Called when another engine turns out to have claimed it since.
    pub(crate) on_lost: Rc<dyn Fn()>,
}

/// An open database.
pub(crate) struct IndexedDb {
    database: IdbDatabase,
    /// Without one, whoever opened it writes: nobody else does.
    claim: Option<Claim>,
    /// Why the database went away, once it did.
    gone: Rc<RefCell<Option<&'static str>>>,
    _on_close: Closure<dyn FnMut()>,
    _on_version_change: Closure<dyn FnMut()>,
}

impl IndexedDb {
    /// Opens the database, creating it when there is none.
    pub(crate) async fn open() -> Result<IndexedDb, StoreError> {
        Self::open_named(DATABASE, VERSION, create_stores).await
    }

    /// Opens the database of the key, creating it when there is none. It has the vault's records only.
    pub(crate) async fn open_keys() -> Result<IndexedDb, StoreError> {
        Self::open_named(KEYS, 1, create_vault).await
    }

    async fn open_named(name: &str, version: u32, create: fn(&IdbDatabase)) -> Result<IndexedDb, StoreError> {
        let request = factory()?
            .open_with_u32(name, version)
            .map_err(|e| store_error(&e))?;
        let upgrade = Closure::once({
            let request = request.clone();
            move || {
                // What fails here fails the transaction, and with it the request.
                if let Ok(database) = request.result() {
                    create(&database.unchecked_into());
                }
            }
        });
        request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
        let database: IdbDatabase = finished(&request).await?.unchecked_into();
        let gone = Rc::<RefCell<Option<&'static str>>>::default();
        let on_close = Closure::new({
            let gone = Rc::clone(&gone);
            move || *gone.borrow_mut() = Some("the browser closed it")
        });
        let on_version_change = Closure::new({
            let gone = Rc::clone(&gone);
            let database = database.clone();
            move || {
                // Somebody removes the database: stand aside.
                *gone.borrow_mut() = Some("it was removed");
                database.close();
            }
        });
        database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        Ok(IndexedDb {
            database,
            claim: None,
            gone,
            _on_close: on_close,
            _on_version_change: on_version_change,
        })
    }

    /// Claims the database for one engine. Whoever had claimed it before writes no more, once this returns.
    pub(crate) async fn claim(&mut self, claim: Claim) -> Result<(), StoreError> {
        self.put_vault_records(&[(CLAIM, bytes(&claim.term.to_le_bytes()))])
            .await?;
        self.claim = Some(claim);
        Ok(())
    }

    /// Whether there is a database, without creating one. `false` where the browser can't tell.
    pub(crate) async fn exists() -> bool {
        Self::is_listed(DATABASE).await
    }

    /// As [`Self::exists`], for the database of the key.
    pub(crate) async fn keys_exist() -> bool {
        Self::is_listed(KEYS).await
    }

    async fn is_listed(wanted: &str) -> bool {
        async fn names() -> Option<Array> {
            let listing = factory().ok()?.unchecked_into::<ListingFactory>();
            let list = JsFuture::from(listing.databases().ok()?).await.ok()?;
            list.dyn_into().ok()
        }
        names().await.is_some_and(|list| {
            list.iter()
                .any(|entry| Reflect::get(&entry, &"name".into()).is_ok_and(|name| name == wanted))
        })
    }

    /// Closes every connection and removes the database with all it holds, and the key to it.
    pub(crate) async fn delete() -> Result<(), StoreError> {
        Self::erase(&[KEYS, DATABASE]).await
    }

    /// Removes the database of the key.
    pub(crate) async fn delete_keys() -> Result<(), StoreError> {
        Self::erase(&[KEYS]).await
    }

    /// Removes databases, and has the browser remove their bytes from its files.
    ///
    /// Chromium keeps all databases of an origin in one LevelDB. Removing one rewrites the files that held it when its
    /// removal began: what was written lately is not in a file yet, and would stay in the next one for good. Removing some
    /// more, which were written beside it, rewrites that one too. The old files go then, or when the browser starts again.
    /// Where each database is a file of its own, this does no harm.
    async fn erase(names: &[&str]) -> Result<(), StoreError> {
        for name in FILLERS {
            // On a full disk there is no room for them, and the rest is all the more to go.
            if let Ok(filler) = Self::open_named(name, 1, create_vault).await {
                let _ = filler.put_vault_records(&[(VAULT, JsValue::TRUE)]).await;
            }
        }
        for name in names.iter().chain(&FILLERS) {
            Self::delete_named(name).await?;
        }
        Ok(())
    }

    async fn delete_named(name: &str) -> Result<(), StoreError> {
        let request = factory()?.delete_database(name).map_err(|e| store_error(&e))?;
        finished(&request).await.map(drop)
    }

    /// Reads a record of the vault.
    pub(crate) async fn vault_record(&self, name: &str) -> Result<Option<JsValue>, StoreError> {
        let store = self.read(VAULT)?;
        let request = store.get(&name.into()).map_err(|e| store_error(&e))?;
        let value = finished(&request).await?;
        Ok((!value.is_undefined()).then_some(value))
    }

    /// Writes records of the vault, all or none.
    pub(crate) async fn put_vault_records(&self, records: &[(&str, JsValue)]) -> Result<(), StoreError> {
        let writing = self.write(&[])?;
        let store = writing
            .transaction
            .object_store(VAULT)
            .map_err(|e| store_error(&e))?;
        for (name, value) in records {
            store
                .put_with_key(value, &(*name).into())
                .map_err(|e| store_error(&e))?;
        }
        self.written(writing).await
    }

    /// Begins to write to collections and the vault, which fails in the end if the claim does not stand any more.
    fn write(&self, collections: &[&str]) -> Result<Writing, StoreError> {
        let stores: Vec<&str> = collections.iter().copied().chain([VAULT]).collect();
        let transaction = self.begin(&stores, "readwrite")?;
        let complete = Completion::of(&transaction);
        let check = self
            .claim
            .as_ref()
            .map(|claim| self.check(claim, &transaction))
            .transpose()?;
        Ok(Writing {
            transaction,
            complete,
            _check: check,
        })
    }

    /// Waits until all is on disk, or nothing is.
    async fn written(&self, writing: Writing) -> Result<(), StoreError> {
        let result = writing.complete.wait(&writing.transaction).await;
        match *self.gone.borrow() {
            Some(why) if result.is_err() => Err(StoreError::Gone(why.into())),
            _ => result,
        }
    }

    /// Looks in a transaction, before all else that it does, whether the claim stands; if not, nothing of it is done.
    fn check(&self, claim: &Claim, transaction: &IdbTransaction) -> Result<Check, StoreError> {
        let store = transaction.object_store(VAULT).map_err(|e| store_error(&e))?;
        let request = store.get(&CLAIM.into()).map_err(|e| store_error(&e))?;
        let (gone, on_lost) = (Rc::clone(&self.gone), Rc::clone(&claim.on_lost));
        let (term, asked, transaction) = (claim.term.to_le_bytes(), request.clone(), transaction.clone());
        let on_success = Closure::<dyn FnMut()>::new(move || {
            let stands = asked.result().is_ok_and(|value| to_vec(&value) == term);
            if !stands {
                let _ = transaction.abort();
                *gone.borrow_mut() = Some(SUPERSEDED);
                on_lost();
            }
        });
        request.set_onsuccess(Some(on_success.as_ref().unchecked_ref()));
        Ok(Check {
            request,
            _on_success: on_success,
        })
    }

    /// Removes records of the vault, all or none.
    pub(crate) async fn remove_vault_records(&self, names: &[&str]) -> Result<(), StoreError> {
        let writing = self.write(&[])?;
        let store = writing
            .transaction
            .object_store(VAULT)
            .map_err(|e| store_error(&e))?;
        for name in names {
            store.delete(&(*name).into()).map_err(|e| store_error(&e))?;
        }
        self.written(writing).await
    }

    fn begin(&self, stores: &[&str], mode: &str) -> Result<IdbTransaction, StoreError> {
        if let Some(why) = *self.gone.borrow() {
            return Err(StoreError::Gone(why.into()));
        }
        let names: Array = stores.iter().map(|name| JsValue::from(*name)).collect();
        let options = Object::new();
        // Acknowledged only when the operating system was asked to put it on disk: what a commit reports done survives.
        let _ = Reflect::set(&options, &"durability".into(), &"strict".into());
        self.database
            .unchecked_ref::<DurableDatabase>()
            .transaction(&names, mode, &options)
            .map_err(|e| store_error(&e))
    }

    fn read(&self, store: &str) -> Result<IdbObjectStore, StoreError> {
        self.begin(&[store], "readonly")?
            .object_store(store)
            .map_err(|e| store_error(&e))
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let touched: BTreeSet<&str> = changes
            .iter()
            .map(|change| match change {
                Change::Put(collection, ..) | Change::Delete(collection, _) => collection.name(),
            })
            .collect();
        if touched.is_empty() {
            return Ok(());
        }
        let touched: Vec<&str> = touched.into_iter().collect();
        let writing = self.write(&touched)?;
        let transaction = &writing.transaction;
        let issue = |change: &Change| -> Result<(), JsValue> {
            match change {
                Change::Put(collection, key, value) => transaction
                    .object_store(collection.name())?
                    .put_with_key(&bytes(value), &bytes(key))?,
                Change::Delete(collection, key) => {
                    transaction.object_store(collection.name())?.delete(&bytes(key))?
                }
            };
            Ok(())
        };
        for change in &changes {
            if let Err(error) = issue(change) {
                let _ = transaction.abort();
                return Err(store_error(&error));
            }
        }
        self.written(writing).await
    }

    async fn read_many(
        &self,
        collection: Collection,
        keys: Vec<Vec<u8>>,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let store = self.read(collection.name())?;
        // All are issued before the first wait, so that they belong to one transaction.
        let requests: Result<Vec<_>, _> = keys.iter().map(|key| store.get(&bytes(key))).collect();
        let requests = requests.map_err(|e| store_error(&e))?;
        let values = futures::future::try_join_all(requests.iter().map(finished)).await?;
        let found = |value: JsValue| (!value.is_undefined()).then(|| to_vec(&value));
        Ok(values.into_iter().map(found).collect())
    }

    async fn read_range(&self, scan: Scan) -> Result<Vec<Entry>, StoreError> {
        if scan.limit == 0 || scan.to.as_ref().is_some_and(|to| *to <= scan.from) {
            return Ok(Vec::new());
        }
        let from = bytes(&scan.from);
        let between = |from: &JsValue| {
            match &scan.to {
                Some(to) => IdbKeyRange::bound_with_lower_open_and_upper_open(from, &bytes(to), false, true),
                None => IdbKeyRange::lower_bound(from),
            }
            .map_err(|e| store_error(&e))
        };
        let mut range = between(&from)?;
        let store = self.read(scan.collection.name())?;
        let limit = u32::try_from(scan.limit).unwrap_or(u32::MAX);
        if scan.reverse
            && limit < u32::MAX
            && let Some(start) = start_of_last(&store, &range, limit).await?
        {
            range = between(&start)?;
        }
        // Both are issued before the first wait, so that they belong to one transaction.
        let keys = store
            .get_all_keys_with_key_and_limit(&range, limit)
            .map_err(|e| store_error(&e))?;
        let values = store
            .get_all_with_key_and_limit(&range, limit)
            .map_err(|e| store_error(&e))?;
        let (keys, values) = futures::future::try_join(finished(&keys), finished(&values)).await?;
        let (keys, values) = (Array::from(&keys), Array::from(&values));
        let mut entries: Vec<Entry> = keys
            .iter()
            .zip(values.iter())
            .map(|(key, value)| (to_vec(&key), to_vec(&value)))
            .collect();
        if scan.reverse {
            entries.reverse();
        }
        Ok(entries)
    }
}

impl Drop for IndexedDb {
    fn drop(&mut self) {
        self.database.set_onclose(None);
        self.database.set_onversionchange(None);
        self.database.close();
    }
}

impl Store for IndexedDb {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let key = bytes(key);
        Box::pin(async move {
            let store = self.read(collection.name())?;
            let value = finished(&store.get(&key).map_err(|e| store_error(&e))?).await?;
            Ok((!value.is_undefined()).then(|| to_vec(&value)))
        })
    }

    fn get_many(
        &self,
        collection: Collection,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'_, Result<Vec<Option<Vec<u8>>>, StoreError>> {
        Box::pin(self.read_many(collection, keys))
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(self.read_range(scan))
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.apply(changes))
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let names = Collection::ALL.map(Collection::name);
            let writing = self.write(&names)?;
            for name in names {
                writing
                    .transaction
                    .object_store(name)
                    .and_then(|store| store.clear())
                    .map_err(|e| store_error(&e))?;
            }
            self.written(writing).await
        })
    }
}

/// IndexedDB itself; some browsers refuse it in private windows.
fn factory() -> Result<IdbFactory, StoreError> {
    Reflect::get(&js_sys::global(), &"indexedDB".into())
        .ok()
        .filter(JsValue::is_object)
        .map(JsCast::unchecked_into)
        .ok_or_else(|| StoreError::Gone("the browser offers no IndexedDB".into()))
}

/// Makes the object stores that are not there yet; those of an older version stay as they are.
fn create_stores(database: &IdbDatabase) {
    for name in Collection::ALL.map(Collection::name).into_iter().chain([VAULT]) {
        let _ = database.create_object_store(name);
    }
}

/// As [`create_stores`], for the key's own database.
fn create_vault(database: &IdbDatabase) {
    let _ = database.create_object_store(VAULT);
}

/// Where the last `count` entries of a range begin; `None` when it has no more than that. IndexedDB reads many entries at
/// once only forwards, so one jump of a cursor takes the place of a step for each entry.
async fn start_of_last(
    store: &IdbObjectStore,
    range: &IdbKeyRange,
    count: u32,
) -> Result<Option<JsValue>, StoreError> {
    let request = store
        .open_key_cursor_with_range_and_direction(range, IdbCursorDirection::Prev)
        .map_err(|e| store_error(&e))?;
    let mut result = finished(&request).await?;
    if count > 1 && !result.is_null() {
        let cursor: &IdbCursor = result.unchecked_ref();
        cursor.advance(count - 1).map_err(|e| store_error(&e))?;
        result = finished(&request).await?;
    }
    if result.is_null() {
        return Ok(None);
    }
    let key = result.unchecked_ref::<IdbCursor>().key();
    key.map(Some).map_err(|e| store_error(&e))
}

/// Waits for a request and gives its result.
async fn finished(request: &IdbRequest) -> Result<JsValue, StoreError> {
    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let tell = |succeeded: bool| {
        let sender = Rc::clone(&sender);
        Closure::<dyn FnMut()>::new(move || {
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(succeeded);
            }
        })
    };
    let (on_success, on_error) = (tell(true), tell(false));
    request.set_onsuccess(Some(on_success.as_ref().unchecked_ref()));
    request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let succeeded = receiver.await.unwrap_or(false);
    request.set_onsuccess(None);
    request.set_onerror(None);
    if succeeded {
        request.result().map_err(|e| store_error(&e))
    } else {
        Err(request_error(request))
    }
}

/// A transaction that writes.
struct Writing {
    transaction: IdbTransaction,
    complete: Completion,
    _check: Option<Check>,
}

/// Listens to whether a claim stands.
struct Check {
    request: IdbRequest,
    _on_success: Closure<dyn FnMut()>,
}

impl Drop for Check {
    fn drop(&mut self) {
        self.request.set_onsuccess(None);
    }
}

/// Listens for a transaction's end. Made before its first request, so that no end is missed.
struct Completion {
    receiver: oneshot::Receiver<bool>,
    _on_complete: Closure<dyn FnMut()>,
    _on_abort: Closure<dyn FnMut()>,
}

impl Completion {
    fn of(transaction: &IdbTransaction) -> Completion {
        let (sender, receiver) = oneshot::channel();
        let sender = Rc::new(RefCell::new(Some(sender)));
        let tell = |committed: bool| {
            let sender = Rc::clone(&sender);
            Closure::<dyn FnMut()>::new(move || {
                if let Some(sender) = sender.borrow_mut().take() {
                    let _ = sender.send(committed);
                }
            })
        };
        let (on_complete, on_abort) = (tell(true), tell(false));
        transaction.set_oncomplete(Some(on_complete.as_ref().unchecked_ref()));
        transaction.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
        Completion {
            receiver,
            _on_complete: on_complete,
            _on_abort: on_abort,
        }
    }

    async fn wait(self, transaction: &IdbTransaction) -> Result<(), StoreError> {
        let committed = self.receiver.await.unwrap_or(false);
        transaction.set_oncomplete(None);
        transaction.set_onabort(None);
        if committed {
            return Ok(());
        }
        Err(match transaction.error() {
            Some(error) => named_error(&error.name()),
            None => StoreError::Other("a commit was aborted".into()),
        })
    }
}

fn request_error(request: &IdbRequest) -> StoreError {
    match request.error() {
        Ok(Some(error)) => named_error(&error.name()),
        _ => StoreError::Other("a request failed".into()),
    }
}

fn store_error(error: &JsValue) -> StoreError {
    match error.dyn_ref::<DomException>() {
        Some(error) => named_error(&error.name()),
        None => StoreError::Other(crate::platform::error_text(error)),
    }
}

/// What the standard's error names mean for a store.
fn named_error(name: &str) -> StoreError {
    match name {
        "QuotaExceededError" => StoreError::Full,
        // A closed connection, files removed under the browser, missing object stores, refusal.
        "InvalidStateError" | "UnknownError" | "NotFoundError" | "SecurityError" | "NotAllowedError" => {
            StoreError::Gone(name.into())
        }
        _ => StoreError::Other(name.into()),
    }
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// The bytes of a stored key (given as an `ArrayBuffer`) or value.
fn to_vec(value: &JsValue) -> Vec<u8> {
    Uint8Array::new(value).to_vec()
}
