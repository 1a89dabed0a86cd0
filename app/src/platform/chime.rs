//! The sound of a notification: two short notes, made as they are heard.

use std::time::Duration;

use leptos::prelude::set_timeout;
use wasm_bindgen::JsValue;
use web_sys::AudioContext;

use super::object::field;
use super::window;

/// The notes, in hertz: a fourth upwards (A5, D6).
const NOTES: [f32; 2] = [880.0, 1174.66];
/// From one note to the next, in seconds.
const STEP: f64 = 0.12;
/// How long a note is heard, in seconds.
const LENGTH: f64 = 0.4;
/// Until a note is at its loudest, in seconds: one that is at once begins with a click.
const RISE: f64 = 0.01;
/// How loud that is, of 1.
const LOUD: f32 = 0.2;
/// What nobody hears any more. A loudness that falls evenly never gets to nothing.
const SILENT: f32 = 0.000_1;
/// Until the sound is over for sure. The browser's way to its loudspeakers is given back then.
const OVER: Duration = Duration::from_secs(2);

/// Makes the sound. Not where the browser lets the page make none, as before its user has done anything on it.
pub(crate) fn ring() -> bool {
    // Browsers that don't tell are asked to.
    let used = field(&field(&window().navigator(), "userActivation"), "hasBeenActive");
    if used.as_bool() == Some(false) {
        return false;
    }
    let Ok(context) = AudioContext::new() else {
        return false;
    };
    let rings = play(&context).is_ok();
    set_timeout(
        move || {
            // Closed already is closed.
            let _ = context.close();
        },
        OVER,
    );
    rings
}

fn play(context: &AudioContext) -> Result<(), JsValue> {
    let mut at = context.current_time();
    for hertz in NOTES {
        let (note, loudness) = (context.create_oscillator()?, context.create_gain()?);
        note.frequency().set_value(hertz);
        let gain = loudness.gain();
        gain.set_value_at_time(0.0, at)?;
        gain.linear_ramp_to_value_at_time(LOUD, at + RISE)?;
        gain.exponential_ramp_to_value_at_time(SILENT, at + LENGTH)?;
        note.connect_with_audio_node(&loudness)?;
        loudness.connect_with_audio_node(&context.destination())?;
        note.start_with_when(at)?;
        note.stop_with_when(at + LENGTH)?;
        at += STEP;
    }
    Ok(())
}
