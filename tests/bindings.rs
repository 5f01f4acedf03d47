//! The window's types are the Rust types.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

#[test]
fn the_generated_types_of_the_window_are_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/backend/bindings.ts");
    let fresh = freewheel_desktop::bindings::render();
    if std::env::var_os("FREEWHEEL_WRITE_BINDINGS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(
        found == fresh,
        "ui/src/backend/bindings.ts is not what the Rust types say: run `cargo xtask bindings`"
    );
}
