//! Measurements, printed as one JSON object a line: `{"name","value","unit","n"}`.
//!
//! `cargo xtask bench` builds everything as released and starts `src/bin/bench.rs`, which calls these. Load and server
//! share the machine, so figures are of this machine only; compare figures of one run with each other.

pub mod browser;
pub mod clients;
pub mod configs;
pub mod crypto;
pub mod file_server;
pub mod files;
pub mod history;
pub mod http;
pub mod lock;
pub mod network;
pub mod recovery;
mod scroll;
pub mod storage;

use std::time::{Duration, Instant};

/// What a measurement returns; a failure is a sentence.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long a rate is measured.
pub const RATE_TIME: Duration = Duration::from_secs(2);

/// Prints one figure; `n` is how many events it rests on.
pub fn print(name: &str, value: f64, unit: &str, n: usize) {
    let value = (value * 100.0).round() / 100.0;
    // Our own names and units need no escaping.
    println!("{{\"name\":\"{name}\",\"value\":{value},\"unit\":\"{unit}\",\"n\":{n}}}");
}

/// Calls `work` for [`RATE_TIME`] and prints how often a second it ran. A first call warms up and is not counted.
pub fn print_rate(name: &str, work: impl FnMut() -> Outcome) -> Outcome {
    let (rate, n) = rate(work)?;
    print(name, rate, "1/s", n);
    Ok(())
}

/// The same for work on this many bytes; prints how many million of them a second it got through.
pub fn print_speed(name: &str, bytes: usize, work: impl FnMut() -> Outcome) -> Outcome {
    let (rate, n) = rate(work)?;
    print(name, rate * bytes as f64 / 1e6, "MB/s", n);
    Ok(())
}

/// How often a second the work ran, and how often at all.
fn rate(mut work: impl FnMut() -> Outcome) -> Outcome<(f64, usize)> {
    work()?;
    let started = Instant::now();
    let mut n = 0;
    while started.elapsed() < RATE_TIME {
        work()?;
        n += 1;
    }
    Ok((n as f64 / started.elapsed().as_secs_f64(), n))
}

/// The value below which the given share of the samples lies, in milliseconds.
pub fn percentile(samples: &mut [Duration], share: f64) -> f64 {
    samples.sort();
    let place = (samples.len() as f64 * share).ceil() as usize;
    let sample = samples.get(place.saturating_sub(1)).or(samples.last());
    sample.copied().unwrap_or_default().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let mut samples: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut samples, 0.5), 50.0);
        assert_eq!(percentile(&mut samples, 0.99), 99.0);
        assert_eq!(percentile(&mut samples, 1.0), 100.0);
    }
}
