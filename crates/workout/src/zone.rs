//! The seven power zones (A. Coggan, in Allen & Coggan, Training and Racing with a Power Meter).

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A power zone. Bounds are half-open: a zone holds its lower bound and not its upper one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Below 55 % of FTP.
    Recovery,
    /// 55 to 75 %.
    Endurance,
    /// 75 to 90 %.
    Tempo,
    /// 90 to 105 %.
    Threshold,
    /// 105 to 120 %.
    Vo2Max,
    /// 120 to 150 %.
    Anaerobic,
    /// 150 % and above.
    Neuromuscular,
}

impl Zone {
    /// All zones, the easiest first.
    pub const ALL: [Self; 7] = [
        Self::Recovery,
        Self::Endurance,
        Self::Tempo,
        Self::Threshold,
        Self::Vo2Max,
        Self::Anaerobic,
        Self::Neuromuscular,
    ];

    /// The zone of a power, given as a fraction of FTP. Negative and NaN count as [`Zone::Recovery`].
    #[must_use]
    pub fn of(power: f64) -> Self {
        match power {
            p if p >= 1.50 => Self::Neuromuscular,
            p if p >= 1.20 => Self::Anaerobic,
            p if p >= 1.05 => Self::Vo2Max,
            p if p >= 0.90 => Self::Threshold,
            p if p >= 0.75 => Self::Tempo,
            p if p >= 0.55 => Self::Endurance,
            _ => Self::Recovery,
        }
    }
}
