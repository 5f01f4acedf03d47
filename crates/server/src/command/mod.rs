//! What `freewheel-server` can be told to do.

pub(crate) mod athlete;
pub(crate) mod keys;
pub(crate) mod serve;

mod data_folder;
mod secret;

use std::io::{self, Write as _};

/// One line for the operator. Nobody may be reading; that is no failure.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
