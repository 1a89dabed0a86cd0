//! What a conversation's standing asks for at its foot: a request's bar, the note under one's own request, the way out of a
//! block.

use holdfast_client::api::{Command, Standing};
use leptos::prelude::*;

use super::composer::Composer;
use super::gestures::{rest, to_messages};
use super::room::Room;
use crate::components::focus::nothing_has_focus;
use crate::components::icon::{Icon, icon};
use crate::i18n::{t, tf};
use crate::state::Question;

/// The foot of a conversation.
#[component]
pub(super) fn Foot(room: Room) -> impl IntoView {
    let standing = Memo::new(move |_| room.desk.about.with(|about| about.standing));
    let blocked = Memo::new(move |_| standing.get() == Standing::Blocked);
    // What had the focus here may have gone with what the foot was.
    Effect::new(move |before: Option<bool>| {
        let now = blocked.get();
        if before.is_some_and(|before| before != now) {
            request_animation_frame(move || match nothing_has_focus() {
                true if now => to_messages(),
                true => rest(),
                false => {}
            });
        }
        now
    });
    let above = move || match standing.get() {
        Standing::IncomingRequest => Some(view! { <RequestBar room /> }.into_any()),
        Standing::OutgoingRequest => Some(
            view! {
                <p class="foot-note">
                    {icon(Icon::Clock)}
                    <span>
                        {move || {
                            room.desk
                                .about
                                .with(|about| tf("request.outgoing", &[("name", &about.name)]))
                        }}
                    </span>
                </p>
            }
            .into_any(),
        ),
        _ => None,
    };
    view! {
        {above}
        {move || {
            if blocked.get() {
                view! { <BlockedBar room /> }.into_any()
            } else {
                view! { <Composer room /> }.into_any()
            }
        }}
    }
}

/// Accept, decline or block.
#[component]
fn RequestBar(room: Room) -> impl IntoView {
    let question = room.state.question;
    view! {
        <section class="foot-bar" aria-label=t("request.label")>
            <p>
                {move || {
                    room.desk.about.with(|about| tf("request.incoming", &[("name", &about.name)]))
                }}
            </p>
            <div class="foot-actions">
                <button
                    id="block-request"
                    class="button danger"
                    on:click=move |_| question.set(Some(Question::Block(room.id)))
                >
                    {t("block.do")}
                </button>
                <button
                    id="decline-request"
                    class="button danger"
                    on:click=move |_| question.set(Some(Question::Decline(room.id)))
                >
                    {t("request.decline")}
                </button>
                <button
                    id="accept-request"
                    class="button primary"
                    on:click=move |_| {
                        room.state.command(Command::AcceptRequest(room.id));
                        // This goes.
                        rest();
                    }
                >
                    {t("request.accept")}
                </button>
            </div>
            <p class="help">{t("request.explanation")}</p>
        </section>
    }
}

/// In place of the composer.
#[component]
fn BlockedBar(room: Room) -> impl IntoView {
    let unblock = move |_| {
        let command = Command::SetBlocked {
            id: room.id,
            blocked: false,
        };
        room.state.command(command);
    };
    view! {
        <section class="foot-bar" aria-label=t("block.label")>
            <p>
                {move || room.desk.about.with(|about| tf("block.bar", &[("name", &about.name)]))}
            </p>
            <div class="foot-actions">
                <button id="unblock" class="button primary" on:click=unblock>
                    {t("block.undo")}
                </button>
            </div>
        </section>
    }
}
