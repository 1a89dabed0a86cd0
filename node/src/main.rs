//! Parses the command line and runs the chosen role.

fn main() {}
