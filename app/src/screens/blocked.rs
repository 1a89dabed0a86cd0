//! The blocked contacts, and the way back for each.

use holdfast_client::api::Place;
use leptos::html;
use leptos::prelude::*;

use super::contact::{display_name, given_name};
use super::profile::PaneHeader;
use crate::components::avatar::{Size, avatar};
use crate::components::focus::hold;
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::state::conversations::Listed;
use crate::state::identity::short_id;
use crate::state::{AppState, Question};

/// The screen.
#[component]
pub(crate) fn Blocked() -> impl IntoView {
    let state = AppState::get();
    let none = Memo::new(move |_| state.conversations.none_at(Place::Blocked));
    let body = NodeRef::<html::Div>::new();
    view! {
        <div class="pane">
            <PaneHeader title=t("blocked.title") />
            <div class="pane-body" node_ref=body>
                <p class="help">{t("blocked.help")}</p>
                {move || {
                    if none.get() {
                        keep(body);
                        view! {
                            <div class="empty-pane">
                                {icon(Icon::Block)}
                                <p>{t("blocked.empty")}</p>
                            </div>
                        }
                            .into_any()
                    } else {
                        list(state, body)
                    }
                }}
            </div>
        </div>
    }
}

/// Keeps the focus, which is on the button of somebody who is let back, with the next one.
fn keep(body: NodeRef<html::Div>) {
    if let Some(body) = body.get_untracked() {
        hold(&body, "[data-blocked] .button", "id");
    }
}

fn list(state: AppState, body: NodeRef<html::Div>) -> AnyView {
    let each = move || {
        keep(body);
        state.conversations.at(Place::Blocked)
    };
    view! {
        <ul class="card people">
            <For
                each
                key=|listed| listed.id
                children=move |listed| person(state, listed)
            />
        </ul>
    }
    .into_any()
}

fn person(state: AppState, listed: Listed) -> AnyView {
    let id = listed.id;
    let data = listed.data;
    let who = move || {
        let c = data.get();
        view! {
            {avatar(&id, given_name(&c), c.picture, Size::Small)}
            <span class="choice-text">
                <strong dir="auto">{display_name(&c)}</strong>
                <span dir="ltr">{short_id(&id)}</span>
            </span>
        }
        .into_any()
    };
    view! {
        <li class="person" data-blocked=id.to_hex()>
            {who}
            <button class="button" on:click=move |_| state.question.set(Some(Question::Unblock(id)))>
                {t("block.undo")}
            </button>
        </li>
    }
    .into_any()
}
