//! Problem documents (RFC 9457) with stable codes.

use serde::{Deserialize, Serialize};

use crate::open_enum;

open_enum! {
    /// The stable name of a problem. Clients decide by it and never by the texts.
    pub enum ProblemCode {
        /// 401: the access token is missing, malformed, expired, or not of this issuer.
        InvalidToken = "invalid-token",
        /// 403: the account is closed to its owner; support can tell why.
        AccountBlocked = "account-blocked",
        /// 404: no such thing.
        NotFound = "not-found",
        /// 400: the request does not have the shape that the call asks for.
        BadRequest = "bad-request",
        /// 400: the content is not what `Content-Digest` says; it was damaged under way.
        DigestMismatch = "digest-mismatch",
        /// 409: another ride with this id and another digest is already there.
        RideConflict = "ride-conflict",
        /// 413: larger than the server takes.
        TooLarge = "too-large",
        /// 422: the bytes are not a FIT activity file.
        RideUnreadable = "ride-unreadable",
        /// An edit whose target, fields or values this server cannot read.
        EditUnreadable = "edit-unreadable",
        /// An edit whose id another edit of this athlete has already.
        EditIdReused = "edit-id-reused",
        /// 410: the cursor is too old or not of this server; start again without one.
        CursorGone = "cursor-gone",
        /// 429: too many requests; `Retry-After` tells how long to wait.
        RateLimited = "rate-limited",
        /// 503: the service is being looked after; `Retry-After` tells how long to wait.
        Unavailable = "unavailable",
        /// 500: the service failed.
        Internal = "internal",
    }
}

/// A problem document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// The stable code.
    pub code: ProblemCode,
    /// A URI reference for the problem type.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// One line for people.
    #[serde(default)]
    pub title: String,
    /// The HTTP status that it came with.
    #[serde(default)]
    pub status: u16,
    /// What went wrong this time, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// A problem document for `code`.
    #[must_use]
    pub fn new(code: ProblemCode, status: u16, title: &str, detail: Option<String>) -> Self {
        let kind = format!("urn:freewheel:problem:{code}");
        Self {
            code,
            kind,
            title: title.to_owned(),
            status,
            detail,
        }
    }
}
