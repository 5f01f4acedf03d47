//! The server: away for a while, and never able to do more than so much.
//!
//! # The model
//!
//! The server works through one queue. Serving a request takes `1 / capacity` seconds of its time. Whoever arrives when
//! more than [`PATIENCE`] of work waits is turned away with a 503, which costs [`TURNING_AWAY`] of serving: the
//! connection and its TLS handshake were made, the request was read. Whoever arrives when even more than [`FULL`] waits
//! gets no connection at all and runs into the time-out; that costs nothing. So a herd that is large enough keeps a
//! server busy with nothing but turning away, for as long as it keeps coming.

use freewheel_policy::time::Millis;
use freewheel_policy::transport::{Sent, TransportFailure};
use freewheel_policy::verdict::{Answer, Body, HttpOutcome};

use super::calendar::Ms;
use super::scenario::{Outage, Scenario};

/// A request and its answer on their way, in ms.
pub const ROUND_TRIP: Ms = 50;
/// How long connecting is tried, in ms; what the client's HTTP has.
pub const CONNECT_TIMEOUT: Ms = 5_000;
/// With more work than this waiting, whoever comes is turned away.
pub const PATIENCE: Ms = 1_000;
/// With more work than this waiting, whoever comes is not even let in.
pub const FULL: Ms = 2_000;
/// Turning away costs this part of serving, as one in so many.
pub const TURNING_AWAY: u64 = 10;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Served.
    Served,
    /// The address refused the connection.
    Refused,
    /// No connection came about in time.
    TimedOut,
    /// 503, perhaps with `Retry-After` in seconds.
    Busy(Option<u32>),
    /// This computer has no network: nothing was sent.
    NoNetwork,
}

/// What became of a request, and when its sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// What became of it.
    pub fate: Fate,
    /// When that is known.
    pub at: Ms,
}

impl Fate {
    /// The same in the words of `policy`.
    #[must_use]
    pub fn outcome(self) -> HttpOutcome {
        let answer = |status, body, retry_after: Option<u32>| {
            HttpOutcome::Answer(Answer {
                status,
                body,
                redirected: false,
                retry_after: retry_after.map(|seconds| Millis::secs(seconds.into())),
            })
        };
        match self {
            Self::Served => answer(200, Body::Protocol, None),
            Self::Refused => HttpOutcome::Failed(TransportFailure::Refused),
            Self::TimedOut => HttpOutcome::Failed(TransportFailure::Timeout { sent: Sent::Before }),
            Self::Busy(retry_after) => answer(503, Body::Html, retry_after),
            Self::NoNetwork => HttpOutcome::Failed(TransportFailure::NoNetwork),
        }
    }

    /// How long the server asked to wait, if it did.
    #[must_use]
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::Busy(retry_after) => retry_after,
            Self::Served | Self::Refused | Self::TimedOut | Self::NoNetwork => None,
        }
    }
}

/// The server.
#[derive(Debug)]
pub struct Server {
    outage: Outage,
    from: Ms,
    until: Ms,
    /// Serving one request, in ns.
    cost: u64,
    /// When it will have done what it has taken on, in ns.
    done: u64,
}

impl Server {
    /// The server of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            outage: scenario.outage,
            from: scenario.outage_from(),
            until: scenario.outage_until(),
            cost: 1_000_000_000 / u64::from(scenario.capacity().max(1)),
            done: 0,
        }
    }

    /// Whether it is away then.
    #[must_use]
    pub fn is_away(&self, then: Ms) -> bool {
        (self.from..self.until).contains(&then)
    }

    /// A request arrives at `now`.
    pub fn asked(&mut self, now: Ms) -> Reply {
        if self.is_away(now) {
            self.away(now)
        } else if now >= self.until {
            self.there(now)
        } else {
            Reply {
                fate: Fate::Served,
                at: now + ROUND_TRIP,
            }
        }
    }

    fn away(&self, now: Ms) -> Reply {
        let (fate, after) = match self.outage {
            Outage::Refused => (Fate::Refused, ROUND_TRIP),
            Outage::TimeOuts => (Fate::TimedOut, CONNECT_TIMEOUT),
            Outage::Busy => (Fate::Busy(Some(Outage::RETRY_AFTER)), ROUND_TRIP),
            // A date, in whole seconds, less the server's own time, in whole seconds.
            Outage::Maintenance => {
                let seconds = (self.until - now).div_ceil(1_000);
                (Fate::Busy(Some(seconds)), ROUND_TRIP)
            }
            Outage::NoNetwork => (Fate::NoNetwork, 0),
        };
        Reply {
            fate,
            at: now + after,
        }
    }

    fn there(&mut self, now: Ms) -> Reply {
        let arrived = u64::from(now) * 1_000_000;
        self.done = self.done.max(arrived);
        let waiting = self.done - arrived;
        if waiting > u64::from(FULL) * 1_000_000 {
            return Reply {
                fate: Fate::TimedOut,
                at: now + CONNECT_TIMEOUT,
            };
        }
        if waiting > u64::from(PATIENCE) * 1_000_000 {
            self.done += self.cost / TURNING_AWAY;
            return Reply {
                fate: Fate::Busy(None),
                at: now + ROUND_TRIP,
            };
        }
        self.done += self.cost;
        let took = u32::try_from((self.done - arrived) / 1_000_000).unwrap_or(FULL);
        Reply {
            fate: Fate::Served,
            at: now + ROUND_TRIP + took,
        }
    }
}
