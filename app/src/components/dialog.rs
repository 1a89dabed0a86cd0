//! Modal dialogs over the browser's own `<dialog>`: it traps the focus, closes on Escape and gives the focus back.

use leptos::html;
use leptos::prelude::*;

/// A dialog, shown as long as it is on the page.
#[component]
pub(crate) fn Dialog(
    /// Its heading, which names it for screen readers.
    title: String,
    /// Called when it was dismissed by Escape or by a click beside it.
    #[prop(into)]
    on_close: Callback<()>,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            request_animation_frame(move || {
                // Refused only if it has left the page meanwhile.
                let _ = dialog.show_modal();
            });
        }
    });
    view! {
        <dialog
            class="dialog"
            node_ref=node
            aria-labelledby="dialog-title"
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                on_close.run(());
            }
            on:click=move |event| {
                // A click on the backdrop has the dialog itself as its target.
                let itself = node.get_untracked().is_some_and(|dialog| {
                    event.target().is_some_and(|t| t == ****dialog)
                });
                if itself {
                    on_close.run(());
                }
            }
        >
            <div class="dialog-body">
                <h2 id="dialog-title">{title}</h2>
                {children()}
            </div>
        </dialog>
    }
}
