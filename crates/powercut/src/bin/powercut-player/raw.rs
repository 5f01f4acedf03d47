//! Parts of stories that use the store without an engine.

use freewheel_powercut::mark::Mark;
use freewheel_ride::journal::{Journal as _, RideHeader, Sample};
use freewheel_sync::Home;
use freewheel_sync::store::{RideJournal, Store};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Played, Scene};

/// Whose rides they are.
pub(crate) const ANNA: &str = "https://example.test|anna";
/// 2026-03-01T08:00:00Z, in Unix ms.
pub(crate) const START: i64 = 1_772_352_000_000;

pub(crate) fn open(scene: &Scene) -> Result<Store, Box<dyn std::error::Error>> {
    let home = Home::resolve(Some(scene.profile.clone()))?.open()?;
    Ok(Store::open(&home)?)
}

pub(crate) fn journal(store: &Store) -> RideJournal {
    RideJournal::new(store.clone(), Some(ANNA.to_owned()))
}

/// Begins the only ride of a story.
pub(crate) fn begin(store: &Store) -> Result<Uuid, Box<dyn std::error::Error>> {
    let header = RideHeader {
        id: Uuid::from_u128(0x019c_a832_0000_7000_8000_0000_0000_0001),
        started_at: Timestamp::from_millisecond(START)?,
        name: "Ride".to_owned(),
        workout: None,
        workout_id: None,
        plan_item_id: None,
        ftp_watts: 200,
        trainer: "Simulated trainer".to_owned(),
        simulated: true,
    };
    journal(store).begin(&header)?;
    Ok(header.id)
}

/// Adds the sample of a second, and notes that all up to it are safe.
pub(crate) fn sample(scene: &Scene, store: &Store, ride: Uuid, second: u32) -> Played {
    let sample = Sample {
        second,
        at: Timestamp::from_millisecond(START + i64::from(second) * 1000)?,
        position: second,
        power: Some(200),
        target: Some(210),
        cadence: Some(90),
        heart_rate: None,
        speed: Some(8.3),
    };
    journal(store).append(ride, &[sample], &[])?;
    scene.note(&samples(ride, second + 1))?;
    Ok(())
}

pub(crate) fn samples(ride: Uuid, count: u32) -> Mark {
    Mark::Samples {
        ride: ride.to_string(),
        count,
    }
}
