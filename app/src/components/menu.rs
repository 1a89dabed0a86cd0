//! A menu that opens at a point: beside the pointer on wide pages, as a sheet from below on narrow ones.

use leptos::html;
use leptos::prelude::*;

use super::dialog::give_back_focus;
use super::focus::{set_style, walk};
use super::icon::{Icon, icon};
use super::notices::told;

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

impl Item {
    /// An entry that removes nothing.
    pub(crate) fn new(icon: Icon, label: String, action: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            icon,
            label,
            danger: false,
            action: Callback::new(move |()| action()),
        }
    }

    /// Marks it as one that removes something.
    pub(crate) fn dangerous(self) -> Self {
        Self { danger: true, ..self }
    }
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
    /// What stands above the entries.
    pub head: Option<ViewFn>,
}

impl Open {
    /// A menu of entries at a point.
    pub(crate) fn at((x, y): (i32, i32), items: Vec<Item>) -> Self {
        Self {
            x,
            y,
            items,
            head: None,
        }
    }
}

/// The point below an element, where a menu that belongs to it opens.
pub(crate) fn below(element: &web_sys::Element) -> (i32, i32) {
    let rect = element.get_bounding_client_rect();
    let x = if crate::i18n::is_rtl() {
        rect.right() - WIDTH
    } else {
        rect.left()
    };
    (x as i32, rect.bottom() as i32 + GAP)
}

/// The point above an element at the page's foot, where a menu of so many entries that belongs to it opens.
pub(crate) fn above(element: &web_sys::Element, entries: usize) -> (i32, i32) {
    let (x, _) = below(element);
    let height = i32::try_from(entries).unwrap_or(0) * ENTRY + FRAME;
    (x, element.get_bounding_client_rect().top() as i32 - GAP - height)
}

/// Room kept between a menu and the edge of the page, in pixels.
const MARGIN: i32 = 8;
/// Room between a menu and what it belongs to, in pixels.
const GAP: i32 = 4;
/// Height of a menu's entry where it opens beside the pointer, in pixels.
const ENTRY: i32 = 40;
/// Height of what is around its entries, in pixels.
const FRAME: i32 = 12;
/// A menu's usual width in pixels, for those that grow to the left.
const WIDTH: f64 = 220.0;

/// Shows the menu that is in the signal.
#[component]
pub(crate) fn MenuHost(
    /// The open menu; set to `None` when it closes.
    open: RwSignal<Option<Open>>,
) -> impl IntoView {
    move || {
        open.get()
            .map(|menu| view! { <Menu menu on_close=move || open.set(None) /> }.into_any())
    }
}

#[component]
fn Menu(menu: Open, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let items = menu
        .items
        .into_iter()
        .enumerate()
        .map(|(at, item)| {
            let action = item.action;
            view! {
                <button
                    class="menu-item"
                    class:danger=item.danger
                    role="menuitem"
                    autofocus=at == 0
                    on:click=move |_| {
                        // First the focus returns, then the action may move it on.
                        on_close.run(());
                        request_animation_frame(move || action.run(()));
                    }
                >
                    {icon(item.icon)}
                    <span>{item.label}</span>
                </button>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <Floating x=menu.x y=menu.y on_close>
            {menu.head.map(|head| head.run())}
            <div role="menu">{items}</div>
        </Floating>
    }
}

/// Something modal that floats at a point. It closes on Escape and on a click beside it; arrow keys walk through its menu.
#[component]
pub(crate) fn Floating(
    /// Where, in page coordinates.
    x: i32,
    /// Where, in page coordinates.
    y: i32,
    /// Called when it is to be closed.
    on_close: Callback<()>,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            request_animation_frame(move || {
                if dialog.show_modal().is_ok() {
                    place(&dialog, x, y);
                }
            });
        }
    });
    give_back_focus(node);
    view! {
        <dialog
            class="menu"
            node_ref=node
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                on_close.run(());
            }
            on:click=move |event| {
                let itself = node.get_untracked().is_some_and(|dialog| {
                    event.target().is_some_and(|t| t == ****dialog)
                });
                if itself {
                    on_close.run(());
                }
            }
            on:keydown=move |event| {
                // What is behind it shall not hear of its keys.
                event.stop_propagation();
                if let Some(dialog) = node.get_untracked() {
                    walk(&dialog, "[role=menuitem]", true, &event);
                }
            }
        >
            {children()}
            {told()}
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
