//! Files in words, and the pictures that stand for kinds of them.

use holdfast_client::api::{Attachment, FileInfo, FileKind, FilesSummary, Message};

use crate::components::icon::Icon;
use crate::i18n::{bytes, number, playing_time, t, tf, tn};
use crate::state::safe::{ending, shown_name, usual_ending};

/// Files of a kind: one without its number, several with it.
pub(crate) fn kind_words(kind: FileKind, count: u64) -> String {
    match (kind, count) {
        (FileKind::Image, 1) => t("file.photo"),
        (FileKind::Image, n) => tn("file.photos", n),
        (FileKind::Video, 1) => t("file.video"),
        (FileKind::Video, n) => tn("file.videos", n),
        (FileKind::Audio, 1) => t("file.audio"),
        (FileKind::Audio, n) => tn("file.audios", n),
        (FileKind::Voice, 1) => t("file.voice"),
        (FileKind::Voice, n) => tn("file.voices", n),
        (FileKind::Document, 1) => t("file.document"),
        (FileKind::Document, n) => tn("file.documents", n),
    }
}

/// What stands for a kind.
pub(crate) fn kind_icon(kind: FileKind) -> Icon {
    match kind {
        FileKind::Image => Icon::Photo,
        FileKind::Video => Icon::Film,
        FileKind::Audio => Icon::Sound,
        FileKind::Voice => Icon::Mic,
        FileKind::Document => Icon::Document,
    }
}

/// What a message's files are, for one line.
pub(crate) fn summary_words(summary: &FilesSummary) -> String {
    kind_words(summary.kind, u64::from(summary.count))
}

/// What a message says in one line: its text, or else its files.
pub(crate) fn brief(message: &Message) -> String {
    if !message.body.trim().is_empty() {
        return message.body.clone();
    }
    match message.files.as_slice() {
        [] => String::new(),
        [one] if one.info.kind == FileKind::Document => match shown_name(&one.info) {
            Some(name) => tf("file.named", &[("name", &name)]),
            None => kind_words(FileKind::Document, 1),
        },
        [first, ..] => {
            let all_alike = message.files.iter().all(|file| file.info.kind == first.info.kind);
            let kind = if all_alike {
                first.info.kind
            } else {
                FileKind::Document
            };
            kind_words(kind, message.files.len() as u64)
        }
    }
}

/// What a file is called where it has a line of its own.
pub(crate) fn title(info: &FileInfo) -> String {
    match info.kind {
        FileKind::Voice => t("file.voice"),
        kind => shown_name(info).unwrap_or_else(|| kind_words(kind, 1)),
    }
}

/// What type a file is, in a few letters: its name's ending; empty without one.
pub(crate) fn type_words(info: &FileInfo) -> String {
    shown_name(info).as_deref().and_then(ending).unwrap_or_default()
}

/// How wide and high a picture or film is; none when not known.
pub(crate) fn resolution(info: &FileInfo) -> Option<String> {
    let known = info.width > 0 && info.height > 0;
    known.then(|| {
        tf(
            "file.resolution",
            &[
                ("width", &number(f64::from(info.width))),
                ("height", &number(f64::from(info.height))),
            ],
        )
    })
}

/// How long a recording lasts; none when not known.
pub(crate) fn duration(info: &FileInfo) -> Option<String> {
    (info.duration_ms > 0).then(|| playing_time(f64::from(info.duration_ms) / 1000.0))
}

/// A file with its size, for who can't see it.
pub(crate) fn spoken(attachment: &Attachment) -> String {
    tf(
        "file.spoken",
        &[
            ("name", &title(&attachment.info)),
            ("size", &bytes(attachment.info.size)),
        ],
    )
}

/// The name that a file is saved under: its own, or the product's with the time it was sent.
pub(crate) fn saved_name(info: &FileInfo, sent_at: u64) -> String {
    shown_name(info).unwrap_or_else(|| {
        let at = js_sys::Date::new(&(sent_at as f64).into());
        format!(
            "Holdfast {}-{:02}-{:02} {:02}.{:02}.{:02}.{}",
            at.get_full_year(),
            at.get_month() + 1,
            at.get_date(),
            at.get_hours(),
            at.get_minutes(),
            at.get_seconds(),
            usual_ending(&info.content_type)
        )
    })
}
