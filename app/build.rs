//! Has the linker say what refers to what in the page's program, so that it can be cut in two (`src/later.rs`).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo:rustc-link-arg-bin=holdfast-app=--emit-relocs");
    }
}
