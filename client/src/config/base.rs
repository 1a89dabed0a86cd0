//! Edits that were made on this device on top of a document that others have left far behind.
//!
//! A merge drops what is five or more steps old (`spec/04-configs.md §6`): the edits of a device that was offline and slept,
//! or that merged several times before it could push. The document as it would be without its edits is therefore kept
//! while there are any, so that they can be made again; where somebody else changed the same value meanwhile, theirs
//! stays.

use holdfast_protocol::account::Account;
use holdfast_protocol::config::{Config, ConfigKind, ConfigState, Dict, Tree};

use crate::ports::{Collection, StoreError};
use crate::records::keys;
use crate::work::Work;

/// A value that was changed.
pub(super) struct Edit {
    path: Vec<Vec<u8>>,
    before: Option<Tree>,
    after: Option<Tree>,
}

/// What leads from one tree to the other, value by value; sets count as values.
pub(super) fn edits(before: &Dict, after: &Dict) -> Vec<Edit> {
    let mut found = Vec::new();
    collect(&mut Vec::new(), before, after, &mut found);
    found
}

fn collect(path: &mut Vec<Vec<u8>>, before: &Dict, after: &Dict, found: &mut Vec<Edit>) {
    let empty = Dict::new();
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let (old, new) = (before.get(key), after.get(key));
        if old == new {
            continue;
        }
        path.push(key.clone());
        let inside = |tree: Option<&Tree>| tree.is_none_or(|tree| tree.as_dict().is_some());
        if inside(old) && inside(new) {
            let dict = |tree: Option<&'_ Tree>| tree.and_then(Tree::as_dict).cloned();
            let (old, new) = (dict(old), dict(new));
            collect(
                path,
                old.as_ref().unwrap_or(&empty),
                new.as_ref().unwrap_or(&empty),
                found,
            );
        } else {
            found.push(Edit {
                path: path.clone(),
                before: old.cloned(),
                after: new.cloned(),
            });
        }
        path.pop();
    }
}

/// Makes the edits again that a merge has dropped. Where somebody else changed the value, theirs stays.
pub(super) fn redo(document: &mut Config, edits: &[Edit]) {
    for edit in edits {
        let path = edit.path();
        if document.get(&path) == edit.before.as_ref() {
            document.set(&path, edit.after.clone());
        }
    }
}

/// The document as it would be without the edits.
pub(super) fn without(document: &Config, edits: &[Edit]) -> Config {
    let mut document = document.clone();
    for edit in edits {
        let path = edit.path();
        if document.get(&path) == edit.after.as_ref() {
            document.set(&path, edit.before.clone());
        }
    }
    document
}

impl Edit {
    fn path(&self) -> Vec<&[u8]> {
        self.path.iter().map(Vec::as_slice).collect()
    }
}

impl Work<'_> {
    /// A document as it was before edits that no push has brought out.
    pub(super) async fn base(
        &mut self,
        account: &Account,
        kind: ConfigKind,
    ) -> Result<Option<Config>, StoreError> {
        let Some(true) = self.document(kind).map(|document| document.needs_push()) else {
            return Ok(None);
        };
        let key = keys::config_base(&account.id(), kind);
        let dump = self.core.ports.store.get(Collection::Meta, &key).await?;
        Ok(dump.and_then(|dump| Config::load(kind, account, &dump).ok()))
    }

    /// Keeps what a document would be without edits that are still to be brought out.
    pub(super) fn set_base(&mut self, account: &Account, kind: ConfigKind, mut base: Config) {
        let dump = base.dump().to_vec();
        self.put(Collection::Meta, keys::config_base(&account.id(), kind), dump);
    }

    /// Keeps a document as it was when its first edit is made, and lets go of it once everything is out.
    pub(super) fn keep_base(&mut self, kind: ConfigKind) {
        let Some(own) = self.core.own_id() else {
            return;
        };
        let Some(after) = self.staged.get_mut(kind).map(|document| document.state()) else {
            return;
        };
        let Some(mut before) = self.core.read_configs(|docs| docs.get(kind).clone()) else {
            return;
        };
        let key = keys::config_base(&own, kind);
        match (before.state(), after) {
            (ConfigState::Clean, ConfigState::Dirty | ConfigState::Waiting) => {
                let dump = before.dump().to_vec();
                self.put(Collection::Meta, key, dump);
            }
            (ConfigState::Dirty | ConfigState::Waiting, ConfigState::Clean) => {
                self.delete(Collection::Meta, key);
            }
            _ => {}
        }
    }
}
