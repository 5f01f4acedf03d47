//! Why the lab could not do what a test asked for.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the lab could not do what a test asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// A program of the system is not installed.
    #[error(
        "{program} is not installed; `cargo xtask setup` installs it (Debian package {package})"
    )]
    MissingProgram {
        /// What was looked for.
        program: String,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// One of the project's own programs is not built.
    #[error("{} is not built; run `cargo build --workspace`", .0.display())]
    NotBuilt(PathBuf),
    /// A file or a process could not be handled.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A program ended when it should have gone on.
    #[error("{program} ended ({status}); it wrote:\n{wrote}")]
    Ended {
        /// Its name.
        program: String,
        /// How it ended.
        status: String,
        /// The end of its output.
        wrote: String,
    },
    /// What was waited for did not come.
    #[error("{what} did not happen within {bound:?}{}", last_seen(.last.as_deref()))]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        bound: Duration,
        /// What was seen instead.
        last: Option<String>,
    },
    /// The window could not be driven.
    #[cfg(feature = "window")]
    #[error("the window: {0}")]
    WebDriver(#[from] thirtyfour::error::WebDriverError),
    /// A page could not be asked over HTTP.
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// The bus or the keyring on it.
    #[error("D-Bus: {0}")]
    Bus(#[from] zbus::Error),
    /// The engine said no.
    #[error("the engine: {0}")]
    Engine(#[from] freewheel_sync::EngineError),
    /// A ride could not be ridden or saved.
    #[error("the ride: {0}")]
    Ride(#[from] freewheel_ride::RideError),
    /// A database, past the program that owns it.
    #[error("the database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The display.
    #[error("the display: {0}")]
    Display(String),
    /// Something is not as it was expected.
    #[error("{0}")]
    Unexpected(String),
}

impl LabError {
    /// For `map_err` on input and output.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

fn last_seen(last: Option<&str>) -> String {
    last.map(|seen| format!("; last seen: {seen}"))
        .unwrap_or_default()
}
