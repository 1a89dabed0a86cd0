//! What every [`Store`] must do, as one function that each implementation's tests call.

use crate::ports::{Change, Collection, Scan, Store, StoreError};

/// Runs every case. `open` opens the same store again each time, as after a restart; at first it must be empty.
///
/// # Panics
/// When the store breaks a promise: this is a test.
#[allow(clippy::unwrap_used, reason = "a test, compiled only for tests")]
pub async fn run<S: Store, F: AsyncFn() -> S>(open: F) {
    values_survive(&open).await;
    commits_are_atomic_in_order(&open).await;
    collections_are_apart(&open).await;
    scans_respect_bounds_order_and_limit(&open).await;
    keys_and_values_are_any_bytes(&open).await;
    large_values_and_commits(&open).await;
    wiping_removes_everything(&open).await;
}

fn put(collection: Collection, key: &[u8], value: &[u8]) -> Change {
    Change::Put(collection, key.to_vec(), value.to_vec())
}

fn delete(collection: Collection, key: &[u8]) -> Change {
    Change::Delete(collection, key.to_vec())
}

/// A key as the engine makes them for messages: 33 bytes that name a conversation, 16 that order within it.
fn message_key(conversation: u8, order: u64) -> Vec<u8> {
    let mut key = vec![conversation; 33];
    key.extend_from_slice(&order.to_be_bytes());
    key.extend_from_slice(&order.to_be_bytes());
    key
}

async fn clear(store: &dyn Store) {
    assert_eq!(store.wipe().await, Ok(()));
}

async fn values_survive<S: Store, F: AsyncFn() -> S>(open: &F) {
    let store = open().await;
    assert_eq!(store.get(Collection::Meta, b"account").await, Ok(None));
    assert_eq!(
        store
            .commit(vec![put(Collection::Meta, b"account", b"one")])
            .await,
        Ok(())
    );
    assert_eq!(
        store.get(Collection::Meta, b"account").await,
        Ok(Some(b"one".to_vec()))
    );
    assert_eq!(
        store
            .commit(vec![put(Collection::Meta, b"account", b"two")])
            .await,
        Ok(())
    );
    drop(store);
    let store = open().await;
    assert_eq!(
        store.get(Collection::Meta, b"account").await,
        Ok(Some(b"two".to_vec()))
    );
    assert_eq!(
        store.commit(vec![delete(Collection::Meta, b"account")]).await,
        Ok(())
    );
    assert_eq!(
        store.commit(vec![delete(Collection::Meta, b"account")]).await,
        Ok(())
    );
    assert_eq!(store.get(Collection::Meta, b"account").await, Ok(None));
    assert_eq!(store.commit(Vec::new()).await, Ok(()));
    clear(&store).await;
}

async fn commits_are_atomic_in_order<S: Store, F: AsyncFn() -> S>(open: &F) {
    let store = open().await;
    let changes = vec![
        put(Collection::Outbox, b"1", b"first"),
        delete(Collection::Outbox, b"1"),
        put(Collection::Outbox, b"2", b"first"),
        put(Collection::Outbox, b"2", b"second"),
        put(Collection::Seen, b"1", b"elsewhere"),
    ];
    assert_eq!(store.commit(changes).await, Ok(()));
    assert_eq!(store.get(Collection::Outbox, b"1").await, Ok(None));
    assert_eq!(
        store.get(Collection::Outbox, b"2").await,
        Ok(Some(b"second".to_vec()))
    );
    assert_eq!(
        store.get(Collection::Seen, b"1").await,
        Ok(Some(b"elsewhere".to_vec()))
    );
    clear(&store).await;
}

async fn collections_are_apart<S: Store, F: AsyncFn() -> S>(open: &F) {
    let store = open().await;
    for collection in Collection::ALL {
        let changes = vec![put(collection, &message_key(7, 1), collection.name().as_bytes())];
        assert_eq!(store.commit(changes).await, Ok(()));
    }
    for collection in Collection::ALL {
        let entries = store.scan(whole(collection)).await;
        assert_eq!(
            entries,
            Ok(vec![(message_key(7, 1), collection.name().as_bytes().to_vec())])
        );
    }
    clear(&store).await;
}

fn whole(collection: Collection) -> Scan {
    Scan {
        collection,
        from: Vec::new(),
        to: None,
        reverse: false,
        limit: usize::MAX,
    }
}

async fn scans_respect_bounds_order_and_limit<S: Store, F: AsyncFn() -> S>(open: &F) {
    let store = open().await;
    let mut changes = Vec::new();
    // Written backwards, so that insertion order and key order differ; order crosses a byte boundary.
    for order in (250..260).rev() {
        changes.push(put(
            Collection::Messages,
            &message_key(1, order),
            &order.to_be_bytes(),
        ));
        changes.push(put(Collection::Messages, &message_key(2, order), b"other"));
    }
    assert_eq!(store.commit(changes).await, Ok(()));
    let scan = async |from: u64, to: u64, reverse: bool, limit: usize| -> Result<Vec<u64>, StoreError> {
        let entries = store
            .scan(Scan {
                collection: Collection::Messages,
                from: message_key(1, from),
                to: Some(message_key(1, to)),
                reverse,
                limit,
            })
            .await?;
        let mut orders = Vec::new();
        for (key, value) in entries {
            let order = value
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| StoreError::Damaged)?;
            assert_eq!(key, message_key(1, order));
            orders.push(order);
        }
        Ok(orders)
    };
    let all: Vec<u64> = (250..260).collect();
    assert_eq!(scan(0, u64::MAX, false, usize::MAX).await, Ok(all.clone()));
    assert_eq!(
        scan(0, u64::MAX, true, usize::MAX).await,
        Ok(all.into_iter().rev().collect())
    );
    assert_eq!(
        scan(253, 257, false, usize::MAX).await,
        Ok(vec![253, 254, 255, 256])
    );
    assert_eq!(
        scan(253, 257, true, usize::MAX).await,
        Ok(vec![256, 255, 254, 253])
    );
    assert_eq!(scan(253, 257, false, 2).await, Ok(vec![253, 254]));
    assert_eq!(scan(253, 257, true, 2).await, Ok(vec![256, 255]));
    assert_eq!(scan(253, 257, true, 1).await, Ok(vec![256]));
    assert_eq!(scan(253, 257, true, 4).await, Ok(vec![256, 255, 254, 253]));
    assert_eq!(scan(253, 257, true, 9).await, Ok(vec![256, 255, 254, 253]));
    assert_eq!(scan(100, 200, true, 9).await, Ok(vec![]));
    let keys = [255, 999, 251].map(|order| message_key(1, order)).to_vec();
    let found = |order: u64| Some(order.to_be_bytes().to_vec());
    assert_eq!(
        store.get_many(Collection::Messages, keys).await,
        Ok(vec![found(255), None, found(251)])
    );
    assert_eq!(store.get_many(Collection::Messages, Vec::new()).await, Ok(vec![]));
    assert_eq!(scan(255, 255, false, 9).await, Ok(vec![]));
    assert_eq!(scan(257, 253, false, 9).await, Ok(vec![]));
    assert_eq!(scan(250, 260, false, 0).await, Ok(vec![]));
    clear(&store).await;
}

async fn keys_and_values_are_any_bytes<S: Store, F: AsyncFn() -> S>(open: &F) {
    let store = open().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let cases: [(&[u8], &[u8]); 5] = [
        (b"", b"empty key"),
        (b"\0", b""),
        (b"\0\0", b"\0"),
        (&[0xff; 40], &[0xff; 3]),
        (&every_byte, &every_byte),
    ];
    let changes = cases
        .iter()
        .map(|(key, value)| put(Collection::Contacts, key, value))
        .collect();
    assert_eq!(store.commit(changes).await, Ok(()));
    drop(store);
    let store = open().await;
    for (key, value) in cases {
        assert_eq!(
            store.get(Collection::Contacts, key).await,
            Ok(Some(value.to_vec()))
        );
    }
    assert_eq!(
        store.scan(whole(Collection::Contacts)).await.map(|all| all.len()),
        Ok(cases.len())
    );
    clear(&store).await;
}

async fn large_values_and_commits<S: Store, F: AsyncFn() -> S>(open: &F) {
    let store = open().await;
    let large = vec![0x5a; 300_000];
    assert_eq!(
        store
            .commit(vec![put(Collection::Network, b"nodes", &large)])
            .await,
        Ok(())
    );
    assert_eq!(store.get(Collection::Network, b"nodes").await, Ok(Some(large)));
    let many = (0..2_000)
        .map(|order| put(Collection::Messages, &message_key(3, order), b"text"))
        .collect();
    assert_eq!(store.commit(many).await, Ok(()));
    let entries = store
        .scan(Scan {
            collection: Collection::Messages,
            from: message_key(3, 0),
            to: Some(message_key(3, u64::MAX)),
            reverse: true,
            limit: 50,
        })
        .await
        .map(|page| page.into_iter().map(|(key, _)| key).collect::<Vec<_>>());
    assert_eq!(
        entries,
        Ok((1_950..2_000).rev().map(|order| message_key(3, order)).collect())
    );
    clear(&store).await;
}

async fn wiping_removes_everything<S: Store, F: AsyncFn() -> S>(open: &F) {
    let store = open().await;
    let changes = Collection::ALL
        .map(|collection| put(collection, b"key", b"value"))
        .to_vec();
    assert_eq!(store.commit(changes).await, Ok(()));
    assert_eq!(store.wipe().await, Ok(()));
    for collection in Collection::ALL {
        assert_eq!(store.scan(whole(collection)).await, Ok(Vec::new()));
    }
    assert_eq!(
        store.commit(vec![put(Collection::Meta, b"again", b"1")]).await,
        Ok(())
    );
    drop(store);
    let store = open().await;
    assert_eq!(
        store.get(Collection::Meta, b"again").await,
        Ok(Some(b"1".to_vec()))
    );
    clear(&store).await;
}
