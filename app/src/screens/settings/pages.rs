//! The pages of the settings.

use leptos::prelude::*;

use super::super::profile::PaneHeader;
use crate::components::choice::{Choice, choices, switch};
use crate::components::keys::alt_types;
use crate::i18n::{LANGUAGES, Language, PSEUDO, t};
use crate::platform::kiosk;
use crate::state::AppState;
use crate::state::preferences::key;

/// A page with its heading.
pub(super) fn page(title: String, body: AnyView) -> AnyView {
    view! {
        <div class="pane">
            <PaneHeader title=title />
            <div class="pane-body">{body}</div>
        </div>
    }
    .into_any()
}

/// What others learn.
pub(super) fn privacy(state: AppState) -> AnyView {
    let set = move |name: &'static str| {
        Callback::new(move |on: bool| state.set_preference(name, if on { "on" } else { "" }))
    };
    // Where nothing is marked as read elsewhere, nobody is told either.
    let tells_reading = !kiosk::rules().is_some_and(|rules| rules.leave_unread);
    let receipts = tells_reading.then(|| {
        switch(
            "read-receipts",
            t("privacy.receipts"),
            t("privacy.receipts_help"),
            state.preferences.read_receipts.into(),
            set(key::READ_RECEIPTS),
        )
    });
    let body = view! {
        <section class="card">
            {receipts}
            {switch(
                "typing-indicators",
                t("privacy.typing"),
                t("privacy.typing_help"),
                state.preferences.typing_indicators.into(),
                set(key::TYPING_INDICATORS),
            )}
        </section>
        <p class="help">{t("privacy.note")}</p>
        <section class="card">
            {switch(
                "known-file-servers",
                t("privacy.servers"),
                t("privacy.servers_help"),
                state.preferences.known_file_servers.into(),
                Callback::new(move |on: bool| {
                    state.set_preference(key::KNOWN_FILE_SERVERS, if on { "on" } else { "off" });
                }),
            )}
        </section>
        {move || {
            state
                .network
                .with(|network| network.previews)
                .then(|| {
                    view! {
                        <section class="card">
                            {switch(
                                "link-previews",
                                t("privacy.links"),
                                t("privacy.links_help"),
                                state.preferences.link_previews.into(),
                                set(key::LINK_PREVIEWS),
                            )}
                        </section>
                    }
                })
        }}
    };
    page(t("privacy.title"), body.into_any())
}

/// Writing, and listening.
pub(super) fn conversations(state: AppState) -> AnyView {
    let chosen = Signal::derive(move || {
        let value = match state.preferences.enter_sends.get() {
            None => "auto",
            Some(true) => "send",
            Some(false) => "line",
        };
        value.to_owned()
    });
    let option = |value, label| Choice {
        value,
        label,
        help: String::new(),
    };
    let all = vec![
        option("auto", t("settings.enter_auto")),
        option("send", t("settings.enter_send")),
        option("line", t("settings.enter_line")),
    ];
    let choose = Callback::new(move |value| state.set_preference(key::ENTER, value));
    let body = view! {
        <section class="card">{choices("enter", t("settings.enter"), all, chosen, choose)}</section>
        <section class="card">
            {switch(
                "audio-autoplay",
                t("settings.autoplay"),
                t("settings.autoplay_help"),
                state.preferences.audio_autoplay.into(),
                Callback::new(move |on: bool| {
                    state.set_preference(key::AUDIO_AUTOPLAY, if on { "on" } else { "" });
                }),
            )}
        </section>
    };
    page(t("settings.conversations"), body.into_any())
}

/// Theme and language.
pub(super) fn appearance(state: AppState) -> AnyView {
    let chosen = Signal::derive(move || state.preferences.theme.get().name().to_owned());
    let option = |value, label| Choice {
        value,
        label,
        help: String::new(),
    };
    let all = vec![
        option("system", t("settings.theme_system")),
        option("light", t("settings.theme_light")),
        option("dark", t("settings.theme_dark")),
    ];
    let choose = Callback::new(move |value| state.set_preference(key::THEME, value));
    let body = view! {
        <section class="card">{choices("theme", t("settings.theme"), all, chosen, choose)}</section>
        <section class="card">
            <LanguageChoice id="settings-language" />
        </section>
    };
    page(t("settings.appearance"), body.into_any())
}

/// The languages that can be chosen here.
fn offered() -> impl Iterator<Item = &'static Language> {
    let rules = kiosk::rules();
    LANGUAGES
        .iter()
        .filter(move |language| rules.is_none_or(|rules| rules.offers(language.tag)))
}

/// Whether there is a choice of languages.
pub(crate) fn offers_languages() -> bool {
    offered().nth(1).is_some()
}

/// The language of the page.
#[component]
pub(crate) fn LanguageChoice(
    /// Unique on the page.
    id: &'static str,
) -> impl IntoView {
    let state = AppState::get();
    let mut chosen = state.preferences.language.get_untracked();
    let offered: Vec<_> = offered().collect();
    if kiosk::is_on() && chosen.is_empty() {
        // What the browser wants is no choice where many people use it.
        chosen = crate::i18n::tag();
    }
    if !offers_languages() {
        return ().into_any();
    }
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
                {(!kiosk::is_on()).then(|| option("", t("settings.language_system"), &chosen))}
                {offered
                    .into_iter()
                    .map(|l| option(l.tag, l.name.to_owned(), &chosen))
                    .collect_view()}
                {pseudo.then(|| option(PSEUDO, PSEUDO.to_owned(), &chosen))}
            </select>
        </div>
    }
    .into_any()
}

/// The keys that do something.
pub(super) fn keys() -> AnyView {
    let line = |keys: &'static [&'static str], words: String| {
        view! {
            <div>
                <dt>{words}</dt>
                <dd dir="ltr">
                    {keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}
                </dd>
            </div>
        }
        .into_any()
    };
    let body = view! {
        <section class="card">
            <dl class="shortcuts">
                {line(&["Alt", "N"], t("shortcut.new"))}
                {line(&["Alt", "↑ ↓"], t("shortcut.walk"))}
                {line(&["Alt", "S"], t("shortcut.search"))}
                {line(&["Alt", "F"], t("shortcut.find"))}
                {line(&["Alt", "L"], t("shortcut.lock"))}
                {line(&["Alt", "Enter"], t("shortcut.row_menu"))}
                {line(&["↑ ↓"], t("shortcut.messages"))}
                {line(&["Enter"], t("shortcut.menu"))}
                {line(&["← →"], t("shortcut.viewer_step"))}
                {line(&["+ − 0"], t("shortcut.viewer_zoom"))}
                {line(&["Esc"], t("shortcut.close"))}
            </dl>
        </section>
        {alt_types().then(|| view! { <p id="option-key" class="help">{t("shortcut.option")}</p> })}
    };
    page(t("settings.shortcuts"), body.into_any())
}
