//! The real client as a process of its own (`session-probe`), which a test may kill at any moment; and the session as it
//! is stored in a profile folder.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use freewheel_policy::session::{self, CredentialState, Facts};
use freewheel_sync::clock::{Clock as _, SystemClock};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::program::Program;
use crate::{LabError, programs};

/// Nothing that works takes as long as this.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many probes this process has started.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// The session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// What is derived from the facts now.
    pub state: CredentialState,
    /// The generation of the stored tokens, 0 before the first.
    pub generation: u64,
    /// Whether a refresh was begun whose outcome is not settled.
    pub intent: bool,
}

impl Stored {
    /// Reads the session in the profile folder `home`.
    ///
    /// # Errors
    /// The database is not there or cannot be read.
    pub fn read(home: &Path) -> Result<Self, LabError> {
        let unreadable = |error: rusqlite::Error| {
            LabError::Unexpected(format!("the session in {}: {error}", home.display()))
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database =
            Connection::open_with_flags(home.join("athlete.db"), flags).map_err(unreadable)?;
        database.busy_timeout(PATIENCE).map_err(unreadable)?;
        let row: Option<(String, i64)> = database
            .query_row("SELECT facts, generation FROM session", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(unreadable)?;
        let (facts, generation) = row.unwrap_or_else(|| ("{}".to_owned(), 0));
        let generation = u64::try_from(generation).unwrap_or_default();
        let facts: Facts = serde_json::from_str(&facts).map_err(|error| {
            LabError::Unexpected(format!("the facts in {}: {error}", home.display()))
        })?;
        Ok(Self {
            state: session::state(&facts, &SystemClock::new().now()),
            generation,
            intent: facts.intent.is_some(),
        })
    }
}

impl Stored {
    /// The state with its cause, as `needs_sign_in: token_refused`.
    #[must_use]
    pub fn words(&self) -> String {
        let name = self.state.name();
        match serde_json::to_value(&self.state) {
            Ok(Value::Object(with_cause)) => {
                let cause = with_cause.get(name).unwrap_or(&Value::Null);
                let text = cause
                    .as_str()
                    .map_or_else(|| cause.to_string(), str::to_owned);
                format!("{name}: {text}")
            }
            _ => name.to_owned(),
        }
    }

    /// As [`Stored::read`], from a copy: SQLite leaves the profile just as a killed process left it.
    ///
    /// # Errors
    /// As there, or the copy cannot be made.
    pub fn read_copy(home: &Path) -> Result<Self, LabError> {
        let copy = tempfile::tempdir().map_err(LabError::io("making a folder for a copy"))?;
        for name in ["athlete.db", "athlete.db-wal", "athlete.db-journal"] {
            match std::fs::copy(home.join(name), copy.path().join(name)) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LabError::io(format!("copying {name}"))(error)),
            }
        }
        Self::read(copy.path())
    }
}

/// A line of the probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The profile is open; it takes commands.
    Ready,
    /// A sign-in was begun: the browser has to go there.
    Browse(String),
    /// A command was carried out.
    Done {
        /// How it ended, in one word.
        outcome: String,
        /// The session afterwards.
        stored: Stored,
    },
}

/// How the probe opens the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// As the command line does: it acts only when asked.
    OneShot,
    /// As the window does: its lanes run.
    Resident,
}

/// A running `session-probe`. Dropping it kills it.
#[derive(Debug)]
pub struct Probe {
    program: Program,
}

impl Probe {
    /// Starts it on the profile folder `home`; its output goes to `NAME-NUMBER.out` and `NAME-NUMBER.err` in `logs`, with a
    /// number of its own.
    ///
    /// # Errors
    /// It is not built, or cannot be started.
    pub fn start(name: &str, home: &Path, opening: Opening, logs: &Path) -> Result<Self, LabError> {
        let mut command = Command::new(programs::built("session-probe")?);
        command.arg(home).arg(match opening {
            Opening::OneShot => "one-shot",
            Opening::Resident => "resident",
        });
        let name = format!("{name}-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let program = Program::start(&name, &mut command, logs)?;
        Ok(Self { program })
    }

    /// Gives it a command without waiting for the answer: `status`, `renew`, `settle`, `sign-in SERVER`, `sign-out`.
    ///
    /// # Errors
    /// It has ended.
    pub fn tell(&mut self, command: &str) -> Result<(), LabError> {
        self.program.send(&format!("{command}\n"))
    }

    /// Waits until it has carried out the command.
    ///
    /// # Errors
    /// It ended, or did not answer in time.
    pub async fn done(&mut self) -> Result<(String, Stored), LabError> {
        self.said("the probe's answer", |said| match said {
            Said::Done { outcome, stored } => Some((outcome, stored)),
            Said::Ready | Said::Browse(_) => None,
        })
        .await
    }

    /// [`Probe::tell`] and [`Probe::done`].
    ///
    /// # Errors
    /// As there.
    pub async fn ask(&mut self, command: &str) -> Result<(String, Stored), LabError> {
        self.tell(command)?;
        self.done().await
    }

    /// Waits until the profile is open.
    ///
    /// # Errors
    /// It ended, or is not ready in time.
    pub async fn ready(&mut self) -> Result<(), LabError> {
        self.said("the probe's ready line", |said| match said {
            Said::Ready => Some(()),
            Said::Browse(_) | Said::Done { .. } => None,
        })
        .await
    }

    /// Waits for the address that the browser has to go to, after `sign-in`.
    ///
    /// # Errors
    /// It ended, or named none in time.
    pub async fn browse(&mut self) -> Result<String, LabError> {
        self.said("the address of the sign-in", |said| match said {
            Said::Browse(url) => Some(url),
            Said::Ready | Said::Done { .. } => None,
        })
        .await
    }

    /// Whether it has carried out a command.
    #[must_use]
    pub fn has_done(&self) -> bool {
        let told = self.program.stdout();
        told.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .any(|said| matches!(said, Said::Done { .. }))
    }

    /// Kills it at once (SIGKILL). Tells whether it still ran.
    pub fn kill9(&mut self) -> bool {
        let ran = self.program.ended().is_none();
        self.program.kill9();
        ran
    }

    async fn said<T>(
        &mut self,
        what: &str,
        pick: impl Fn(Said) -> Option<T>,
    ) -> Result<T, LabError> {
        let read = |line: &str| serde_json::from_str(line).ok().and_then(&pick);
        self.program.line(what, PATIENCE, read).await
    }
}
