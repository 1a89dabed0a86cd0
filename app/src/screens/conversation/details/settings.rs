//! The settings of a conversation (`spec/12-client-behaviour.md §6`).

use holdfast_client::api::{Command, Conversation, Disappearing, Notify, Standing};
use leptos::prelude::*;

use super::action;
use crate::components::avatar::{Size, avatar, note_avatar};
use crate::components::icon::{Icon, icon};
use crate::i18n::{full_date, span, t, tf};
use crate::platform::kiosk;
use crate::screens::contact::{display_name, given_name};
use crate::screens::conversation::asks::Ask;
use crate::screens::conversation::room::Room;
use crate::screens::viewer::Look;
use crate::state::Question;
use crate::state::identity::id_groups;
use crate::state::nav::Route;

/// How long a conversation can be muted, in seconds, with the value of the choice.
const MUTES: [(&str, u64); 4] = [
    ("hour", 3_600),
    ("two_hours", 7_200),
    ("day", 86_400),
    ("week", 604_800),
];

/// The page.
pub(super) fn settings(room: Room) -> AnyView {
    let (state, id) = (room.state, room.id);
    let known = room.desk.known;
    let own = state.is_own(&id);
    view! {
        {move || known.get().map(|c| who(room, &c))}
        {(!own).then(|| identity(room))}
        {move || known.get().map(|c| choices(room, &c))}
        {move || known.get().map(|c| removals(room, &c))}
    }
    .into_any()
}

/// Picture and names.
fn who(room: Room, known: &Conversation) -> AnyView {
    if known.note_to_self {
        return view! {
            <section class="card identity">
                {note_avatar(Size::Large)} <p class="own-name">{t("note.title")}</p>
                <p class="help">{t("note.subtitle")}</p>
            </section>
        }
        .into_any();
    }
    let name = display_name(known);
    let given = known.nickname.is_some();
    let real = known.name.clone().filter(|real| given && *real != name);
    let (question, id) = (room.state.question, room.id);
    let contact = matches!(
        known.standing,
        Standing::Active | Standing::OutgoingRequest | Standing::Blocked
    );
    view! {
        <section class="card identity">
            {portrait(room, known, &name)}
            <p class="own-name" dir="auto">{name.clone()}</p>
            {real
                .map(|real| {
                    view! {
                        <p class="help" dir="auto">{tf("details.real_name", &[("name", &real)])}</p>
                    }
                })}
            {(contact && !kiosk::is_on())
                .then(|| {
                    let label = if given { t("nickname.edit") } else { t("nickname.add") };
                    view! {
                        <button
                            id="edit-nickname"
                            class="button quiet"
                            on:click=move |_| question.set(Some(Question::Nickname(id)))
                        >
                            {icon(Icon::Edit)}
                            {label}
                        </button>
                    }
                })}
        </section>
    }
    .into_any()
}

/// The contact's picture, which opens larger.
fn portrait(room: Room, known: &Conversation, name: &str) -> AnyView {
    let face = avatar(&known.id, given_name(known), known.picture, Size::Large);
    let Some(picture) = known.picture else {
        return face;
    };
    let (look, name) = (room.state.look, name.to_owned());
    let open = move |_| {
        look.set(Some(Look::Person {
            picture,
            name: name.clone(),
        }));
    };
    view! {
        <button
            id="open-picture"
            class="avatar-button"
            aria-label=t("details.picture")
            title=t("details.picture")
            on:click=open
        >
            {face}
        </button>
    }
    .into_any()
}

/// The Account ID.
fn identity(room: Room) -> AnyView {
    let id = room.id;
    view! {
        <section class="card">
            <h2>{t("new.label")}</h2>
            <p class="id-groups" dir="ltr" data-id=id.to_hex() aria-label=id.to_hex()>
                {id_groups(&id).into_iter().map(|group| view! { <span>{group}</span> }).collect_view()}
            </p>
            <p class="help">{t("contact.explanation")}</p>
            <div class="row-actions">
                <button
                    id="copy-id"
                    class="button"
                    on:click=move |_| room.state.copy(id.to_hex(), t("toast.id_copied"))
                >
                    {icon(Icon::Copy)}
                    {t("action.copy")}
                </button>
                <button
                    id="show-qr"
                    class="button"
                    on:click=move |_| room.desk.asks.set(Some(Ask::Qr))
                >
                    {icon(Icon::Qr)}
                    {t("details.qr")}
                </button>
            </div>
        </section>
    }
    .into_any()
}

/// How long messages live, in words.
fn timer_words(mode: Disappearing) -> String {
    match mode {
        Disappearing::Off => t("timer.off"),
        Disappearing::AfterRead(s) => tf("timer.after_read_value", &[("time", &span(u64::from(s)))]),
        Disappearing::AfterSend(s) => tf("timer.after_send_value", &[("time", &span(u64::from(s)))]),
    }
}

/// What can be chosen.
fn choices(room: Room, known: &Conversation) -> AnyView {
    let (state, id) = (room.state, room.id);
    let pinned = known.priority > 0;
    let settled = matches!(known.standing, Standing::Own | Standing::Active);
    // Nothing is kept of somebody whom nobody has written to.
    let kept = settled || known.standing == Standing::OutgoingRequest;
    let listed = kept || known.standing == Standing::Fresh;
    let timer = settled.then(|| {
        view! {
            <button
                id="open-timer"
                class="side-action"
                on:click=move |_| state.nav.go(Route::Disappearing(id))
            >
                {icon(Icon::Timer)}
                <span class="side-text">
                    <span>{t("timer.title")}</span>
                    <span class="help">{timer_words(known.disappearing)}</span>
                </span>
                {icon(Icon::Chevron)}
            </button>
        }
        .into_any()
    });
    // What is pinned already can be taken off, whoever it is with.
    let pin = (settled || pinned).then(|| {
        view! {
            <label class="side-action" for="pin">
                {icon(Icon::Pin)}
                <span class="side-text">{t("details.pin")}</span>
                <input
                    id="pin"
                    class="switch"
                    type="checkbox"
                    role="switch"
                    prop:checked=pinned
                    on:change=move |_| {
                        state.command(Command::SetPinned { id, pinned: !pinned })
                    }
                />
            </label>
        }
        .into_any()
    });
    let notify = (kept && !known.note_to_self).then(|| notifications(room, known));
    let load = (listed && !known.note_to_self).then(|| {
        let on = known.auto_load;
        view! {
            <label class="side-action" for="auto-load">
                {icon(Icon::Download)}
                <span class="side-text">
                    <span>{t("details.auto_load")}</span>
                    <span class="help">{t("details.auto_load_help")}</span>
                </span>
                <input
                    id="auto-load"
                    class="switch"
                    type="checkbox"
                    role="switch"
                    prop:checked=on
                    on:change=move |_| {
                        state
                            .command(Command::SetAutoLoad {
                                conversation: id,
                                on: !on,
                            })
                    }
                />
            </label>
        }
        .into_any()
    });
    view! {
        <section class="card side-actions">
            <button
                id="open-gallery"
                class="side-action"
                on:click=move |_| state.nav.go(Route::Gallery(id))
            >
                {icon(Icon::Gallery)}
                <span class="side-text">{t("gallery.title")}</span>
                {icon(Icon::Chevron)}
            </button>
        </section>
        {(listed || pinned)
            .then(|| view! { <section class="card side-actions">{timer} {pin} {notify} {load}</section> })}
    }
    .into_any()
}

/// Which notifications it makes: all, none, or none for a while.
fn notifications(room: Room, known: &Conversation) -> AnyView {
    let id = room.id;
    let now = room.state.network_now_ms() / 1_000;
    let until = known.muted_until.filter(|until| *until > now);
    let value = match (known.notify, until) {
        (Notify::Nothing, _) => "never",
        (Notify::All, Some(_)) => "until",
        (Notify::All, None) => "all",
    };
    let change = move |value: String| {
        let now = room.state.network_now_ms() / 1_000;
        let (mode, muted_until) = match value.as_str() {
            "never" => (Notify::Nothing, None),
            other => {
                let span = MUTES.iter().find(|(name, _)| *name == other);
                (Notify::All, span.map(|(_, seconds)| now + seconds))
            }
        };
        let command = Command::SetNotifications {
            id,
            mode,
            muted_until,
        };
        room.state.command(command);
    };
    let options = MUTES
        .into_iter()
        .map(|(name, seconds)| {
            view! {
                <option value=name>{tf("details.mute_for", &[("time", &span(seconds))])}</option>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <label class="side-action" for="notify">
            {icon(if value == "all" { Icon::Bell } else { Icon::Mute })}
            <span class="side-text">{t("details.notifications")}</span>
            <select id="notify" on:change:target=move |e| change(e.target().value())>
                <option value="all" selected=value == "all">{t("details.notify_all")}</option>
                {until
                    .map(|until| {
                        let time = full_date(until * 1000);
                        view! {
                            <option value="until" selected>{tf("details.muted_until", &[("time", &time)])}</option>
                        }
                    })} {options} <option value="never" selected=value == "never">{t("details.notify_never")}</option>
            </select>
        </label>
    }
    .into_any()
}

/// What removes something.
fn removals(room: Room, known: &Conversation) -> AnyView {
    let id = room.id;
    let state = room.state;
    let own = known.note_to_self;
    let blocked = known.standing == Standing::Blocked;
    let ask = move |what: Question| move || state.question.set(Some(what));
    let block = (!own).then(|| {
        if blocked {
            action(
                "details-unblock",
                Icon::Block,
                t("block.undo"),
                false,
                move || {
                    state.command(Command::SetBlocked { id, blocked: false });
                },
            )
        } else {
            action(
                "details-block",
                Icon::Block,
                t("block.do"),
                true,
                ask(Question::Block(id)),
            )
        }
    });
    let hide = own.then(|| {
        action("details-hide", Icon::Hide, t("details.hide"), false, move || {
            state.command(Command::HideConversation(id));
            state.nav.reset(Route::Home);
        })
    });
    let clear = action(
        "details-clear",
        Icon::Clear,
        t("clear.do"),
        true,
        ask(Question::Clear(id)),
    );
    let delete = (!own).then(|| {
        let label = t("delete_conversation.do");
        action(
            "details-delete",
            Icon::Trash,
            label,
            true,
            ask(Question::DeleteConversation(id)),
        )
    });
    let contact = (!own && !matches!(known.standing, Standing::Fresh)).then(|| {
        let label = t("delete_contact.do");
        action(
            "details-delete-contact",
            Icon::PersonOff,
            label,
            true,
            ask(Question::DeleteContact(id)),
        )
    });
    view! {
        <section class="card side-actions">
            {hide} {block} {clear} {delete} {contact}
        </section>
    }
    .into_any()
}
