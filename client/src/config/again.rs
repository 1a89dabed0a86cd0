//! What a device stores once more. A node gives messages in the order in which they came to it: one that was deleted and
//! comes again stands behind what others stored meanwhile, and a cursor on it would pass over all of that for good.

use std::collections::BTreeSet;

use holdfast_protocol::config::ConfigKind;

use crate::core::Core;
use crate::ports::{Collection, Scan, StoreError};
use crate::records::keys;
use crate::work::Work;

impl Core {
    /// See [`Work::read_anew`].
    pub(super) async fn read_anew(&self, kinds: &BTreeSet<ConfigKind>) -> Result<(), StoreError> {
        let mut work = Work::begin(self).await;
        work.read_anew(kinds).await?;
        work.commit().await
    }
}

impl Work<'_> {
    /// Has every node asked again for all that it holds of these documents. What is known already is passed over then.
    pub(super) async fn read_anew(&mut self, kinds: &BTreeSet<ConfigKind>) -> Result<(), StoreError> {
        let Some(own) = self.core.own_id().filter(|_| !kinds.is_empty()) else {
            return Ok(());
        };
        let scan = Scan {
            collection: Collection::Cursors,
            from: Vec::new(),
            to: None,
            reverse: false,
            limit: usize::MAX,
        };
        for (key, _) in self.store().scan(scan).await? {
            let is_of = |kind: &ConfigKind| keys::is_cursor_of(&key, &own, kind.namespace());
            if kinds.iter().any(is_of) {
                self.delete(Collection::Cursors, key);
            }
        }
        Ok(())
    }
}
