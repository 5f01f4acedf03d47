//! `GET /v1/changes?cursor=&limit=`: one ordered feed of everything that an athlete's app caches.

use freewheel_workout::Workout;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::open_enum;
use crate::rides::RideId;

/// The largest page that a server hands out, in changes.
pub const MAX_PAGE: usize = 1000;

/// One page of the feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangesPage {
    /// Changes in order of their revision. A thing that changed twice may appear once, at its last.
    pub changes: Vec<Change>,
    /// Where the next page starts; opaque to the client.
    pub next_cursor: String,
    /// Whether the server already has more behind `next_cursor`, which then is a new one; never on an empty page.
    pub more: bool,
}

open_enum! {
    /// What a change is about.
    pub enum ChangeKind {
        /// A [`WorkoutDoc`].
        Workout = "workout",
        /// A [`PlanItem`].
        PlanItem = "plan_item",
        /// The athlete's [`Profile`]; its id is always `me`.
        Profile = "profile",
        /// The [`crate::RideDetails`] of a ride, by the ride's id.
        RideDetails = "ride_details",
        /// A feature flag.
        Flag = "flag",
        /// The description of a binary asset.
        Asset = "asset",
    }
}

/// An upsert (with `body`) or a tombstone (`deleted`, no `body`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What `body` holds.
    pub kind: ChangeKind,
    /// Stable id, unique within its kind.
    pub id: String,
    /// Server revision of the thing; rises with every change.
    pub revision: u64,
    /// Whether the thing is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// The thing itself, kept raw so that fields of a newer server survive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// A library workout as published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkoutDoc {
    /// What is ridden.
    #[serde(flatten)]
    pub workout: Workout,
    /// Fields of a newer server, kept as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// What became of a planned workout.
    pub enum PlanState {
        /// Still to do.
        Planned = "planned",
        /// Ridden; `ride_id` tells which ride.
        Done = "done",
        /// Left out on purpose.
        Skipped = "skipped",
    }
}

/// One workout planned for one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanItem {
    /// The athlete's calendar day.
    pub date: Date,
    /// The change id of the workout.
    pub workout_id: String,
    /// What became of it.
    pub state: PlanState,
    /// The ride that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ride_id: Option<RideId>,
    /// A note of the coach's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Fields of a newer server, kept as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What the service knows of the athlete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Name to show.
    pub name: String,
    /// Functional threshold power in watts.
    pub ftp_watts: u16,
    /// Body mass in kilograms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_kg: Option<f64>,
    /// Fields of a newer server, kept as they came.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
