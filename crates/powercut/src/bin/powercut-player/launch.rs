//! A profile that was there before is opened: one of an earlier format, or a damaged one.

use freewheel_powercut::mark::Mark;
use freewheel_ride::finish_recorded;
use uuid::Uuid;

use crate::raw::{journal, open};
use crate::{Played, Scene};

/// The arguments are the marks that hold for the profile before it is opened, as JSON. Its open ride is finished then.
pub(crate) fn play(scene: &Scene) -> Played {
    let mut open_ride = None;
    for argument in &scene.arguments {
        let mark: Mark = serde_json::from_str(argument)?;
        if let Mark::Samples { ride, .. } = &mark {
            open_ride = Some(ride.clone());
        }
        scene.note(&mark)?;
    }
    let ride = open_ride.ok_or("no ride is open")?;
    let store = open(scene)?;
    finish_recorded(&journal(&store), ride.parse::<Uuid>()?)?;
    scene.note(&Mark::Saved { ride })?;
    Ok(())
}
