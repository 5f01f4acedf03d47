//! What becomes of an outbox entry after an HTTP outcome.
//!
//! Only a 2xx with a valid protocol body delivers. Whatever a middlebox could have sent (a web page, a
//! redirect, a truncated body, an unknown 4xx) is tried again. Nothing in here ever gives an entry up:
//! parking keeps it, with a reason, until a person or a new version tries again.

use serde::{Deserialize, Serialize};

use crate::time::Millis;
use crate::transport::{TransportFailure, Trouble};

/// How one request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpOutcome {
    /// An answer came, whole or not.
    Answer(Answer),
    /// No answer came.
    Failed(TransportFailure),
}

/// An answer, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What the body is.
    pub body: Body,
    /// The answer came after a redirect, which is never followed with credentials.
    pub redirected: bool,
    /// `Retry-After`, as a length of time.
    pub retry_after: Option<Millis>,
}

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// What the protocol promises for this call.
    Protocol,
    /// A problem document (`application/problem+json`, RFC 9457) with this code.
    Problem(String),
    /// JSON of another shape.
    Json,
    /// A web page.
    Html,
    /// Nothing.
    Empty,
    /// It broke off.
    Cut,
    /// Anything else.
    Other,
}

/// What becomes of the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The service has it.
    Delivered,
    /// Try again after a backoff.
    Retry,
    /// Try again after this time at the earliest. Costs no budget: the service asked for it.
    RetryAfter(Millis),
    /// Try again with a fresh access token. Costs the entry nothing.
    NeedsAuth,
    /// The account is blocked: keep it, do not try. Costs the entry nothing.
    Blocked,
    /// Made on a revision that is no longer the newest: pull, rebase, try again.
    Conflict,
    /// The service cannot take it as it is: show it with the reason.
    Parked(ParkReason),
}

/// Why an entry is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParkReason {
    /// It is larger than the service takes.
    TooLarge,
    /// The service cannot read it.
    RideUnreadable,
    /// The service has another ride with the same id.
    RideConflict,
}

impl ParkReason {
    /// The reason in plain words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooLarge => "The service does not take rides of this size.",
            Self::RideUnreadable => "The service could not read this ride.",
            Self::RideConflict => "The service already has another ride with this number.",
        }
    }
}

/// Judges one outcome.
#[must_use]
pub fn verdict(outcome: &HttpOutcome) -> Verdict {
    let answer = match outcome {
        HttpOutcome::Failed(_) => return Verdict::Retry,
        HttpOutcome::Answer(answer) if answer.redirected => return Verdict::Retry,
        HttpOutcome::Answer(answer) => answer,
    };
    match (answer.status, &answer.body) {
        (200..=299, Body::Protocol) => Verdict::Delivered,
        (401, Body::Html | Body::Cut) => Verdict::Retry,
        (401, _) => Verdict::NeedsAuth,
        (429 | 503, _) => answer
            .retry_after
            .map_or(Verdict::Retry, Verdict::RetryAfter),
        (status, Body::Problem(code)) => by_problem(status, code),
        (_, _) => Verdict::Retry,
    }
}

/// The trouble behind an outcome, for [`crate::reach`] and [`crate::session`]; `None` when the service
/// itself answered as the protocol says, be it with a refusal.
#[must_use]
pub fn trouble(outcome: &HttpOutcome) -> Option<Trouble> {
    let answer = match outcome {
        HttpOutcome::Failed(failure) => return Some(Trouble::Transport(*failure)),
        HttpOutcome::Answer(answer) => answer,
    };
    if answer.redirected {
        return Some(Trouble::Redirected);
    }
    match (answer.status, &answer.body) {
        (304, Body::Empty) => None,
        (300..=399, _) => Some(Trouble::Redirected),
        (407, _) => Some(Trouble::Transport(TransportFailure::ProxyAuth)),
        (429 | 503, _) => Some(Trouble::Busy),
        (500.., _) => Some(Trouble::Status(answer.status)),
        (_, Body::Cut) => Some(Trouble::Transport(TransportFailure::Cut)),
        (_, Body::Html | Body::Other) => Some(Trouble::Foreign),
        (200..=299, Body::Protocol) | (400..=499, Body::Problem(_)) => None,
        (401, Body::Empty | Body::Json) => None,
        (200..=299, Body::Empty) => Some(Trouble::Empty),
        (200..=299, _) => Some(Trouble::Unreadable),
        (status, _) => Some(Trouble::Status(status)),
    }
}

/// Only our own codes, each with its own status, say anything definite about an entry.
fn by_problem(status: u16, code: &str) -> Verdict {
    match (status, code) {
        (413, "too-large") => Verdict::Parked(ParkReason::TooLarge),
        (422, "ride-unreadable") => Verdict::Parked(ParkReason::RideUnreadable),
        (409, "ride-conflict") => Verdict::Parked(ParkReason::RideConflict),
        (409, "edit-conflict") => Verdict::Conflict,
        (403, "account-blocked") => Verdict::Blocked,
        _ => Verdict::Retry,
    }
}

#[cfg(test)]
mod tests;
