//! One conversation of a list: of the conversations, the requests.

use holdfast_client::api::{
    Conversation, Disappearing, FileId, FilesSummary, MessageKind, Notice, Place, Preview,
};
use holdfast_protocol::account::Id;
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::contact::{display_name, given_name};
use super::files::words;
use super::list::state_mark;
use super::row_menu::items;
use crate::components::avatar::{Size, avatar, note_avatar};
use crate::components::icon::{Icon, icon};
use crate::components::menu::Open;
use crate::components::press::LongPress;
use crate::i18n::{full_date, list_time, number, t, tf, tn};
use crate::state::AppState;
use crate::state::conversations::Listed;
use crate::state::nav::Route;

/// Counts above this are shown as «999+» (`spec/12-client-behaviour.md §1`).
const MAX_UNREAD: u32 = 999;

/// A row, which opens its conversation; with a menu on right click, long press and Alt+Enter.
pub(crate) fn row(
    state: AppState,
    listed: Listed,
    minute: RwSignal<()>,
    menu: RwSignal<Option<Open>>,
) -> AnyView {
    let id = listed.id;
    let data = listed.data;
    let current = Memo::new(move |_| state.nav.current().conversation() == Some(id));
    let open_menu = {
        let data = data.clone();
        move |x, y| {
            let items = data.with_untracked(|c| items(state, c));
            menu.set(Some(Open::at((x, y), items)));
        }
    };
    let of = data.clone();
    // By itself: a new message draws no face anew.
    let face = Memo::new(move |_| of.with(|c| (c.note_to_self, given_name(c).to_owned(), c.picture)));
    let of = data.clone();
    // A mute ends by itself.
    let muted = Memo::new(move |_| {
        minute.track();
        of.with(|c| state.is_muted(c))
    });
    let press = LongPress::new();
    let by_mouse = open_menu.clone();
    let by_key = open_menu.clone();
    let by_button = open_menu.clone();
    let by_finger = open_menu;
    view! {
        <li>
            <button
                class="row"
                data-conversation=id.to_hex()
                aria-current=move || current.get().then_some("true")
                on:click=move |_| state.nav.switch(Route::Conversation(id))
                on:contextmenu=move |event: MouseEvent| {
                    event.prevent_default();
                    press.cancel();
                    let (x, y) = place_of(&event);
                    by_mouse(x, y);
                }
                on:keydown=move |event: KeyboardEvent| {
                    if event.alt_key() && event.key() == "Enter" {
                        event.prevent_default();
                        let (x, y) = middle_of(event.current_target());
                        by_key(x, y);
                    }
                }
                on:pointerdown=move |event| press.start(&event, by_finger.clone())
                on:pointermove=move |event| press.slip(&event)
                on:pointercancel=move |_| press.cancel()
                on:touchend=move |event| press.lift(&event)
            >
                {move || face.with(|(own, name, picture)| portrait(id, *own, name, *picture))}
                {move || content(state, id, &data.get(), minute, muted)}
            </button>
            <button
                class="row-more"
                tabindex="-1"
                aria-label=t("row.actions")
                title=t("row.actions")
                on:click=move |event: MouseEvent| by_button(event.client_x(), event.client_y())
            >
                {icon(Icon::More)}
            </button>
        </li>
    }
    .into_any()
}

/// Where a menu belongs: at the pointer, or on the row when a key asked for it.
fn place_of(event: &MouseEvent) -> (i32, i32) {
    if event.client_x() == 0 && event.client_y() == 0 {
        middle_of(event.current_target())
    } else {
        (event.client_x(), event.client_y())
    }
}

fn middle_of(target: Option<web_sys::EventTarget>) -> (i32, i32) {
    target
        .and_then(|target| target.dyn_into::<HtmlElement>().ok())
        .map_or((0, 0), |row| {
            let rect = row.get_bounding_client_rect();
            (
                (rect.left() + rect.width() / 2.0) as i32,
                (rect.top() + rect.height() / 2.0) as i32,
            )
        })
}

fn content(
    state: AppState,
    id: Id,
    conversation: &Conversation,
    minute: RwSignal<()>,
    muted: Memo<bool>,
) -> AnyView {
    let c = conversation;
    view! {
        <span class="row-head">
            <span class="row-name" dir="auto">{display_name(c)}</span>
            {(c.disappearing != Disappearing::Off)
                .then(|| mark(Icon::Timer, t("row.is_disappearing")))}
            {move || muted.get().then(|| mark(Icon::Mute, t("row.is_muted")))}
            {(c.priority > 0).then(|| mark(Icon::Pin, t("row.is_pinned")))}
        </span>
        {row_time(c, minute)}
        {row_preview(state, id, c)}
        {unread(c, muted)}
    }
    .into_any()
}

/// The picture of a row: of the note to self, or of somebody else.
pub(super) fn portrait(id: Id, own: bool, name: &str, picture: Option<FileId>) -> AnyView {
    if own {
        note_avatar(Size::Medium).into_any()
    } else {
        avatar(&id, name, picture, Size::Medium)
    }
}

/// A small picture with its meaning in words.
fn mark(picture: Icon, words: String) -> AnyView {
    let title = words.clone();
    view! {
        <span class="row-mark" title=title>
            {icon(picture)}
            <span class="unseen">{words}</span>
        </span>
    }
    .into_any()
}

fn row_time(conversation: &Conversation, minute: RwSignal<()>) -> Option<AnyView> {
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
        .into_any()
    })
}

/// The second line: who types, a text begun, or the newest message.
fn row_preview(state: AppState, id: Id, conversation: &Conversation) -> impl Fn() -> AnyView + use<> {
    let preview = conversation.preview.clone();
    let kept = conversation.draft.clone();
    let staged = conversation.staged.first().map(|first| FilesSummary {
        kind: first.info.kind,
        count: u8::try_from(conversation.staged.len()).unwrap_or(u8::MAX),
    });
    let request = conversation.place == Place::Requests;
    move || {
        if state.is_typing(id) {
            return view! { <span class="row-preview typing">{t("row.typing")}</span> }.into_any();
        }
        let draft = state
            .draft(id)
            .or_else(|| kept.clone())
            .filter(|text| !text.is_empty())
            .or_else(|| staged.as_ref().map(words::summary_words))
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
        view! {
            <span class="row-preview">
                {(preview.outgoing && !request).then(|| state_mark(preview.state))}
                {preview
                    .files
                    .filter(|_| preview.kind == MessageKind::Text)
                    .map(|files| icon(words::kind_icon(files.kind)))}
                <span class="row-text" dir="auto">{preview_text(preview)}</span>
            </span>
        }
        .into_any()
    }
}

/// The newest message in one line.
fn preview_text(preview: &Preview) -> String {
    let text = match &preview.files {
        Some(files) if preview.text.trim().is_empty() => words::summary_words(files),
        _ => preview.text.clone(),
    };
    match preview.kind {
        MessageKind::Text if preview.outgoing => tf("list.own_preview", &[("text", &text)]),
        MessageKind::Text => text,
        MessageKind::Deleted => t("message.deleted"),
        MessageKind::Notice(Notice::Disappearing(Disappearing::Off)) => t("preview.timer_off"),
        MessageKind::Notice(Notice::Disappearing(_)) => t("preview.timer"),
        MessageKind::Notice(Notice::RequestAccepted) => t("preview.accepted"),
        MessageKind::Notice(Notice::MediaSaved) => t("preview.saved"),
        MessageKind::Notice(Notice::MissedCall) => t("preview.call"),
    }
}

/// How much is unread, or that it was marked so.
fn unread(conversation: &Conversation, muted: Memo<bool>) -> Option<AnyView> {
    let count = conversation.unread;
    if count == 0 {
        return conversation.marked_unread.then(|| {
            view! {
                <span class="unread marked" class:quiet=move || muted.get()>
                    <span class="unseen">{t("row.is_unread")}</span>
                </span>
            }
            .into_any()
        });
    }
    let shown = if count > MAX_UNREAD {
        format!("{}+", number(f64::from(MAX_UNREAD)))
    } else {
        number(f64::from(count))
    };
    Some(
        view! {
            <span class="unread" class:quiet=move || muted.get()>
                <span aria-hidden="true">{shown}</span>
                <span class="unseen">{tn("list.unread", u64::from(count))}</span>
            </span>
        }
        .into_any(),
    )
}
