//! The wire between Freewheel's client and server: one set of types used by both sides.
//!
//! Everything is JSON over HTTPS except a ride's FIT bytes. Readers are tolerant: unknown fields are
//! ignored or kept, unknown kinds are kept raw, unknown enum values become `Other`, so that clients
//! and servers one version apart understand each other.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod changes;
pub mod digest;
pub mod edits;
pub mod header;
pub mod oauth;
pub mod open_enum;
pub mod problem;
pub mod rides;
pub mod status;

pub use changes::{Change, ChangeKind, ChangesPage, PlanItem, PlanState, Profile, WorkoutDoc};
pub use digest::{ContentDigest, Sha256Digest};
pub use edits::{
    Edit, EditBatch, EditResult, EditResults, EditTarget, EditVerdict, EditedField, FieldChange,
    FieldName, RideDetails, Rpe, TargetKind,
};
pub use header::PROTOCOL_VERSION;
pub use problem::{Problem, ProblemCode};
pub use rides::{RideId, RideList, RideReceipt, RideRow, RideUpload};
