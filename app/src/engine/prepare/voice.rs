//! Voice messages: what the microphone hears, encoded as it comes.
//!
//! MP3 is what Session's desktop client records, so every client plays it; the phones play it by their systems
//! (`spec/07-files-and-attachments.md §7.1`). Speech in one channel at 24 kHz and 48 kbit/s is a little clearer and smaller
//! than what the desktop client sends, and five minutes of it stay under 2 MB.

use std::cell::RefCell;
use std::rc::Rc;

use holdfast_client::api::{FileInfo, FileKind};
use holdfast_protocol::account::Id;
use js_sys::Float32Array;
use rusty_mp3::{Mp3Encoder, Mp3EncoderConfig};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, MessagePort};

use super::resample::{Resampler, sent_rate};
use super::waveform::Loudness;
use super::{Ready, blob_of};
use crate::engine::jobs::Refusal;

/// Kilobits a second.
const BITRATE: u32 = 48;
/// The type that is told to recipients. Every client takes a voice message for one by its flag and by `audio/`.
const MIME: &str = "audio/mpeg";
/// Anything shorter was a slip of the hand, in milliseconds.
const SHORTEST_MS: u64 = 300;
/// Longer recordings end here: the limit of Session's clients (`spec/12-client-behaviour.md §1`), in seconds.
pub(super) const LONGEST_S: u64 = 300;

/// Speech that is being encoded.
pub(super) struct Speech {
    resampler: Resampler,
    encoder: Mp3Encoder,
    loudness: Loudness,
    rate: u32,
    /// Samples encoded so far.
    samples: u64,
    /// Encoded frames. The first one is a table of contents, which is complete only at the end.
    bytes: Vec<u8>,
}

impl Speech {
    /// For a microphone's rate, samples a second.
    pub(super) fn new(rate: u32) -> Option<Self> {
        let (rate, halvings) = sent_rate(rate)?;
        Some(Self {
            resampler: Resampler::new(halvings),
            encoder: Mp3Encoder::new(Mp3EncoderConfig {
                bitrate_kbps: BITRATE,
                vbr_quality: None,
            }),
            loudness: Loudness::new(rate),
            rate,
            samples: 0,
            bytes: Vec::new(),
        })
    }

    /// Hears further samples; what is beyond the limit is not kept.
    pub(super) fn push(&mut self, samples: &[f32]) {
        let sound: Vec<f32> = samples.iter().map(|sample| in_range(*sample)).collect();
        let mut samples = self.resampler.push(&sound);
        let room = (LONGEST_S * u64::from(self.rate)).saturating_sub(self.samples);
        samples.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        self.samples += samples.len() as u64;
        self.loudness.push(&samples);
        // The rate is one that the encoder knows.
        let _ = self.encoder.push_pcm_f32(&samples, 1, self.rate);
        self.drain();
    }

    fn drain(&mut self) {
        while let Ok(frame) = self.encoder.next_packet() {
            self.bytes.extend(frame);
        }
    }

    /// How long it is, in milliseconds.
    fn duration_ms(&self) -> u64 {
        self.samples * 1_000 / u64::from(self.rate)
    }

    /// The whole file, and what is known of it.
    pub(super) fn finish(mut self) -> Result<(Vec<u8>, FileInfo), Refusal> {
        if self.duration_ms() < SHORTEST_MS {
            return Err(Refusal::TooShort);
        }
        self.encoder.finish();
        self.drain();
        if let Some(contents) = self.encoder.lame_tag_frame()
            && let Some(first) = self.bytes.get_mut(..contents.len())
        {
            first.copy_from_slice(contents);
        }
        let info = FileInfo {
            content_type: MIME.into(),
            kind: FileKind::Voice,
            size: self.bytes.len() as u64,
            duration_ms: u32::try_from(self.duration_ms()).unwrap_or(u32::MAX),
            waveform: self.loudness.values(),
            ..FileInfo::default()
        };
        Ok((self.bytes, info))
    }
}

/// A sample as it can be encoded: what is no number is silence.
fn in_range(sample: f32) -> f32 {
    if sample.is_nan() {
        0.0
    } else {
        sample.clamp(-1.0, 1.0)
    }
}

/// A recording that is going on: hears samples through a channel until `null` comes.
pub(super) struct Recording {
    /// Nothing once it has ended.
    speech: Rc<RefCell<Option<Speech>>>,
    port: MessagePort,
    conversation: Id,
    _on_message: Closure<dyn Fn(MessageEvent)>,
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.port.set_onmessage(None);
        self.port.close();
    }
}

impl Recording {
    /// Begins to listen; calls back when no more sound comes.
    pub(super) fn start(
        port: MessagePort,
        rate: u32,
        conversation: Id,
        ended: impl Fn() + 'static,
    ) -> Result<Self, Refusal> {
        let speech = Speech::new(rate).ok_or(Refusal::Unreadable)?;
        let speech = Rc::new(RefCell::new(Some(speech)));
        let hearing = Rc::clone(&speech);
        let ended = Rc::new(ended);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            match event.data().dyn_into::<Float32Array>() {
                Ok(samples) => {
                    if let Some(speech) = hearing.borrow_mut().as_mut() {
                        speech.push(&samples.to_vec());
                    }
                }
                Err(_) => {
                    // Ending drops this callback: let it return first.
                    let ended = Rc::clone(&ended);
                    wasm_bindgen_futures::spawn_local(async move { ended() });
                }
            }
        });
        // Setting the handler opens the channel: what was said meanwhile is heard now.
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(Self {
            speech,
            port,
            conversation,
            _on_message: on_message,
        })
    }

    /// Ends it: the conversation it is for, and the file.
    pub(super) fn finish(self) -> (Id, Result<Ready, Refusal>) {
        let speech = self.speech.take().ok_or(Refusal::TooShort);
        let ready = speech.and_then(Speech::finish).and_then(|(bytes, info)| {
            Ok(Ready {
                blob: blob_of(&bytes)?,
                info,
                voice: true,
            })
        });
        (self.conversation, ready)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_S, Speech};
    use crate::engine::jobs::Refusal;

    fn tone(rate: u32, hertz: f32, seconds: f32) -> Vec<f32> {
        let step = std::f32::consts::TAU * hertz / rate as f32;
        (0..(rate as f32 * seconds) as usize)
            .map(|n| (n as f32 * step).sin() * 0.4)
            .collect()
    }

    /// The rate and samples of an MP3 file.
    fn decoded(bytes: &[u8]) -> (u32, Vec<f32>) {
        let mut decoder = rusty_mp3::Mp3Decoder::new();
        decoder.push(bytes);
        decoder.flush();
        let (mut rate, mut samples) = (0, Vec::new());
        while let Ok(part) = decoder.next_frame() {
            rate = part.sample_rate;
            samples.extend(part.samples);
        }
        (rate, samples)
    }

    #[test]
    fn what_was_said_comes_out_again() {
        for rate in [44_100, 48_000, 16_000] {
            let said = tone(rate, 440.0, 2.0);
            let mut speech = Speech::new(rate).expect("a rate of microphones");
            for piece in said.chunks(2_048) {
                speech.push(piece);
            }
            let (bytes, info) = speech.finish().expect("two seconds are enough");
            assert_eq!(info.size, bytes.len() as u64);
            assert!(
                (1_990..=2_000).contains(&info.duration_ms),
                "{}",
                info.duration_ms
            );
            assert!(info.waveform.iter().all(|value| *value > 150));
            let (heard_rate, heard) = decoded(&bytes);
            let seconds = heard.len() as f32 / heard_rate as f32;
            assert!((1.9..2.2).contains(&seconds), "{seconds} s");
            // The tone passes zero 880 times a second.
            let middle = &heard[heard_rate as usize / 2..heard_rate as usize * 3 / 2];
            let crossings = middle.windows(2).filter(|w| (w[0] < 0.0) != (w[1] < 0.0)).count();
            assert!(
                (870..=890).contains(&crossings),
                "{crossings} crossings at {rate}"
            );
            let loudest = middle.iter().copied().fold(0.0, f32::max);
            assert!((0.35..0.45).contains(&loudest), "{loudest}");
        }
    }

    #[test]
    fn a_moment_is_no_message_and_five_minutes_are_the_most() {
        let mut speech = Speech::new(48_000).expect("a rate");
        speech.push(&tone(48_000, 440.0, 0.2));
        assert_eq!(speech.finish().err(), Some(Refusal::TooShort));
        assert!(Speech::new(12_345).is_none());

        let mut speech = Speech::new(16_000).expect("a rate");
        let second = tone(16_000, 200.0, 1.0);
        for _ in 0..LONGEST_S + 5 {
            speech.push(&second);
        }
        let (bytes, info) = speech.finish().expect("a long message");
        assert_eq!(info.duration_ms, 300_000);
        assert!(bytes.len() < 2_000_000, "{} bytes", bytes.len());
    }

    #[test]
    fn nothing_that_a_microphone_gives_breaks_the_encoder() {
        let mut speech = Speech::new(48_000).expect("a rate");
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 0.0] {
            speech.push(&[value; 10_000]);
        }
        let (bytes, _) = speech.finish().expect("a second and more");
        assert!(!decoded(&bytes).1.is_empty());
    }
}
