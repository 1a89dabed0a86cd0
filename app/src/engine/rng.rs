//! The `Rng` port: the browser's secure random source.

use holdfast_client::ports::Rng;

/// `crypto.getRandomValues`.
pub(crate) struct BrowserRng;

impl Rng for BrowserRng {
    fn fill(&self, bytes: &mut [u8]) {
        crate::platform::fill_random(bytes);
    }
}
