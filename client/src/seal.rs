//! Seals what a store keeps: a disk image tells neither texts, names nor who talks to whom.
//!
//! Values are encrypted with XChaCha20-Poly1305 under the vault key, bound to their collection and key. Keys become keyed
//! hashes; what must stay in order keeps its tail in clear: the place of a message (sent time and local number) within a
//! conversation whose id is hashed. An image therefore still tells how many records there are, their sizes, and when
//! messages of an unnamed conversation were sent. Padding and dummies would not change that much; see `SECURITY.md`.

use std::rc::Rc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use futures::future::LocalBoxFuture;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ports::{Change, Collection, Entry, Rng, Scan, Store, StoreError};

/// Bytes of a hashed key: 128 bits, so that accidental equality is out of reach of any store's size.
const HASH: usize = 16;
/// Bytes of an XChaCha20 nonce; random, since 192 bits never repeat by chance.
const NONCE: usize = 24;
/// Bytes of a message key that name its conversation: an id (`spec/01-accounts-and-crypto.md`), hashed together.
const CONVERSATION: usize = 33;
/// The one record whose key is not hashed: it tells a wrong vault key from an empty store.
const CHECK_KEY: &[u8] = b"vault check";

/// The 32-byte key that everything at rest is sealed under. Wiped from memory when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct VaultKey([u8; 32]);

impl VaultKey {
    /// A new random key.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut key = [0; 32];
        rng.fill(&mut key);
        let vault_key = Self(key);
        key.zeroize();
        vault_key
    }

    /// A key that was kept, such as one unwrapped by the platform's key store.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The key's bytes, to wrap and keep them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key for one purpose only.
    fn derive(&self, purpose: &[u8]) -> SubKey {
        let hash = blake2b_simd::Params::new()
            .hash_length(32)
            .key(&self.0)
            .hash(purpose);
        let mut key = [0; 32];
        for (target, source) in key.iter_mut().zip(hash.as_bytes()) {
            *target = *source;
        }
        let sub_key = SubKey(key);
        key.zeroize();
        sub_key
    }
}

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("VaultKey(..)")
    }
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct SubKey([u8; 32]);

/// A store whose content is sealed. Scans are efficient over the whole of a small collection and within one
/// conversation's messages, which is all that the engine does; others read the whole collection.
pub struct Sealed<S> {
    store: S,
    cipher: XChaCha20Poly1305,
    index: SubKey,
    rng: Rc<dyn Rng>,
}

impl<S: Store> Sealed<S> {
    /// Seals a store without looking into it. Under a wrong key a filled store seems empty: prefer [`Sealed::open`].
    pub fn new(store: S, key: &VaultKey, rng: Rc<dyn Rng>) -> Self {
        let values = key.derive(b"holdfast values");
        Self {
            store,
            cipher: XChaCha20Poly1305::new(&values.0.into()),
            index: key.derive(b"holdfast index"),
            rng,
        }
    }

    /// Seals a store, after checking that its content was sealed under the same key.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] under another key, and the store's own errors.
    pub async fn open(store: S, key: &VaultKey, rng: Rc<dyn Rng>) -> Result<Self, StoreError> {
        let sealed = Self::new(store, key, rng);
        match sealed.store.get(Collection::Meta, CHECK_KEY).await? {
            Some(value) => {
                sealed.open_value(Collection::Meta, CHECK_KEY, &value)?;
            }
            None => {
                let value = sealed.seal_value(Collection::Meta, CHECK_KEY, &[], &[])?;
                sealed
                    .store
                    .commit(vec![Change::Put(Collection::Meta, CHECK_KEY.to_vec(), value)])
                    .await?;
            }
        }
        Ok(sealed)
    }

    fn stored_key(&self, collection: Collection, key: &[u8]) -> Vec<u8> {
        let (secret, tail) = split(collection, key);
        let hash = blake2b_simd::Params::new()
            .hash_length(HASH)
            .key(&self.index.0)
            .to_state()
            .update(collection.name().as_bytes())
            .update(&[0])
            .update(secret)
            .finalize();
        let mut stored = Vec::with_capacity(HASH + tail.len());
        stored.extend_from_slice(hash.as_bytes());
        stored.extend_from_slice(tail);
        stored
    }

    /// Nonce, then the sealed secret part of the key (its length first) and the value.
    fn seal_value(
        &self,
        collection: Collection,
        stored_key: &[u8],
        secret: &[u8],
        value: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        self.rng.fill(&mut nonce);
        let length = u16::try_from(secret.len()).map_err(|_| StoreError::Other("key too long".to_owned()))?;
        let mut plain = Vec::with_capacity(2 + secret.len() + value.len());
        plain.extend_from_slice(&length.to_le_bytes());
        plain.extend_from_slice(secret);
        plain.extend_from_slice(value);
        let aad = associated(collection, stored_key);
        let payload = Payload {
            msg: &plain,
            aad: &aad,
        };
        let cipher = self.cipher.encrypt(&XNonce::from(nonce), payload);
        plain.zeroize();
        let cipher = cipher.map_err(|_| StoreError::Other("could not seal a value".to_owned()))?;
        let mut sealed = Vec::with_capacity(NONCE + cipher.len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&cipher);
        Ok(sealed)
    }

    /// The secret part of the key, and the value.
    fn open_value(
        &self,
        collection: Collection,
        stored_key: &[u8],
        sealed: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
        let (nonce, cipher) = sealed.split_first_chunk::<NONCE>().ok_or(StoreError::Damaged)?;
        let aad = associated(collection, stored_key);
        let payload = Payload {
            msg: cipher,
            aad: &aad,
        };
        let mut plain = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| StoreError::Damaged)?;
        let (length, rest) = plain.split_first_chunk::<2>().ok_or(StoreError::Damaged)?;
        let (secret, value) = rest
            .split_at_checked(usize::from(u16::from_le_bytes(*length)))
            .ok_or(StoreError::Damaged)?;
        let opened = (secret.to_vec(), value.to_vec());
        plain.zeroize();
        Ok(opened)
    }

    fn open_entries(&self, collection: Collection, entries: Vec<Entry>) -> Result<Vec<Entry>, StoreError> {
        let mut opened = Vec::with_capacity(entries.len());
        for (stored_key, sealed) in entries {
            if stored_key == CHECK_KEY {
                continue;
            }
            let (mut key, value) = self.open_value(collection, &stored_key, &sealed)?;
            key.extend_from_slice(stored_key.get(HASH..).ok_or(StoreError::Damaged)?);
            opened.push((key, value));
        }
        Ok(opened)
    }

    /// Bounds within one hashed prefix become bounds of the same range in the store.
    fn narrow(&self, scan: &Scan) -> Option<Scan> {
        let to = scan.to.as_ref()?;
        let secret = ordered_after(scan.collection)?;
        let whole = scan.from.len() >= secret && to.len() >= secret;
        if !whole || split(scan.collection, &scan.from).0 != split(scan.collection, to).0 {
            return None;
        }
        Some(Scan {
            from: self.stored_key(scan.collection, &scan.from),
            to: Some(self.stored_key(scan.collection, to)),
            ..scan.clone()
        })
    }

    async fn scan_all(&self, scan: Scan) -> Result<Vec<Entry>, StoreError> {
        if let Some(narrow) = self.narrow(&scan) {
            let entries = self.store.scan(narrow).await?;
            return self.open_entries(scan.collection, entries);
        }
        let everything = Scan {
            collection: scan.collection,
            from: Vec::new(),
            to: None,
            reverse: false,
            limit: usize::MAX,
        };
        let mut entries = self.open_entries(scan.collection, self.store.scan(everything).await?)?;
        entries.retain(|(key, _)| *key >= scan.from && scan.to.as_ref().is_none_or(|to| key < to));
        entries.sort();
        if scan.reverse {
            entries.reverse();
        }
        entries.truncate(scan.limit);
        Ok(entries)
    }

    fn seal_changes(&self, changes: Vec<Change>) -> Result<Vec<Change>, StoreError> {
        changes
            .into_iter()
            .map(|change| match change {
                Change::Put(collection, key, value) => {
                    let stored = self.stored_key(collection, &key);
                    let sealed = self.seal_value(collection, &stored, split(collection, &key).0, &value)?;
                    Ok(Change::Put(collection, stored, sealed))
                }
                Change::Delete(collection, key) => {
                    Ok(Change::Delete(collection, self.stored_key(collection, &key)))
                }
            })
            .collect()
    }
}

/// How many bytes of a collection's keys are hashed, when the rest stays in order.
fn ordered_after(collection: Collection) -> Option<usize> {
    match collection {
        Collection::Messages => Some(CONVERSATION),
        // The kind is hashed too.
        Collection::Gallery => Some(CONVERSATION + 1),
        _ => None,
    }
}

/// The part of a key that is hashed, and the part that stays in order.
fn split(collection: Collection, key: &[u8]) -> (&[u8], &[u8]) {
    let secret = ordered_after(collection).map_or(key.len(), |secret| key.len().min(secret));
    key.split_at_checked(secret).unwrap_or((key, &[]))
}

/// Binds a sealed value to its place.
fn associated(collection: Collection, stored_key: &[u8]) -> Vec<u8> {
    let mut aad = collection.name().as_bytes().to_vec();
    aad.push(0);
    aad.extend_from_slice(stored_key);
    aad
}

impl<S: Store> Store for Sealed<S> {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let stored = self.stored_key(collection, key);
        Box::pin(async move {
            match self.store.get(collection, &stored).await? {
                Some(sealed) => Ok(Some(self.open_value(collection, &stored, &sealed)?.1)),
                None => Ok(None),
            }
        })
    }

    fn get_many(
        &self,
        collection: Collection,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'_, Result<Vec<Option<Vec<u8>>>, StoreError>> {
        let stored: Vec<_> = keys.iter().map(|key| self.stored_key(collection, key)).collect();
        Box::pin(async move {
            let sealed = self.store.get_many(collection, stored.clone()).await?;
            let open = |(key, sealed): (&Vec<u8>, Option<Vec<u8>>)| {
                sealed
                    .map(|sealed| Ok(self.open_value(collection, key, &sealed)?.1))
                    .transpose()
            };
            stored.iter().zip(sealed).map(open).collect()
        })
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(self.scan_all(scan))
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.store.commit(self.seal_changes(changes)?).await })
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.store.wipe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;
    use crate::test_support::CountingRng;
    use futures::executor::block_on;

    fn sealed(store: &MemoryStore, key: u8) -> Sealed<MemoryStore> {
        Sealed::new(
            store.clone(),
            &VaultKey::from_bytes(&[key; 32]),
            Rc::new(CountingRng::default()),
        )
    }

    fn raw(store: &MemoryStore, collection: Collection) -> Vec<Entry> {
        block_on(store.scan(Scan {
            collection,
            from: Vec::new(),
            to: None,
            reverse: false,
            limit: usize::MAX,
        }))
        .unwrap()
    }

    #[test]
    fn passes_the_suite() {
        let store = MemoryStore::new();
        block_on(crate::store::suite::run(async || sealed(&store, 1)));
    }

    #[test]
    fn nothing_readable_reaches_the_store() {
        let store = MemoryStore::new();
        let mut key = b"conversation with somebody I know".to_vec();
        key.extend_from_slice(&[0; 16]);
        let put = Change::Put(Collection::Messages, key, b"see you at the station".to_vec());
        block_on(sealed(&store, 1).commit(vec![put])).unwrap();
        for (key, value) in raw(&store, Collection::Messages) {
            let bytes = [key, value].concat();
            for secret in [&b"somebody"[..], b"station"] {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret));
            }
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let store = MemoryStore::new();
        let vault = sealed(&store, 1);
        let put = || vec![Change::Put(Collection::Meta, b"k".to_vec(), b"v".to_vec())];
        block_on(vault.commit(put())).unwrap();
        let first = raw(&store, Collection::Meta);
        block_on(vault.commit(put())).unwrap();
        let second = raw(&store, Collection::Meta);
        assert_eq!(first[0].0, second[0].0);
        assert_ne!(first[0].1, second[0].1);
    }

    #[test]
    fn a_value_moved_to_another_key_or_collection_does_not_open() {
        let store = MemoryStore::new();
        let vault = sealed(&store, 1);
        let put = |key: &[u8]| Change::Put(Collection::Meta, key.to_vec(), key.to_vec());
        block_on(vault.commit(vec![put(b"a"), put(b"b")])).unwrap();
        let entries = raw(&store, Collection::Meta);
        let swapped = vec![
            Change::Put(Collection::Meta, entries[0].0.clone(), entries[1].1.clone()),
            Change::Put(Collection::Contacts, entries[1].0.clone(), entries[1].1.clone()),
        ];
        block_on(store.commit(swapped)).unwrap();
        let opened = [b"a", b"b"].map(|key| block_on(vault.get(Collection::Meta, key)));
        assert_eq!(
            opened
                .iter()
                .filter(|value| **value == Err(StoreError::Damaged))
                .count(),
            1
        );
    }

    #[test]
    fn another_vault_key_is_noticed_on_opening() {
        let store = MemoryStore::new();
        let open = |key: u8| {
            let key = VaultKey::from_bytes(&[key; 32]);
            block_on(Sealed::open(store.clone(), &key, Rc::new(CountingRng::default()))).map(drop)
        };
        assert_eq!(open(1), Ok(()));
        assert_eq!(open(1), Ok(()));
        assert_eq!(open(2), Err(StoreError::Damaged));
    }

    #[test]
    fn a_vault_key_does_not_print() {
        assert_eq!(format!("{:?}", VaultKey::from_bytes(&[0x41; 32])), "VaultKey(..)");
    }
}
