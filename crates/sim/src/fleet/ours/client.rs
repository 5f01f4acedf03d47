//! What one of our clients has stored.

use freewheel_policy::backoff::Policy;
use freewheel_policy::budget::Budget;
use freewheel_policy::lane::{Lane, LaneOutcome, LanePlan, PlanReason};
use freewheel_policy::reach::{Observation, Reach, Return};
use freewheel_policy::time::{Millis, Now, WallMs};
use freewheel_policy::transport::Trouble;

use super::tokens::{Token, Tokens};
use crate::fleet::calendar::Ms;
use crate::fleet::errand::{CONFIRM_EVERY, Errand, LIBRARY_EVERY, first};
use crate::fleet::scenario::Scenario;
use crate::fleet::server::Fate;
use crate::fleet::world::World;

/// The lanes that the engine runs.
pub(super) const LANES: [Place; 3] = [Place::Session, Place::Library, Place::Rides];

/// One of [`LANES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Session,
    Library,
    Rides,
}

impl Place {
    pub(super) const fn number(self) -> u32 {
        self as u32
    }

    pub(super) const fn of(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Session),
            1 => Some(Self::Library),
            2 => Some(Self::Rides),
            _ => None,
        }
    }

    pub(super) const fn lane(self) -> Lane {
        match self {
            Self::Session => Lane::Session,
            Self::Library => Lane::Library,
            Self::Rides => Lane::Rides,
        }
    }
}

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    session: LaneRow,
    library: LaneRow,
    rides: LaneRow,
    pub(super) reach: Reach,
    pub(super) budget: Budget,
    pub(super) token: Token,
    pub(super) confirm: Ms,
    pub(super) outbox: [Entry; Scenario::MOST_RIDES as usize],
}

/// What is stored of a lane, and its attempt while one is under way.
#[derive(Debug, Default)]
pub(super) struct LaneRow {
    pub(super) plan: Option<LanePlan>,
    /// Failures in a row.
    pub(super) attempt: u32,
    pub(super) waits_for_session: bool,
    /// Why it was woken.
    pub(super) bell: Option<Bell>,
    /// When its timer rings.
    pub(super) timer: Option<Ms>,
    pub(super) under_way: Option<UnderWay>,
}

/// Why a lane is woken; the more urgent is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bell {
    Ready,
    More,
    Network,
    Service,
}

impl Bell {
    pub(super) const fn outcome(self) -> LaneOutcome {
        match self {
            Self::Ready => LaneOutcome::Ready,
            Self::More => LaneOutcome::More,
            Self::Network => LaneOutcome::Returned(Return::Network),
            Self::Service => LaneOutcome::Returned(Return::Service),
        }
    }
}

impl From<Return> for Bell {
    fn from(what: Return) -> Self {
        match what {
            Return::Network => Self::Network,
            Return::Service => Self::Service,
        }
    }
}

/// An attempt between a request and its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderWay {
    pub(super) policy: Policy,
    /// It took a token from the budget.
    pub(super) spends: bool,
    pub(super) errand: Errand,
    pub(super) fate: Fate,
    /// The entry that is being sent.
    pub(super) entry: u8,
    /// Entries in a row that were not taken.
    pub(super) not_taken: u8,
    /// How it would end if there were nothing more to send.
    pub(super) ended: Ended,
}

/// How an attempt ended, as in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Nothing,
    Done,
    NoBearer,
    Failed {
        trouble: Trouble,
        /// In seconds.
        retry_after: Option<u32>,
    },
}

/// A ride in the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Entry {
    /// There is none.
    #[default]
    Free,
    Waiting {
        due: Ms,
        attempts: u32,
    },
    Delivered,
}

impl Client {
    /// A client for whom everything has worked for days: its clocks are anywhere in their course.
    pub(super) fn settled(world: &mut World, tokens: &mut Tokens) -> Self {
        let idle = |due: Option<Ms>| LaneRow {
            plan: Some(LanePlan {
                made: EPOCH,
                due: due.map(wall),
                reason: PlanReason::Idle,
                policy: Policy::Unhurried,
            }),
            ..LaneRow::default()
        };
        let (reach, _) = Reach::new(false).observe(Observation::Answered, &Now::default());
        let token = tokens.of_any_age(world);
        let confirm = first(world, CONFIRM_EVERY);
        Self {
            session: idle(None),
            library: idle(Some(first(world, LIBRARY_EVERY))),
            rides: idle(Some(confirm)),
            reach,
            budget: Budget::full(EPOCH),
            token,
            confirm,
            outbox: Default::default(),
        }
    }

    pub(super) const fn lane(&self, place: Place) -> &LaneRow {
        match place {
            Place::Session => &self.session,
            Place::Library => &self.library,
            Place::Rides => &self.rides,
        }
    }

    pub(super) const fn lane_mut(&mut self, place: Place) -> &mut LaneRow {
        match place {
            Place::Session => &mut self.session,
            Place::Library => &mut self.library,
            Place::Rides => &mut self.rides,
        }
    }

    /// When the next ride is due.
    pub(super) fn next_ride_due(&self) -> Option<Ms> {
        let due = |entry: &Entry| match entry {
            Entry::Waiting { due, .. } => Some(*due),
            Entry::Free | Entry::Delivered => None,
        };
        self.outbox.iter().filter_map(due).min()
    }

    /// The entry that is longest due, if one is.
    pub(super) fn longest_due(&self, now: Ms) -> Option<u8> {
        let due = |(number, entry): (u8, &Entry)| match entry {
            Entry::Waiting { due, .. } if *due <= now => Some((*due, number)),
            Entry::Waiting { .. } | Entry::Free | Entry::Delivered => None,
        };
        let (_, number) = (0..).zip(&self.outbox).filter_map(due).min()?;
        Some(number)
    }

    /// Adds an entry that is due at once.
    pub(super) fn add_entry(&mut self, now: Ms) {
        let free = self.outbox.iter_mut().find(|entry| **entry == Entry::Free);
        if let Some(entry) = free {
            *entry = Entry::Waiting {
                due: now,
                attempts: 0,
            };
        }
    }

    pub(super) fn entry(&self, number: u8) -> Entry {
        let entry = self.outbox.get(usize::from(number));
        entry.copied().unwrap_or_default()
    }

    pub(super) fn put_entry(&mut self, number: u8, entry: Entry) {
        if let Some(place) = self.outbox.get_mut(usize::from(number)) {
            *place = entry;
        }
    }

    /// Rides that wait for a later try are tried at `by`.
    pub(super) fn make_rides_due(&mut self, by: Ms) {
        for entry in &mut self.outbox {
            if let Entry::Waiting { due, .. } = entry {
                *due = (*due).min(by);
            }
        }
    }
}

/// When the simulation begins, by everybody's clock.
const EPOCH: WallMs = WallMs(1_767_592_800_000);

/// The same moment on the clients' clocks.
pub(super) const fn wall(at: Ms) -> WallMs {
    EPOCH.plus(Millis(at as u64))
}

/// The same moment on the calendar.
pub(super) fn at(moment: WallMs) -> Ms {
    let since = moment.since(EPOCH).unwrap_or_default();
    Ms::try_from(since.0).unwrap_or(Ms::MAX)
}
