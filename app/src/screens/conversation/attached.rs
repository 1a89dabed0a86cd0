//! The files of a message in its bubble, and the link that its sender looked at.

use holdfast_client::api::{Attachment, LinkPreview, Message, Standing};
use leptos::prelude::*;

use super::room::Room;
use crate::components::icon::{Icon, icon};
use crate::i18n::{bytes, tf, tn};
use crate::platform::kiosk;
use crate::screens::files::{Part, Shape, act, cover, frame_size, row as line, tile, waiting};
use crate::state::files::Content;
use crate::state::safe::is_seen;
use crate::state::text::{Segment, segments};
use crate::state::timeline::Row;

/// So many pictures of a message are shown beside each other; the rest is told as a number
/// (`spec/12-client-behaviour.md §5.3`).
const TILES: usize = 3;

/// Whether a message has anything beside its text.
pub(super) fn any(message: &Message) -> bool {
    !message.files.is_empty() || message.link.is_some()
}

/// Whether all of its files are pictures and films.
pub(super) fn only_seen(message: &Message) -> bool {
    message.files.iter().all(|file| is_seen(&file.info))
}

/// A file of a message, followed in the message's row.
fn part(room: Room, row: &ArcRwSignal<Row>, attachment: &Attachment) -> Part {
    let file = attachment.file;
    let first = attachment.clone();
    let of = row.clone();
    let now = Memo::new(move |_| {
        of.with(|row| {
            let message = &row.message;
            let link = message.link.as_ref().and_then(|link| link.image.as_ref());
            let found = message.files.iter().chain(link).find(|other| other.file == file);
            found.unwrap_or(&first).clone()
        })
    });
    let of = row.clone();
    let sent = Memo::new(move |_| of.with(|row| row.message.state));
    let locked = Memo::new(move |_| {
        room.desk
            .about
            .with(|about| about.standing == Standing::IncomingRequest)
    });
    Part {
        state: room.state,
        file,
        kind: attachment.info.kind,
        attachment: now.into(),
        sent: sent.into(),
        locked: locked.into(),
    }
}

/// All files of a message: pictures and films as tiles, then sounds and documents in lines.
pub(super) fn files(room: Room, row: &ArcRwSignal<Row>) -> AnyView {
    // A file's kind may change when it arrives, and so may its place.
    let of = row.clone();
    let kinds = Memo::new(move |_| {
        of.with(|row| {
            let files = row.message.files.iter();
            files.map(|file| (file.file, file.info.kind)).collect::<Vec<_>>()
        })
    });
    let row = row.clone();
    (move || {
        kinds.track();
        let message = row.with_untracked(|row| row.message.clone());
        let (seen, lines): (Vec<_>, Vec<_>) = message.files.iter().partition(|file| is_seen(&file.info));
        let lines: Vec<_> = lines
            .into_iter()
            .map(|file| line(part(room, &row, file)))
            .collect();
        view! {
            {(!seen.is_empty()).then(|| tiles(room, &row, &seen))}
            {lines}
        }
        .into_any()
    })
    .into_any()
}

/// One picture keeps its proportion; two stand side by side; of more, one is large and two are small.
fn tiles(room: Room, row: &ArcRwSignal<Row>, seen: &[&Attachment]) -> AnyView {
    if let [alone] = seen {
        let (width, height) = frame_size(&alone.info);
        return tile(part(room, row, alone), Shape::Alone(width, height));
    }
    let hidden = u32::try_from(seen.len().saturating_sub(TILES)).unwrap_or_default();
    let shown = seen.iter().take(TILES).enumerate();
    let all: Vec<_> = shown
        .map(|(at, file)| {
            let more = if at + 1 == TILES { hidden } else { 0 };
            tile(part(room, row, file), Shape::InGrid { more })
        })
        .collect();
    view! {
        <div class="tiles" class:three={seen.len() > 2}>{all}</div>
        {load_all(room, row)}
    }
    .into_any()
}

/// Fetches everything that waits, where it is several.
fn load_all(room: Room, row: &ArcRwSignal<Row>) -> AnyView {
    let of = row.clone();
    let waits = Memo::new(move |_| {
        of.with(|row| {
            let files = waiting(&row.message);
            let size: u64 = row
                .message
                .files
                .iter()
                .filter(|file| files.contains(&file.file))
                .map(|file| file.info.size)
                .sum();
            (files.len() as u64, size)
        })
    });
    (move || {
        let (count, size) = waits.get();
        let locked = room.desk.about.with(|about| about.standing) == Standing::IncomingRequest;
        (count > 1 && !locked).then(|| {
            view! {
                <button class="load-all" data-act=act::LOAD_ALL>
                    {icon(Icon::Download)}
                    {tn("file.load_all", count)}
                    <span class="file-sub">{bytes(size)}</span>
                </button>
            }
            .into_any()
        })
    })
    .into_any()
}

/// The link of a text as its sender saw it. Nothing of it is fetched from where it leads.
pub(super) fn link(room: Room, row: &ArcRwSignal<Row>) -> AnyView {
    let Some(preview) = row.with_untracked(|row| row.message.link.clone()) else {
        return ().into_any();
    };
    let Some(host) = host(&preview) else {
        return ().into_any();
    };
    let picture = preview.image.as_ref().map(|image| part(room, row, image));
    let has_picture = picture.is_some();
    let title = if preview.title.trim().is_empty() {
        host.clone()
    } else {
        preview.title.clone()
    };
    let inside = view! {
        <span class="link-picture">{picture.map(link_picture)} {icon(Icon::Link)}</span>
        <span class="link-text">
            <span class="link-title" dir="auto">{title.clone()}</span>
            <span class="link-host" dir="ltr">{host.clone()}</span>
        </span>
    };
    let card = if kiosk::is_on() {
        view! { <span class="link-preview" class:pictured=has_picture>{inside}</span> }.into_any()
    } else {
        view! {
            <a
                class="link-preview"
                class:pictured=has_picture
                href=preview.url
                target="_blank"
                rel="noopener noreferrer"
                aria-label=tf("link.preview_label", &[("title", &title), ("host", &host)])
            >
                {inside}
            </a>
        }
        .into_any()
    };
    // A button has no place within a link: what fetches the picture lies over it.
    view! {
        <div class="link-row" data-file=picture.map(|part| part.file.0.to_string())>
            {card}
            {picture.map(|part| cover(part, true))}
        </div>
    }
    .into_any()
}

/// The picture of a link, if it is here.
fn link_picture(part: Part) -> AnyView {
    let here = part.here();
    (move || {
        here.get().then(|| {
            let content = part.state.files.hold(part.state, part.wanted());
            move || match content.get() {
                Content::Ready(ready) if ready.content_type.starts_with("image/") => Some(view! {
                    <img src=ready.address alt="" draggable="false" />
                }),
                _ => None,
            }
        })
    })
    .into_any()
}

/// Where a link leads, in the letters that a browser would show; none for what is no plain link to the web.
fn host(preview: &LinkPreview) -> Option<String> {
    let plain = segments(&preview.url);
    match plain.as_slice() {
        [Segment::Link { href, .. }] if *href == preview.url => {}
        _ => return None,
    }
    let url = web_sys::Url::new(&preview.url).ok()?;
    Some(url.host())
}
