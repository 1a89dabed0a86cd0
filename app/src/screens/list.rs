//! The conversation list.

use std::time::Duration;

use holdfast_client::api::{MessageState, Place};
use leptos::html;
use leptos::prelude::*;

use super::kiosk::{everybody, may_write_to, permitted};
use super::requests::{RequestsBanner, RequestsHeader};
use super::restoring::ReadingBar;
use super::row::row;
use super::search::Search;
use super::settings::{NotifyBanner, OfferBanner};
use crate::components::avatar::{Size, avatar};
use crate::components::clock::every;
use crate::components::focus::{hold, item_of, one_stop, walk};
use crate::components::icon::{Icon, icon, icon_button};
use crate::components::menu::{MenuHost, Open};
use crate::i18n::t;
use crate::platform::kiosk;
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::conversations::Listed;
use crate::state::nav::{Route, Section};
use crate::state::reminder::{Reminder, put_off, reminder};

/// What the list says of time follows the clock this often.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// Which list is shown: that of the requests as long as one of them is open.
pub(crate) fn place(state: AppState) -> Place {
    let route = permitted(state, state.nav.current());
    let of_requests = route == Route::Requests
        || route
            .conversation()
            .and_then(|id| state.conversation(id))
            .is_some_and(|c| c.place == Place::Requests);
    if of_requests { Place::Requests } else { Place::List }
}

/// The list with its heading.
#[component]
pub(crate) fn ListPane() -> impl IntoView {
    let state = AppState::get();
    let menu = RwSignal::new(None::<Open>);
    let place = Memo::new(move |_| place(state));
    let head = move || match place.get() {
        Place::Requests => view! { <RequestsHeader /> }.into_any(),
        _ if kiosk::names_people() => view! {
            <Header />
            <ReadingBar />
        }
        .into_any(),
        _ => view! {
            <Header />
            <Search />
            <ReadingBar />
            <OfferBanner />
            <PhraseBanner id="banner-phrase" />
            <NotifyBanner />
            <RequestsBanner />
        }
        .into_any(),
    };
    view! {
        <nav class="list-pane" aria-label=t("list.label")>
            {head}
            {move || rows(state, place.get(), menu)}
            {move || {
                // While an account comes back, an empty list says nothing yet.
                let whole = state.restore.with(Option::is_none);
                (whole && place.get() == Place::List && listed(state, Place::List).is_empty())
                    .then(|| view! { <EmptyList /> }.into_any())
            }}
            <MenuHost open=menu />
        </nav>
    }
}

/// What one place shows: at a kiosk, those who can be written to there.
pub(super) fn listed(state: AppState, place: Place) -> Vec<Listed> {
    let mut all = state.conversations.at(place);
    all.retain(|listed| may_write_to(state, &listed.id));
    all
}

/// The rows of one place.
fn rows(state: AppState, place: Place, menu: RwSignal<Option<Open>>) -> AnyView {
    let node = NodeRef::<html::Ul>::new();
    let minute = every(MINUTE);
    // Tab reaches one row: the one that had the focus last, or the open conversation's.
    let stop = move |opened: bool| {
        if let Some(list) = node.try_get_untracked().flatten() {
            let open = list.query_selector(".row[aria-current]").ok().flatten();
            one_stop(&list, ".row", open.filter(|_| opened));
        }
    };
    let open = Memo::new(move |_| state.nav.current().conversation());
    Effect::new(move |_| {
        open.track();
        request_animation_frame(move || stop(true));
    });
    let due = StoredValue::new(false);
    let each = move || {
        if let Some(list) = node.get_untracked() {
            hold(&list, ".row", "data-conversation");
        }
        // No frames are drawn of a page that is out of sight, whatever comes.
        if !due.get_value() {
            due.set_value(true);
            request_animation_frame(move || {
                let _ = due.try_set_value(false);
                stop(false);
            });
        }
        listed(state, place)
    };
    view! {
        <ul
            class="conversations"
            node_ref=node
            on:focusin=move |event| {
                if let Some(list) = node.get_untracked() {
                    one_stop(&list, ".row", item_of(&event, ".row"));
                }
            }
            on:keydown=move |event| {
                if let Some(list) = node.get_untracked() {
                    walk(&list, ".row", false, &event);
                }
            }
        >
            <For
                each
                key=|listed| (listed.id, listed.moves)
                children=move |listed| row(state, listed, minute, menu)
            />
        </ul>
    }
    .into_any()
}

/// The heading of the conversation list.
#[component]
fn Header() -> impl IntoView {
    let state = AppState::get();
    view! {
        <header class="list-header">
            {(permitted(state, Route::Profile) == Route::Profile).then(|| profile_button(state))}
            <h1>{t("list.title")}</h1>
            <ConnectionLight />
            // There as soon as there is a lock.
            {move || {
                state
                    .has_lock()
                    .then(|| icon_button("lock-now", Icon::Lock, t("lock.now"), move || state.lock_now()))
            }}
            {icon_button("open-settings", Icon::Settings, t("settings.title"), move || {
                state.nav.switch(Route::Settings);
            })}
            <button
                id="new-conversation"
                class="icon-button accent"
                aria-label=t("new.title")
                title=t("list.new_hint")
                on:click=move |_| state.nav.switch(Route::NewConversation)
            >
                {icon(Icon::NewChat)}
            </button>
        </header>
    }
}

/// The way to the own profile.
fn profile_button(state: AppState) -> AnyView {
    view! {
        <button
            id="open-profile"
            class="avatar-button"
            aria-label=t("list.profile")
            title=t("list.profile")
            on:click=move |_| state.nav.switch(Route::Profile)
        >
            {move || state.account.get().map(|a| avatar(&a.id, &a.name, a.picture, Size::Small))}
        </button>
    }
    .into_any()
}

/// A list without conversations says what to do.
#[component]
fn EmptyList() -> impl IntoView {
    let state = AppState::get();
    if kiosk::names_people() {
        return view! {
            <div class="empty-list">
                <h2>{t("kiosk.people")}</h2>
                {everybody(state)}
            </div>
        }
        .into_any();
    }
    let own_id = permitted(state, Route::Profile) == Route::Profile;
    view! {
        <div class="empty-list">
            <h2>{t("list.empty_title")}</h2>
            <p>{t("list.empty_text")}</p>
            <button class="button primary" on:click=move |_| state.nav.switch(Route::NewConversation)>
                {t("new.title")}
            </button>
            {own_id
                .then(|| {
                    view! {
                        <button
                            class="button quiet"
                            on:click=move |_| state.nav.switch(Route::Profile)
                        >
                            {icon(Icon::Qr)}
                            {t("list.empty_share")}
                        </button>
                    }
                })}
        </div>
    }
    .into_any()
}

/// A dot that tells whether messages come through; leads to the network panel.
#[component]
fn ConnectionLight() -> impl IntoView {
    let state = AppState::get();
    let light = Memo::new(move |_| {
        state.network.with(|n| match (n.connected, n.paths) {
            (true, 2..) => "good",
            (true, _) => "fair",
            (false, _) => "bad",
        })
    });
    let words = move || match light.get() {
        "good" => t("light.good"),
        "fair" => t("light.fair"),
        _ => t("light.bad"),
    };
    if permitted(state, Route::Network) != Route::Network {
        return view! {
            <span id="open-network" class="icon-button still" role="img" aria-label=words title=words>
                <span class="light" data-light=light></span>
            </span>
        }
        .into_any();
    }
    view! {
        <button
            id="open-network"
            class="icon-button"
            aria-label=words
            title=words
            on:click=move |_| state.nav.switch(Route::Network)
        >
            <span class="light" data-light=light></span>
        </button>
    }
    .into_any()
}

/// Reminds of the recovery phrase when it is time for that; it can be put off.
#[component]
pub(crate) fn PhraseBanner(
    /// The button's, unique on the page.
    id: &'static str,
) -> impl IntoView {
    let state = AppState::get();
    let minute = every(MINUTE);
    let wanted = Memo::new(move |_| {
        minute.track();
        reminder(state).filter(|_| !kiosk::is_on())
    });
    let own_device = state.mode.get_untracked() == StorageMode::OwnDevice;
    move || {
        wanted.get().map(|what| {
            let (title, text, action, to) = match what {
                Reminder::Save => (
                    t("banner.title"),
                    if own_device {
                        t("banner.text")
                    } else {
                        t("banner.text_shared")
                    },
                    t("banner.action"),
                    Route::Profile,
                ),
                Reminder::Check => (
                    t("banner.check_title"),
                    t("banner.check_text"),
                    t("banner.check_action"),
                    Route::SettingsOf(Section::Recovery),
                ),
            };
            view! {
                <section class="banner">
                    <span class="banner-icon">{icon(Icon::Key)}</span>
                    <div>
                        <h2>{title}</h2>
                        <p>{text}</p>
                        <div class="row-actions">
                            <button id=id class="button" on:click=move |_| state.nav.switch(to)>
                                {action}
                            </button>
                            <button
                                id=format!("{id}-later")
                                class="button quiet"
                                on:click=move |_| put_off(state, what)
                            >
                                {t("banner.later")}
                            </button>
                        </div>
                    </div>
                </section>
            }
            .into_any()
        })
    }
}

/// The state of an own message: a small mark for eyes, words for screen readers.
pub(crate) fn state_mark(state: MessageState) -> impl IntoView {
    let (name, words) = match state {
        MessageState::Received => return ().into_any(),
        MessageState::Queued => ("queued", t("state.queued")),
        MessageState::Sending => ("sending", t("state.sending")),
        MessageState::Sent => ("sent", t("state.sent")),
        MessageState::Read => ("read", t("state.read")),
        MessageState::Failed(_) => ("failed", t("state.failed")),
    };
    let title = words.clone();
    let picture = match state {
        MessageState::Sent => Some(Icon::Check),
        MessageState::Read => Some(Icon::Checks),
        MessageState::Failed(_) => Some(Icon::Alert),
        MessageState::Queued => Some(Icon::Clock),
        MessageState::Sending | MessageState::Received => None,
    };
    view! {
        <span class="state" data-state=name title=title>
            {picture.map(icon)}
            <span class="unseen">{words}</span>
        </span>
    }
    .into_any()
}
