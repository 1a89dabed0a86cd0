//! Brings what a microphone gives to the rate that speech is sent in: a half, a quarter or an eighth of it, after a
//! low-pass filter, so that what lies above does not come back as noise.

use std::f64::consts::PI;

/// Taps of the filter. At half the rate it keeps what lies below 80 % of the new rate's half, and damps what would fold
/// back into that by some 50 dB.
const TAPS: usize = 47;
/// Where the filter cuts, as a part of the old rate: a little under a quarter, the half of the new rate.
const CUT: f64 = 0.225;

/// Rates that speech is sent in, samples a second: those of MPEG-2 audio.
const SENT: [u32; 3] = [16_000, 22_050, 24_000];

/// The rate in which sound of a rate is sent, and how often it is halved for that; `None` for a rate that no microphone has.
pub(super) fn sent_rate(rate: u32) -> Option<(u32, usize)> {
    (0..4).find_map(|halvings| {
        let sent = rate >> halvings;
        (SENT.contains(&sent) && sent << halvings == rate).then_some((sent, halvings))
    })
}

/// Halves the rate of a stream of samples, once or several times.
pub(super) struct Resampler {
    stages: Vec<Half>,
}

impl Resampler {
    /// Halves that often.
    pub(super) fn new(halvings: usize) -> Self {
        let filter = filter();
        Self {
            stages: (0..halvings).map(|_| Half::new(filter)).collect(),
        }
    }

    /// The next samples in the new rate.
    pub(super) fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        let mut now = samples.to_vec();
        for stage in &mut self.stages {
            now = stage.push(&now);
        }
        now
    }
}

/// Halves once.
struct Half {
    filter: [f32; TAPS],
    /// The last samples, oldest first; as many as the filter looks back.
    past: Vec<f32>,
    /// The next sample is left out.
    skip: bool,
}

impl Half {
    fn new(filter: [f32; TAPS]) -> Self {
        Self {
            filter,
            past: vec![0.0; TAPS - 1],
            skip: false,
        }
    }

    fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        self.past.extend_from_slice(samples);
        let mut out = Vec::with_capacity(samples.len() / 2 + 1);
        for window in self.past.windows(TAPS) {
            if !self.skip {
                out.push(window.iter().zip(&self.filter).map(|(s, f)| s * f).sum());
            }
            self.skip = !self.skip;
        }
        self.past.drain(..self.past.len() - (TAPS - 1));
        out
    }
}

/// A sinc under a Hamming window, whose values add up to 1.
fn filter() -> [f32; TAPS] {
    let middle = (TAPS - 1) as f64 / 2.0;
    let mut taps = [0.0_f64; TAPS];
    for (at, tap) in taps.iter_mut().enumerate() {
        let x = at as f64 - middle;
        let sinc = if x == 0.0 {
            2.0 * CUT
        } else {
            (2.0 * PI * CUT * x).sin() / (PI * x)
        };
        let window = 0.54 - 0.46 * (2.0 * PI * at as f64 / (TAPS - 1) as f64).cos();
        *tap = sinc * window;
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

#[cfg(test)]
mod tests {
    use super::{Resampler, sent_rate};

    fn tone(rate: u32, hertz: f32, seconds: f32) -> Vec<f32> {
        let count = (rate as f32 * seconds) as usize;
        let step = std::f32::consts::TAU * hertz / rate as f32;
        (0..count).map(|n| (n as f32 * step).sin() * 0.5).collect()
    }

    fn power(samples: &[f32]) -> f32 {
        let inner = &samples[100..];
        inner.iter().map(|s| s * s).sum::<f32>() / inner.len() as f32
    }

    #[test]
    fn rates_are_halved_to_one_of_speech() {
        assert_eq!(sent_rate(48_000), Some((24_000, 1)));
        assert_eq!(sent_rate(44_100), Some((22_050, 1)));
        assert_eq!(sent_rate(16_000), Some((16_000, 0)));
        assert_eq!(sent_rate(96_000), Some((24_000, 2)));
        assert_eq!(sent_rate(192_000), Some((24_000, 3)));
        assert_eq!(sent_rate(0), None);
        assert_eq!(sent_rate(47_999), None);
        assert_eq!(sent_rate(8_000), None);
    }

    #[test]
    fn speech_passes_and_what_would_fold_back_does_not() {
        let through = |hertz| power(&Resampler::new(1).push(&tone(48_000, hertz, 0.5)));
        let whole = 0.125;
        assert!((through(1_000.0) / whole - 1.0).abs() < 0.02);
        assert!((through(8_000.0) / whole - 1.0).abs() < 0.05);
        assert!(through(15_000.0) / whole < 1e-4);
        assert!(through(20_000.0) / whole < 1e-4);
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let samples = tone(48_000, 440.0, 0.1);
        let whole = Resampler::new(2).push(&samples);
        let mut resampler = Resampler::new(2);
        let mut pieces = Vec::new();
        for piece in samples.chunks(127) {
            pieces.extend(resampler.push(piece));
        }
        assert_eq!(whole, pieces);
        assert_eq!(whole.len(), samples.len().div_ceil(4));
    }
}
