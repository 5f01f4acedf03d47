//! Why a story could not be recorded or looked at.

use std::io;
use std::path::Path;

/// Why a story could not be recorded or looked at. What a power cut breaks is no error but a [`crate::check::Finding`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PowercutError {
    /// The program that watches system calls cannot be started.
    #[error(
        "strace cannot be started ({0}); `cargo xtask setup` installs it (Debian package strace)"
    )]
    NoStrace(io::Error),
    /// The story did not come to its end.
    #[error("the story ended with {status}; it wrote:\n{wrote}")]
    Player {
        /// How it ended.
        status: String,
        /// What it wrote.
        wrote: String,
    },
    /// A line of the recording cannot be understood.
    #[error("line {line} of the recording: {why}")]
    Trace {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The recording and the folder do not agree: a change was not seen.
    #[error("the recording is not all that happened: {0}")]
    Incomplete(String),
    /// A file could not be handled.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The lab.
    #[error(transparent)]
    Lab(#[from] freewheel_lab::LabError),
    /// A mark cannot be read or written.
    #[error("a mark: {0}")]
    Mark(#[from] serde_json::Error),
    /// A database, past the program that owns it.
    #[error("the database: {0}")]
    Database(#[from] rusqlite::Error),
    /// Something else is not as it was expected.
    #[error("{0}")]
    Unexpected(String),
}

impl PowercutError {
    /// For `map_err` on input and output.
    pub(crate) fn io(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{doing} {}", path.display());
        move |source| Self::Io { what, source }
    }
}
