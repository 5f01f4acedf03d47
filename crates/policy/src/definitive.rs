//! Whether the issuer refused, or could merely not be asked.
//!
//! A failure is definitive only if all of this holds: TLS verified to the configured issuer (or a
//! loopback address), no redirect followed, status 400 or 401, JSON content type, a complete body, a
//! known OAuth error code, and the stored generation still the one that was sent. One exception reads
//! the same way: status 200 with an OAuth error, and no tokens, in strict JSON. All else is transient.

use serde::{Deserialize, Serialize};

use crate::time::Millis;
use crate::token::Generation;
use crate::transport::{TransportFailure, Trouble};

/// What came back from the token endpoint, without any secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpFacts {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header as it came.
    pub content_type: Option<String>,
    /// Whether the body came whole.
    pub body: BodyEnd,
    /// The answer redirects, or came after a redirect.
    pub redirected: bool,
    /// How the connection was secured.
    pub tls: Tls,
    /// The value of `error`, if the whole body is one JSON object that has it as a string.
    pub oauth_error: Option<String>,
    /// The whole body is a valid token answer of the issuer (RFC 6749 §5.1) whose token verifies.
    pub tokens: bool,
    /// `Retry-After`, as a length of time.
    pub retry_after: Option<Millis>,
    /// The generation of the refresh token that was sent.
    pub sent: Generation,
    /// The generation that is stored now, read again after the answer.
    pub stored: Generation,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyEnd {
    /// It came whole.
    Complete,
    /// It came whole and holds nothing.
    Empty,
    /// It broke off.
    Cut,
}

/// How the connection to the issuer was secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// TLS, verified to the configured issuer.
    Verified,
    /// A loopback address, where no TLS is needed.
    Loopback,
    /// Neither.
    Unverified,
}

/// What a token answer means for the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenOutcome {
    /// New tokens came.
    Granted,
    /// The genuine issuer refused.
    Definitive(Refusal),
    /// The answer is about a token that is no longer the stored one: somebody else was faster.
    Superseded,
    /// The issuer could not be asked, or what came back is not its word.
    Transient {
        /// What went wrong.
        trouble: Trouble,
        /// The least time to wait before asking again.
        retry_after: Option<Millis>,
    },
}

/// What the issuer refused, by its OAuth error code (RFC 6749 §5.2, RFC 8628 §3.5, and ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The token or code is not valid any more. Condemns a token, never a person.
    InvalidGrant,
    /// The account is closed to its owner.
    AccountBlocked,
    /// The athlete said no (sign-in only).
    AccessDenied,
    /// The device code is too old (sign-in only).
    ExpiredToken,
    /// The issuer does not know this app.
    InvalidClient,
    /// This app may not do that.
    UnauthorizedClient,
    /// The issuer did not understand the request.
    InvalidRequest,
    /// The issuer does not offer that.
    UnsupportedGrantType,
    /// The issuer does not know the scope.
    InvalidScope,
}

impl Refusal {
    /// Reads an error code; `None` for those that are unknown or mean "later" (`slow_down`,
    /// `authorization_pending`, `temporarily_unavailable`, `server_error`).
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "invalid_grant" => Self::InvalidGrant,
            "account_blocked" => Self::AccountBlocked,
            "access_denied" => Self::AccessDenied,
            "expired_token" => Self::ExpiredToken,
            "invalid_client" => Self::InvalidClient,
            "unauthorized_client" => Self::UnauthorizedClient,
            "invalid_request" => Self::InvalidRequest,
            "unsupported_grant_type" => Self::UnsupportedGrantType,
            "invalid_scope" => Self::InvalidScope,
            _ => return None,
        })
    }
}

/// Judges an answer of the token endpoint.
#[must_use]
pub fn classify_token_answer(facts: &HttpFacts) -> TokenOutcome {
    let transient = |trouble| TokenOutcome::Transient {
        trouble,
        retry_after: facts.retry_after,
    };
    if let Some(trouble) = not_the_issuers_word(facts) {
        return transient(trouble);
    }
    let refusal = facts.oauth_error.as_deref().and_then(Refusal::from_code);
    match (facts.status, refusal) {
        (200..=299, None) if facts.tokens => TokenOutcome::Granted,
        (200 | 400 | 401, Some(_)) if facts.sent != facts.stored => TokenOutcome::Superseded,
        (200 | 400 | 401, Some(refusal)) if !facts.tokens => TokenOutcome::Definitive(refusal),
        (200..=299, _) => transient(Trouble::Unreadable),
        (400 | 401, None) if later(facts) => transient(Trouble::Busy),
        (status, _) => transient(Trouble::Status(status)),
    }
}

/// Judges a request to the token endpoint that brought no answer.
#[must_use]
pub fn no_token_answer(failure: TransportFailure) -> TokenOutcome {
    TokenOutcome::Transient {
        trouble: Trouble::Transport(failure),
        retry_after: None,
    }
}

/// Why this answer cannot be taken as the issuer's word, if it cannot.
fn not_the_issuers_word(facts: &HttpFacts) -> Option<Trouble> {
    if facts.tls == Tls::Unverified {
        return Some(Trouble::Unverified);
    }
    if facts.redirected || (300..=399).contains(&facts.status) {
        return Some(Trouble::Redirected);
    }
    let json = is_json(facts.content_type.as_deref());
    match (facts.status, facts.body) {
        (407, _) => Some(Trouble::Transport(TransportFailure::ProxyAuth)),
        (429 | 503, _) => Some(Trouble::Busy),
        (500.., _) => Some(Trouble::Status(facts.status)),
        (200..=299 | 400 | 401, BodyEnd::Cut) => Some(Trouble::Transport(TransportFailure::Cut)),
        (200..=299, BodyEnd::Empty) => Some(Trouble::Empty),
        (_, BodyEnd::Cut | BodyEnd::Empty) => Some(Trouble::Status(facts.status)),
        (_, BodyEnd::Complete) if json => None,
        (_, BodyEnd::Complete) => Some(Trouble::Foreign),
    }
}

/// The issuer's own way of saying "not now".
fn later(facts: &HttpFacts) -> bool {
    const LATER: [&str; 4] = [
        "slow_down",
        "authorization_pending",
        "temporarily_unavailable",
        "server_error",
    ];
    facts
        .oauth_error
        .as_deref()
        .is_some_and(|code| LATER.contains(&code))
}

fn is_json(content_type: Option<&str>) -> bool {
    content_type
        .and_then(|text| text.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests;
