//! The freewheel command: all of it without a window.
fn main() {}
