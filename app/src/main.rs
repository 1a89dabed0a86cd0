//! The Holdfast page: starts the engine and shows the screens.

fn main() {}
