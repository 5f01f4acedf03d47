//! What becomes of an authorization code once the browser has come back with it (RFC 6749 §4.1.3).
//!
//! The athlete has done their part, so the code is worth some patience: it lives for about a minute, and what
//! stands in the way is often over in seconds.
//!
//! - Trouble (no answer, a 5xx, a web page, a 429): the same code again after 1, 2, 4, … seconds, jittered, within
//!   [`LIFE`]. `Retry-After` is a floor.
//! - `invalid_grant`: four times more over 10 s. While an old and a new server run side by side during a deploy, a
//!   code that one gave is refused by the other.
//! - Any other refusal of the genuine issuer: the end, at once.

use serde::{Deserialize, Serialize};

use crate::backoff::{Policy, curve};
use crate::definitive::{Refusal, TokenOutcome};
use crate::time::{Millis, Now};
use crate::transport::Trouble;

/// How long a code is likely to live. RFC 6749 §4.1.2 allows ten minutes; a minute is usual.
pub const LIFE: Millis = Millis::secs(60);
/// The pauses after each `invalid_grant`; the one after the last of them is believed.
pub const PAUSES: [Millis; 4] = [
    Millis::secs(1),
    Millis::secs(2),
    Millis::secs(3),
    Millis::secs(4),
];

/// A code that is being redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeeming {
    begun: Now,
    troubles: u32,
    refusals: usize,
    /// The issuer may have redeemed the code, and its reply was lost.
    reply_lost: bool,
}

/// How it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redeem {
    /// Tokens came.
    Granted,
    /// Send the same code again after this time.
    Again(Millis),
    /// It ended without tokens.
    Ended(RedeemCause),
}

/// Why a code brought no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedeemCause {
    /// The issuer does not know the code: too old, used already, or given by another server.
    CodeRefused,
    /// The same, after a reply was lost: that one may have carried the tokens.
    ReplyLost,
    /// The issuer refuses for another reason.
    Refused(Refusal),
    /// The issuer could not be asked while the code lived.
    NotAsked(Trouble),
}

impl RedeemCause {
    /// The cause in plain words, as one or two sentences.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CodeRefused => {
                "The service did not recognise its own sign-in. Please sign in once more."
            }
            Self::ReplyLost => {
                "The connection broke off at the end of the sign-in. Please sign in once more."
            }
            Self::Refused(Refusal::AccountBlocked) => "The service has blocked this account.",
            Self::Refused(_) => "The service does not accept this version of Freewheel.",
            Self::NotAsked(trouble) => trouble.words(),
        }
    }
}

impl Redeeming {
    /// The browser came back with a code just now.
    #[must_use]
    pub fn begun(now: &Now) -> Self {
        Self {
            begun: now.clone(),
            troubles: 0,
            refusals: 0,
            reply_lost: false,
        }
    }

    /// Takes an answer of the token endpoint in; `seed` is in `[0, 1)`.
    #[must_use]
    pub fn answered(&self, outcome: &TokenOutcome, now: &Now, seed: f64) -> (Self, Redeem) {
        let mut next = self.clone();
        let then = match outcome {
            TokenOutcome::Granted => Redeem::Granted,
            // Only a refusal is ever superseded, and a code has no older generation.
            TokenOutcome::Definitive(Refusal::InvalidGrant) | TokenOutcome::Superseded => {
                next.refused(now)
            }
            TokenOutcome::Definitive(refusal) => Redeem::Ended(RedeemCause::Refused(*refusal)),
            TokenOutcome::Transient {
                trouble,
                retry_after,
            } => next.troubled(*trouble, retry_after.unwrap_or_default(), now, seed),
        };
        (next, then)
    }

    fn refused(&mut self, now: &Now) -> Redeem {
        let cause = if self.reply_lost {
            RedeemCause::ReplyLost
        } else {
            RedeemCause::CodeRefused
        };
        let pause = PAUSES.get(self.refusals).copied();
        self.refusals = self.refusals.saturating_add(1);
        match pause {
            Some(pause) => self.again(pause, now, cause),
            None => Redeem::Ended(cause),
        }
    }

    fn troubled(&mut self, trouble: Trouble, floor: Millis, now: &Now, seed: f64) -> Redeem {
        self.troubles = self.troubles.saturating_add(1);
        self.reply_lost |= trouble.may_have_acted();
        let full = curve(Policy::Waiting, self.troubles);
        // Between half of the curve and the whole: the athlete waits, and nothing is gained by asking at once.
        let half = Millis(full.0 / 2);
        let pause = half.plus(half.part(seed)).max(floor);
        self.again(pause, now, RedeemCause::NotAsked(trouble))
    }

    /// Once more, if the code is likely to live that long; a restart of the machine ends every sign-in.
    fn again(&self, pause: Millis, now: &Now, otherwise: RedeemCause) -> Redeem {
        match now.uptime_since(&self.begun) {
            Some(age) if age.plus(pause) < LIFE => Redeem::Again(pause),
            Some(_) | None => Redeem::Ended(otherwise),
        }
    }
}

#[cfg(test)]
mod tests;
