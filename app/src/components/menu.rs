//! A menu that opens at a point: beside the pointer on wide pages, as a sheet from below on narrow ones.

use leptos::html;
use leptos::prelude::*;

use super::focus::{set_style, walk};
use super::icon::{Icon, icon};

/// One entry.
#[derive(Clone)]
pub(crate) struct Item {
    /// Its picture.
    pub icon: Icon,
    /// What it does.
    pub label: String,
    /// It removes something.
    pub danger: bool,
    /// Does it.
    pub action: Callback<()>,
}

/// An open menu.
#[derive(Clone)]
pub(crate) struct Open {
    /// Where, in page coordinates.
    pub x: i32,
    /// Where, in page coordinates.
    pub y: i32,
    /// Its entries.
    pub items: Vec<Item>,
}

/// Room kept between a menu and the edge of the page, in pixels.
const MARGIN: i32 = 8;

/// Shows the menu that is in the signal.
#[component]
pub(crate) fn MenuHost(
    /// The open menu; set to `None` when it closes.
    open: RwSignal<Option<Open>>,
) -> impl IntoView {
    move || {
        open.get()
            .map(|menu| view! { <Menu menu close=move || open.set(None) /> }.into_any())
    }
}

#[component]
fn Menu(menu: Open, close: impl Fn() + Copy + Send + Sync + 'static) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let (x, y) = (menu.x, menu.y);
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            request_animation_frame(move || {
                if dialog.show_modal().is_ok() {
                    place(&dialog, x, y);
                }
            });
        }
    });
    let items = menu
        .items
        .into_iter()
        .map(|item| {
            let action = item.action;
            view! {
                <button
                    class="menu-item"
                    class:danger=item.danger
                    role="menuitem"
                    on:click=move |_| {
                        close();
                        action.run(());
                    }
                >
                    {icon(item.icon)}
                    <span>{item.label}</span>
                </button>
            }
        })
        .collect_view();
    view! {
        <dialog
            class="menu"
            node_ref=node
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                close();
            }
            on:click=move |event| {
                let itself = node.get_untracked().is_some_and(|dialog| {
                    event.target().is_some_and(|t| t == ****dialog)
                });
                if itself {
                    close();
                }
            }
            on:keydown=move |event| {
                if let Some(dialog) = node.get_untracked() {
                    walk(&dialog, "[role=menuitem]", true, &event);
                }
            }
        >
            <div role="menu">{items}</div>
        </dialog>
    }
}

/// Moves a menu to its point, kept inside the page.
fn place(dialog: &web_sys::HtmlDialogElement, x: i32, y: i32) {
    let rect = dialog.get_bounding_client_rect();
    let (width, height) = (rect.width() as i32, rect.height() as i32);
    let page =
        |side: Result<wasm_bindgen::JsValue, _>| side.ok().and_then(|v| v.as_f64()).unwrap_or(0.0) as i32;
    let left = x.min(page(window().inner_width()) - width - MARGIN).max(MARGIN);
    let top = y.min(page(window().inner_height()) - height - MARGIN).max(MARGIN);
    set_style(dialog, "--menu-x", &format!("{left}px"));
    set_style(dialog, "--menu-y", &format!("{top}px"));
}
