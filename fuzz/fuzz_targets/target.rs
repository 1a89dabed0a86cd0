//! One wrapper for all targets: each binary runs the target that it is named after.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| holdfast_tests::fuzz::run(env!("CARGO_BIN_NAME"), input));
