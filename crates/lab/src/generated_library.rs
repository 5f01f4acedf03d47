//! A library of any size, for what must hold with many workouts: the same number gives the same workouts everywhere.

mod chance;
mod sessions;
mod words;

use std::fs;
use std::path::Path;

use freewheel_workout::{Workout, zwo};

use crate::LabError;
use chance::Chance;

/// A generated workout.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedWorkout {
    /// Its library id, which is also its file's name without `.zwo`.
    pub id: String,
    /// What is ridden.
    pub workout: Workout,
}

/// The first `count` workouts: over all seven zones, 20 to 150 minutes, with ramps, intervals, cadence work, cues,
/// tags, and names, authors and descriptions from a few hundred words, some of them with accents.
#[must_use]
pub fn generate(count: u32) -> Vec<GeneratedWorkout> {
    (0..count)
        .map(|number| {
            let mut chance = Chance::of(number);
            let (kind, steps) = sessions::session(number, &mut chance);
            let text = words::text(kind, &mut chance);
            GeneratedWorkout {
                id: format!("generated-{number:05}"),
                workout: Workout {
                    name: text.name,
                    author: Some(text.author),
                    description: text.description,
                    tags: text.tags,
                    steps,
                },
            }
        })
        .collect()
}

/// Writes workouts into `folder` as ZWO files. A file that is there already with the same content stays.
///
/// # Errors
/// The folder cannot be written.
pub fn write(workouts: &[GeneratedWorkout], folder: &Path) -> Result<(), LabError> {
    fs::create_dir_all(folder).map_err(LabError::io(folder.display().to_string()))?;
    for GeneratedWorkout { id, workout } in workouts {
        let path = folder.join(format!("{id}.zwo"));
        let text = zwo::write(workout);
        if fs::read(&path).is_ok_and(|known| known == text.as_bytes()) {
            continue;
        }
        fs::write(&path, text).map_err(LabError::io(path.display().to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::collections::BTreeSet;

    use freewheel_workout::Zone;
    use freewheel_workout::load::Load;

    use super::*;

    #[test]
    fn the_workouts_are_plausible_and_of_every_kind() {
        let library = generate(700);
        let mut zones = BTreeSet::new();
        for GeneratedWorkout { id, workout } in &library {
            let load = Load::of(workout);
            zones.insert(load.main_zone);
            assert!(
                (1200..=9000).contains(&load.seconds),
                "{id}: {} s",
                load.seconds
            );
            assert!(
                (0.35..1.15).contains(&load.intensity_factor),
                "{id}: {load:?}"
            );
        }
        assert_eq!(zones, BTreeSet::from(Zone::ALL));
        let names: BTreeSet<_> = library.iter().map(|made| &made.workout.name).collect();
        assert!(names.len() > 600, "{} names", names.len());
    }

    #[test]
    fn a_file_holds_the_whole_workout() {
        for GeneratedWorkout { id, workout } in generate(210) {
            let read = zwo::read(zwo::write(&workout).as_bytes(), &id).unwrap();
            assert_eq!(read.workout, workout, "{id}");
            assert!(read.warnings.is_empty(), "{id}: {:?}", read.warnings);
        }
    }
}
