//! The `holdfast` server as a library: every role is a module that can run without a process.
