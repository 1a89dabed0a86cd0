//! The engine worker's program (see the library).

#![forbid(unsafe_code)]

fn main() {
    holdfast_app::run_engine();
}
