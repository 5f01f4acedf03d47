//! When to ask whether the athlete has confirmed a device code (RFC 8628 §3.4 and §3.5).
//!
//! A machine without a browser shows a short code; the athlete types it in on another device; this machine
//! asks the token endpoint now and then, until there is an answer that ends it. The rules:
//!
//! - Never sooner than the interval after the last answer; the first time one interval after the code came.
//! - `slow_down`: 5 s more, for this and all later polls.
//! - No answer, or not the issuer's word: twice the interval, doubled again with each trouble in a row, until the
//!   issuer answers. `Retry-After` is a floor.
//! - The code's life is counted on the boot clock, so a machine that slept for an hour does not ask with a dead
//!   code, and a wall clock that moves changes nothing.

use serde::{Deserialize, Serialize};

use crate::definitive::{HttpFacts, Refusal, TokenOutcome, classify_token_answer};
use crate::time::{Millis, Now};
use crate::transport::Trouble;

/// The interval where the issuer gives none (RFC 8628 §3.2).
pub const DEFAULT_INTERVAL: Millis = Millis::secs(5);
/// What `slow_down` adds (RFC 8628 §3.5).
pub const SLOW_DOWN: Millis = Millis::secs(5);
/// Sooner is not asked, whatever the issuer allows.
pub const LEAST_INTERVAL: Millis = Millis::secs(1);
/// Trouble makes the waits no longer than this, unless the interval itself is.
pub const TROUBLE_CAP: Millis = Millis::mins(1);
/// `invalid_grant` in a row, until it is believed: of two servers side by side during a deploy, one may not know
/// the code yet.
pub const REFUSALS: u32 = 3;

/// A device code that waits for the athlete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceGrant {
    begun: Now,
    life: Millis,
    /// What the issuer asked for, with all that `slow_down` added.
    interval: Millis,
    /// After `begun`.
    due: Millis,
    troubles: u32,
    refusals: u32,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Poll {
    /// Ask now.
    Now,
    /// Wait this long, never zero, and look again.
    Wait(Millis),
    /// Do not ask any more.
    Ended(End),
}

/// What the token endpoint answered to a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceAnswer {
    /// Tokens came.
    Granted,
    /// The athlete has not answered yet.
    Pending,
    /// The same, and polls come too often.
    SlowDown,
    /// The genuine issuer refused.
    Refused(Refusal),
    /// The issuer could not be asked, or what came back is not its word.
    Trouble {
        /// What went wrong.
        trouble: Trouble,
        /// The least time to wait before asking again.
        retry_after: Option<Millis>,
    },
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The athlete confirmed, and tokens came.
    Granted,
    /// The athlete said no.
    Denied,
    /// The code is too old: begin again with a new one.
    Expired,
    /// The issuer refuses, for a reason that asking again does not change.
    Refused(Refusal),
}

impl DeviceGrant {
    /// A code that just came: how long it lives, and how often the issuer wants to be asked, if it told.
    #[must_use]
    pub fn begun(now: &Now, expires_in: Millis, interval: Option<Millis>) -> Self {
        let interval = interval.unwrap_or(DEFAULT_INTERVAL).max(LEAST_INTERVAL);
        Self {
            begun: now.clone(),
            life: expires_in,
            interval,
            due: interval,
            troubles: 0,
            refusals: 0,
        }
    }

    /// Whether and when to ask next. The code lives until, and not at, the end of `expires_in`.
    #[must_use]
    pub fn next(&self, now: &Now) -> Poll {
        match self.age(now) {
            Some(age) if age >= self.life => Poll::Ended(End::Expired),
            Some(age) if age >= self.due => Poll::Now,
            Some(age) => Poll::Wait(self.due.min(self.life).less(age)),
            None => Poll::Ended(End::Expired),
        }
    }

    /// Takes the answer to a poll in: how it goes on.
    ///
    /// # Errors
    /// It does not: see [`End`], which also tells of success.
    pub fn answered(&self, answer: DeviceAnswer, now: &Now) -> Result<Self, End> {
        let mut next = Self {
            troubles: 0,
            refusals: 0,
            ..self.clone()
        };
        let mut floor = Millis::ZERO;
        match answer {
            DeviceAnswer::Granted => return Err(End::Granted),
            DeviceAnswer::Pending => {}
            DeviceAnswer::SlowDown => next.interval = self.interval.plus(SLOW_DOWN),
            DeviceAnswer::Refused(Refusal::AccessDenied) => return Err(End::Denied),
            DeviceAnswer::Refused(Refusal::ExpiredToken) => return Err(End::Expired),
            DeviceAnswer::Refused(Refusal::InvalidGrant) if self.refusals + 1 < REFUSALS => {
                next.refusals = self.refusals + 1;
            }
            DeviceAnswer::Refused(refusal) => return Err(End::Refused(refusal)),
            DeviceAnswer::Trouble { retry_after, .. } => {
                next.refusals = self.refusals;
                next.troubles = self.troubles.saturating_add(1);
                floor = retry_after.unwrap_or_default();
            }
        }
        let age = self.age(now).ok_or(End::Expired)?;
        next.due = age.plus(next.pause().max(floor));
        Ok(next)
    }

    /// The interval, doubled for each trouble in a row.
    fn pause(&self) -> Millis {
        let doubled = self.interval.0.saturating_mul(1 << self.troubles.min(16));
        Millis(doubled).min(TROUBLE_CAP.max(self.interval))
    }

    /// `None` after a restart of the machine, which no code survives.
    fn age(&self, now: &Now) -> Option<Millis> {
        now.uptime_since(&self.begun)
    }
}

/// Judges an answer to a poll. The same conditions hold as for a refresh (see [`crate::definitive`]): what a
/// middlebox may have sent is trouble, and ends nothing.
#[must_use]
pub fn classify_device_answer(facts: &HttpFacts) -> DeviceAnswer {
    match classify_token_answer(facts) {
        TokenOutcome::Granted => DeviceAnswer::Granted,
        TokenOutcome::Definitive(refusal) => DeviceAnswer::Refused(refusal),
        // Only a refusal is ever superseded, and a device code has no older generation.
        TokenOutcome::Superseded => DeviceAnswer::Refused(Refusal::InvalidGrant),
        TokenOutcome::Transient {
            trouble,
            retry_after,
        } => match (facts.status, facts.oauth_error.as_deref()) {
            (400 | 401, Some("authorization_pending")) if trouble == Trouble::Busy => {
                DeviceAnswer::Pending
            }
            (400 | 401, Some("slow_down")) if trouble == Trouble::Busy => DeviceAnswer::SlowDown,
            _ => DeviceAnswer::Trouble {
                trouble,
                retry_after,
            },
        },
    }
}

/// Judges a poll that brought no answer.
#[must_use]
pub fn no_device_answer(failure: crate::transport::TransportFailure) -> DeviceAnswer {
    DeviceAnswer::Trouble {
        trouble: Trouble::Transport(failure),
        retry_after: None,
    }
}

#[cfg(test)]
mod tests;
