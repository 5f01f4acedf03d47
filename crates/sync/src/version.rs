//! Which program this is.

/// Semantic version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built from; ends in `-modified` when the tree was not clean.
pub const COMMIT: &str = env!("FREEWHEEL_COMMIT");
/// The day that it was built, `YYYY-MM-DD`.
pub const BUILT: &str = env!("FREEWHEEL_BUILT");
/// All three on one line.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("FREEWHEEL_COMMIT"),
    ", ",
    env!("FREEWHEEL_BUILT"),
    ")"
);
