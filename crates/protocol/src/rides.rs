//! `PUT /v1/rides/{id}` and `GET /v1/rides?after=`: rides are made once and never change.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Sha256Digest;

/// The largest FIT file that a server takes, in bytes (a day at one record a second is below 4 MiB).
pub const MAX_RIDE_BYTES: usize = 16 * 1024 * 1024;

/// A ride's id, chosen by the client (UUIDv7) and so also its idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RideId(pub Uuid);

impl fmt::Display for RideId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RideId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// Query parameters of `PUT /v1/rides/{id}`: what the service wants to know before it reads the FIT file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RideUpload {
    /// When the ride began.
    pub started_at: Timestamp,
    /// Length without pauses, in seconds.
    pub seconds: u32,
    /// What the athlete calls it.
    pub name: String,
    /// The library workout that was ridden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workout_id: Option<String>,
    /// The plan item that it fulfils; the server marks it done in the same transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_item_id: Option<String>,
}

/// The answer to a `PUT`: 201 when the ride was new, 200 when the server had it already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RideReceipt {
    /// The ride.
    pub id: RideId,
    /// The digest of the bytes that the server holds.
    pub digest: Sha256Digest,
    /// When the server first took it.
    pub received_at: Timestamp,
}

/// One ride that the server holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RideRow {
    /// The ride.
    pub id: RideId,
    /// The digest of the bytes that the server holds.
    pub digest: Sha256Digest,
    /// When the server first took it.
    pub received_at: Timestamp,
}

/// A page of the athlete's rides in the order in which the server took them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RideList {
    /// At most [`crate::changes::MAX_PAGE`] rides.
    pub rides: Vec<RideRow>,
    /// The `after` of the next page; absent at the end, and so on an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
