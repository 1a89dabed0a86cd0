//! Voice messages: recording one, by a finger that holds the button or by a click.
//!
//! A finger that lets go sends; one that slides towards the beginning of the line throws away; one that slides up, or only
//! taps, leaves the recording running, to be stopped, listened to and sent. Nothing that was recorded is lost unless it is
//! thrown away: it becomes a file of the draft when the conversation is left, the microphone goes, or the limit comes.

use std::collections::VecDeque;
use std::time::Duration;

use holdfast_client::api::FileId;
use leptos::ev::{KeyboardEvent, MouseEvent, PointerEvent};
use leptos::prelude::*;
use leptos::reactive::graph::untrack;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::gestures::to_composer;
use super::meter;
use super::room::Room;
use crate::components::icon::{Icon, icon};
use crate::engine::jobs::{Job, JobId, News};
use crate::i18n::{is_rtl, playing_time, t};
use crate::platform::microphone::{Heard, Microphone, NoSound, Sound};
use crate::state::attach::{closed, closed_words};

/// The longest voice message, in seconds (`spec/12-client-behaviour.md §1`).
const LONGEST: f64 = 300.0;
/// A finger that is lifted sooner only tapped.
const TAP: f64 = 0.4;
/// How far a finger slides to throw the recording away, in pixels.
const SLIDE_AWAY: i32 = 96;
/// How far it slides up to leave the recording running, in pixels.
const SLIDE_UP: i32 = 64;

/// What the recorder is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing.
    Idle,
    /// The browser asks the user, or opens the device.
    Asking,
    /// A finger holds the button.
    Held,
    /// It runs until it is stopped.
    Running,
}

/// What becomes of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Send,
    Keep,
    ThrowAway,
}

/// Where a finger came down.
#[derive(Clone, Copy)]
struct Finger {
    x: i32,
    y: i32,
}

/// The recorder of a conversation; copies are the same one.
#[derive(Clone, Copy)]
pub(super) struct Recorder {
    room: Room,
    pub(super) stage: RwSignal<Stage>,
    /// Seconds recorded.
    seconds: RwSignal<f64>,
    /// How loud it was lately, newest last.
    levels: RwSignal<VecDeque<f64>>,
    /// How far the finger has slid towards throwing away, in hundredths.
    slid: RwSignal<i32>,
    finger: StoredValue<Option<Finger>>,
    /// A click follows that belongs to a finger.
    swallow: StoredValue<bool>,
    microphone: StoredValue<Option<Microphone>, LocalStorage>,
    job: StoredValue<Option<JobId>>,
    /// The recording is sent as soon as it is a file.
    sends: StoredValue<bool>,
    /// Sends a file.
    send: Callback<FileId>,
}

impl Recorder {
    pub(super) fn new(room: Room, send: Callback<FileId>) -> Self {
        let recorder = Self {
            room,
            stage: RwSignal::new(Stage::Idle),
            seconds: RwSignal::new(0.0),
            levels: RwSignal::new(VecDeque::new()),
            slid: RwSignal::new(0),
            finger: StoredValue::new(None),
            swallow: StoredValue::new(false),
            microphone: StoredValue::new_local(None),
            job: StoredValue::new(None),
            sends: StoredValue::new(false),
            send,
        };
        on_cleanup(move || recorder.end(End::Keep));
        recorder
    }

    /// Whether it is at something.
    pub(super) fn busy(self) -> bool {
        self.stage.get() != Stage::Idle
    }

    fn begin(self) {
        let state = self.room.state;
        if let Some(why) = untrack(|| closed(state, self.room.id)) {
            let words = untrack(|| closed_words(state, self.room.id, why));
            state.attach.refuse(self.room.id, words);
            return;
        }
        state.attach.dismiss(self.room.id);
        state.playback.stop();
        self.stage.set(Stage::Asking);
        self.seconds.set(0.0);
        self.levels.set(VecDeque::new());
        self.slid.set(0);
        spawn_local(async move {
            let opened = Microphone::open(move |heard| self.hear(heard)).await;
            match opened {
                Ok((microphone, sound)) => self.run(microphone, &sound),
                Err(why) => {
                    if self.stage.try_set(Stage::Idle).is_none() {
                        state.attach.refuse(self.room.id, no_sound(why));
                    }
                }
            }
        });
    }

    fn run(self, microphone: Microphone, sound: &Sound) {
        // The user has left, or taken it back, while the browser asked.
        if self.stage.try_get_untracked() != Some(Stage::Asking) {
            return;
        }
        let state = self.room.state;
        let conversation = self.room.id;
        let job = Job::Voice {
            conversation,
            rate: sound.rate,
        };
        let job = state.record(job, &sound.port, move |job, news| {
            let (done, over) = match &news {
                News::Done(file) => (Some(*file), true),
                News::Refused(_) => (None, true),
                News::Staged(_) | News::Written { .. } | News::Drawn(_) => (None, false),
            };
            state
                .attach
                .hear(state, job, &t("file.voice"), conversation, news);
            if !over {
                return;
            }
            // The recorder may be gone: then it stays a file of the draft.
            let sends = self.sends.try_update_value(std::mem::take).unwrap_or_default();
            if let Some(file) = done.filter(|_| sends) {
                self.send.run(file);
            }
        });
        let Some(job) = job else {
            self.stage.set(Stage::Idle);
            return;
        };
        self.job.set_value(Some(job));
        self.microphone.set_value(Some(microphone));
        let held = self.finger.with_value(Option::is_some);
        self.stage.set(if held { Stage::Held } else { Stage::Running });
        state.announce(t("voice.recording"));
    }

    fn hear(self, heard: Heard) {
        match heard {
            Heard::Sound { level, seconds } => {
                if self.seconds.try_set(seconds).is_some() {
                    return;
                }
                self.levels.update(|levels| {
                    levels.push_back(level);
                    if levels.len() > meter::BARS {
                        levels.pop_front();
                    }
                });
                if seconds >= LONGEST && self.job.with_value(Option::is_some) {
                    self.room.state.show_toast(t("voice.limit"));
                    // The microphone's own callback is running.
                    spawn_local(async move { self.end(End::Keep) });
                }
            }
            Heard::Gone => spawn_local(async move { self.end(End::Keep) }),
        }
    }

    /// Ends what is being recorded.
    fn end(self, end: End) {
        let _ = self.finger.try_set_value(None);
        let microphone = self.microphone.try_update_value(Option::take).flatten();
        let job = self.job.try_update_value(Option::take).flatten();
        let _ = self.stage.try_set(Stage::Idle);
        let (Some(microphone), Some(job)) = (microphone, job) else {
            return;
        };
        let state = self.room.state;
        if end == End::ThrowAway {
            state.cancel_job(job);
            return;
        }
        let _ = self.sends.try_set_value(end == End::Send);
        state.attach.follow(job, self.room.id, t("file.voice"));
        microphone.end(move || state.end_voice(job));
    }

    fn press(self, event: &PointerEvent) {
        // An on-screen keyboard stays up.
        event.prevent_default();
        let by_finger = matches!(event.pointer_type().as_str(), "touch" | "pen");
        if !by_finger || self.stage.get_untracked() != Stage::Idle {
            return;
        }
        self.swallow.set_value(true);
        let button = event.current_target().and_then(|b| b.dyn_into::<Element>().ok());
        if let Some(button) = button {
            // Without it a finger that slides far is not followed, and then the recording goes on.
            let _ = button.set_pointer_capture(event.pointer_id());
        }
        self.finger.set_value(Some(Finger {
            x: event.client_x(),
            y: event.client_y(),
        }));
        self.begin();
    }

    fn slide(self, event: &PointerEvent) {
        let Some(finger) = self.finger.get_value() else {
            return;
        };
        let across = event.client_x() - finger.x;
        let towards = if is_rtl() { across } else { -across };
        self.slid.set((towards * 100 / SLIDE_AWAY).clamp(0, 100));
        if self.stage.get_untracked() != Stage::Held {
            return;
        }
        if towards >= SLIDE_AWAY {
            self.end(End::ThrowAway);
        } else if finger.y - event.client_y() >= SLIDE_UP {
            self.finger.set_value(None);
            self.slid.set(0);
            self.stage.set(Stage::Running);
        }
    }

    /// The finger is lifted, or the system took it away.
    fn lift(self, taken: bool) {
        if self.finger.try_update_value(Option::take).flatten().is_none() {
            return;
        }
        self.slid.set(0);
        if self.stage.get_untracked() != Stage::Held {
            return;
        }
        if taken || self.seconds.get_untracked() < TAP {
            self.stage.set(Stage::Running);
        } else {
            self.end(End::Send);
        }
    }

    fn click(self, event: &MouseEvent) {
        event.prevent_default();
        if self.swallow.try_update_value(std::mem::take).unwrap_or_default() {
            return;
        }
        match self.stage.get_untracked() {
            Stage::Idle => self.begin(),
            Stage::Running => self.end(End::Send),
            Stage::Asking | Stage::Held => {}
        }
    }

    /// Keys while it records: Escape and Delete throw away.
    pub(super) fn key(self, event: &KeyboardEvent) {
        if self.stage.get_untracked() == Stage::Idle {
            return;
        }
        if matches!(event.key().as_str(), "Escape" | "Delete" | "Backspace") {
            event.prevent_default();
            event.stop_propagation();
            self.throw_away();
        }
    }

    fn throw_away(self) {
        self.end(End::ThrowAway);
        self.room.state.announce(t("voice.thrown_away"));
        set_timeout(to_composer, Duration::ZERO);
    }

    fn stop(self) {
        self.end(End::Keep);
        set_timeout(to_composer, Duration::ZERO);
    }
}

/// Why there is no sound, in words.
fn no_sound(why: NoSound) -> String {
    match why {
        NoSound::Denied => t("voice.denied"),
        NoSound::Missing => t("voice.missing"),
        NoSound::Busy => t("voice.busy"),
        NoSound::Unable => t("voice.unable"),
    }
}

/// The button that records, and sends what was recorded. It stays the same element, so that a finger on it is followed.
#[component]
pub(super) fn VoiceButton(recorder: Recorder) -> impl IntoView {
    let stage = recorder.stage;
    let sends = Memo::new(move |_| stage.get() == Stage::Running);
    let label = move || {
        if sends.get() {
            t("composer.send")
        } else {
            t("voice.record")
        }
    };
    view! {
        <button
            type="button"
            id="record-voice"
            class="icon-button voice-button"
            class:send=sends
            class:held=move || stage.get() == Stage::Held
            aria-label=label
            title=label
            on:pointerdown=move |event| recorder.press(&event)
            on:pointermove=move |event| recorder.slide(&event)
            on:pointerup=move |_| recorder.lift(false)
            on:pointercancel=move |_| recorder.lift(true)
            on:contextmenu=move |event| event.prevent_default()
            on:click=move |event| recorder.click(&event)
        >
            {move || icon(if sends.get() { Icon::Send } else { Icon::Mic })}
        </button>
        {move || {
            (stage.get() == Stage::Held)
                .then(|| {
                    view! {
                        <span class="voice-lock" aria-hidden="true">
                            {icon(Icon::Lock)} {icon(Icon::Up)}
                        </span>
                    }
                })
        }}
    }
}

/// In place of the text while a voice message is being recorded.
#[component]
pub(super) fn VoiceBar(recorder: Recorder) -> impl IntoView {
    let stage = recorder.stage;
    let held = Memo::new(move |_| stage.get() == Stage::Held);
    let time = Memo::new(move |_| playing_time(recorder.seconds.get().floor()));
    view! {
        <div class="voice-bar" role="group" aria-label=t("voice.recording")>
            {move || {
                (!held.get())
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                id="discard-voice"
                                class="icon-button danger"
                                aria-label=t("voice.throw_away")
                                title=t("voice.throw_away")
                                on:click=move |_| recorder.throw_away()
                            >
                                {icon(Icon::Trash)}
                            </button>
                        }
                    })
            }}
            <span class="voice-live" aria-hidden="true"></span>
            <span class="voice-time" role="timer">
                {time}
            </span>
            {move || match stage.get() {
                Stage::Asking => {
                    view! { <span class="voice-hint">{t("voice.asking")}</span> }.into_any()
                }
                Stage::Held => {
                    view! {
                        <span class="voice-level">{meter::drawing(recorder.levels)}</span>
                        <span class="voice-hint slide" class:near=move || { recorder.slid.get() > 50 }>
                            {icon(Icon::Back)}
                            {t("voice.slide")}
                        </span>
                    }
                        .into_any()
                }
                Stage::Running | Stage::Idle => {
                    view! {
                        {meter::drawing(recorder.levels)}
                        <button
                            type="button"
                            id="stop-voice"
                            class="icon-button danger"
                            aria-label=t("voice.stop")
                            title=t("voice.stop")
                            on:click=move |_| recorder.stop()
                        >
                            {icon(Icon::Stop)}
                        </button>
                    }
                        .into_any()
                }
            }}
        </div>
    }
}
