//! What the screens show. Every type here is generated into TypeScript.
//!
//! Times are Unix milliseconds as `number`; days are `YYYY-MM-DD` in the athlete's calendar.

use freewheel_ride::journal::RideSummary;
use freewheel_workout::{Segment, Workout, Zone};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::sign_in::DeviceSignIn;

/// Everything that changes by itself: one observable, sent whole whenever a part of it changes.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SyncView {
    /// First fact: this computer's network.
    pub network: NetworkFact,
    /// Second fact: the service.
    pub service: ServiceFact,
    /// Third fact: the athlete's data.
    pub data: DataFact,
    /// Who is signed in, and what that allows.
    pub session: SessionView,
    /// What is cached.
    pub library: LibraryFact,
}

/// Whether this computer has a network, as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NetworkFact {
    /// It has.
    Up,
    /// It has not.
    Down,
    /// The system does not say.
    Unknown,
}

/// What was last seen of the service.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ServiceFact {
    /// In one word.
    pub state: ServiceState,
    /// In a few words for people, for example `Freewheel cannot be reached`.
    pub words: String,
    /// Why, as a sentence; absent while it is reachable or was not asked.
    pub cause: Option<String>,
    /// Since when it is so.
    #[ts(type = "number | null")]
    pub since: Option<i64>,
}

/// The service in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// Not asked yet.
    Unknown,
    /// It answers.
    Reachable,
    /// It cannot be reached.
    Unreachable,
    /// It answers, but not as it should (5xx, a portal's page, …).
    Trouble,
}

/// The athlete's data.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct DataFact {
    /// Rides and edits that wait for delivery.
    pub waiting: u32,
    /// Entries that need the athlete.
    pub parked: u32,
    /// In a few words for people, for example `2 rides waiting`.
    pub words: String,
    /// The last delivery or pull that succeeded.
    #[ts(type = "number | null")]
    pub last_success: Option<i64>,
    /// When the next attempt is due; absent when nothing is, or when it waits for the network.
    #[ts(type = "number | null")]
    pub next_try: Option<i64>,
    /// Whether an attempt is under way.
    pub busy: bool,
    /// That the disk is full, for people; absent while there is room.
    pub disk: Option<String>,
    /// Rides that this computer delivered so far; rises while the window is open.
    #[ts(type = "number")]
    pub delivered: u64,
}

/// Who is signed in, and what that allows.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SessionView {
    /// The derived credential state, as `policy::session` names it: `signed_out`, `signing_in`, `active`, `offline`,
    /// `outcome_unknown`, `vault_unavailable`, `needs_sign_in`, `grace_expired`, `blocked`.
    pub state: String,
    /// The athlete's name, when an account is known.
    pub account: Option<String>,
    /// The server of the account.
    pub server: Option<String>,
    /// Whether the licensed library may be ridden.
    pub library_open: bool,
    /// One line for people; empty when there is nothing to say.
    pub headline: String,
    /// A second line; may be empty.
    pub detail: String,
    /// The one thing to do, when there is one.
    pub action: Option<SessionAction>,
    /// Days of grace left, from day 10 on.
    pub days_left: Option<u32>,
    /// The address to open by hand while a sign-in is under way.
    pub sign_in_url: Option<String>,
    /// The code to type on another device while such a sign-in is under way.
    pub device: Option<DeviceCodeView>,
    /// Where the key to the sign-in was last found: `keyring`, `key_file`, `memory` (it is lost when the program ends), or
    /// `none` while it was not asked for or not given.
    pub vault: String,
}

/// A code that the athlete types on another device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DeviceCodeView {
    /// The code.
    pub user_code: String,
    /// Where it is typed.
    pub verification_uri: String,
    /// The same address with the code in it, where there is one.
    pub verification_uri_complete: Option<String>,
}

impl From<DeviceSignIn> for DeviceCodeView {
    fn from(device: DeviceSignIn) -> Self {
        Self {
            user_code: device.user_code,
            verification_uri: device.verification_uri,
            verification_uri_complete: device.verification_uri_complete,
        }
    }
}

/// The one thing to do about the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SessionAction {
    /// Sign in (again).
    SignIn,
    /// Leave the sign-in that is under way.
    CancelSignIn,
    /// Connect once.
    SyncNow,
    /// Unlock the keyring.
    UnlockKeyring,
    /// Put the clock right.
    CheckClock,
    /// Write to support.
    ContactSupport,
}

/// What is cached.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LibraryFact {
    /// Workouts cached, own ones included.
    pub workouts: u32,
    /// Whether a pull is under way.
    pub pulling: bool,
    /// When the library was last confirmed fresh.
    #[ts(type = "number | null")]
    pub fresh_at: Option<i64>,
    /// Rises whenever the cached library or plan changed, so that screens know when to ask again.
    #[ts(type = "number")]
    pub revision: u64,
    /// Rises whenever the list of rides changed.
    #[ts(type = "number")]
    pub rides_revision: u64,
}

/// The first screen.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TodayView {
    /// Today in the athlete's calendar.
    pub date: String,
    /// Today's planned workouts.
    pub planned: Vec<PlannedCard>,
    /// The next planned workouts after today, up to seven.
    pub upcoming: Vec<PlannedCard>,
    /// A few workouts to pick from when nothing is planned today.
    pub suggestions: Vec<WorkoutCard>,
    /// Rides that a death left open.
    pub unfinished: Vec<UnfinishedRide>,
    /// Athlete's FTP in watts.
    pub ftp_watts: u16,
}

/// A planned workout.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct PlannedCard {
    /// Plan item id.
    pub plan_item_id: String,
    /// Its day.
    pub date: String,
    /// `planned`, `done`, `skipped`, or what a newer server says. `done` also when a finished ride still waits here.
    pub state: String,
    /// A note of the coach's.
    pub note: Option<String>,
    /// The workout; absent while it is not cached yet.
    pub workout: Option<WorkoutCard>,
}

/// A workout in a list.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct WorkoutCard {
    /// Library id.
    pub id: String,
    /// Name to show.
    pub name: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// Length in seconds.
    pub seconds: u32,
    /// Planned TSS.
    pub tss: f64,
    /// Planned Intensity Factor.
    pub intensity_factor: f64,
    /// The zone that the workout is for.
    pub zone: Zone,
    /// Whether it is the athlete's own file (never locked).
    pub own: bool,
    /// The profile.
    pub segments: Vec<Segment>,
}

/// A workout in full.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct WorkoutDetail {
    /// As in the list.
    pub card: WorkoutCard,
    /// What is ridden.
    pub workout: Workout,
    /// Seconds in each zone, the easiest first.
    pub zone_seconds: Vec<u32>,
    /// Whether it may be ridden now.
    pub rideable: bool,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct LibraryQuery {
    /// Words to find in name, description, tags and author; prefixes count.
    pub text: String,
    /// Shortest length in seconds.
    pub min_seconds: Option<u32>,
    /// Greatest length in seconds, exclusive.
    pub max_seconds: Option<u32>,
    /// Only workouts for this zone.
    pub zone: Option<Zone>,
    /// Lowest TSS.
    pub min_tss: Option<f64>,
    /// Greatest TSS, exclusive.
    pub max_tss: Option<f64>,
    /// Only the athlete's own files.
    pub own: bool,
    /// By what to order.
    pub sort: LibrarySort,
    /// Rows to pass over.
    pub offset: u32,
    /// Rows to return, at most 200.
    pub limit: u32,
}

/// By what to order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LibrarySort {
    /// By name.
    #[default]
    Name,
    /// The shortest first.
    Duration,
    /// The lightest first.
    Tss,
}

/// A window of a list.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LibraryPage {
    /// How many rows the whole list has.
    pub total: u32,
    /// Place of the first row.
    pub offset: u32,
    /// The rows.
    pub rows: Vec<WorkoutCard>,
}

/// A ride in the history.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RideCard {
    /// The ride's id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// When it began.
    #[ts(type = "number")]
    pub started_at: i64,
    /// Its totals.
    pub summary: RideSummary,
    /// Whether the numbers are simulated.
    pub simulated: bool,
    /// SHA-256 of the frozen FIT file, hex.
    pub digest: String,
    /// Where it is.
    pub delivery: Delivery,
}

/// Where a finished ride is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Delivery {
    /// Recorded while nobody was signed in: safe on this computer, goes nowhere.
    LocalOnly,
    /// Safe on this computer, waits to be delivered.
    Waiting {
        /// When it is tried next; absent while it waits for the network, the keyring or a sign-in.
        #[ts(type = "number | null")]
        next_try: Option<i64>,
        /// Tries so far.
        attempts: u32,
        /// Why it waits, for people: `Waiting to upload · Freewheel cannot be reached`.
        words: String,
    },
    /// Being sent now.
    Sending,
    /// The service has it.
    Delivered {
        /// When the service took it.
        #[ts(type = "number")]
        at: i64,
    },
    /// Needs the athlete; kept, can be exported and tried again.
    Parked {
        /// Why, for people.
        reason: String,
    },
}

/// An entry of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OutboxRow {
    /// Its id, which is also its idempotency key; for a ride the ride's id.
    pub id: String,
    /// What it is: `ride`.
    pub kind: String,
    /// When the athlete made it.
    #[ts(type = "number")]
    pub created: i64,
    /// What the athlete calls it.
    pub name: String,
    /// `waiting`, `in_flight`, `delivered` or `parked`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// When it is tried next, while it waits and something is planned.
    #[ts(type = "number | null")]
    pub next_try: Option<i64>,
    /// Why it is parked, for people.
    pub reason: Option<String>,
    /// Why the last try did not deliver it, for people.
    pub last_error: Option<String>,
    /// When the service took it.
    #[ts(type = "number | null")]
    pub delivered_at: Option<i64>,
}

/// What a sync that the athlete asked for came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SyncReport {
    /// Whether the service answered.
    pub reached: bool,
    /// What came of it, in a sentence or two.
    pub words: String,
    /// Rides delivered by this sync.
    pub delivered: u32,
    /// Rides that still wait.
    pub waiting: u32,
    /// Rides that need the athlete.
    pub parked: u32,
    /// Workouts cached now.
    pub workouts: u32,
    /// When the next attempt is due; absent when nothing is, or when it waits for the network or a sign-in.
    #[ts(type = "number | null")]
    pub next_try: Option<i64>,
    /// The session's state, as in [`SessionView::state`].
    pub session: String,
    /// What the system says of the network.
    pub network: NetworkFact,
}

/// A ride that a death left open.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct UnfinishedRide {
    /// The ride's id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// When it began.
    #[ts(type = "number")]
    pub started_at: i64,
    /// Seconds that are safe.
    pub seconds: u32,
}

/// What became of a file that was imported.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ImportOutcome {
    /// The file.
    pub file: String,
    /// The workout, when it was read.
    pub workout_id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its length in seconds.
    pub seconds: Option<u32>,
    /// What the reader noticed, with lines.
    pub warnings: Vec<String>,
    /// Why it was refused, with file, line and remedy.
    pub error: Option<String>,
}

/// The version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct About {
    /// Semantic version.
    pub version: String,
    /// Commit that it was built from.
    pub commit: String,
    /// Day that it was built.
    pub built: String,
    /// The profile folder.
    pub home: String,
    /// The server that sign-in offers first.
    pub default_server: String,
    /// Where the vault keeps the key: `keyring`, `key_file` or `none`.
    pub vault: String,
    /// Where the key file is, or would be.
    pub key_file: String,
}

/// An error for people: a stable code and plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct UserError {
    /// Stable code, for example `grace_expired`.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
}
