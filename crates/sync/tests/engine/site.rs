//! The lab's site for these tests: what cannot fail here panics.

use std::ops::Deref;

use freewheel_lab::site;
pub use freewheel_lab::site::Way;
use freewheel_server::store::{AthleteId, StoredRide};

pub struct Site(site::Site);

impl Deref for Site {
    type Target = site::Site;

    fn deref(&self) -> &site::Site {
        &self.0
    }
}

impl Site {
    pub async fn start() -> Self {
        Self(site::Site::start().await.unwrap())
    }

    /// Access tokens of so many seconds.
    pub async fn with_token_life(seconds: i64) -> Self {
        Self(site::Site::with_token_life(seconds).await.unwrap())
    }

    /// The drive stops: nothing listens any more.
    pub async fn stop(self) -> Stopped {
        Stopped(self.0.stop().await.unwrap())
    }

    pub fn demo(&self) -> AthleteId {
        self.0.demo().unwrap()
    }

    /// Adds an athlete whose password is their name.
    pub fn add_athlete(&self, username: &str) -> AthleteId {
        self.0.add_athlete(username).unwrap()
    }

    pub fn rides_of(&self, athlete: &AthleteId) -> Vec<StoredRide> {
        self.0.rides_of(athlete).unwrap()
    }

    /// Runs `sql` on the server's own database.
    pub fn sql(&self, sql: &str) -> usize {
        self.0.sql(sql).unwrap()
    }
}

pub struct Stopped(site::Stopped);

impl Deref for Stopped {
    type Target = site::Stopped;

    fn deref(&self) -> &site::Stopped {
        &self.0
    }
}

impl Stopped {
    /// The same server, on the same port.
    pub async fn start(self) -> Site {
        Site(self.0.start().await.unwrap())
    }
}
