//! What comes back with a recovery phrase and what does not (`spec/12-client-behaviour.md §12.3`).

use leptos::prelude::*;

use crate::i18n::t;

/// As a line that can be opened.
#[component]
pub(crate) fn ComesBack() -> impl IntoView {
    view! {
        <details class="comes-back">
            <summary>{t("comes_back.title")}</summary>
            {comes_back()}
        </details>
    }
}

/// The list itself.
pub(crate) fn comes_back() -> AnyView {
    let line = |what: String, text: String| {
        view! {
            <div>
                <dt>{what}</dt>
                <dd>{text}</dd>
            </div>
        }
    };
    view! {
        <dl>
            {line(t("comes_back.settings"), t("comes_back.settings_text"))}
            {line(t("comes_back.messages"), t("comes_back.messages_text"))}
            {line(t("comes_back.nothing"), t("comes_back.nothing_text"))}
        </dl>
        <p class="help">{t("comes_back.long_away")}</p>
    }
    .into_any()
}
