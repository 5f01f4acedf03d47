//! `GET /api/v2/summary.json`: the Statuspage v2 shape.

use serde::{Deserialize, Serialize};

use crate::open_enum;

open_enum! {
    /// How bad things are over all.
    pub enum Indicator {
        /// All is well.
        None = "none",
        /// Something small is wrong.
        Minor = "minor",
        /// Much is wrong.
        Major = "major",
        /// Nothing works.
        Critical = "critical",
        /// Being looked after.
        Maintenance = "maintenance",
    }
}

open_enum! {
    /// The state of one component.
    pub enum ComponentStatus {
        /// Works.
        Operational = "operational",
        /// Slow.
        DegradedPerformance = "degraded_performance",
        /// Partly down.
        PartialOutage = "partial_outage",
        /// Down.
        MajorOutage = "major_outage",
        /// Being looked after.
        UnderMaintenance = "under_maintenance",
    }
}

/// The whole summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusSummary {
    /// The page.
    pub page: StatusPage,
    /// The verdict over all.
    pub status: OverallStatus,
    /// The parts of the service.
    #[serde(default)]
    pub components: Vec<StatusComponent>,
    /// What is wrong now.
    #[serde(default)]
    pub incidents: Vec<StatusIncident>,
}

/// The page that the summary belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusPage {
    /// Stable id.
    #[serde(default)]
    pub id: String,
    /// Name of the service.
    pub name: String,
    /// Where people read it.
    #[serde(default)]
    pub url: String,
    /// When it last changed, RFC 3339.
    #[serde(default)]
    pub updated_at: String,
}

/// The verdict over all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverallStatus {
    /// How bad.
    pub indicator: Indicator,
    /// One line for people.
    #[serde(default)]
    pub description: String,
}

/// One part of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusComponent {
    /// Stable id.
    pub id: String,
    /// Name to show.
    pub name: String,
    /// Its state.
    pub status: ComponentStatus,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusIncident {
    /// Stable id.
    pub id: String,
    /// Name to show.
    pub name: String,
    /// `investigating`, `identified`, `monitoring`, `resolved`.
    #[serde(default)]
    pub status: String,
    /// How bad.
    #[serde(default)]
    pub impact: String,
}
