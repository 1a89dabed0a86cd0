//! Every development task of the project, as `cargo xtask …`.

fn main() {}
