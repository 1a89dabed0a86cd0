//! Counters in Prometheus' text form. They count events and never name an account or an address.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// Some more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Builds the text form.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Adds a counter: its name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> &mut Self {
        self.add(name, "counter", help, value)
    }

    /// Adds a number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) -> &mut Self {
        self.add(name, "gauge", help, value)
    }

    fn add(&mut self, name: &str, kind: &str, help: &str, value: u64) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.0,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
        );
        self
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }
}

/// The content type of the text form.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_names_type_and_value() {
        let stored = Counter::default();
        stored.add(2);
        let mut text = Text::default();
        text.counter("stored_total", "Messages stored.", stored.get())
            .gauge("waiting", "Waiting.", 0);
        assert_eq!(
            text.finish(),
            "# HELP stored_total Messages stored.\n# TYPE stored_total counter\nstored_total 2\n\
             # HELP waiting Waiting.\n# TYPE waiting gauge\nwaiting 0\n"
        );
    }
}
