//! Settings: appearance, language, keyboard, and what is kept on this device.

use holdfast_client::api::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::phrase::PhraseDialog;
use super::profile::PaneHeader;
use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, icon};
use crate::i18n::{LANGUAGES, PSEUDO, t};
use crate::platform::session::StorageMode;
use crate::state::preferences::{Theme, key};
use crate::state::{AppState, early};

/// The question that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Remove the account from this device.
    LogOut,
    /// Remove the account and every choice.
    Clear,
}

/// The screen.
#[component]
pub(crate) fn Settings() -> impl IntoView {
    let state = AppState::get();
    let question = RwSignal::new(None::<Question>);
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let device = if own {
        view! {
            <p class="help">{t("settings.device_own")}</p>
            <div class="row-actions">
                <button
                    id="log-out"
                    class="button"
                    on:click=move |_| question.set(Some(Question::LogOut))
                >
                    {icon(Icon::LogOut)}
                    {t("settings.log_out")}
                </button>
                <button
                    id="clear-device"
                    class="button danger"
                    on:click=move |_| question.set(Some(Question::Clear))
                >
                    {icon(Icon::Trash)}
                    {t("settings.clear")}
                </button>
            </div>
        }
        .into_any()
    } else {
        view! {
            <p class="help">{t("settings.device_shared")}</p>
            <div class="row-actions">
                <button
                    id="log-out"
                    class="button danger"
                    on:click=move |_| question.set(Some(Question::LogOut))
                >
                    {icon(Icon::LogOut)}
                    {t("settings.end_session")}
                </button>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="pane">
            <PaneHeader title=t("settings.title") />
            <div class="pane-body">
                <section class="card">
                    <h2>{t("settings.appearance")}</h2>
                    <ThemeChoice />
                    <LanguageChoice id="settings-language" />
                </section>
                <section class="card">
                    <h2>{t("settings.writing")}</h2>
                    <EnterChoice />
                </section>
                <section class="card">
                    <h2>{t("settings.device")}</h2>
                    {device}
                </section>
                <section class="card">
                    <h2>{t("settings.shortcuts")}</h2>
                    <Shortcuts />
                </section>
                <p class="about">
                    "Holdfast " {env!("CARGO_PKG_VERSION")} <br /> {t("settings.licence")}
                </p>
            </div>
            {move || {
                question
                    .get()
                    .map(|what| {
                        view! { <Leaving what on_close=move || question.set(None) /> }.into_any()
                    })
            }}
        </div>
    }
}

/// Ends a session on a shared computer; always in sight there.
#[component]
pub(crate) fn EndSession() -> impl IntoView {
    let asks = RwSignal::new(false);
    view! {
        <footer class="end-session">
            <button id="end-session" class="button" on:click=move |_| asks.set(true)>
                {icon(Icon::LogOut)}
                {t("settings.end_session")}
            </button>
        </footer>
        {move || {
            asks.get()
                .then(|| {
                    view! {
                        <Leaving what=Question::LogOut on_close=move || asks.set(false) />
                    }
                        .into_any()
                })
        }}
    }
}

/// Light, dark or the system's choice.
#[component]
fn ThemeChoice() -> impl IntoView {
    let state = AppState::get();
    let option = move |theme: Theme, label: String| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name="theme"
                    value=theme.name()
                    prop:checked=move || state.preferences.theme.get() == theme
                    on:change=move |_| state.set_preference(key::THEME, theme.name())
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="setting">
            <legend>{t("settings.theme")}</legend>
            <div class="segments">
                {option(Theme::System, t("settings.theme_system"))}
                {option(Theme::Light, t("settings.theme_light"))}
                {option(Theme::Dark, t("settings.theme_dark"))}
            </div>
        </fieldset>
    }
}

/// The language of the page.
#[component]
pub(crate) fn LanguageChoice(
    /// Unique on the page.
    id: &'static str,
) -> impl IntoView {
    let state = AppState::get();
    let chosen = state.preferences.language.get_untracked();
    // Shown to those who asked for it in the address or chose it before.
    let pseudo = chosen == PSEUDO || crate::i18n::tag() == PSEUDO;
    let option = |tag: &'static str, name: String, chosen: &str| {
        view! {
            <option value=tag selected=tag == chosen>
                {name}
            </option>
        }
    };
    view! {
        <div class="setting">
            <label for=id>{t("settings.language")}</label>
            <select
                id=id
                on:change:target=move |event| {
                    state.set_preference(key::LANGUAGE, &event.target().value());
                }
            >
                {option("", t("settings.language_system"), &chosen)}
                {LANGUAGES
                    .iter()
                    .map(|l| option(l.tag, l.name.to_owned(), &chosen))
                    .collect_view()}
                {pseudo.then(|| option(PSEUDO, PSEUDO.to_owned(), &chosen))}
            </select>
        </div>
    }
}

/// What Enter does.
#[component]
fn EnterChoice() -> impl IntoView {
    let state = AppState::get();
    let option = move |value: &'static str, is: Option<bool>, label: String| {
        view! {
            <label class="choice-line">
                <input
                    type="radio"
                    name="enter"
                    value=value
                    prop:checked=move || state.preferences.enter_sends.get() == is
                    on:change=move |_| state.set_preference(key::ENTER, value)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="setting lines">
            <legend>{t("settings.enter")}</legend>
            {option("auto", None, t("settings.enter_auto"))}
            {option("send", Some(true), t("settings.enter_send"))}
            {option("line", Some(false), t("settings.enter_line"))}
        </fieldset>
    }
}

/// The keys that do something.
#[component]
fn Shortcuts() -> impl IntoView {
    let line = |keys: &'static [&'static str], words: String| {
        view! {
            <div>
                <dt>{words}</dt>
                <dd dir="ltr">
                    {keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}
                </dd>
            </div>
        }
    };
    view! {
        <dl class="shortcuts">
            {line(&["Alt", "N"], t("shortcut.new"))}
            {line(&["Alt", "↑ ↓"], t("shortcut.walk"))}
            {line(&["↑ ↓"], t("shortcut.messages"))}
            {line(&["Enter"], t("shortcut.menu"))}
            {line(&["Esc"], t("shortcut.close"))}
        </dl>
    }
}

/// The confirmation before everything is removed.
#[component]
fn Leaving(what: Question, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let state = AppState::get();
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let phrase = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let error = RwSignal::new(String::new());
    let (title, text, action) = match (what, own) {
        (Question::LogOut, true) => (t("leave.title"), t("leave.text"), t("settings.log_out")),
        (Question::LogOut, false) => (
            t("leave.shared_title"),
            t("leave.shared_text"),
            t("settings.end_session"),
        ),
        (Question::Clear, _) => (t("leave.clear_title"), t("leave.clear_text"), t("settings.clear")),
    };
    let waiting = state.network.with_untracked(|n| n.outbox);
    let go = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            if what == Question::Clear {
                early::forget(key::THEME);
                early::forget(key::LANGUAGE);
            }
            if state.request(Command::LogOut).await.is_err() {
                let _ = error.try_set(t("leave.failed"));
                let _ = busy.try_set(false);
            }
        });
    };
    view! {
        <Dialog title=title on_close=on_close>
            <p>{text}</p>
            {(waiting > 0)
                .then(|| {
                    view! { <p class="warning">{crate::i18n::tn("leave.waiting", u64::from(waiting))}</p> }
                })}
            {move || {
                (!state.preferences.phrase_seen.get())
                    .then(|| {
                        view! {
                            <div class="warning">
                                <p>{t("leave.no_phrase")}</p>
                                <button class="button" on:click=move |_| phrase.set(true)>
                                    {icon(Icon::Key)}
                                    {t("leave.show_phrase")}
                                </button>
                            </div>
                        }
                            .into_any()
                    })
            }}
            <p class="error" role="alert">{error}</p>
            <div class="actions">
                <button class="button quiet" autofocus on:click=move |_| on_close.run(())>
                    {t("action.cancel")}
                </button>
                <button
                    id="confirm-leave"
                    class="button danger solid"
                    aria-disabled=move || busy.get().to_string()
                    on:click=go
                >
                    {action}
                </button>
            </div>
            {move || {
                phrase
                    .get()
                    .then(|| {
                        view! { <PhraseDialog on_close=move || phrase.set(false) /> }.into_any()
                    })
            }}
        </Dialog>
    }
}
