//! Looks at a recording: how long it is, and how loud from its beginning to its end.

use js_sys::ArrayBuffer;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioBuffer, Blob, OfflineAudioContext};

/// Samples a second that it is decoded to: loudness needs few, and few take little memory.
const RATE: f32 = 8_000.0;

/// What is known of a recording after a look at it.
pub(crate) struct Heard {
    /// Milliseconds.
    pub duration_ms: u32,
    /// So many values as were asked for: the loudest sample of each part, from 0 to 255.
    pub loudness: Vec<u8>,
}

/// Decodes a recording and looks at it.
pub(crate) async fn look(recording: &Blob, values: usize) -> Option<Heard> {
    let context =
        OfflineAudioContext::new_with_number_of_channels_and_length_and_sample_rate(1, 1, RATE).ok()?;
    let bytes = JsFuture::from(recording.array_buffer()).await.ok()?;
    let decoding = context
        .decode_audio_data(bytes.unchecked_ref::<ArrayBuffer>())
        .ok()?;
    let decoded: AudioBuffer = JsFuture::from(decoding).await.ok()?.dyn_into().ok()?;
    let samples = decoded.get_channel_data(0).ok()?;
    Some(Heard {
        duration_ms: (decoded.duration() * 1000.0) as u32,
        loudness: loudness(&samples, values),
    })
}

/// The loudest sample of each of `values` equal parts.
fn loudness(samples: &[f32], values: usize) -> Vec<u8> {
    if samples.is_empty() || values == 0 {
        return Vec::new();
    }
    samples
        .chunks(samples.len().div_ceil(values))
        .map(|part| {
            let loudest = part.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
            (loudest.min(1.0) * 255.0) as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::loudness;

    #[test]
    fn each_part_is_as_loud_as_its_loudest_sample() {
        let samples = [0.0, -1.0, 0.5, 0.25, 0.0, 0.0, 2.0];
        assert_eq!(loudness(&samples, 4), [255, 127, 0, 255]);
        assert_eq!(loudness(&samples[..1], 64), [0]);
        assert!(loudness(&[], 64).is_empty());
        assert!(loudness(&[0.3; 1_000], 64).len() <= 64);
    }
}
