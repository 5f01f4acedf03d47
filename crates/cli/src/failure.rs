//! Why a command failed, as it is told to people and to programs.

use std::fmt;

use serde::Serialize;

/// A stable code and plain words with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

impl Failure {
    /// A failure of the command line's own.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: &str) -> Self {
        if !self.message.contains(hint) {
            let stop = if self.message.ends_with(['.', '!', '?']) {
                ""
            } else {
                "."
            };
            self.message = format!("{}{stop} {hint}", self.message);
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<freewheel_sync::EngineError> for Failure {
    fn from(error: freewheel_sync::EngineError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<freewheel_ride::RideError> for Failure {
    fn from(error: freewheel_ride::RideError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_a_sentence_of_its_own_and_comes_once() {
        let cases = [
            ("no workout x", "no workout x. See y"),
            ("Stopped.", "Stopped. See y"),
        ];
        for (message, expected) in cases {
            let failure = Failure::new("code", message).hint("See y");
            assert_eq!(failure.message, expected);
            assert_eq!(failure.clone().hint("See y"), failure);
        }
    }
}
