//! A stable id for a workout that came from a file.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::model::Workout;

/// The id of a workout by its content: `own-` and 32 hexadecimal digits, the first half of the
/// SHA-256 of its JSON. Equal workouts have equal ids on every computer; any change gives another.
#[must_use]
pub fn content_id(workout: &Workout) -> String {
    // Field order is the order of declaration, so the JSON of a workout is canonical. Serialising
    // it cannot fail: no maps, and serde_json writes a number that is not finite as null.
    let json = serde_json::to_vec(workout).unwrap_or_default();
    let mut id = String::from("own-");
    for byte in Sha256::digest(&json).iter().take(16) {
        // Writing to a String never fails.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Effort, Step};

    #[test]
    fn the_id_depends_on_the_content_alone_and_does_not_drift_between_versions() {
        let step = |power| Step {
            effort: Effort::Steady {
                seconds: 60,
                power,
                cadence: None,
            },
            cues: vec![],
        };
        let workout = Workout {
            name: "One minute".into(),
            author: None,
            description: String::new(),
            tags: vec![],
            steps: vec![step(0.75)],
        };
        let id = content_id(&workout);
        assert_eq!(id, content_id(&workout.clone()));
        assert_ne!(
            id,
            content_id(&Workout {
                steps: vec![step(0.76)],
                ..workout.clone()
            })
        );
        assert_eq!(id, "own-d906523a0f6c55a045ddc2ad6a8d1aed");
    }
}
