//! `freewheel-server keys …`

use clap::Subcommand;
use freewheel_server::{Clock as _, SystemClock, rotate_keys};

use super::data_folder::DataFolder;
use super::say;

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Makes a new signing key; the old one stays published until its last token is over
    Rotate {
        #[command(flatten)]
        folder: DataFolder,
    },
}

pub(crate) fn run(command: KeysCommand) -> Result<(), String> {
    match command {
        KeysCommand::Rotate { folder } => {
            let store = folder.open()?;
            let id = rotate_keys(&store, SystemClock.now()).map_err(|error| error.to_string())?;
            say(&format!(
                "new signing key {id}; the one before it stays published until its last token is over"
            ));
            Ok(())
        }
    }
}
