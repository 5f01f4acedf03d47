//! What is simulated: how many clients, which outage, when their rides end.

use super::calendar::Ms;

const SECOND: Ms = 1_000;
const MINUTE: Ms = 60 * SECOND;

/// How the server is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Its address refuses connections.
    Refused,
    /// Its address does not answer: connecting runs into the time-out.
    TimeOuts,
    /// It, or what stands before it, answers 503 with `Retry-After: 120`.
    Busy,
    /// It answers 503 with the announced end of the outage as `Retry-After`.
    Maintenance,
    /// It is there; it is the clients that have no network, and all get it back at the same moment.
    NoNetwork,
}

impl Outage {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Refused,
        Self::TimeOuts,
        Self::Busy,
        Self::Maintenance,
        Self::NoNetwork,
    ];

    /// What [`Outage::Busy`] asks for, in seconds.
    pub const RETRY_AFTER: u32 = 120;

    /// It in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Refused => "Connections refused",
            Self::TimeOuts => "Connections time out",
            Self::Busy => "503 with Retry-After: 120",
            Self::Maintenance => "503 with Retry-After: the end of the outage",
            Self::NoNetwork => "The clients' own network is away",
        }
    }
}

/// When the athletes' rides end, and so when there is something to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rides {
    /// At any moment of the outage.
    Scattered,
    /// Everybody's first ride ends within the same second, five minutes into the outage: a race. The others end at any
    /// later moment.
    Together,
}

/// One simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// How many clients, at least 1 and at most [`Scenario::MOST`].
    pub clients: u32,
    /// What the random source begins with.
    pub seed: u64,
    /// How the server is away.
    pub outage: Outage,
    /// For how long, in ms; [`Scenario::TWO_HOURS`] unless something else is to be shown.
    pub lasts: Ms,
    /// When rides end.
    pub rides: Rides,
}

impl Scenario {
    /// The most clients that can be simulated.
    pub const MOST: u32 = 1_000_000;
    /// How long everything works before the outage.
    pub const BEFORE: Ms = 10 * MINUTE;
    /// How long the outage lasts, in ms.
    pub const TWO_HOURS: Ms = 120 * MINUTE;
    /// How long the simulation goes on after it.
    pub const AFTER: Ms = 40 * MINUTE;
    /// The server serves so many requests per second for each hundred clients: about five times the load of a quiet day.
    pub const CAPACITY_PER_100: u32 = 1;
    /// The most rides that one athlete has to deliver; everybody has one at least.
    pub const MOST_RIDES: u32 = 3;

    /// The heading of its table.
    #[must_use]
    pub fn title(&self) -> String {
        let outage = self.outage.title();
        match self.rides {
            Rides::Scattered => outage.to_owned(),
            Rides::Together => format!("{outage}, and a race ends meanwhile"),
        }
    }

    /// When the outage begins.
    #[must_use]
    pub const fn outage_from(&self) -> Ms {
        Self::BEFORE
    }

    /// When the outage is over.
    #[must_use]
    pub const fn outage_until(&self) -> Ms {
        Self::BEFORE + self.lasts
    }

    /// When the simulation ends.
    #[must_use]
    pub const fn end(&self) -> Ms {
        self.outage_until() + Self::AFTER
    }

    /// How many requests per second the server can serve.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        let capacity = self.clients * Self::CAPACITY_PER_100 / 100;
        if capacity == 0 { 1 } else { capacity }
    }
}
