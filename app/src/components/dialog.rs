//! Modal dialogs over the browser's own `<dialog>`: it traps the focus, closes on Escape and gives the focus back.

use leptos::html;
use leptos::prelude::*;

use super::notices::told;
use crate::i18n::t;

/// Closes a dialog the browser's way before it leaves the page: then the focus returns to where it was.
pub(crate) fn give_back_focus(node: NodeRef<html::Dialog>) {
    on_cleanup(move || {
        if let Some(dialog) = node.try_get_untracked().flatten() {
            dialog.close();
        }
    });
}

/// A dialog, shown as long as it is on the page.
#[component]
pub(crate) fn Dialog(
    /// Its heading, which names it for screen readers.
    title: String,
    /// Called when it was dismissed by Escape or by a click beside it.
    #[prop(into)]
    on_close: Callback<()>,
    /// A click beside it does nothing: what would be lost can't be had again here.
    #[prop(optional)]
    firm: bool,
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
    give_back_focus(node);
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
                if itself && !firm {
                    on_close.run(());
                }
            }
        >
            <div class="dialog-body">
                <h2 id="dialog-title">{title}</h2>
                {children()}
            </div>
            {told()}
        </dialog>
    }
}

/// A question with one way on and one way back.
#[component]
pub(crate) fn Confirm(
    /// The question.
    title: String,
    /// What happens then.
    text: String,
    /// What the button says that does it.
    action: String,
    /// Does it. The dialog closes by itself before.
    #[prop(into)]
    on_confirm: Callback<()>,
    /// Called when the dialog is to be closed.
    #[prop(into)]
    on_close: Callback<()>,
    /// It removes something.
    #[prop(optional)]
    danger: bool,
) -> impl IntoView {
    view! {
        <Dialog title on_close>
            <p>{text}</p>
            <div class="actions">
                <button class="button quiet" autofocus=danger on:click=move |_| on_close.run(())>
                    {t("action.cancel")}
                </button>
                <button
                    id="confirm"
                    class=if danger { "button danger solid" } else { "button primary" }
                    autofocus=!danger
                    on:click=move |_| {
                        on_close.run(());
                        on_confirm.run(());
                    }
                >
                    {action}
                </button>
            </div>
        </Dialog>
    }
}
