//! Rides to be measured with: as long and as large as real ones.

use freewheel_ride::journal::{FinishedRide, Journal, JournalError, RideHeader, RideSummary};
use freewheel_sync::store::RideJournal;
use jiff::Timestamp;
use uuid::Uuid;

/// 2026-03-01T08:00:00Z, in Unix ms.
const START: i64 = 1_772_352_000_000;
/// Bytes of the FIT file of an hour.
pub const HOUR_OF_FIT: usize = 90 * 1024;

/// The `number`th ride, begun: an open ride of the journal's owner.
///
/// # Errors
/// The journal.
pub fn begin(journal: &RideJournal, number: u32) -> Result<Uuid, JournalError> {
    let id = Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0000 + u128::from(number));
    let started_at =
        Timestamp::from_millisecond(START + i64::from(number) * 4_000_000).unwrap_or_default();
    let header = RideHeader {
        id,
        started_at,
        name: format!("Ride {number}"),
        workout: None,
        workout_id: None,
        plan_item_id: None,
        ftp_watts: 250,
        trainer: "Simulated trainer".to_owned(),
        simulated: true,
    };
    journal.begin(&header)?;
    Ok(id)
}

/// The end of that ride, with these bytes as its file.
#[must_use]
pub fn finished(id: Uuid, fit: Vec<u8>) -> FinishedRide {
    FinishedRide {
        id,
        fit,
        summary: RideSummary {
            seconds: 3600,
            elapsed_seconds: 3700,
            average_power: Some(205),
            max_power: Some(612),
            normalized_power: Some(221),
            intensity_factor: Some(0.88),
            tss: Some(78.0),
            work_kj: Some(738.0),
            average_cadence: Some(88),
            average_heart_rate: None,
            max_heart_rate: None,
        },
    }
}

/// So many bytes that no compression makes smaller, another row of them for each number.
#[must_use]
pub fn bytes(number: u32, length: usize) -> Vec<u8> {
    let mut state = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        // xorshift64 (Marsaglia: Xorshift RNGs, 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next)
        .flatten()
        .take(length)
        .collect()
}
