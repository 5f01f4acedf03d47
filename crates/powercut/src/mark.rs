//! Marks: what a story notes between the writes.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use crate::PowercutError;

/// Something that somebody was told, or that left the computer: from here on it must be true after a power cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The screen says that so many samples of a ride are safe.
    Samples {
        /// The ride.
        ride: String,
        /// How many, from the first.
        count: u32,
    },
    /// The screen says that the ride is saved.
    Saved {
        /// The ride.
        ride: String,
    },
    /// The ride's request has reached the service.
    Sent {
        /// The ride.
        ride: String,
    },
    /// The screen says that the service has the ride.
    Delivered {
        /// The ride.
        ride: String,
    },
    /// The screen says that a change of the athlete's is saved.
    Edited {
        /// The plan item or ride.
        target: String,
        /// What the athlete wants to stand there.
        value: String,
    },
    /// A request with changes has reached the service.
    EditsSent,
    /// The screen says that the service has the change.
    EditDelivered {
        /// The plan item or ride.
        target: String,
        /// What the athlete wants to stand there.
        value: String,
    },
    /// A request for new tokens has reached the issuer.
    Renewing,
    /// Tokens of this generation are in use, and said to be saved.
    Tokens {
        /// Rises with every rotation.
        generation: u64,
    },
    /// The precious database is damaged, and is to be kept as it is whatever is made of it. SHA-256 of the file.
    Damaged {
        /// In hexadecimal.
        digest: String,
    },
    /// The library has so many workouts whenever its cursor is this one. No promise that it ever is.
    Page {
        /// The cursor.
        cursor: String,
        /// So many workouts of the service.
        workouts: u32,
    },
}

/// Writes marks, each in one system call, so that it stands in the recording where it was written.
#[derive(Debug)]
pub struct Pen(Mutex<File>);

impl Pen {
    /// Writes to this file.
    ///
    /// # Errors
    /// It cannot be written to.
    pub fn open(marks: &Path) -> Result<Self, PowercutError> {
        let file = File::options().create(true).append(true).open(marks);
        let file = file.map_err(PowercutError::io("opening", marks))?;
        Ok(Self(Mutex::new(file)))
    }

    /// Notes that it is so from now on.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, mark: &Mark) -> Result<(), PowercutError> {
        let mut line = serde_json::to_vec(mark)?;
        line.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(&line);
        written.map_err(PowercutError::io("writing", Path::new("a mark")))
    }
}
