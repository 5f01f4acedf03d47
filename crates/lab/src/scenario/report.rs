//! What came of a run.

use freewheel_policy::session::Access;
use serde::{Deserialize, Serialize};

use super::row::{At, Kind, Row};

/// What came of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its number in the catalogue.
    pub row: u8,
    /// Its name.
    pub name: String,
    /// What it must lead to.
    pub kind: Kind,
    /// What happened to the athlete.
    pub cause: String,
    /// Where the failure was made.
    pub injected_at: At,
    /// The session's state while it lasted.
    pub state: Option<String>,
    /// What was allowed meanwhile.
    pub access: Option<Access>,
    /// Requests made meanwhile.
    pub requests: usize,
    /// Of these, to the token endpoint.
    pub token_requests: usize,
    /// How long the run took, with setting up.
    pub seconds: f64,
    /// Whether everything was as it must be.
    pub passed: bool,
    /// What was not.
    pub mismatches: Vec<Mismatch>,
}

impl Report {
    /// Nothing has come of it yet.
    pub(super) fn of(row: &Row) -> Self {
        Self {
            row: row.row,
            name: row.name.clone(),
            kind: row.kind,
            cause: row.cause.clone(),
            injected_at: row.injected_at,
            state: None,
            access: None,
            requests: 0,
            token_requests: 0,
            seconds: 0.0,
            passed: false,
            mismatches: Vec::new(),
        }
    }
}

/// Something that was not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// What.
    pub field: String,
    /// How it must be.
    pub expected: String,
    /// How it was.
    pub actual: String,
}

/// Mismatches under collection.
#[derive(Debug, Default)]
pub struct Findings(Vec<Mismatch>);

impl Findings {
    /// Notes a mismatch unless both are the same.
    pub fn same<T: PartialEq + std::fmt::Debug>(&mut self, field: &str, expected: &T, actual: &T) {
        if expected != actual {
            self.note(field, format!("{expected:?}"), format!("{actual:?}"));
        }
    }

    /// Notes a mismatch unless `holds`.
    pub fn holds(
        &mut self,
        holds: bool,
        field: &str,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        if !holds {
            self.note(field, expected, actual);
        }
    }

    /// Notes a mismatch.
    pub fn note(&mut self, field: &str, expected: impl Into<String>, actual: impl Into<String>) {
        self.0.push(Mismatch {
            field: field.to_owned(),
            expected: expected.into(),
            actual: actual.into(),
        });
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_mismatches(self) -> Vec<Mismatch> {
        self.0
    }

    /// Adds those of `other`.
    pub(super) fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The same, each field told with `when`.
    pub(super) fn under(mut self, when: &str) -> Self {
        for mismatch in &mut self.0 {
            mismatch.field = format!("{} {when}", mismatch.field);
        }
        self
    }

    /// For the error of a wait.
    pub(super) fn told(&self) -> String {
        let told = |m: &Mismatch| format!("{}: expected {}, is {}", m.field, m.expected, m.actual);
        self.0.iter().map(told).collect::<Vec<_>>().join("; ")
    }
}
