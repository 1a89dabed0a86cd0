//! Pictures and films over the whole page: larger, moved about, one after the other.
//!
//! *Back* closes it, like Escape. What is not here yet is fetched when asked for.

mod hands;
mod zoom;

use holdfast_client::api::{FileId, FileKind, Gallery, Message, Standing};
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlVideoElement};

use super::contact::display_name;
use super::files::{Part, cover, do_act, savable, save, unseen, words};
use crate::components::dialog::give_back_focus;
use crate::components::focus::set_style;
use crate::components::icon::{Icon, icon, icon_button};
use crate::components::notices::told;
use crate::i18n::{full_date, is_rtl, t};
use crate::platform::picture;
use crate::state::AppState;
use crate::state::files::{Content, Wanted, is_here};
use crate::state::identity::short_id;
use crate::state::reel::{Item, Reel};
use crate::state::safe::preview_address;
use hands::Hands;
use zoom::Zoom;

/// What the viewer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A file of a message; others of the conversation are beside it.
    File {
        /// The message.
        message: Box<Message>,
        /// The file.
        file: FileId,
    },
    /// The picture of a person.
    Person {
        /// The picture.
        picture: FileId,
        /// Whose it is.
        name: String,
    },
}

/// How much a key magnifies.
const KEY_ZOOM: f64 = 1.5;
/// How far a key moves a magnified picture, in pixels.
const KEY_STEP: f64 = 80.0;
/// Older files are read when so few are left.
const READ_AHEAD: usize = 4;
/// The longest side of a person's moving picture that is made to stand still, in pixels.
const PERSON_SIDE: u32 = 640;

/// The viewer, as long as there is something to look at.
#[component]
pub(crate) fn Viewer() -> impl IntoView {
    let state = AppState::get();
    move || {
        state.look.get().map(|look| match look {
            Look::File { message, file } => view! { <Files message=*message file /> }.into_any(),
            Look::Person { picture, name } => view! { <Person picture name /> }.into_any(),
        })
    }
}

/// What is in the viewer, by what closes it.
type Inside = Box<dyn FnOnce(Callback<()>) -> AnyView>;

/// The dialog over the whole page.
fn frame(state: AppState, label: String, on_key: Callback<KeyboardEvent>, inside: Inside) -> AnyView {
    let step = state.nav.cover();
    let close = Callback::new(move |()| state.nav.uncover(step));
    Effect::new(move |_| {
        if !state.nav.covers(step) {
            state.look.set(None);
        }
    });
    // Closed otherwise than by *back*, it takes its step away.
    on_cleanup(move || state.nav.uncover(step));
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
            class="viewer"
            node_ref=node
            aria-label=label
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                close.run(());
            }
            on:keydown=move |event: KeyboardEvent| {
                // What is behind it shall not hear of its keys.
                event.stop_propagation();
                on_key.run(event);
            }
        >
            {inside(close)}
            {told()}
        </dialog>
    }
    .into_any()
}

/// The button that closes the viewer.
fn closer(close: Callback<()>) -> AnyView {
    view! {
        <button
            id="close-viewer"
            class="icon-button"
            autofocus
            aria-label=t("action.close")
            title=t("action.close")
            on:click=move |_| close.run(())
        >
            {icon(Icon::Close)}
        </button>
    }
    .into_any()
}

/// Files of a conversation, beginning with one of them.
#[component]
fn Files(message: Message, file: FileId) -> impl IntoView {
    let state = AppState::get();
    let conversation = message.conversation;
    let reel = Reel::new(state, conversation, Gallery::Media);
    let place = message.position();
    reel.begin_with(message);
    reel.read_to(place);
    let at = RwSignal::new(file);
    let current = Memo::new(move |_| {
        let file = at.get();
        reel.items
            .with(|items| items.iter().find(|item| item.attachment.file == file).cloned())
    });
    let index = Memo::new(move |_| reel.index_of(at.get()));
    let count = Memo::new(move |_| reel.items.with(Vec::len));
    Effect::new(move |_| {
        if index.get().is_none() {
            // It was deleted, here or by its author.
            state.look.set(None);
        } else if index.get().is_some_and(|index| index < READ_AHEAD) && reel.begun() {
            reel.read_more();
        }
    });
    keep_neighbours(state, reel, index);
    let hands = Hands::new();
    // Forward is towards the newest.
    let step = move |forward: bool| {
        let next = index.get_untracked().and_then(|index| {
            let next = if forward {
                index.checked_add(1)?
            } else {
                index.checked_sub(1)?
            };
            reel.items
                .with_untracked(|items| items.get(next).map(|item| item.attachment.file))
        });
        if let Some(next) = next {
            hands.rest();
            at.set(next);
        }
    };
    let step = Callback::new(step);
    let on_key = Callback::new(move |event: KeyboardEvent| by_key(hands, step, &event));
    let earlier = Memo::new(move |_| index.get().is_some_and(|index| index > 0));
    let later = Memo::new(move |_| index.get().is_some_and(|index| index + 1 < count.get()));
    let arrow = move |forward: bool, possible: Memo<bool>, id: &'static str, label: String| {
        // Back and on point in the reading direction.
        let picture = if forward { Icon::Chevron } else { Icon::Back };
        view! {
            <button
                id=id
                class="viewer-step"
                class:forward=forward
                disabled=move || !possible.get()
                aria-label=label.clone()
                title=label
                on:click=move |_| step.run(forward)
            >
                {icon(picture)}
            </button>
        }
        .into_any()
    };
    let inside = move |close: Callback<()>| {
        let slide = move || {
            let file = at.get();
            let item = current.get_untracked();
            item.map(|item| slide(state, reel, hands, item, file))
        };
        let on_click = move |event: leptos::ev::MouseEvent| {
            let button = event
                .target()
                .and_then(|target| target.dyn_into::<Element>().ok())
                .and_then(|element| element.closest("[data-act]").ok().flatten());
            if let (Some(button), Some(item)) = (button, current.get_untracked()) {
                let what = button.get_attribute("data-act").unwrap_or_default();
                do_act(state, &item.message, item.attachment.file, &what);
            }
        };
        let swiped = Callback::new(move |towards_end: bool| step.run(towards_end != is_rtl()));
        view! {
            <header class="viewer-bar">
                {closer(close)} <div class="viewer-who" aria-live="polite">{move || current.get().map(|item| who(state, &item))}</div>
                {move || current.get().map(|item| saver(state, item))}
            </header>
            <div
                class="stage"
                class:magnified=move || hands.zoom.with(|zoom| zoom.is_magnified())
                node_ref=hands.stage
                on:click=on_click
                on:wheel=move |event| hands.wheel(&event)
                on:pointerdown=move |event| hands.down(&event)
                on:pointermove=move |event| hands.moved(&event)
                on:pointerup=move |event| hands.up(&event, swiped, close)
                on:pointercancel=move |event| hands.lost(&event)
            >
                {slide}
            </div>
            {arrow(false, earlier, "viewer-earlier", t("viewer.earlier"))}
            {arrow(true, later, "viewer-later", t("viewer.later"))}
            {move || {
                current
                    .get()
                    .map(|item| item.message.body.clone())
                    .filter(|body| !body.trim().is_empty())
                    .map(|body| view! { <footer class="viewer-caption"><p dir="auto">{body}</p></footer> })
            }}
        }
        .into_any()
    };
    frame(state, t("viewer.label"), on_key, Box::new(inside))
}

/// Reads the pictures before and after, so that the next step shows one at once.
fn keep_neighbours(state: AppState, reel: Reel, index: Memo<Option<usize>>) {
    Effect::new(move |_| {
        let Some(index) = index.get() else { return };
        let beside = [index.checked_sub(1), index.checked_add(1)];
        let wanted: Vec<_> = reel.items.with_untracked(|items| {
            beside
                .into_iter()
                .flatten()
                .filter_map(|at| items.get(at))
                .filter(|item| item.attachment.info.kind == FileKind::Image)
                .filter(|item| is_here(&item.attachment, item.message.state))
                .map(|item| Wanted::of(&item.attachment))
                .collect()
        });
        for wanted in wanted {
            // Held until the next step.
            let _ = state.files.hold(state, wanted);
        }
    });
}

/// Who sent it, and when.
fn who(state: AppState, item: &Item) -> AnyView {
    let message = &item.message;
    let name = if message.outgoing {
        t("message.you")
    } else {
        let known = state.conversations.get_untracked(message.conversation);
        known.map_or_else(|| short_id(&message.conversation), |known| display_name(&known))
    };
    view! {
        <strong dir="auto">{name}</strong>
        <time>{full_date(message.sent_at)}</time>
        <span class="unseen">{words::kind_words(item.attachment.info.kind, 1)}</span>
    }
    .into_any()
}

/// The button that saves what is shown, if it is here.
fn saver(state: AppState, item: Item) -> Option<AnyView> {
    let here = savable(&item.message).contains(&item.attachment);
    here.then(|| {
        icon_button("viewer-save", Icon::Download, t("action.save"), move || {
            save(state, &item.message, vec![item.attachment.clone()]);
        })
    })
}

/// One file on the stage.
fn slide(state: AppState, reel: Reel, hands: Hands, item: Item, file: FileId) -> AnyView {
    let conversation = item.message.conversation;
    let now = Memo::new(move |before: Option<&Item>| {
        let found = reel
            .items
            .with(|items| items.iter().find(|item| item.attachment.file == file).cloned());
        found.or_else(|| before.cloned()).unwrap_or_else(|| item.clone())
    });
    let part = Part {
        state,
        file,
        kind: now.with_untracked(|item| item.attachment.info.kind),
        attachment: Signal::derive(move || now.with(|item| item.attachment.clone())),
        sent: Signal::derive(move || now.with(|item| item.message.state)),
        locked: Signal::derive(move || {
            state
                .conversation(conversation)
                .is_some_and(|known| known.standing == Standing::IncomingRequest)
        }),
    };
    let here = part.here();
    let inside = move || {
        if here.get() { content(part) } else { stand_in(part) }
    };
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let (zoom, swipe) = (hands.zoom.get(), hands.swipe.get());
        if let Some(node) = node.get() {
            lay(&node, zoom, swipe);
        }
    });
    view! {
        <div class="slide" node_ref=node>
            {inside}
        </div>
        {cover(part, false)}
    }
    .into_any()
}

/// Lays a picture where hands have moved it.
fn lay(node: &HtmlElement, zoom: Zoom, swipe: f64) {
    let thousandths = (zoom.scale * 1000.0).round() as u32;
    let scale = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    set_style(node, "--zoom", &scale);
    set_style(node, "--x", &format!("{}px", (zoom.x + swipe).round() as i32));
    set_style(node, "--y", &format!("{}px", zoom.y.round() as i32));
}

/// What stands for a file that is not here.
fn stand_in(part: Part) -> AnyView {
    match preview_address(&part.info()) {
        Some(address) => {
            view! { <img class="viewer-preview" src=address alt="" draggable="false" /> }.into_any()
        }
        None => view! { <span class="viewer-kind">{icon(words::kind_icon(part.kind))}</span> }.into_any(),
    }
}

/// The picture or film.
fn content(part: Part) -> AnyView {
    let content = part.state.files.hold(part.state, part.wanted());
    let name = words::spoken(&part.attachment.get_untracked());
    let broken = RwSignal::new(None::<String>);
    let shown = move || match content.get() {
        Content::Reading => stand_in(part),
        Content::Missing => unseen(t("file.not_read")),
        Content::Ready(ready) if ready.content_type.starts_with("image/") => view! {
            <img
                class="viewer-image"
                src=ready.address
                alt=name.clone()
                draggable="false"
                on:error=move |_| broken.set(Some(t("file.not_shown")))
            />
        }
        .into_any(),
        Content::Ready(ready) if ready.content_type.starts_with("video/") => {
            film(ready.address, name.clone(), broken)
        }
        Content::Ready(_) => unseen(t("file.not_shown")),
    };
    (move || match broken.get() {
        Some(words) => unseen(words),
        None => shown(),
    })
    .into_any()
}

/// A film with the browser's own controls. It begins by itself: opening it said so.
fn film(address: String, name: String, broken: RwSignal<Option<String>>) -> AnyView {
    let node = NodeRef::<html::Video>::new();
    Effect::new(move |_| {
        if let Some(film) = node.get() {
            let film: HtmlVideoElement = film.unchecked_into();
            spawn_local(async move {
                if let Ok(playing) = film.play() {
                    // Refused by browsers that want another click: then the controls are there.
                    let _ = wasm_bindgen_futures::JsFuture::from(playing).await;
                }
            });
        }
    });
    view! {
        <video
            class="viewer-image"
            node_ref=node
            src=address
            aria-label=name
            controls=true
            playsinline=true
            on:error=move |_| broken.set(Some(t("file.not_played_here")))
        ></video>
    }
    .into_any()
}

/// Keys: the arrows go on, or move a magnified picture; `+`, `-` and `0` magnify.
fn by_key(hands: Hands, step: Callback<bool>, event: &KeyboardEvent) {
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let on_film = event
        .target()
        .is_some_and(|target| target.dyn_ref::<HtmlVideoElement>().is_some());
    let magnified = hands.zoom.with_untracked(|zoom| zoom.is_magnified());
    match event.key().as_str() {
        "PageUp" => step.run(false),
        "PageDown" => step.run(true),
        // The rest belongs to the controls of a film.
        _ if on_film => return,
        "ArrowLeft" if magnified => hands.shift(KEY_STEP, 0.0),
        "ArrowRight" if magnified => hands.shift(-KEY_STEP, 0.0),
        "ArrowUp" if magnified => hands.shift(0.0, KEY_STEP),
        "ArrowDown" if magnified => hands.shift(0.0, -KEY_STEP),
        "ArrowLeft" => step.run(is_rtl()),
        "ArrowRight" => step.run(!is_rtl()),
        "+" | "=" => hands.magnify(KEY_ZOOM, (0.0, 0.0)),
        "-" => hands.magnify(1.0 / KEY_ZOOM, (0.0, 0.0)),
        "0" => hands.rest(),
        _ => return,
    }
    event.prevent_default();
}

/// The picture of a person.
#[component]
fn Person(picture: FileId, name: String) -> impl IntoView {
    let state = AppState::get();
    let label = name.clone();
    let inside = move |close: Callback<()>| {
        let content = state.files.hold(state, Wanted::picture(picture));
        let alt = name.clone();
        let shown = move || match content.get() {
            Content::Reading => None,
            Content::Ready(ready) if ready.content_type.starts_with("image/") && !ready.moves => Some(
                view! { <img class="viewer-image" src=ready.address alt=alt.clone() draggable="false" /> }
                    .into_any(),
            ),
            // Moving ones stand still (`spec/07-files-and-attachments.md §8.4`).
            Content::Ready(ready) if ready.moves => Some(standing(state, picture)),
            Content::Ready(_) | Content::Missing => Some(unseen(t("file.not_shown"))),
        };
        view! {
            <header class="viewer-bar">
                {closer(close)}
                <div class="viewer-who">
                    <strong dir="auto">{name}</strong>
                </div>
            </header>
            <div class="stage person">
                <div class="slide">{shown}</div>
            </div>
        }
        .into_any()
    };
    frame(state, label, Callback::new(|_| {}), Box::new(inside))
}

fn standing(state: AppState, file: FileId) -> AnyView {
    let canvas = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        spawn_local(async move {
            if let Some(blob) = state.files.blob(state, &Wanted::picture(file)).await {
                picture::draw(&canvas, &blob, PERSON_SIDE).await;
            }
        });
    });
    view! { <canvas class="viewer-image" node_ref=canvas></canvas> }.into_any()
}
