//! What is known of the network and of the service, from what was observed.
//!
//! The screen shows three separate facts. Two are in here: this computer's network, as the system tells
//! it, and the service, as its answers tell it. The third, the athlete's data, is in the store.

use serde::{Deserialize, Serialize};

use crate::time::{Millis, Now, WallMs};
use crate::transport::{Side, Trouble};

pub use crate::session::SystemNetwork;

/// What is known, as stored per origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The origin is a loopback address: it always counts as having a network.
    pub loopback: bool,
    /// What the system says of its links.
    system: SystemNetwork,
    /// What the last call says of the service.
    service: Service,
}

/// The service, as its answers tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Nothing was tried yet.
    #[default]
    Unknown,
    /// It answered.
    Reachable,
    /// It could not be asked.
    Unreachable {
        /// Since the first failure in a row.
        since: WallMs,
        /// The last failure.
        trouble: Trouble,
    },
    /// It answered, and not as it should.
    Trouble {
        /// Since the first failure in a row.
        since: WallMs,
        /// The last failure.
        trouble: Trouble,
    },
}

/// Something that was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// The system told of its links.
    Network(SystemNetwork),
    /// A call was answered as the protocol says.
    Answered,
    /// A call was not.
    Failed(Trouble),
}

/// What came back, and so for whom the waiting lanes are to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Return {
    /// This computer's network.
    Network,
    /// The service, after trouble of its own: many clients come back with us.
    Service,
}

impl Return {
    /// Over how long the first attempts are spread.
    #[must_use]
    pub const fn spread(self) -> Millis {
        match self {
            Self::Network => Millis::secs(2),
            Self::Service => Millis::secs(60),
        }
    }
}

impl Reach {
    /// Nothing is known yet.
    #[must_use]
    pub const fn new(loopback: bool) -> Self {
        Self {
            loopback,
            system: SystemNetwork::Unknown,
            service: Service::Unknown,
        }
    }

    /// What counts as the network's state for this origin.
    #[must_use]
    pub const fn network(&self) -> SystemNetwork {
        if self.loopback {
            SystemNetwork::Up
        } else {
            self.system
        }
    }

    /// What is known of the service.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }

    /// Whether an attempt makes sense: not when the system says that there is no network.
    #[must_use]
    pub fn may_try(&self) -> bool {
        self.network() != SystemNetwork::Down
    }

    /// Takes an observation in; tells what came back with it, if anything.
    #[must_use]
    pub fn observe(&self, observation: Observation, now: &Now) -> (Self, Option<Return>) {
        let mut next = self.clone();
        match observation {
            Observation::Network(system) => {
                next.system = system;
                let returned = !self.may_try() && next.may_try();
                (next, returned.then_some(Return::Network))
            }
            Observation::Answered => {
                next.service = Service::Reachable;
                (next, self.last_trouble().map(returned_after))
            }
            Observation::Failed(trouble) => {
                next.service = self.failed(trouble, now.wall);
                (next, None)
            }
        }
    }

    fn last_trouble(&self) -> Option<Trouble> {
        match self.service {
            Service::Unknown | Service::Reachable => None,
            Service::Unreachable { trouble, .. } | Service::Trouble { trouble, .. } => {
                Some(trouble)
            }
        }
    }

    fn failed(&self, trouble: Trouble, now: WallMs) -> Service {
        let since = match self.service {
            Service::Unknown | Service::Reachable => now,
            Service::Unreachable { since, .. } | Service::Trouble { since, .. } => since,
        };
        match trouble {
            Trouble::Transport(_)
            | Trouble::Redirected
            | Trouble::Foreign
            | Trouble::Unverified => Service::Unreachable { since, trouble },
            Trouble::Empty
            | Trouble::Unreadable
            | Trouble::Unproven
            | Trouble::Status(_)
            | Trouble::Busy
            | Trouble::AppRefused
            | Trouble::AccessRefused => Service::Trouble { since, trouble },
        }
    }
}

impl Service {
    /// What the screen says of the service.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Unknown => "Not asked yet.",
            Self::Reachable => "The service answers.",
            Self::Unreachable { trouble, .. } | Self::Trouble { trouble, .. } => trouble.words(),
        }
    }
}

fn returned_after(trouble: Trouble) -> Return {
    match trouble.side() {
        Side::Network => Return::Network,
        Side::Service => Return::Service,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TransportFailure as F;
    use Observation::{Answered, Failed, Network};
    use SystemNetwork::{Down, Unknown, Up};

    fn now(ms: i64) -> Now {
        Now {
            wall: WallMs(ms),
            ..Now::default()
        }
    }

    /// Feeds one observation per ms; the last one tells what returned.
    fn after(loopback: bool, observed: &[Observation]) -> (Reach, Option<Return>) {
        let start = (Reach::new(loopback), None);
        (1..)
            .zip(observed)
            .fold(start, |(reach, _), (ms, o)| reach.observe(*o, &now(ms)))
    }

    #[test]
    fn what_returns_decides_the_spread() {
        let refused = Failed(Trouble::Transport(F::Refused));
        let dns = Failed(Trouble::Transport(F::Dns));
        let cases: [(&str, &[Observation], Option<Return>); 10] = [
            ("the first answer", &[Answered], None),
            ("still there", &[Answered, Answered], None),
            (
                "network down and up",
                &[Network(Down), Network(Up)],
                Some(Return::Network),
            ),
            (
                "network down and unsure",
                &[Network(Down), Network(Unknown)],
                Some(Return::Network),
            ),
            ("network up twice", &[Network(Up), Network(Up)], None),
            (
                "refused, then answered",
                &[refused, Answered],
                Some(Return::Service),
            ),
            (
                "500, then answered",
                &[Failed(Trouble::Status(500)), Answered],
                Some(Return::Service),
            ),
            (
                "no name, then answered",
                &[dns, Answered],
                Some(Return::Network),
            ),
            (
                "portal, then answered",
                &[Failed(Trouble::Foreign), Answered],
                Some(Return::Network),
            ),
            ("refused twice", &[refused, refused], None),
        ];
        for (name, observed, want) in cases {
            assert_eq!(after(false, observed).1, want, "{name}");
        }
        assert_eq!(Return::Network.spread(), Millis::secs(2));
        assert_eq!(Return::Service.spread(), Millis::secs(60));
    }

    #[test]
    fn trouble_keeps_its_first_time_and_its_last_cause() {
        let refused = Trouble::Transport(F::Refused);
        let (reach, _) = after(
            false,
            &[Answered, Failed(refused), Failed(Trouble::Status(502))],
        );
        let want = Service::Trouble {
            since: WallMs(2),
            trouble: Trouble::Status(502),
        };
        assert_eq!(reach.service(), want);
        let (reach, _) = reach.observe(Failed(refused), &now(9));
        assert_eq!(
            reach.service(),
            Service::Unreachable {
                since: WallMs(2),
                trouble: refused
            }
        );
        assert_eq!(
            reach.service().words(),
            "The service is not running at its address."
        );
    }

    #[test]
    fn only_a_network_that_is_down_forbids_attempts_and_never_to_loopback() {
        let cases = [(Up, true), (Unknown, true), (Down, false)];
        for (system, may_try) in cases {
            assert_eq!(
                after(false, &[Network(system)]).0.may_try(),
                may_try,
                "{system:?}"
            );
            assert!(after(true, &[Network(system)]).0.may_try(), "{system:?}");
        }
        assert_eq!(after(true, &[Network(Down)]).0.network(), Up);
    }
}
