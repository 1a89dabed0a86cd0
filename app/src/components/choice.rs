//! Switches and choices of a settings page.

use leptos::prelude::*;

/// One of several choices.
pub(crate) struct Choice {
    /// What is kept for it.
    pub value: &'static str,
    /// What it says.
    pub label: String,
    /// What it means, if the label does not say it.
    pub help: String,
}

/// Choices of which one holds, one below the other.
pub(crate) fn choices(
    name: &'static str,
    legend: String,
    all: Vec<Choice>,
    chosen: Signal<String>,
    choose: Callback<&'static str>,
) -> AnyView {
    let lines = all
        .into_iter()
        .map(|choice| {
            let value = choice.value;
            view! {
                <label class="choice-line">
                    <input
                        type="radio"
                        name=name
                        value=value
                        prop:checked=move || chosen.with(|chosen| chosen == value)
                        on:change=move |_| choose.run(value)
                    />
                    {words(choice.label, choice.help)}
                </label>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <fieldset class="setting lines">
            <legend>{legend}</legend>
            {lines}
        </fieldset>
    }
    .into_any()
}

/// Something that is on or off.
pub(crate) fn switch(
    id: &'static str,
    label: String,
    help: String,
    on: Signal<bool>,
    set: Callback<bool>,
) -> AnyView {
    view! {
        <label class="choice-line switch-line">
            {words(label, help)}
            <input
                id=id
                class="switch"
                type="checkbox"
                role="switch"
                prop:checked=on
                on:change:target=move |event| set.run(event.target().checked())
            />
        </label>
    }
    .into_any()
}

fn words(label: String, help: String) -> AnyView {
    view! {
        <span class="choice-text">
            <span class="choice-label">{label}</span>
            {(!help.is_empty()).then(|| view! { <span>{help}</span> }.into_any())}
        </span>
    }
    .into_any()
}
