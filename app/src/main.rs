//! The page's program (see the library), and the place where it is cut in two.

#![forbid(unsafe_code)]

use holdfast_app::Later;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

fn main() {
    holdfast_app::run_page(|| Box::pin(async { later().await.ok() }));
}

/// What the first screens do without. Here, and not in the library, because whatever links the cut holds all that lies behind it:
/// the engine's program would.
#[wasm_split(later, fallible)]
fn later() -> Result<Later, SplitLoaderError> {
    Ok(holdfast_app::later())
}
