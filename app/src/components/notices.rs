//! Notices over any screen: the short toast, what screen readers are told, and the question before a link is opened.

use std::time::Duration;

use leptos::prelude::*;

use super::dialog::Dialog;
use super::icon::{Icon, icon};
use crate::i18n::t;
use crate::state::AppState;

/// How long a toast stays (`spec/12-client-behaviour.md §8.12`).
const TOAST: Duration = Duration::from_secs(3);

/// Everything that lies over the screens.
#[component]
pub(crate) fn Notices() -> impl IntoView {
    let state = AppState::get();
    Effect::new(move |_| {
        if let Some((shown, _)) = state.toast.get() {
            set_timeout(
                move || {
                    let same = state
                        .toast
                        .with_untracked(|toast| toast.as_ref().is_some_and(|(n, _)| *n == shown));
                    if same {
                        state.toast.set(None);
                    }
                },
                TOAST,
            );
        }
    });
    view! {
        {told()}
        {move || {
            state.leaving_to.get().map(|href| view! { <LinkQuestion href /> }.into_any())
        }}
    }
}

/// The toast, and what screen readers are told. Every dialog over the page has them too: it keeps whatever is outside out of
/// sight and reach.
pub(crate) fn told() -> AnyView {
    let state = AppState::get();
    let toast = move || {
        state
            .toast
            .get()
            .map(|(_, text)| view! { <p class="toast">{text}</p> })
    };
    view! {
        <div class="toasts" role="status">{toast}</div>
        // Each announcement is an element of its own: a text that does not change is not told again.
        <div class="unseen announcements" aria-live="polite">
            <For
                each=move || state.announcements.get()
                key=|(number, _)| *number
                children=|(_, text)| view! { <p>{text}</p> }
            />
        </div>
    }
    .into_any()
}

/// An address as the browser reads it and goes to: what looks like another host is written in plain letters (`xn--…`), and
/// what the text hides in the path is escaped.
fn as_read(href: String) -> String {
    match web_sys::Url::new(&href) {
        Ok(read) => read.href(),
        // No address: it leads nowhere, and is shown as it stands.
        Err(_) => href,
    }
}

/// Shows the whole address before it is opened (`spec/12-client-behaviour.md §8.9`).
#[component]
fn LinkQuestion(href: String) -> impl IntoView {
    let state = AppState::get();
    let href = as_read(href);
    let close = move || state.leaving_to.set(None);
    let copied = href.clone();
    view! {
        <Dialog title=t("link.title") on_close=close>
            <p>{t("link.explanation")}</p>
            <p class="address" dir="ltr">{href.clone()}</p>
            <div class="actions">
                <button class="button quiet" on:click=move |_| close()>{t("action.cancel")}</button>
                <button
                    class="button quiet"
                    on:click=move |_| {
                        state.copy(copied.clone(), t("toast.link_copied"));
                        close();
                    }
                >
                    {icon(Icon::Copy)}
                    {t("action.copy")}
                </button>
                <a
                    class="button primary"
                    href=href
                    target="_blank"
                    rel="noopener noreferrer"
                    autofocus
                    on:click=move |_| {
                        // The browser follows the link first.
                        request_animation_frame(close);
                    }
                >
                    {icon(Icon::External)}
                    {t("link.open")}
                </a>
            </div>
        </Dialog>
    }
}
