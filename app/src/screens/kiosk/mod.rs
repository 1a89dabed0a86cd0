//! The screens of a kiosk, and which of the others it has (`spec/12-client-behaviour.md §12.2`, rule 6).

mod caution;
mod closed;
mod people;
mod settings;
mod start;

use holdfast_client::api::Standing;
use holdfast_protocol::account::Id;
use holdfast_protocol::kiosk::{Feature, Kiosk};

use crate::platform::kiosk;
use crate::state::AppState;
use crate::state::nav::{Route, Section};

pub(crate) use caution::{Caution, dangers};
pub(crate) use closed::Closed;
pub(crate) use people::{PeoplePane, everybody};
pub(crate) use settings::settings;
pub(crate) use start::Start;

/// The screen that is shown for a route: at a kiosk, the list for one that is not allowed.
pub(crate) fn permitted(state: AppState, route: Route) -> Route {
    let allowed = |rules: &Kiosk| allows(rules, route, |id| may_write_to(state, id));
    if !kiosk::is_on() || kiosk::rules().is_some_and(allowed) {
        route
    } else {
        Route::Home
    }
}

/// Whether somebody can be written to here: anybody, but at a kiosk whose operator says who.
pub(crate) fn may_write_to(state: AppState, id: &Id) -> bool {
    kiosk::may_write_to(id, || is_contact(state, id))
}

/// Whether the open account has somebody as a contact, or it is itself.
fn is_contact(state: AppState, id: &Id) -> bool {
    let known = state.conversations.get_untracked(*id);
    known.is_some_and(|known| {
        matches!(
            known.standing,
            Standing::Own | Standing::Active | Standing::OutgoingRequest
        )
    })
}

fn allows(rules: &Kiosk, route: Route, may_write_to: impl FnOnce(&Id) -> bool) -> bool {
    match route {
        Route::Welcome
        | Route::Home
        | Route::NewConversation
        | Route::Settings
        | Route::SettingsOf(Section::Privacy) => true,
        Route::Name => rules.takes_new_accounts(),
        Route::Place { restore: true } => rules.allows(Feature::Restore) || rules.allows(Feature::Transfer),
        Route::Restore | Route::Recognise => rules.allows(Feature::Restore),
        Route::Receive => rules.allows(Feature::Transfer),
        Route::Conversation(id)
        | Route::Details(id)
        | Route::Disappearing(id)
        | Route::MessageInfo(id, _)
        | Route::Gallery(id) => may_write_to(&id),
        Route::Profile => rules.allows(Feature::AccountId),
        Route::Requests | Route::Blocked => !rules.names_people(),
        // Everything here is kept in memory: nobody is asked where.
        Route::Place { restore: false } | Route::SettingsOf(_) | Route::Network => false,
    }
}

#[cfg(test)]
mod tests {
    use holdfast_protocol::account::Id;
    use holdfast_protocol::kiosk::{Contact, Feature, Kiosk};

    use crate::state::nav::{Route, Section};

    /// What an account without contacts sees.
    fn allows(rules: &Kiosk, route: Route) -> bool {
        super::allows(rules, route, |id| rules.may_write_to(id, || false))
    }

    fn id(digit: char) -> Id {
        Id::parse(&format!("05{}", digit.to_string().repeat(64))).expect("an id")
    }

    #[test]
    fn a_kiosk_that_allows_nothing_has_conversations_and_no_more() {
        let rules = Kiosk::default();
        for route in [
            Route::Home,
            Route::Name,
            Route::NewConversation,
            Route::Conversation(id('3')),
        ] {
            assert!(allows(&rules, route), "{route:?}");
        }
        for route in [
            Route::Place { restore: false },
            Route::Place { restore: true },
            Route::Restore,
            Route::Recognise,
            Route::Receive,
            Route::Profile,
            Route::Network,
            Route::SettingsOf(Section::Give),
            Route::SettingsOf(Section::Notifications),
            Route::SettingsOf(Section::Storage),
            Route::SettingsOf(Section::Appearance),
        ] {
            assert!(!allows(&rules, route), "{route:?}");
        }
    }

    #[test]
    fn each_way_into_an_account_is_allowed_by_itself() {
        for (feature, allowed, other) in [
            (Feature::Restore, Route::Restore, Route::Receive),
            (Feature::Transfer, Route::Receive, Route::Restore),
        ] {
            let rules = Kiosk {
                allow: [feature].into(),
                ..Kiosk::default()
            };
            assert!(allows(&rules, Route::Place { restore: true }), "{feature:?}");
            assert!(allows(&rules, allowed), "{feature:?}");
            assert!(!allows(&rules, other), "{feature:?}");
        }
    }

    #[test]
    fn where_people_are_named_no_way_leads_to_others() {
        let rules = Kiosk {
            contacts: vec![Contact {
                id: id('3'),
                name: "Desk".into(),
            }],
            allow: [Feature::Restore, Feature::AccountId].into(),
            ..Kiosk::default()
        };
        for route in [
            Route::Conversation(id('3')),
            Route::Details(id('3')),
            Route::Restore,
            Route::Profile,
        ] {
            assert!(allows(&rules, route), "{route:?}");
        }
        for route in [
            Route::Conversation(id('4')),
            Route::Details(id('4')),
            Route::Gallery(id('4')),
            Route::Requests,
            Route::Blocked,
        ] {
            assert!(!allows(&rules, route), "{route:?}");
        }
    }

    #[test]
    fn where_contacts_alone_can_be_written_to_only_an_account_that_has_some_is_opened() {
        let rules = Kiosk {
            contacts_only: true,
            allow: [Feature::Transfer].into(),
            ..Kiosk::default()
        };
        assert!(!allows(&rules, Route::Name), "a new account has nobody");
        assert!(allows(&rules, Route::Receive));
        for route in [Route::Conversation(id('4')), Route::Requests, Route::Blocked] {
            assert!(!allows(&rules, route), "{route:?}");
        }
        let known = |id: &Id| rules.may_write_to(id, || true);
        assert!(super::allows(&rules, Route::Conversation(id('4')), known));
    }
}
