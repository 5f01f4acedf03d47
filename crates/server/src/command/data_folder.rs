//! The folder that a command acts on, beside a server that may be using it.

use std::path::PathBuf;

use clap::Args;
use freewheel_server::{Store, store};

/// Which folder.
#[derive(Args)]
pub(crate) struct DataFolder {
    /// Folder that holds everything the server knows
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl DataFolder {
    /// The database of a server that has run before.
    pub(crate) fn open(&self) -> Result<Store, String> {
        if self.data.join(store::FILE_NAME).is_file() {
            return self.open_or_make();
        }
        Err(format!(
            "there is no {} in {}. Give the folder that the server was started with",
            store::FILE_NAME,
            self.data.display()
        ))
    }

    /// The database, made when missing.
    pub(crate) fn open_or_make(&self) -> Result<Store, String> {
        Store::open(&self.data).map_err(|error| error.to_string())
    }
}
