//! The conversation list.

use holdfast_client::api::{Conversation, MessageState};
use holdfast_protocol::account::Id;
use leptos::html;
use leptos::prelude::*;

use super::contact::display_name;
use super::settings::EndSession;
use crate::components::avatar::{Size, avatar, note_avatar};
use crate::components::focus::walk;
use crate::components::icon::{Icon, icon};
use crate::i18n::{full_date, list_time, number, t, tf, tn};
use crate::platform::session::StorageMode;
use crate::state::nav::Route;
use crate::state::{AppState, Listed};

/// Counts above this are shown as «999+» (`spec/12-client-behaviour.md §1`).
const MAX_UNREAD: u32 = 999;
/// The times in the list follow the clock this often.
const MINUTE_MS: u64 = 60_000;

/// The list with its heading.
#[component]
pub(crate) fn ListPane() -> impl IntoView {
    let state = AppState::get();
    let node = NodeRef::<html::Ul>::new();
    let shared = state.mode.get_untracked() == StorageMode::SharedComputer;
    let minute = RwSignal::new(());
    let tick = set_interval_with_handle(
        move || minute.set(()),
        std::time::Duration::from_millis(MINUTE_MS),
    );
    on_cleanup(move || {
        if let Ok(tick) = &tick {
            tick.clear();
        }
    });
    view! {
        <nav class="list-pane" aria-label=t("list.label")>
            <header class="list-header">
                <button
                    id="open-profile"
                    class="avatar-button"
                    aria-label=t("list.profile")
                    title=t("list.profile")
                    on:click=move |_| state.nav.switch(Route::Profile)
                >
                    {move || state.account.get().map(|a| avatar(&a.id, &a.name, Size::Small))}
                </button>
                <h1>{t("list.title")}</h1>
                <ConnectionLight />
                <button
                    id="open-settings"
                    class="icon-button"
                    aria-label=t("settings.title")
                    title=t("settings.title")
                    on:click=move |_| state.nav.switch(Route::Settings)
                >
                    {icon(Icon::Settings)}
                </button>
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
            <PhraseBanner />
            <ul class="conversations" node_ref=node on:keydown=move |event| {
                if let Some(list) = node.get_untracked() {
                    walk(&list, ".row", false, &event);
                }
            }>
                <For
                    each=move || state.conversations.get()
                    key=|listed| listed.id
                    children=move |listed| {
                        let current = Memo::new(move |_| {
                            state.nav.current().conversation() == Some(listed.id)
                        });
                        view! { <Row listed=listed.clone() current minute /> }.into_any()
                    }
                />
            </ul>
            {move || {
                state
                    .conversations
                    .with(Vec::is_empty)
                    .then(|| view! { <EmptyList /> }.into_any())
            }}
            {shared.then(|| view! { <EndSession /> }.into_any())}
        </nav>
    }
}

/// A list without conversations says what to do.
#[component]
fn EmptyList() -> impl IntoView {
    let state = AppState::get();
    view! {
        <div class="empty-list">
            <h2>{t("list.empty_title")}</h2>
            <p>{t("list.empty_text")}</p>
            <button class="button primary" on:click=move |_| state.nav.switch(Route::NewConversation)>
                {t("new.title")}
            </button>
            <button class="button quiet" on:click=move |_| state.nav.switch(Route::Profile)>
                {icon(Icon::Qr)}
                {t("list.empty_share")}
            </button>
        </div>
    }
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
}

/// Reminds of the recovery phrase, once something would be lost without it and as long as it was not seen.
#[component]
fn PhraseBanner() -> impl IntoView {
    let state = AppState::get();
    let wanted =
        Memo::new(move |_| !state.preferences.phrase_seen.get() && state.preferences.has_written.get());
    let own_device = state.mode.get_untracked() == StorageMode::OwnDevice;
    move || {
        wanted.get().then(|| {
            view! {
                <section class="banner">
                    <span class="banner-icon">{icon(Icon::Key)}</span>
                    <div>
                        <h2>{t("banner.title")}</h2>
                        <p>{if own_device { t("banner.text") } else { t("banner.text_shared") }}</p>
                        <button
                            id="banner-phrase"
                            class="button"
                            on:click=move |_| state.nav.switch(Route::Profile)
                        >
                            {t("banner.action")}
                        </button>
                    </div>
                </section>
            }
            .into_any()
        })
    }
}

/// One conversation of the list.
#[component]
fn Row(listed: Listed, current: Memo<bool>, minute: RwSignal<()>) -> impl IntoView {
    let state = AppState::get();
    let id = listed.id;
    let data = listed.data;
    let content = move || {
        let conversation = data.get();
        view! {
            {if conversation.note_to_self {
                note_avatar(Size::Medium).into_any()
            } else {
                avatar(&id, conversation.name.as_deref().unwrap_or_default(), Size::Medium)
                    .into_any()
            }}
            <span class="row-name" dir="auto">{display_name(&conversation)}</span>
            {row_time(&conversation, minute)}
            {row_preview(state, id, &conversation)}
            {(conversation.unread > 0).then(|| unread(conversation.unread))}
        }
        .into_any()
    };
    view! {
        <li>
            <button
                class="row"
                data-conversation=id.to_hex()
                aria-current=move || current.get().then_some("true")
                on:click=move |_| state.nav.switch(Route::Conversation(id))
            >
                {content}
            </button>
        </li>
    }
}

fn row_time(conversation: &Conversation, minute: RwSignal<()>) -> impl IntoView + use<> {
    conversation.preview.as_ref().map(|preview| {
        let at = preview.sent_at;
        view! {
            <time class="row-time" title=full_date(at)>
                {move || {
                    minute.track();
                    list_time(at)
                }}
            </time>
        }
    })
}

fn row_preview(state: AppState, id: Id, conversation: &Conversation) -> impl IntoView + use<> {
    let preview = conversation.preview.clone();
    move || {
        let draft = state
            .draft(id)
            .filter(|_| state.nav.current().conversation() != Some(id));
        if let Some(draft) = draft {
            return view! {
                <span class="row-preview">
                    <span class="draft">{t("list.draft")}</span>
                    <span class="row-text" dir="auto">{draft}</span>
                </span>
            }
            .into_any();
        }
        let Some(preview) = &preview else {
            return view! { <span class="row-preview">{t("list.no_messages")}</span> }.into_any();
        };
        let text = if preview.outgoing {
            tf("list.own_preview", &[("text", &preview.text)])
        } else {
            preview.text.clone()
        };
        view! {
            <span class="row-preview">
                {preview.outgoing.then(|| state_mark(preview.state))}
                <span class="row-text" dir="auto">{text}</span>
            </span>
        }
        .into_any()
    }
}

fn unread(count: u32) -> impl IntoView {
    let shown = if count > MAX_UNREAD {
        format!("{}+", number(f64::from(MAX_UNREAD)))
    } else {
        number(f64::from(count))
    };
    view! {
        <span class="unread">
            <span aria-hidden="true">{shown}</span>
            <span class="unseen">{tn("list.unread", u64::from(count))}</span>
        </span>
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
