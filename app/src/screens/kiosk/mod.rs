//! The screens of a kiosk, and which of the others it has (`spec/12-client-behaviour.md §12.2`, rule 6).

mod caution;
mod closed;
mod people;
mod settings;
mod start;

use holdfast_protocol::kiosk::Feature;

use crate::platform::kiosk;
use crate::state::nav::{Route, Section};

pub(crate) use caution::Caution;
pub(crate) use closed::Closed;
pub(crate) use people::{PeoplePane, open, people};
pub(crate) use settings::settings;
pub(crate) use start::Start;

/// The screen that is shown for a route: at a kiosk, the list for one that is not allowed.
pub(crate) fn permitted(route: Route) -> Route {
    if !kiosk::is_on() || allows(route) {
        route
    } else {
        Route::Home
    }
}

fn allows(route: Route) -> bool {
    match route {
        Route::Welcome
        | Route::Name
        | Route::Place { restore: false }
        | Route::Home
        | Route::NewConversation
        | Route::Settings
        | Route::SettingsOf(Section::Privacy) => true,
        Route::Place { restore: true } | Route::Restore | Route::Recognise => kiosk::allows(Feature::Restore),
        Route::Conversation(id)
        | Route::Details(id)
        | Route::Disappearing(id)
        | Route::MessageInfo(id, _)
        | Route::Gallery(id) => kiosk::may_write_to(&id),
        Route::Profile => kiosk::allows(Feature::AccountId),
        Route::Requests | Route::Blocked => !kiosk::names_people(),
        Route::SettingsOf(_) | Route::Network => false,
    }
}
