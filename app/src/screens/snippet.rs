//! The line that puts a chat with this account on a web page (`docs/embedding.md`). It is offered where whoever runs the
//! server lets pages show one.

use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::choice::{Choice, choices};
use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, icon};
use crate::i18n::{t, tf};
use crate::platform::frame;
use crate::state::AppState;
use crate::state::invite;

/// How the chat stands on the page, as the line says it.
const BUTTON: &str = "button";
/// As [`BUTTON`].
const FRAME: &str = "frame";

/// The line: a script element that names its script, the account, and a name for it.
fn line(site: &str, id: &Id, name: &str, mode: &str) -> String {
    let mut out = format!(
        "<script src=\"{}embed.js\" data-contact=\"{}\"",
        quoted(site),
        id.to_hex()
    );
    if !name.trim().is_empty() {
        out.push_str(&format!(" data-name=\"{}\"", quoted(name.trim())));
    }
    if mode != BUTTON {
        out.push_str(&format!(" data-mode=\"{}\"", quoted(mode)));
    }
    out.push_str(" async></script>");
    out
}

/// A text as an attribute's value.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Where the site's files are: the page's address up to its last part.
fn site() -> String {
    let address = invite::page_address();
    let folder = address.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/")
}

/// A button that shows the line; nothing where no page may show a chat.
#[component]
pub(crate) fn SnippetButton(
    /// The own account.
    id: Id,
    /// The name that goes with it; empty for none.
    #[prop(into)]
    name: Signal<String>,
) -> impl IntoView {
    let pages = RwSignal::new(Vec::<String>::new());
    let shown = RwSignal::new(false);
    spawn_local(async move {
        // A list that can't be read allows nobody.
        let allowed = frame::allowed_origins().await.unwrap_or_default();
        let _ = pages.try_set(allowed);
    });
    let offered = Memo::new(move |_| pages.with(|pages| !pages.is_empty()));
    view! {
        {move || {
            offered
                .get()
                .then(|| {
                    view! {
                        <button id="show-snippet" class="button" on:click=move |_| shown.set(true)>
                            {icon(Icon::Document)}
                            {t("snippet.open")}
                        </button>
                    }
                })
        }}
        {move || shown.get().then(|| snippet(id, name, pages, shown))}
    }
}

fn snippet(id: Id, name: Signal<String>, pages: RwSignal<Vec<String>>, shown: RwSignal<bool>) -> AnyView {
    let state = AppState::get();
    let mode = RwSignal::new(BUTTON);
    let text = Memo::new(move |_| line(&site(), &id, &name.get(), mode.get()));
    let ways = vec![
        Choice {
            value: BUTTON,
            label: t("snippet.button"),
            help: t("snippet.button_help"),
        },
        Choice {
            value: FRAME,
            label: t("snippet.frame"),
            help: t("snippet.frame_help"),
        },
    ];
    let allowed = pages.with_untracked(|pages| pages.join(", "));
    view! {
        <Dialog title=t("snippet.title") on_close=move || shown.set(false)>
            <p class="help">{t("snippet.help")}</p>
            {choices(
                "snippet-mode",
                t("snippet.how"),
                ways,
                Signal::derive(move || mode.get().to_owned()),
                Callback::new(move |chosen| mode.set(chosen)),
            )}
            <pre class="snippet" dir="ltr" tabindex="0" aria-label=t("snippet.line")>{text}</pre>
            <p class="help">{tf("snippet.pages", &[("pages", &allowed)])}</p>
            <div class="actions">
                <button class="button quiet" on:click=move |_| shown.set(false)>
                    {t("action.close")}
                </button>
                <button
                    id="copy-snippet"
                    class="button primary"
                    autofocus
                    on:click=move |_| state.copy(text.get_untracked(), t("snippet.copied"))
                >
                    {icon(Icon::Copy)}
                    {t("action.copy")}
                </button>
            </div>
        </Dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use holdfast_protocol::account::Id;

    use super::{BUTTON, FRAME, line};

    #[test]
    fn a_name_cannot_leave_its_attribute() {
        let id = Id::parse(&format!("05{}", "3".repeat(64))).expect("an id");
        let hex = id.to_hex();
        let site = "https://chat.example/";
        assert_eq!(
            line(site, &id, " ", BUTTON),
            format!("<script src=\"https://chat.example/embed.js\" data-contact=\"{hex}\" async></script>")
        );
        let named = line(site, &id, "\"><b>Tom & Ann", FRAME);
        assert!(
            named.contains("data-name=\"&quot;&gt;&lt;b&gt;Tom &amp; Ann\" data-mode=\"frame\" async>"),
            "{named}"
        );
    }
}
