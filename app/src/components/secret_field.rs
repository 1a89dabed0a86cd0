//! A field for a passphrase: covered by dots until its user wants to see it.
//!
//! It is a plain text field, so that no browser offers to keep what is typed: kept there, it would be on the disk that it is
//! to protect.

use leptos::html;
use leptos::prelude::*;
use zeroize::Zeroize;

use super::field::{focus_when_shown, leave_as_typed};
use super::icon::{Icon, icon};
use crate::i18n::t;

/// The field. What was typed is forgotten when it leaves the page.
#[component]
pub(crate) fn SecretField(
    /// Unique on the page.
    id: &'static str,
    /// What to enter.
    label: String,
    /// What was entered.
    value: RwSignal<String>,
    /// What is wrong with it; empty if nothing.
    #[prop(into)]
    error: Signal<String>,
    /// A sentence of help below.
    #[prop(optional)]
    help: Option<Signal<String>>,
    /// Takes the focus when it appears.
    #[prop(optional)]
    focus: bool,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let shown = RwSignal::new(false);
    leave_as_typed(node);
    if focus {
        focus_when_shown(node);
    }
    on_cleanup(move || {
        // What the browser had of it is the browser's to free.
        let _ = value.try_update_untracked(|typed| typed.zeroize());
    });
    let help_id = format!("{id}-help");
    let error_id = format!("{id}-error");
    let described = format!("{error_id} {help_id}");
    let toggle = move || {
        if shown.get() {
            t("lock.hide_typed")
        } else {
            t("lock.show_typed")
        }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="secret">
                <input
                    id=id
                    node_ref=node
                    class:covered=move || !shown.get()
                    type="text"
                    dir="auto"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby=described
                    aria-invalid=move || (!error.with(String::is_empty)).to_string()
                    prop:value=value
                    on:input:target=move |event| value.set(event.target().value())
                />
                <button
                    type="button"
                    class="icon-button"
                    aria-label=toggle
                    title=toggle
                    aria-pressed=move || shown.get().to_string()
                    aria-controls=id
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    {move || icon(if shown.get() { Icon::Hide } else { Icon::Eye })}
                </button>
            </div>
            <p class="error" id=error_id role="alert">{error}</p>
            {help.map(|help| view! { <p class="help" id=help_id>{help}</p> })}
        </div>
    }
}
