//! The policies that are compared.

use super::ours::{Ours, Variant};
use super::rival::{Retry, Rivals};
use super::scenario::Scenario;
use super::tally::Tally;
use super::world::live;

/// A way of trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Ours.
    Ours,
    /// Every 5 s.
    Fixed,
    /// 1 s doubling to 15 min.
    Exponential,
    /// Half of that, and any part of the other half.
    EqualJitter,
    /// Any part of that.
    FullJitter,
}

impl Policy {
    /// All of them, ours first.
    pub const ALL: [Self; 5] = [
        Self::Ours,
        Self::Fixed,
        Self::Exponential,
        Self::EqualJitter,
        Self::FullJitter,
    ];

    /// What it is called in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Fixed => "fixed 5 s",
            Self::Exponential => "exponential",
            Self::EqualJitter => "equal jitter",
            Self::FullJitter => "full jitter",
        }
    }

    /// Lets a fleet that follows it live through a scenario.
    #[must_use]
    pub fn live(self, scenario: Scenario) -> Tally {
        let retry = match self {
            Self::Ours => return live(scenario, &mut Ours::new(Variant::AsItIs)),
            Self::Fixed => Retry::Fixed,
            Self::Exponential => Retry::Exponential,
            Self::EqualJitter => Retry::EqualJitter,
            Self::FullJitter => Retry::FullJitter,
        };
        live(scenario, &mut Rivals::new(retry))
    }
}
