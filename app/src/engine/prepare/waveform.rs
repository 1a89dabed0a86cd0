//! How loud a recording is from its beginning to its end, for the line that is drawn of it.

use holdfast_client::api::MAX_WAVEFORM;

/// A recording that stays below this is drawn as quiet as it is, so that noise does not look like speech.
const QUIET: f32 = 0.05;

/// Gathers loudness as samples come.
pub(super) struct Loudness {
    /// Samples that one value stands for.
    step: usize,
    /// The greatest value of the step at hand, and how many samples it has.
    peak: f32,
    count: usize,
    peaks: Vec<f32>,
}

impl Loudness {
    /// For a rate in samples a second.
    pub(super) fn new(rate: u32) -> Self {
        Self {
            // Twenty values a second: finer than the line can show even for the shortest recording.
            step: (rate / 20).max(1) as usize,
            peak: 0.0,
            count: 0,
            peaks: Vec::new(),
        }
    }

    /// Hears further samples.
    pub(super) fn push(&mut self, samples: &[f32]) {
        for sample in samples {
            self.peak = self.peak.max(sample.abs());
            self.count += 1;
            if self.count == self.step {
                self.peaks.push(std::mem::take(&mut self.peak));
                self.count = 0;
            }
        }
    }

    /// At most [`MAX_WAVEFORM`] values, the greatest of them 255.
    pub(super) fn values(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.peaks.push(self.peak);
        }
        let count = self.peaks.len();
        let kept = count.min(MAX_WAVEFORM);
        let greatest = self.peaks.iter().copied().fold(QUIET, f32::max);
        (0..kept)
            .map(|at| {
                let part = self
                    .peaks
                    .get(at * count / kept..(at + 1) * count / kept)
                    .unwrap_or_default();
                let mean = part.iter().sum::<f32>() / part.len().max(1) as f32;
                (mean / greatest * 255.0) as u8
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Loudness;

    #[test]
    fn a_recording_that_grows_louder_is_drawn_so() {
        let mut loudness = Loudness::new(1_000);
        for n in 0..60_000 {
            loudness.push(&[n as f32 / 60_000.0 * if n % 2 == 0 { 1.0 } else { -1.0 }]);
        }
        let values = loudness.values();
        assert_eq!(values.len(), 64);
        assert!(values.is_sorted());
        assert!(values[0] < 4 && values[63] > 250);
    }

    #[test]
    fn silence_is_flat_and_a_moment_is_short() {
        let mut loudness = Loudness::new(24_000);
        loudness.push(&[0.0; 24_000]);
        assert_eq!(loudness.values(), vec![0; 20]);
        let mut loudness = Loudness::new(24_000);
        loudness.push(&[1.0; 100]);
        assert_eq!(loudness.values(), [255]);
        assert!(Loudness::new(0).values().is_empty());
    }
}
