//! The opened profile: the engine, and where and when we are.

use std::path::PathBuf;
use std::sync::Arc;

use freewheel_sync::clock::SharedClock;
use freewheel_sync::home::HomeError;
use freewheel_sync::logging::{self, LogGuard};
use freewheel_sync::{Engine, Home, Mode, Ports};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::failure::Failure;
use crate::words::Here;

/// An open profile.
pub struct Profile {
    /// The sync core.
    pub engine: Engine,
    clock: SharedClock,
    /// Where and when the command was given.
    pub here: Here,
    _log: LogGuard,
}

impl Profile {
    /// Opens the profile folder and the engine on it; never waits for a network.
    pub async fn open(home: Option<PathBuf>, mode: Mode) -> Result<Self, Failure> {
        let home = Home::resolve(home)
            .and_then(Home::open)
            .map_err(home_failure)?;
        let log = logging::start(&home.logs());
        let ports = Ports::system();
        let clock = Arc::clone(&ports.clock);
        let here = here(&clock);
        let engine = Engine::open(home, ports, mode).await?;
        Ok(Self {
            engine,
            clock,
            here,
            _log: log,
        })
    }

    /// Where and when we are now.
    pub fn here_now(&self) -> Here {
        here(&self.clock)
    }

    /// Lets the engine write out what is left.
    pub async fn close(self) {
        self.engine.shutdown().await;
    }
}

fn here(clock: &SharedClock) -> Here {
    let now = Timestamp::from_millisecond(clock.now().wall.0).unwrap_or(Timestamp::UNIX_EPOCH);
    Here {
        now,
        zone: TimeZone::system(),
    }
}

/// A profile folder that cannot be used.
pub fn home_failure(error: HomeError) -> Failure {
    Failure::new(error.code(), error.to_string())
}
