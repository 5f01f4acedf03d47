//! Why the tour failed.

use std::fmt::Display;

use freewheel_sync::EngineError;

use crate::LabError;

/// Why the tour failed, for people.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Everything worked, and the outcome is not what it should be.
    #[error("{what}\n    expected: {expected}\n    found:    {found}")]
    Unlike {
        what: String,
        expected: String,
        found: String,
    },
    /// A step did not work.
    #[error("{what}: {cause}")]
    Failed { what: String, cause: String },
}

impl Trouble {
    pub(super) fn unlike(
        what: impl Into<String>,
        expected: impl Display,
        found: impl Display,
    ) -> Self {
        Self::Unlike {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    pub(super) fn failed(what: impl Into<String>, cause: impl Display) -> Self {
        Self::Failed {
            what: what.into(),
            cause: cause.to_string(),
        }
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::failed(format!("the engine ({})", error.code()), error)
    }
}

impl From<LabError> for Trouble {
    fn from(error: LabError) -> Self {
        Self::failed("the server or its sign-in page", error)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::failed("reading a database", error)
    }
}

/// An error unless what was found is what was expected.
pub(super) fn expect<T: PartialEq + Display>(
    what: &str,
    expected: &T,
    found: &T,
) -> Result<(), Trouble> {
    if expected == found {
        Ok(())
    } else {
        Err(Trouble::unlike(what, expected, found))
    }
}
