//! A labelled text field with help and error beside it.

use leptos::prelude::*;

/// A one-line text field. The error is tied to the field and read out when it appears.
#[component]
pub(crate) fn Field(
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
    help: String,
    /// Technical text: fixed-width, never corrected or capitalised.
    #[prop(optional)]
    code: bool,
    /// Digits: phones show the keys for those.
    #[prop(optional)]
    numeric: bool,
    /// Takes the focus when it appears.
    #[prop(optional)]
    focus: bool,
    /// More room, for long values.
    #[prop(optional)]
    placeholder: String,
) -> impl IntoView {
    let node = NodeRef::<leptos::html::Input>::new();
    leave_as_typed(node);
    if focus {
        focus_when_shown(node);
    }
    let help_id = format!("{id}-help");
    let error_id = format!("{id}-error");
    let described = format!("{help_id} {error_id}");
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                node_ref=node
                class:code=code
                type="text"
                placeholder=placeholder
                autocomplete="off"
                autocapitalize=if code { "none" } else { "words" }
                spellcheck="false"
                enterkeyhint="done"
                inputmode=numeric.then_some("numeric")
                dir=if code { "ltr" } else { "auto" }
                aria-describedby=described
                aria-invalid=move || (!error.with(String::is_empty)).to_string()
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
            />
            <p class="error" id=error_id role="alert">{error}</p>
            {(!help.is_empty()).then(|| view! { <p class="help" id=help_id>{help}</p> })}
        </div>
    }
}

/// Keeps the system's keyboard from changing what was typed: Safari has an attribute of its own for that.
pub(crate) fn leave_as_typed(node: NodeRef<leptos::html::Input>) {
    Effect::new(move |_| {
        if let Some(input) = node.get() {
            // An attribute of this name can always be set.
            let _ = input.set_attribute("autocorrect", "off");
        }
    });
}

/// Puts the focus on a field as soon as it is on the page.
pub(crate) fn focus_when_shown(node: NodeRef<leptos::html::Input>) {
    Effect::new(move |_| {
        if let Some(input) = node.get() {
            request_animation_frame(move || {
                // A field that left the page meanwhile takes no focus.
                let _ = input.focus();
            });
        }
    });
}
