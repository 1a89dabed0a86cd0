//! How long messages live: off, after they were read, or after they were sent.

use holdfast_client::api::{Command, Disappearing};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::engine::LinkError;
use crate::i18n::{span, t};
use crate::screens::conversation::room::Room;
use crate::state::failure_text;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
const WEEK: u32 = 7 * DAY;
/// What is offered (`spec/02-messages-v1.md §5.6`).
const AFTER_READ: &[u32] = &[5 * MINUTE, HOUR, 12 * HOUR, DAY, WEEK, 2 * WEEK];
/// As [`AFTER_READ`].
const AFTER_SEND: &[u32] = &[12 * HOUR, DAY, WEEK, 2 * WEEK];
/// Offered on networks for development too (`spec/12-client-behaviour.md §6`).
const SHORT: &[u32] = &[10, 30, MINUTE];
/// The one network that people use.
const MAINNET: &str = "mainnet";
/// Chosen when a mode is switched on.
const FIRST_AFTER_READ: u32 = 12 * HOUR;
/// As [`FIRST_AFTER_READ`].
const FIRST_AFTER_SEND: u32 = DAY;

/// A mode without its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Off,
    AfterRead,
    AfterSend,
}

fn kind(mode: Disappearing) -> Kind {
    match mode {
        Disappearing::Off => Kind::Off,
        Disappearing::AfterRead(_) => Kind::AfterRead,
        Disappearing::AfterSend(_) => Kind::AfterSend,
    }
}

fn seconds(mode: Disappearing) -> u32 {
    match mode {
        Disappearing::Off => 0,
        Disappearing::AfterRead(seconds) | Disappearing::AfterSend(seconds) => seconds,
    }
}

/// The page.
pub(super) fn disappearing(room: Room) -> AnyView {
    let state = room.state;
    let own = state.is_own(&room.id);
    let set = Memo::new(move |_| room.desk.about.with(|about| about.mode));
    let chosen = RwSignal::new(set.get_untracked());
    // Another device may change it meanwhile.
    Effect::new(move |_| chosen.set(set.get()));
    let short = state.network.with_untracked(|n| n.network != MAINNET);
    let choice = move |name: &'static str,
                       id: String,
                       label: String,
                       help: Option<String>,
                       mode: Disappearing,
                       on: Signal<bool>| {
        view! {
            <label class="choice-line">
                <input
                    type="radio"
                    name=name
                    id=id
                    prop:checked=on
                    on:change=move |_| chosen.set(mode)
                />
                <span class="side-text">
                    <span>{label}</span>
                    {help.map(|help| view! { <span class="help">{help}</span> })}
                </span>
            </label>
        }
        .into_any()
    };
    let mode_choice = move |id: &str, label, help, mode: Disappearing| {
        let on = Signal::derive(move || kind(chosen.get()) == kind(mode));
        choice("timer-mode", id.into(), label, help, mode, on)
    };
    let modes = view! {
        <section class="card">
            <p class="help">
                {if own { t("timer.text_own") } else { t("timer.text") }}
            </p>
            <fieldset class="setting">
                <legend class="unseen">{t("timer.title")}</legend>
                {mode_choice("timer-off", t("timer.off"), None, Disappearing::Off)}
                {(!own)
                    .then(|| {
                        mode_choice(
                            "timer-read",
                            t("timer.after_read"),
                            Some(t("timer.after_read_help")),
                            Disappearing::AfterRead(FIRST_AFTER_READ),
                        )
                    })}
                {mode_choice(
                    "timer-send",
                    t("timer.after_send"),
                    Some(t("timer.after_send_help")),
                    Disappearing::AfterSend(FIRST_AFTER_SEND),
                )}
            </fieldset>
        </section>
    };
    let present = Memo::new(move |_| kind(chosen.get()));
    let times = move || {
        let kind = present.get();
        let offered = match kind {
            Kind::Off => return None,
            Kind::AfterRead => AFTER_READ,
            Kind::AfterSend => AFTER_SEND,
        };
        let extra: &[u32] = if short { SHORT } else { &[] };
        let list = extra
            .iter()
            .chain(offered)
            .map(|time| {
                let time = *time;
                let mode = match kind {
                    Kind::AfterSend => Disappearing::AfterSend(time),
                    _ => Disappearing::AfterRead(time),
                };
                let on = Signal::derive(move || seconds(chosen.get()) == time);
                let label = span(u64::from(time));
                choice("timer-time", format!("timer-{time}"), label, None, mode, on)
            })
            .collect_view();
        Some(
            view! {
                <section class="card">
                    <fieldset class="setting">
                        <legend>{t("timer.time")}</legend>
                        {list}
                    </fieldset>
                </section>
            }
            .into_any(),
        )
    };
    let save = move |_| {
        let mode = chosen.get_untracked();
        if mode != set.get_untracked() {
            let command = Command::SetDisappearing {
                conversation: room.id,
                mode,
            };
            spawn_local(async move {
                match state.request(command).await {
                    Ok(_) => state.show_toast(t("toast.setting_saved")),
                    Err(LinkError::Failed(failure)) => state.show_toast(failure_text(&failure)),
                    Err(LinkError::Lost) => {}
                }
            });
        }
    };
    view! {
        {modes} {times}
        <button
            id="set-timer"
            class="button primary large"
            // It keeps the focus when there is nothing left to set.
            aria-disabled=move || (chosen.get() == set.get()).to_string()
            on:click=save
        >
            {t("timer.set")}
        </button>
    }
    .into_any()
}
