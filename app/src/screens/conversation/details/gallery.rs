//! The photos and files of a conversation, newest first, by time (`spec/12-client-behaviour.md §6`).

use holdfast_client::api::{FileId, Gallery, Standing};
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::components::focus::focus;
use crate::components::icon::{Icon, icon};
use crate::i18n::{list_time, local_day, local_month, month_heading, t};
use crate::platform::near;
use crate::screens::conversation::room::Room;
use crate::screens::files::{Part, Shape, act, do_act, row, tile};
use crate::screens::viewer::Look;
use crate::state::reel::{Item, Reel};

/// Days from Monday, 29 December 1969 to the first one that is counted.
const MONDAY: i64 = 3;

/// A part of a gallery, from now backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Span {
    Today,
    Yesterday,
    ThisWeek,
    ThisMonth,
    /// Another month, counted from January of the year 0.
    Month(i64),
}

/// Where a day lies, seen from another one. Weeks begin with Monday.
fn span_of(day: i64, month: i64, today: i64, this_month: i64) -> Span {
    let monday = today - (today + MONDAY).rem_euclid(7);
    match today - day {
        ..=0 => Span::Today,
        1 => Span::Yesterday,
        _ if day >= monday => Span::ThisWeek,
        _ if month == this_month => Span::ThisMonth,
        _ => Span::Month(month),
    }
}

/// The items of one span, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    span: Span,
    /// When its newest one was sent, Unix milliseconds.
    at: u64,
    items: Vec<Item>,
}

fn groups(items: &[Item], span: impl Fn(u64) -> Span) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for item in items.iter().rev() {
        let at = item.message.sent_at;
        let span = span(at);
        match groups.last_mut().filter(|group| group.span == span) {
            Some(group) => group.items.push(item.clone()),
            None => groups.push(Group {
                span,
                at,
                items: vec![item.clone()],
            }),
        }
    }
    groups
}

fn heading(group: &Group) -> String {
    match group.span {
        Span::Today => t("date.today"),
        Span::Yesterday => t("date.yesterday"),
        Span::ThisWeek => t("gallery.week"),
        Span::ThisMonth => t("gallery.month"),
        Span::Month(_) => month_heading(group.at),
    }
}

/// The page.
pub(super) fn gallery(room: Room) -> AnyView {
    let which = RwSignal::new(Gallery::Media);
    let tabs = NodeRef::<html::Div>::new();
    let tab = move |of: Gallery, id: &'static str, label: String| {
        let chosen = move || which.get() == of;
        view! {
            <button
                id=id
                class="tab"
                role="tab"
                aria-selected=move || chosen().to_string()
                aria-controls="gallery-panel"
                tabindex=move || if chosen() { "0" } else { "-1" }
                on:click=move |_| which.set(of)
            >
                {label}
            </button>
        }
        .into_any()
    };
    let walk = move |event: KeyboardEvent| {
        let (other, id) = match which.get_untracked() {
            Gallery::Media => (Gallery::Documents, "#gallery-documents"),
            Gallery::Documents => (Gallery::Media, "#gallery-media"),
        };
        if matches!(event.key().as_str(), "ArrowLeft" | "ArrowRight") {
            event.prevent_default();
            which.set(other);
            let tab = tabs
                .get_untracked()
                .and_then(|tabs| tabs.query_selector(id).ok().flatten());
            if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<HtmlElement>().ok()) {
                focus(&tab);
            }
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=t("gallery.title") node_ref=tabs on:keydown=walk>
            {tab(Gallery::Media, "gallery-media", t("gallery.media"))}
            {tab(Gallery::Documents, "gallery-documents", t("gallery.documents"))}
        </div>
        <div
            id="gallery-panel"
            class="gallery"
            role="tabpanel"
            aria-labelledby=move || match which.get() {
                Gallery::Media => "gallery-media",
                Gallery::Documents => "gallery-documents",
            }
        >
            {move || shelf(room, which.get())}
        </div>
    }
    .into_any()
}

/// The files of one kind.
fn shelf(room: Room, which: Gallery) -> AnyView {
    let reel = Reel::new(room.state, room.id, which);
    reel.read_more();
    let all = Memo::new(move |_| {
        let now = js_sys::Date::now() as u64;
        let (today, this_month) = (local_day(now), local_month(now));
        reel.items.with(|items| {
            groups(items, |at| {
                span_of(local_day(at), local_month(at), today, this_month)
            })
        })
    });
    let on_click = move |event: MouseEvent| {
        let button = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.closest("[data-act]").ok().flatten());
        if let Some(button) = button {
            press(room, reel, &button);
        }
    };
    let empty = move || {
        (reel.begun() && !reel.more() && reel.items.with(Vec::is_empty)).then(|| {
            let (picture, words) = match which {
                Gallery::Media => (Icon::Photo, t("gallery.no_media")),
                Gallery::Documents => (Icon::Document, t("gallery.no_documents")),
            };
            view! {
                <div class="empty-pane">
                    {icon(picture)}
                    <p>{words}</p>
                </div>
            }
            .into_any()
        })
    };
    let failed = move || {
        reel.failed
            .get()
            .then(|| view! { <p class="help" role="alert">{t("conversation.failed")}</p> })
    };
    view! {
        <div on:click=on_click>
            <For
                each=move || all.get()
                key=|group| group.span
                children=move |group| {
                    let span = group.span;
                    let items = Memo::new(move |before: Option<&Vec<Item>>| {
                        let now = all
                            .with(|all| {
                                all.iter()
                                    .find(|group| group.span == span)
                                    .map(|group| group.items.clone())
                            });
                        now.or_else(|| before.cloned()).unwrap_or_default()
                    });
                    view! {
                        <section class="gallery-group">
                            <h2>{heading(&group)}</h2>
                            {list(room, which, items)}
                        </section>
                    }
                        .into_any()
                }
            />
        </div>
        {empty}
        {failed}
        {sentinel(reel)}
    }
    .into_any()
}

/// The files of one span.
fn list(room: Room, which: Gallery, items: Memo<Vec<Item>>) -> AnyView {
    // What a tile or line shows of itself changes with these; it is made anew then.
    let key = |item: &Item| {
        let attachment = &item.attachment;
        (
            attachment.file,
            attachment.state,
            attachment.info.kind,
            item.message.state,
        )
    };
    let part = move |item: &Item| {
        let locked = room
            .desk
            .about
            .with_untracked(|about| about.standing == Standing::IncomingRequest);
        Part::fixed(room.state, &item.message, &item.attachment, locked)
    };
    match which {
        Gallery::Media => view! {
            <div class="gallery-tiles">
                <For
                    each=move || items.get()
                    key=key
                    children=move |item| tile(part(&item), Shape::InGrid { more: 0 })
                />
            </div>
        }
        .into_any(),
        Gallery::Documents => view! {
            <div class="card gallery-rows">
                <For
                    each=move || items.get()
                    key=key
                    children=move |item| {
                        view! {
                            <div class="gallery-row">
                                {row(part(&item))} <time>{list_time(item.message.sent_at)}</time>
                            </div>
                        }
                            .into_any()
                    }
                />
            </div>
        }
        .into_any(),
    }
}

/// Does what a button on a tile or line says.
fn press(room: Room, reel: Reel, button: &Element) {
    let file = button
        .closest("[data-file]")
        .ok()
        .flatten()
        .and_then(|element| element.get_attribute("data-file"))
        .and_then(|number| number.parse().ok())
        .map(FileId);
    let found = file.and_then(|file| {
        reel.items
            .with_untracked(|items| items.iter().find(|item| item.attachment.file == file).cloned())
    });
    let Some(item) = found else { return };
    let what = button.get_attribute("data-act").unwrap_or_default();
    if what == act::LOOK {
        room.state.look.set(Some(Look::File {
            message: Box::new((*item.message).clone()),
            file: item.attachment.file,
        }));
    } else {
        do_act(room.state, &item.message, item.attachment.file, &what);
    }
}

/// The end of what was read: older files are read when it comes near.
fn sentinel(reel: Reel) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    let is_near = RwSignal::new(false);
    Effect::new(move |_| {
        if let Some(node) = node.get() {
            near::follow(&node, move |now| {
                let _ = is_near.try_set(now);
            });
        }
    });
    Effect::new(move |_| {
        reel.items.track();
        if is_near.get() {
            reel.read_more();
        }
    });
    view! { <div class="gallery-end" node_ref=node></div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::{Span, span_of};

    /// A Thursday in the month 1; the first days of the month were a Monday and its week.
    const TODAY: i64 = 7 * 3;

    #[test]
    fn weeks_begin_with_monday() {
        let span = |day: i64| span_of(day, 1, TODAY, 1);
        assert_eq!(span(TODAY + 1), Span::Today, "a clock that is behind");
        assert_eq!(span(TODAY), Span::Today);
        assert_eq!(span(TODAY - 1), Span::Yesterday);
        assert_eq!(span(TODAY - 3), Span::ThisWeek);
        assert_eq!(span(TODAY - 4), Span::ThisMonth);
        assert_eq!(span_of(TODAY - 20, 0, TODAY, 1), Span::Month(0));
    }

    #[test]
    fn this_week_reaches_into_the_month_before() {
        assert_eq!(span_of(TODAY - 2, 0, TODAY, 1), Span::ThisWeek);
    }
}
