//! The microphone: asks for it, and hands what it hears to a channel, sample by sample, without passing the page's thread.

use std::cell::Cell;
use std::time::Duration;

use js_sys::Array;
use leptos::prelude::set_timeout;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AudioContext, AudioContextOptions, AudioWorkletNode, DomException, MediaStream, MediaStreamConstraints,
    MediaStreamTrack, MessageChannel, MessageEvent, MessagePort,
};

use super::object::{has, object};
use super::window;

/// The program for the browser's audio thread.
const PROGRAM: &str = "recorder.js";
/// The name it is registered under there.
const NAME: &str = "recorder";
/// Rates that the worker encodes (`app/src/engine/prepare/resample.rs`), samples a second.
const RATES: [u32; 9] = [
    16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000,
];
/// Asked for where the device has another rate.
const USUAL_RATE: f32 = 48_000.0;
/// What was heard last is on its way for no longer than that.
const LAST_WORDS: Duration = Duration::from_millis(400);

/// Why there is no sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSound {
    /// The user or the browser said no.
    Denied,
    /// There is no microphone.
    Missing,
    /// Another program has it.
    Busy,
    /// The browser can't record.
    Unable,
}

/// What the microphone tells while it listens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Heard {
    /// Some more was heard.
    Sound {
        /// How loud, from 0 to 1.
        level: f64,
        /// How much so far, in seconds.
        seconds: f64,
    },
    /// The device was taken away.
    Gone,
}

/// An open microphone. It is closed when this is dropped.
pub(crate) struct Microphone {
    stream: MediaStream,
    context: AudioContext,
    node: AudioWorkletNode,
    track: Option<MediaStreamTrack>,
    _on_level: Closure<dyn Fn(MessageEvent)>,
    _on_gone: Closure<dyn Fn()>,
}

thread_local! {
    /// How many are open.
    static OPEN: Cell<u32> = const { Cell::new(0) };
}

/// Whether the page listens to a microphone.
pub(crate) fn is_open() -> bool {
    OPEN.get() > 0
}

/// What a microphone hears: the channel's end for the worker, and the rate in samples a second.
pub(crate) struct Sound {
    /// Gives a `Float32Array` for each piece, and `null` at the end.
    pub(crate) port: MessagePort,
    /// Samples a second.
    pub(crate) rate: u32,
}

impl Microphone {
    /// Opens the microphone, asking the user if need be. Call it from a click or key press.
    pub(crate) async fn open(tell: impl Fn(Heard) + Clone + 'static) -> Result<(Self, Sound), NoSound> {
        let stream = ask().await?;
        let opened = Self::listen(stream.clone(), tell).await;
        if opened.is_err() {
            stop(&stream);
        }
        opened.map_err(|_| NoSound::Unable)
    }

    async fn listen(
        stream: MediaStream,
        tell: impl Fn(Heard) + Clone + 'static,
    ) -> Result<(Self, Sound), JsValue> {
        let mut context = AudioContext::new()?;
        if !RATES.contains(&(context.sample_rate() as u32)) {
            let options = AudioContextOptions::new();
            options.set_sample_rate(USUAL_RATE);
            let _ = context.close();
            context = AudioContext::new_with_context_options(&options)?;
        }
        JsFuture::from(context.audio_worklet()?.add_module(PROGRAM)?).await?;
        let node = AudioWorkletNode::new(&context, NAME)?;
        let channel = MessageChannel::new()?;
        let into = channel.port1();
        node.port()?
            .post_message_with_transferable(&into, &Array::of1(&into))?;
        let on_level = {
            let tell = tell.clone();
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let told = Array::from(&event.data());
                if let (Some(level), Some(seconds)) = (told.get(0).as_f64(), told.get(1).as_f64()) {
                    tell(Heard::Sound { level, seconds });
                }
            })
        };
        node.port()?
            .set_onmessage(Some(on_level.as_ref().unchecked_ref()));
        let on_gone = Closure::<dyn Fn()>::new(move || tell(Heard::Gone));
        let track = stream
            .get_audio_tracks()
            .get(0)
            .dyn_into::<MediaStreamTrack>()
            .ok();
        if let Some(track) = &track {
            track.set_onended(Some(on_gone.as_ref().unchecked_ref()));
        }
        context
            .create_media_stream_source(&stream)?
            .connect_with_audio_node(&node)?;
        // A node that leads nowhere is not run by every browser. It adds no sound to what is played.
        node.connect_with_audio_node(&context.destination())?;
        // Runs already in most browsers.
        let _ = JsFuture::from(context.resume()?).await;
        let rate = context.sample_rate() as u32;
        OPEN.set(OPEN.get() + 1);
        let microphone = Self {
            stream,
            context,
            node,
            track,
            _on_level: on_level,
            _on_gone: on_gone,
        };
        let sound = Sound {
            port: channel.port2(),
            rate,
        };
        Ok((microphone, sound))
    }

    /// Ends the recording: what was heard goes on its way; calls back when all of it must have arrived.
    pub(crate) fn end(self, arrived: impl FnOnce() + 'static) {
        if let Ok(port) = self.node.port() {
            // Anything that is no port ends it; the browser's sign that it listens goes out at once.
            let _ = port.post_message(&JsValue::NULL);
        }
        stop(&self.stream);
        set_timeout(
            move || {
                drop(self);
                arrived();
            },
            LAST_WORDS,
        );
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        OPEN.set(OPEN.get().saturating_sub(1));
        if let Some(track) = &self.track {
            track.set_onended(None);
        }
        stop(&self.stream);
        if let Ok(port) = self.node.port() {
            port.set_onmessage(None);
        }
        // Closed already is closed.
        let _ = self.context.close();
    }
}

/// Asks for the microphone.
async fn ask() -> Result<MediaStream, NoSound> {
    let devices = window()
        .navigator()
        .media_devices()
        .map_err(|_| NoSound::Unable)?;
    // Absent without a secure context, whatever its type says.
    if devices.is_undefined() || !has(&window(), "AudioWorkletNode") {
        return Err(NoSound::Unable);
    }
    let wishes = object(&[
        ("echoCancellation", JsValue::TRUE),
        ("noiseSuppression", JsValue::TRUE),
        ("autoGainControl", JsValue::TRUE),
        ("channelCount", 1.into()),
    ]);
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(&wishes);
    let asked = devices
        .get_user_media_with_constraints(&constraints)
        .map_err(|_| NoSound::Unable)?;
    match JsFuture::from(asked).await {
        Ok(stream) => stream.dyn_into().map_err(|_| NoSound::Unable),
        Err(error) => Err(why(&error
            .dyn_into::<DomException>()
            .map(|e| e.name())
            .unwrap_or_default())),
    }
}

/// What the browser's name for a refusal means.
fn why(name: &str) -> NoSound {
    match name {
        "NotAllowedError" | "SecurityError" => NoSound::Denied,
        "NotFoundError" | "OverconstrainedError" => NoSound::Missing,
        "NotReadableError" | "AbortError" => NoSound::Busy,
        _ => NoSound::Unable,
    }
}

fn stop(stream: &MediaStream) {
    for track in stream.get_tracks() {
        if let Ok(track) = track.dyn_into::<MediaStreamTrack>() {
            track.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NoSound, why};

    #[test]
    fn each_refusal_of_a_browser_is_told_apart() {
        assert_eq!(why("NotAllowedError"), NoSound::Denied);
        assert_eq!(why("NotFoundError"), NoSound::Missing);
        assert_eq!(why("NotReadableError"), NoSound::Busy);
        assert_eq!(why(""), NoSound::Unable);
    }
}
