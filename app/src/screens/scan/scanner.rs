//! What a scan goes through: the camera that is asked for, frame after frame, or a picture; and the end of it.

use std::rc::Rc;

use holdfast_protocol::account::Code;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{Blob, File};
use zeroize::Zeroizing;

use super::words::{Purpose, no_camera};
use crate::engine::reader::{CodeReader, LARGEST, Unread};
use crate::i18n::t;
use crate::platform::camera::Camera;
use crate::platform::pixels::{Decoded, Easel};
use crate::platform::{blob, pause};
use crate::state::safe::Head;

/// The longest side of a camera's frame that is looked at, pixels.
const FRAME: u32 = 800;
/// The longest sides that a picture is looked at with, one after the other: a small one is quicker and less grainy.
const PICTURE: [u32; 2] = [1_000, LARGEST];
/// Between two looks through the camera, milliseconds.
const PAUSE_MS: u32 = 120;
/// So many frames in a row may fail before it is said.
const MAX_UNREAD: u32 = 3;
/// Larger files are no screenshots, bytes.
const MAX_FILE: f64 = 40.0 * 1024.0 * 1024.0;
/// So much of a file tells what it is, bytes.
const HEAD: f64 = 64.0 * 1024.0;

/// Where a scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is scanned.
    Closed,
    /// What the camera is for is explained, or something went wrong.
    Start,
    /// The browser asks the user.
    Asking,
    /// The camera looks.
    Camera,
    /// A picture is looked at.
    Picture,
}

/// A place where codes can be scanned; copies are the same one.
#[derive(Clone, Copy)]
pub(super) struct Scanner {
    pub(super) purpose: Purpose,
    pub(super) stage: RwSignal<Stage>,
    /// What is wrong; empty if nothing.
    pub(super) wrong: RwSignal<String>,
    /// Where the camera's picture is shown.
    pub(super) film: NodeRef<html::Video>,
    on_found: Callback<Code>,
    camera: StoredValue<Option<Camera>, LocalStorage>,
    reader: StoredValue<Option<Rc<CodeReader>>, LocalStorage>,
    /// Counts the beginnings: whatever was begun before is over.
    round: StoredValue<u32>,
}

impl Scanner {
    pub(super) fn new(purpose: Purpose, on_found: Callback<Code>) -> Self {
        let scanner = Self {
            purpose,
            stage: RwSignal::new(Stage::Closed),
            wrong: RwSignal::new(String::new()),
            film: NodeRef::new(),
            on_found,
            camera: StoredValue::new_local(None),
            reader: StoredValue::new_local(None),
            round: StoredValue::new(0),
        };
        on_cleanup(move || {
            scanner.let_go();
        });
        scanner
    }

    /// Opens the dialog.
    pub(super) fn open(self) {
        self.wrong.set(String::new());
        self.stage.set(Stage::Start);
    }

    /// Ends everything at once: the camera's light goes out.
    pub(super) fn close(self) {
        self.let_go();
        self.wrong.set(String::new());
        self.stage.set(Stage::Closed);
    }

    /// Lets the camera go when nobody looks at the page, which may be for long.
    pub(super) fn pause(self) {
        if matches!(self.stage.get_untracked(), Stage::Camera | Stage::Asking) {
            self.let_go();
            self.stage.set(Stage::Start);
        }
    }

    /// Drops the camera and the reader with all they saw, and begins a new round.
    fn let_go(self) -> u32 {
        let _ = self.camera.try_update_value(Option::take);
        if let Some(reader) = self.reader.try_update_value(Option::take).flatten() {
            reader.stop();
        }
        self.round
            .try_update_value(|round| {
                *round = round.wrapping_add(1);
                *round
            })
            .unwrap_or_default()
    }

    fn is_over(self, round: u32) -> bool {
        self.round.try_get_value() != Some(round)
    }

    /// Back to the explanation, with what went wrong.
    fn fail(self, words: String) {
        self.let_go();
        self.wrong.set(words);
        self.stage.set(Stage::Start);
    }

    /// Asks for the camera and looks through it until something is found.
    pub(super) fn use_camera(self) {
        let round = self.let_go();
        self.wrong.set(String::new());
        self.stage.set(Stage::Asking);
        spawn_local(async move {
            let gone = move || {
                if !self.is_over(round) {
                    self.fail(t("scan.gone"));
                }
            };
            let opened = Camera::open(gone).await;
            // Given up meanwhile: the camera is closed again as it goes out of scope.
            if self.is_over(round) {
                return;
            }
            match opened {
                Ok(camera) => {
                    self.camera.set_value(Some(camera));
                    self.stage.set(Stage::Camera);
                    self.look(round).await;
                }
                Err(why) => self.fail(no_camera(why)),
            }
        });
    }

    /// Shows the camera's picture as soon as its place is on the page.
    pub(super) fn show_film(self) {
        if let Some(film) = self.film.get() {
            self.camera.with_value(|camera| {
                if let Some(camera) = camera {
                    camera.show(&film);
                }
            });
        }
    }

    async fn look(self, round: u32) {
        let Some(easel) = Easel::new() else {
            self.fail(t("scan.unreadable"));
            return;
        };
        let mut unread = 0;
        while !self.is_over(round) {
            let drawn = self
                .film
                .try_get_untracked()
                .flatten()
                .is_some_and(|film| easel.film(&film, FRAME));
            if drawn {
                let found = self.codes_on(&easel).await;
                if self.is_over(round) {
                    return;
                }
                match found {
                    Ok(codes) if self.take(&codes) => return,
                    Ok(_) => unread = 0,
                    Err(Unread) => unread += 1,
                }
                if unread == MAX_UNREAD {
                    self.fail(t("scan.unreadable"));
                    return;
                }
            }
            pause(PAUSE_MS).await;
        }
    }

    /// Looks for a code in a picture file.
    pub(super) fn read_picture(self, file: File) {
        let round = self.let_go();
        self.wrong.set(String::new());
        self.stage.set(Stage::Picture);
        spawn_local(async move {
            let read = self.codes_in(&file, round).await;
            if self.is_over(round) {
                return;
            }
            match read {
                Ok(codes) if codes.is_empty() => self.fail(t("scan.none")),
                Ok(codes) => {
                    if !self.take(&codes) {
                        // What it is instead was said.
                        self.fail(self.wrong.get_untracked());
                    }
                }
                Err(words) => self.fail(words),
            }
        });
    }

    async fn codes_in(self, file: &Blob, round: u32) -> Result<Vec<Zeroizing<String>>, String> {
        if !is_picture(file).await {
            return Err(t("scan.no_picture"));
        }
        let picture = Decoded::of(file).await.ok_or_else(|| t("scan.no_picture"))?;
        let easel = Easel::new().ok_or_else(|| t("scan.unreadable"))?;
        let mut crashed = false;
        for (at, side) in PICTURE.into_iter().enumerate() {
            if self.is_over(round) || (at > 0 && picture.side() <= PICTURE[0]) {
                break;
            }
            if !easel.picture(&picture, side) {
                return Err(t("scan.unreadable"));
            }
            match self.codes_on(&easel).await {
                Ok(codes) if !codes.is_empty() => return Ok(codes),
                Ok(_) => {}
                Err(Unread) => crashed = true,
            }
        }
        if crashed {
            Err(t("scan.unreadable"))
        } else {
            Ok(Vec::new())
        }
    }

    /// What is on a canvas: as the browser itself tells, else as the reader does, which knows light codes on dark too.
    async fn codes_on(self, easel: &Easel) -> Result<Vec<Zeroizing<String>>, Unread> {
        let found = easel.detect().await;
        if !found.is_empty() {
            return Ok(found);
        }
        let pixels = easel.pixels().ok_or(Unread)?;
        let reader = self
            .reader
            .try_update_value(|reader| Rc::clone(reader.get_or_insert_default()));
        match reader {
            Some(reader) => reader.read(pixels).await,
            None => Err(Unread),
        }
    }

    /// Takes the first code that is wanted, and ends; else says what the first one is.
    fn take(self, codes: &[Zeroizing<String>]) -> bool {
        let mut first = None;
        for code in codes.iter().map(|content| Code::read(content)) {
            match self.purpose.objection(&code) {
                None => {
                    self.close();
                    self.on_found.run(code);
                    return true;
                }
                Some(words) => first = first.or(Some(words)),
            }
        }
        if let Some(words) = first
            && self.wrong.with_untracked(|before| *before != words)
        {
            self.wrong.set(words);
        }
        false
    }
}

/// Whether a file is a picture that can be decoded safely, by its first bytes.
async fn is_picture(file: &Blob) -> bool {
    if file.size() > MAX_FILE {
        return false;
    }
    let Ok(head) = file.slice_with_f64_and_f64(0.0, HEAD) else {
        return false;
    };
    match blob::bytes(&head).await {
        Some(head) => Head::of("", &head.to_vec()).is_picture(),
        None => false,
    }
}
