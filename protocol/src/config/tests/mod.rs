//! Tests of the engine: known answers of the specification, life of a document, refusals, and random histories.

mod codec;
mod history;
mod kept;
mod life;
mod lost;
mod refusals;

use super::message::Draft;
use super::tree::{Dict, Scalar, Set, Tree};
use crate::account::{Account, Seed};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Some time, ms.
const NOW: u64 = 1_754_971_101_000;

fn account() -> Account {
    Account::from_seed(Seed::from_bytes(&[7; 16]))
}

/// A message with this data, as a first edit would make it.
fn draft(data: Dict) -> Draft {
    Draft {
        seqno: 1,
        base: Dict::new(),
        merged: None,
        data,
        unknown: BTreeMap::new(),
        lagged: Vec::new(),
    }
}

fn scalars() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<i64>().prop_map(Scalar::from),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Scalar::from(bytes.as_slice())),
    ]
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"a".to_vec()),
        Just(b"b".to_vec()),
        Just(vec![0xff]),
        Just(Vec::new())
    ]
}

/// Any tree, with empty containers too.
fn trees() -> impl Strategy<Value = Dict> {
    let leaf = prop_oneof![
        scalars().prop_map(Tree::Scalar),
        prop::collection::btree_set(scalars(), 0..4).prop_map(|set: Set| Tree::Set(set)),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::btree_map(keys(), inner, 0..4).prop_map(Tree::Dict)
    });
    prop::collection::btree_map(keys(), value, 0..4)
}
