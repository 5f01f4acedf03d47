//! Freewheel desktop.
fn main() {}
