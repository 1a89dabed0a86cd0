//! Notifications: the page of the settings, and the one question at the right moment.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::pages::page;
use crate::components::choice::{Choice, choices, switch};
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::notifications::{Permission, ask, permission};
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::preferences::key;
use crate::state::reminder::reminder;

/// Turns notifications on or off; turning on asks the browser, which the user may refuse.
fn turn(state: AppState, on: bool, allowed: RwSignal<Permission>) {
    if !on {
        state.set_preference(key::NOTIFY, "off");
        return;
    }
    spawn_local(async move {
        let answer = ask().await;
        let _ = allowed.try_set(answer);
        // A refusal is kept as an answer too: it is not asked again unbidden.
        let value = if answer == Permission::Granted {
            "on"
        } else {
            "off"
        };
        state.set_preference(key::NOTIFY, value);
    });
}

/// Whether notifications are on, in a word.
pub(super) fn present(state: AppState) -> String {
    if is_on(state) {
        t("notifications.on")
    } else {
        t("notifications.off")
    }
}

fn is_on(state: AppState) -> bool {
    state.preferences.notify.get() == Some(true)
        && permission() == Permission::Granted
        && !state.notifier.fails.get()
}

/// The page.
pub(super) fn notifications(state: AppState) -> AnyView {
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let allowed = RwSignal::new(permission());
    let on = Signal::derive(move || {
        allowed.get() == Permission::Granted && state.preferences.notify.get() == Some(true)
    });
    let note = move || {
        let text = match allowed.get() {
            _ if !own => t("notifications.shared"),
            Permission::Missing => t("notifications.missing"),
            Permission::Denied => t("notifications.denied"),
            // It has them, and showed none in either way.
            _ if state.notifier.fails.get() => t("notifications.missing"),
            Permission::Granted | Permission::Default => return None,
        };
        Some(view! { <p class="warning" role="status">{text}</p> }.into_any())
    };
    let possible = move || own && matches!(allowed.get(), Permission::Granted | Permission::Default);
    let main = move || {
        possible().then(|| {
            view! {
                <section class="card">
                    {switch(
                        "notify",
                        t("notifications.switch"),
                        t("notifications.switch_help"),
                        on,
                        Callback::new(move |on| turn(state, on, allowed)),
                    )}
                </section>
            }
            .into_any()
        })
    };
    let content = move || {
        on.get().then(|| {
            let chosen = Signal::derive(move || state.preferences.notify_content.get().name().to_owned());
            let all = vec![
                Choice {
                    value: "none",
                    label: t("notifications.none"),
                    help: t("notifications.none_help"),
                },
                Choice {
                    value: "name",
                    label: t("notifications.name"),
                    help: t("notifications.name_help"),
                },
                Choice {
                    value: "message",
                    label: t("notifications.message"),
                    help: t("notifications.message_help"),
                },
            ];
            let choose = Callback::new(move |value| state.set_preference(key::NOTIFY_CONTENT, value));
            let sound = Callback::new(move |on: bool| {
                state.set_preference(key::NOTIFY_SOUND, if on { "on" } else { "" });
            });
            view! {
                <section class="card">
                    {switch(
                        "notify-sound",
                        t("notifications.sound"),
                        t("notifications.sound_help"),
                        state.preferences.notify_sound.into(),
                        sound,
                    )}
                </section>
                <section class="card">
                    {choices("notify-content", t("notifications.content"), all, chosen, choose)}
                    <button
                        id="notify-sample"
                        class="button"
                        on:click=move |_| state.notifier.sample(state)
                    >
                        {t("notifications.sample")}
                    </button>
                </section>
            }
            .into_any()
        })
    };
    page(
        t("notifications.title"),
        view! {
            {note}
            {main}
            {content}
        }
        .into_any(),
    )
}

/// Asks once whether to notify: when there is somebody who may write, and nothing more important is asked.
#[component]
pub(crate) fn NotifyBanner() -> impl IntoView {
    let state = AppState::get();
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let allowed = RwSignal::new(permission());
    let wanted = Memo::new(move |_| {
        own && allowed.get() == Permission::Default
            && state.preferences.notify.get().is_none()
            && state.preferences.phrase_seen.get()
            && state.preferences.has_written.get()
            && reminder(state).is_none()
    });
    move || {
        wanted.get().then(|| {
            view! {
                <section class="banner">
                    <span class="banner-icon">{icon(Icon::Bell)}</span>
                    <div>
                        <h2>{t("notifications.ask_title")}</h2>
                        <p>{t("notifications.ask_text")}</p>
                        <div class="row-actions">
                            <button
                                id="notify-yes"
                                class="button"
                                on:click=move |_| turn(state, true, allowed)
                            >
                                {t("notifications.ask_yes")}
                            </button>
                            <button
                                id="notify-no"
                                class="button quiet"
                                on:click=move |_| turn(state, false, allowed)
                            >
                                {t("notifications.ask_no")}
                            </button>
                        </div>
                    </div>
                </section>
            }
            .into_any()
        })
    }
}
