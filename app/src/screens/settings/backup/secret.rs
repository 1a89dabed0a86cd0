//! A field for a passphrase: hidden unless the user wants to see it, and nothing that the browser remembers.

use leptos::prelude::*;

use crate::components::field::leave_as_typed;
use crate::i18n::t;

/// A passphrase. What is wrong with it is tied to the field and read out when it appears.
pub(super) fn secret(
    id: &'static str,
    label: String,
    value: RwSignal<String>,
    error: Signal<String>,
    hint: Option<Signal<String>>,
    shown: RwSignal<bool>,
) -> AnyView {
    let node = NodeRef::<leptos::html::Input>::new();
    leave_as_typed(node);
    let (error_id, hint_id) = (format!("{id}-error"), format!("{id}-hint"));
    let described = format!("{error_id} {hint_id}");
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                node_ref=node
                type=move || if shown.get() { "text" } else { "password" }
                // A new one each time: browsers must not fill in what belongs to something else.
                autocomplete="new-password"
                autocapitalize="none"
                spellcheck="false"
                dir="auto"
                aria-describedby=described
                aria-invalid=move || (!error.with(String::is_empty)).to_string()
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
            />
            <p class="error" id=error_id role="alert">{error}</p>
            {hint.map(|hint| view! { <p class="help" id=hint_id>{hint}</p> })}
        </div>
    }
    .into_any()
}

/// Shows what is in the fields.
pub(super) fn reveal(id: &'static str, shown: RwSignal<bool>) -> AnyView {
    view! {
        <label class="choice-line">
            <input
                id=id
                type="checkbox"
                prop:checked=shown
                on:change:target=move |event| shown.set(event.target().checked())
            />
            <span class="choice-text">
                <span class="choice-label">{t("backup.reveal")}</span>
            </span>
        </label>
    }
    .into_any()
}
