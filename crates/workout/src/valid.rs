//! Whether a workout can be ridden: every number in its range, every text bounded.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ts_rs::TS;

use crate::limits::{
    MAX_CADENCE, MAX_CUE_SECONDS, MAX_CUE_TEXT, MAX_CUES, MAX_DESCRIPTION, MAX_NAME, MAX_POWER,
    MAX_REPEAT, MAX_SECONDS, MAX_STEPS, MAX_TAG, MAX_TAGS,
};
use crate::model::{Cadence, Cue, Effort, IntervalPart, Workout};

/// The first thing that is wrong with a workout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, Error)]
#[error("{}{field}: {problem}. {remedy}", place(*step))]
pub struct Invalid {
    /// Index of the step in [`Workout::steps`]; absent when the fault is in the whole.
    pub step: Option<u32>,
    /// Which value: `name`, `steps`, `seconds`, `power`, `repeat`, `cadence`, `cue`, `tags`, …
    pub field: String,
    /// What was found.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl Workout {
    /// Checks every value against [`crate::limits`].
    ///
    /// # Errors
    /// The first fault, with the step and the remedy.
    pub fn validate(&self) -> Result<(), Invalid> {
        text(None, "name", &self.name, MAX_NAME)?;
        if self.name.trim().is_empty() {
            return fault(None, "name", "it is empty", "Give the workout a name.");
        }
        text(
            None,
            "author",
            self.author.as_deref().unwrap_or_default(),
            MAX_NAME,
        )?;
        text(None, "description", &self.description, MAX_DESCRIPTION)?;
        if self.tags.len() > MAX_TAGS {
            let found = format!("there are {}", self.tags.len());
            return fault(None, "tags", &found, &format!("Keep at most {MAX_TAGS}."));
        }
        for tag in &self.tags {
            text(None, "tags", tag, MAX_TAG)?;
        }
        if self.steps.is_empty() {
            return fault(None, "steps", "there are none", "Add at least one step.");
        }
        if self.steps.len() > MAX_STEPS {
            let found = format!("there are {}", self.steps.len());
            let remedy = format!("Keep at most {MAX_STEPS}, or use intervals with repeats.");
            return fault(None, "steps", &found, &remedy);
        }
        let cues: usize = self.steps.iter().map(|step| step.cues.len()).sum();
        if cues > MAX_CUES {
            let found = format!("there are {cues}");
            return fault(None, "cues", &found, &format!("Keep at most {MAX_CUES}."));
        }
        let mut total = 0u32;
        for (step, index) in self.steps.iter().zip(0u32..) {
            effort(index, &step.effort)?;
            for cue in &step.cues {
                check_cue(index, cue)?;
            }
            total = total.saturating_add(step.effort.seconds());
            if total > MAX_SECONDS {
                return fault(
                    Some(index),
                    "seconds",
                    "with this step the workout is longer than 24 hours",
                    "Shorten it, or split it into several workouts.",
                );
            }
        }
        Ok(())
    }
}

fn effort(step: u32, effort: &Effort) -> Result<(), Invalid> {
    match effort {
        Effort::Steady {
            seconds,
            power,
            cadence,
        } => {
            length(step, *seconds)?;
            check_power(step, *power)?;
            check_cadence(step, *cadence)
        }
        Effort::Ramp {
            seconds,
            from,
            to,
            cadence,
        } => {
            length(step, *seconds)?;
            check_power(step, *from)?;
            check_power(step, *to)?;
            check_cadence(step, *cadence)
        }
        Effort::Intervals { repeat, on, off } => {
            if !(1..=MAX_REPEAT).contains(repeat) {
                let remedy = format!("Use 1 to {MAX_REPEAT} repeats.");
                return fault(Some(step), "repeat", &format!("it is {repeat}"), &remedy);
            }
            length(step, on.seconds.saturating_add(off.seconds))?;
            part(step, on)?;
            part(step, off)
        }
        Effort::FreeRide { seconds, cadence } | Effort::MaxEffort { seconds, cadence } => {
            length(step, *seconds)?;
            check_cadence(step, *cadence)
        }
    }
}

fn part(step: u32, part: &IntervalPart) -> Result<(), Invalid> {
    check_power(step, part.from)?;
    check_power(step, part.to)?;
    check_cadence(step, part.cadence)
}

fn length(step: u32, seconds: u32) -> Result<(), Invalid> {
    if (1..=MAX_SECONDS).contains(&seconds) {
        return Ok(());
    }
    let found = format!("it is {seconds}");
    fault(
        Some(step),
        "seconds",
        &found,
        "Use at least 1 second and at most 24 hours.",
    )
}

fn check_power(step: u32, power: f64) -> Result<(), Invalid> {
    if (0.0..=MAX_POWER).contains(&power) {
        return Ok(());
    }
    let remedy = "Use a fraction of FTP from 0 to 4: 0.75 is 75 %.";
    fault(Some(step), "power", &format!("it is {power}"), remedy)
}

fn check_cadence(step: u32, cadence: Option<Cadence>) -> Result<(), Invalid> {
    let Some(Cadence { low, high }) = cadence else {
        return Ok(());
    };
    if (1..=MAX_CADENCE).contains(&low) && (low..=MAX_CADENCE).contains(&high) {
        return Ok(());
    }
    let remedy = format!("Use 1 to {MAX_CADENCE} rpm, the lower bound first.");
    fault(
        Some(step),
        "cadence",
        &format!("it is {low} to {high}"),
        &remedy,
    )
}

fn check_cue(step: u32, cue: &Cue) -> Result<(), Invalid> {
    text(Some(step), "cue", &cue.text, MAX_CUE_TEXT)?;
    if cue.text.trim().is_empty() {
        return fault(
            Some(step),
            "cue",
            "its text is empty",
            "Write a text or delete the cue.",
        );
    }
    if cue.at > MAX_SECONDS {
        let found = format!("it starts at {} s", cue.at);
        return fault(Some(step), "cue", &found, "Start it inside the step.");
    }
    if !(1..=MAX_CUE_SECONDS).contains(&cue.seconds) {
        let found = format!("it stands for {} s", cue.seconds);
        let remedy = format!("Use 1 to {MAX_CUE_SECONDS} seconds.");
        return fault(Some(step), "cue", &found, &remedy);
    }
    Ok(())
}

fn text(step: Option<u32>, field: &str, text: &str, most: usize) -> Result<(), Invalid> {
    // The length in bytes is an upper bound of that in characters, and free.
    if text.len() <= most || text.chars().count() <= most {
        return Ok(());
    }
    let remedy = format!("Shorten it to {most} characters.");
    fault(step, field, "it is too long", &remedy)
}

fn fault(step: Option<u32>, field: &str, problem: &str, remedy: &str) -> Result<(), Invalid> {
    Err(Invalid {
        step,
        field: field.to_owned(),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    })
}

/// People count steps from one.
fn place(step: Option<u32>) -> String {
    step.map(|index| format!("step {}, ", u64::from(index) + 1))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Step;

    fn steady(seconds: u32, power: f64) -> Effort {
        Effort::Steady {
            seconds,
            power,
            cadence: None,
        }
    }

    fn at_cadence(low: u16, high: u16) -> Effort {
        Effort::FreeRide {
            seconds: 60,
            cadence: Some(Cadence { low, high }),
        }
    }

    fn intervals(repeat: u32, on: u32, off: u32) -> Effort {
        let part = |seconds| IntervalPart {
            seconds,
            from: 1.0,
            to: 1.0,
            cadence: None,
        };
        Effort::Intervals {
            repeat,
            on: part(on),
            off: part(off),
        }
    }

    fn workout(efforts: Vec<Effort>) -> Workout {
        let steps = efforts
            .into_iter()
            .map(|effort| Step {
                effort,
                cues: vec![],
            })
            .collect();
        Workout {
            name: "w".into(),
            author: None,
            description: String::new(),
            tags: vec![],
            steps,
        }
    }

    #[test]
    fn each_fault_names_its_step_and_value() {
        let cases = [
            (steady(60, 0.0), None),
            (steady(86_340, 4.0), None),
            (steady(0, 0.5), Some("seconds")),
            (steady(86_401, 0.5), Some("seconds")),
            (steady(86_400, 0.5), Some("seconds")), // together with the first step
            (steady(60, -0.1), Some("power")),
            (steady(60, 4.01), Some("power")),
            (steady(60, f64::NAN), Some("power")),
            (steady(60, f64::INFINITY), Some("power")),
            (at_cadence(1, 250), None),
            (at_cadence(0, 90), Some("cadence")),
            (at_cadence(90, 251), Some("cadence")),
            (at_cadence(91, 90), Some("cadence")),
            (intervals(500, 1, 0), None),
            (intervals(0, 1, 1), Some("repeat")),
            (intervals(501, 1, 1), Some("repeat")),
            (intervals(2, 0, 0), Some("seconds")),
            (intervals(500, 600, 0), Some("seconds")),
        ];
        for (effort, field) in cases {
            let outcome = workout(vec![steady(60, 0.5), effort.clone()]).validate();
            match (outcome, field) {
                (Ok(()), None) => {}
                (Err(fault), Some(field)) => {
                    assert_eq!(
                        (fault.step, fault.field.as_str()),
                        (Some(1), field),
                        "{effort:?}"
                    );
                    assert!(fault.to_string().starts_with("step 2, "), "{fault}");
                }
                (outcome, _) => panic!("{effort:?}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn faults_of_the_whole_are_found() {
        let good = workout(vec![steady(60, 0.5)]);
        let long = |n| "é".repeat(n);
        let cases = [
            (
                Workout {
                    name: long(MAX_NAME),
                    ..good.clone()
                },
                None,
            ),
            (
                Workout {
                    name: long(MAX_NAME + 1),
                    ..good.clone()
                },
                Some("name"),
            ),
            (
                Workout {
                    name: "  ".into(),
                    ..good.clone()
                },
                Some("name"),
            ),
            (
                Workout {
                    description: long(MAX_DESCRIPTION + 1),
                    ..good.clone()
                },
                Some("description"),
            ),
            (
                Workout {
                    tags: vec!["t".into(); MAX_TAGS + 1],
                    ..good.clone()
                },
                Some("tags"),
            ),
            (
                Workout {
                    tags: vec![long(MAX_TAG + 1)],
                    ..good.clone()
                },
                Some("tags"),
            ),
            (
                Workout {
                    steps: vec![],
                    ..good.clone()
                },
                Some("steps"),
            ),
            (workout(vec![steady(1, 0.5); MAX_STEPS + 1]), Some("steps")),
        ];
        for (workout, field) in cases {
            let found = workout.validate().err().map(|fault| fault.field);
            assert_eq!(found.as_deref(), field);
        }
    }
}
