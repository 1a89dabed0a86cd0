//! The four documents of an account together.

use super::{Config, ConfigKind, Contacts, ConvoInfoVolatile, UserGroups, UserProfile};
use crate::account::Account;

/// All documents of an account.
#[derive(Debug, Clone)]
pub struct AccountConfigs {
    /// Own name, picture and settings.
    pub profile: UserProfile,
    /// Everybody the account knows.
    pub contacts: Contacts,
    /// Groups and communities.
    pub groups: UserGroups,
    /// Read positions.
    pub convos: ConvoInfoVolatile,
}

impl AccountConfigs {
    /// Documents in which nothing was ever set.
    pub fn new(account: &Account) -> Self {
        Self {
            profile: UserProfile::new(account),
            contacts: Contacts::new(account),
            groups: UserGroups::new(account),
            convos: ConvoInfoVolatile::new(account),
        }
    }

    /// One of them, for what all have in common.
    pub fn get(&self, kind: ConfigKind) -> &Config {
        match kind {
            ConfigKind::UserProfile => &self.profile,
            ConfigKind::Contacts => &self.contacts,
            ConfigKind::UserGroups => &self.groups,
            ConfigKind::ConvoInfoVolatile => &self.convos,
        }
    }

    /// One of them, to merge, push and so on.
    pub fn get_mut(&mut self, kind: ConfigKind) -> &mut Config {
        match kind {
            ConfigKind::UserProfile => &mut self.profile,
            ConfigKind::Contacts => &mut self.contacts,
            ConfigKind::UserGroups => &mut self.groups,
            ConfigKind::ConvoInfoVolatile => &mut self.convos,
        }
    }
}
