//! The one recording that plays. Its place, speed and end are the same wherever it is shown.

use holdfast_client::api::{Attachment, FileId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlAudioElement;

use super::AppState;
use super::files::Wanted;
use crate::i18n::t;
use crate::platform::blob;

/// The speeds, one after the other (`spec/12-client-behaviour.md §5.11`).
const SPEEDS: [f64; 3] = [1.0, 1.5, 2.0];
/// What the audio element tells of.
const TOLD: [&str; 6] = ["timeupdate", "durationchange", "play", "pause", "ended", "error"];

/// The browser's player with the address of what it plays.
struct Player {
    element: HtmlAudioElement,
    address: String,
    heard: Closure<dyn Fn(web_sys::Event)>,
}

impl Player {
    /// Ends it, and everything it tells.
    fn end(&self) {
        for name in TOLD {
            let _ = self
                .element
                .remove_event_listener_with_callback(name, self.heard.as_ref().unchecked_ref());
        }
        // A recording that does not play can be paused all the same.
        let _ = self.element.pause();
        let _ = self.element.remove_attribute("src");
        self.element.load();
        blob::revoke(&self.address);
    }
}

/// The player; copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct Playback {
    /// What was played last and can be gone on with.
    pub track: RwSignal<Option<FileId>>,
    /// It plays at this moment.
    pub plays: RwSignal<bool>,
    /// How far it got, seconds.
    pub at: RwSignal<f64>,
    /// How long it is, seconds; 0 when not known.
    pub length: RwSignal<f64>,
    /// What was just heard to its end, until somebody has taken note of that.
    pub ended: RwSignal<Option<FileId>>,
    speed: RwSignal<usize>,
    player: StoredValue<Option<Player>, LocalStorage>,
    /// Used for one recording after the other: some browsers let only an element go on by itself that a person started before.
    element: StoredValue<Option<HtmlAudioElement>, LocalStorage>,
}

impl Playback {
    pub(super) fn new() -> Self {
        Self {
            track: RwSignal::new(None),
            plays: RwSignal::new(false),
            at: RwSignal::new(0.0),
            length: RwSignal::new(0.0),
            ended: RwSignal::new(None),
            speed: RwSignal::new(0),
            player: StoredValue::new_local(None),
            element: StoredValue::new_local(None),
        }
    }

    /// How fast recordings are played, as a factor.
    pub(crate) fn speed(self) -> f64 {
        SPEEDS.get(self.speed.get()).copied().unwrap_or(1.0)
    }

    /// Goes on to the next speed.
    pub(crate) fn next_speed(self) {
        self.speed.update(|at| *at = (*at + 1) % SPEEDS.len());
        let speed = untrack(|| self.speed());
        self.with_element(|element| element.set_playback_rate(speed));
    }

    fn with_element(self, act: impl FnOnce(&HtmlAudioElement)) {
        let element = self
            .player
            .try_with_value(|player| player.as_ref().map(|player| player.element.clone()));
        if let Some(element) = element.flatten() {
            act(&element);
        }
    }

    /// Plays a recording, or pauses it when it plays.
    pub(crate) fn toggle(self, state: AppState, attachment: &Attachment) {
        if self.track.get_untracked() == Some(attachment.file) {
            if self.plays.get_untracked() {
                self.with_element(|element| {
                    // What has just ended can be paused all the same.
                    let _ = element.pause();
                });
            } else {
                self.go_on(state);
            }
            return;
        }
        self.stop();
        self.track.set(Some(attachment.file));
        self.length.set(f64::from(attachment.info.duration_ms) / 1000.0);
        let (file, wanted) = (attachment.file, Wanted::of(attachment));
        spawn_local(async move {
            let blob = state.files.blob(state, &wanted).await;
            if self.track.try_get_untracked().flatten() != Some(file) {
                return;
            }
            match blob.as_ref().and_then(blob::address) {
                Some(address) => self.load(state, address),
                None => self.give_up(state),
            }
        });
    }

    fn element(self) -> Option<HtmlAudioElement> {
        if let Some(element) = self.element.get_value() {
            return Some(element);
        }
        let element = HtmlAudioElement::new().ok()?;
        self.element.set_value(Some(element.clone()));
        Some(element)
    }

    fn load(self, state: AppState, address: String) {
        let Some(element) = self.element() else {
            blob::revoke(&address);
            self.give_up(state);
            return;
        };
        // Asked for twice before it was read, it is loaded once more.
        if let Some(before) = self.player.try_update_value(Option::take).flatten() {
            before.end();
        }
        let heard = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
            self.hear(state, &event.type_());
        });
        for name in TOLD {
            // Fails for no name of an event.
            let _ = element.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref());
        }
        element.set_src(&address);
        // A place that was chosen before it was loaded.
        let at = self.at.get_untracked();
        if at > 0.0 {
            element.set_current_time(at);
        }
        self.player.set_value(Some(Player {
            element,
            address,
            heard,
        }));
        self.go_on(state);
    }

    fn go_on(self, state: AppState) {
        let speed = untrack(|| self.speed());
        self.with_element(|element| {
            element.set_default_playback_rate(speed);
            element.set_playback_rate(speed);
            let Ok(playing) = element.play() else {
                self.give_up(state);
                return;
            };
            spawn_local(async move {
                // Pausing before it has begun is refused too; then there is nothing to say.
                let refused = JsFuture::from(playing).await.err();
                let name = refused.and_then(|why| why.dyn_into::<web_sys::DomException>().ok());
                if name.is_some_and(|why| why.name() != "AbortError") {
                    self.give_up(state);
                }
            });
        });
    }

    fn hear(self, state: AppState, event: &str) {
        self.with_element(|element| match event {
            "durationchange" => {
                // Recordings of browsers may not say how long they are.
                let length = element.duration();
                if length.is_finite() && length > 0.0 {
                    self.length.set(length);
                }
            }
            "play" => self.plays.set(true),
            "pause" => self.plays.set(false),
            "ended" => {
                self.plays.set(false);
                self.at.set(0.0);
                self.ended.set(self.track.get_untracked());
            }
            "error" => self.give_up(state),
            _ if !element.ended() => self.at.set(element.current_time()),
            _ => {}
        });
    }

    fn give_up(self, state: AppState) {
        if self.track.get_untracked().is_some() {
            self.stop();
            state.show_toast(t("file.not_played"));
        }
    }

    /// Goes to a place of a recording, in seconds; it need not be playing.
    pub(crate) fn seek(self, state: AppState, attachment: &Attachment, at: f64) {
        if self.track.get_untracked() != Some(attachment.file) {
            self.toggle(state, attachment);
        }
        self.at.set(at);
        self.with_element(|element| element.set_current_time(at));
    }

    /// Ends a recording, if it is the one that plays.
    pub(crate) fn stop_file(self, file: FileId) {
        if self.track.try_get_untracked().flatten() == Some(file) {
            self.stop();
        }
    }

    /// Ends what plays.
    pub(crate) fn stop(self) {
        if let Some(player) = self.player.try_update_value(Option::take).flatten() {
            player.end();
            // The closure may be what brought us here: dropped when it has returned.
            spawn_local(async move { drop(player) });
        }
        self.track.set(None);
        self.plays.set(false);
        self.at.set(0.0);
        self.length.set(0.0);
    }
}
