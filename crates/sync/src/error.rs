//! What can go wrong at the handle: small and stable outside, rich inside.

use freewheel_ride::RideError;
use freewheel_ride::journal::JournalError;

use crate::home::HomeError;
use crate::remote::AddressError;
use crate::remote::http::HttpSetupError;
use crate::sign_in::SignInError;
use crate::store::StoreError;
use crate::vault::VaultError;
use crate::view::UserError;

/// The engine could not do what was asked. The text is for people and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The profile folder cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The databases cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address of a server cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No encrypted connections can be made on this computer.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The sign-in did not come about.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The place for the key could not be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A ride could not be finished; it stays open.
    #[error(transparent)]
    Ride(#[from] RideError),
    /// The ride journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No such workout.
    #[error("there is no workout “{0}” in the library")]
    WorkoutUnknown(String),
    /// No such ride.
    #[error("there is no finished ride {0}")]
    RideUnknown(uuid::Uuid),
    /// No such planned workout.
    #[error("there is no planned workout {0}")]
    PlanItemUnknown(String),
    /// No such change.
    #[error("there is no change {0}")]
    EditUnknown(uuid::Uuid),
    /// A value that the field cannot have.
    #[error("{0}")]
    EditInvalid(String),
    /// The ride is under way in another process.
    #[error("a ride is under way in another window or terminal; finish it there")]
    RideElsewhere,
    /// The grace is over, or the account is closed.
    #[error("{0}")]
    LibraryLocked(String),
    /// The file could not be written.
    #[error("{} could not be written: {source}", .path.display())]
    Export {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl EngineError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Home(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Address(_) => "server_address",
            Self::Http(_) => "no_tls",
            Self::SignIn(error) => error.code(),
            Self::Vault(error) => error.code(),
            Self::Ride(error) => error.code(),
            Self::Journal(_) => "ride_journal",
            Self::WorkoutUnknown(_) => "workout_unknown",
            Self::RideUnknown(_) => "ride_unknown",
            Self::PlanItemUnknown(_) => "plan_item_unknown",
            Self::EditUnknown(_) => "edit_unknown",
            Self::EditInvalid(_) => "edit_invalid",
            Self::RideElsewhere => "ride_elsewhere",
            Self::LibraryLocked(_) => "library_locked",
            Self::Export { .. } => "export_failed",
        }
    }
}

impl From<EngineError> for UserError {
    fn from(error: EngineError) -> Self {
        let mut message = error.to_string();
        if let Some(first) = message.get(..1) {
            let first = first.to_uppercase();
            message.replace_range(..1, &first);
        }
        Self {
            code: error.code().to_owned(),
            message,
        }
    }
}
