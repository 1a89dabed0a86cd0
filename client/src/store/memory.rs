//! A store in memory: for a shared computer, where nothing may be written anywhere, and for tests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::rc::Rc;

use futures::future::LocalBoxFuture;

use crate::ports::{Change, Collection, Entry, Scan, Store, StoreError};

/// Ordered maps in memory. Clones share their content, so that a test can "reopen" it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    content: Rc<RefCell<Content>>,
}

#[derive(Default)]
struct Content {
    maps: BTreeMap<Collection, BTreeMap<Vec<u8>, Vec<u8>>>,
    bytes: usize,
    capacity: Option<usize>,
}

impl MemoryStore {
    /// An empty store without a limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keys and values may take this many bytes in all; a commit that would exceed it fails with [`StoreError::Full`].
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.content.borrow_mut().capacity = bytes;
    }

    /// How many bytes keys and values take now.
    pub fn bytes(&self) -> usize {
        self.content.borrow().bytes
    }
}

impl Store for MemoryStore {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let content = self.content.borrow();
        let value = content
            .maps
            .get(&collection)
            .and_then(|map| map.get(key))
            .cloned();
        Box::pin(std::future::ready(Ok(value)))
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        let content = self.content.borrow();
        let entries = content.maps.get(&scan.collection).map_or_else(Vec::new, |map| {
            // An inverted range is empty, not a panic as in BTreeMap.
            if scan.to.as_ref().is_some_and(|to| *to <= scan.from) {
                return Vec::new();
            }
            let to = scan.to.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let range = map.range::<Vec<u8>, _>((Bound::Included(&scan.from), to));
            let copy = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
            if scan.reverse {
                range.rev().take(scan.limit).map(copy).collect()
            } else {
                range.take(scan.limit).map(copy).collect()
            }
        });
        Box::pin(std::future::ready(Ok(entries)))
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        let result = self.content.borrow_mut().apply(changes);
        Box::pin(std::future::ready(result))
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        let mut content = self.content.borrow_mut();
        content.maps.clear();
        content.bytes = 0;
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Content {
    fn apply(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        if let Some(capacity) = self.capacity {
            let mut last: BTreeMap<(Collection, &[u8]), usize> = BTreeMap::new();
            for change in &changes {
                match change {
                    Change::Put(collection, key, value) => {
                        last.insert((*collection, key), key.len() + value.len())
                    }
                    Change::Delete(collection, key) => last.insert((*collection, key), 0),
                };
            }
            let (mut added, mut removed) = (0, 0);
            for ((collection, key), size) in last {
                added += size;
                removed += self.size_of(collection, key);
            }
            let after = (self.bytes + added).saturating_sub(removed);
            // A full store still takes what makes it smaller.
            if after > capacity && after > self.bytes {
                return Err(StoreError::Full);
            }
        }
        for change in changes {
            match change {
                Change::Put(collection, key, value) => {
                    self.bytes += key.len() + value.len();
                    let key_length = key.len();
                    let map = self.maps.entry(collection).or_default();
                    if let Some(old) = map.insert(key, value) {
                        self.bytes -= key_length + old.len();
                    }
                }
                Change::Delete(collection, key) => {
                    if let Some(old) = self.maps.entry(collection).or_default().remove(&key) {
                        self.bytes -= key.len() + old.len();
                    }
                }
            }
        }
        Ok(())
    }

    fn size_of(&self, collection: Collection, key: &[u8]) -> usize {
        self.maps
            .get(&collection)
            .and_then(|map| map.get(key))
            .map_or(0, |value| key.len() + value.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn passes_the_suite() {
        let store = MemoryStore::new();
        let reopen = store.clone();
        block_on(crate::store::suite::run(async || reopen.clone()));
    }

    #[test]
    fn a_full_store_refuses_the_whole_commit_and_still_shrinks() {
        let store = MemoryStore::new();
        store.set_capacity(Some(10));
        let put = |key: &[u8], value: &[u8]| Change::Put(Collection::Meta, key.to_vec(), value.to_vec());
        block_on(async {
            store.commit(vec![put(b"a", b"1234")]).await.unwrap();
            let refused = store.commit(vec![put(b"b", b"1"), put(b"c", b"12345")]).await;
            assert_eq!(refused, Err(StoreError::Full));
            assert_eq!(store.get(Collection::Meta, b"b").await.unwrap(), None);
            store.commit(vec![put(b"a", b"12")]).await.unwrap();
            assert_eq!(store.bytes(), 3);
        });
    }
}
