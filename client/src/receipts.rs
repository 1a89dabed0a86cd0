//! Read receipts (`spec/02-messages-v1.md §5.8`): off unless the user turned them on, and only among accounts that
//! accepted each other.

use holdfast_protocol::account::Id;

use crate::api::Standing;
use crate::core::Core;

/// The preference; `on` or anything else.
pub(crate) const READ_RECEIPTS: &str = "read-receipts";

impl Core {
    /// Whether a preference is on.
    pub(crate) fn is_on(&self, preference: &str) -> bool {
        let state = self.state.borrow();
        state
            .preferences
            .get(preference)
            .is_some_and(|value| value == "on")
    }

    /// Whether a contact is told what was read of theirs.
    pub(crate) fn tells_reading(&self, contact: &Id) -> bool {
        self.is_on(READ_RECEIPTS) && self.state.borrow().standing(contact) == Standing::Active
    }
}
