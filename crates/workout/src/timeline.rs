//! From steps to absolute times: segments, cues and lengths.
//!
//! Everything here is bounded by [`MAX_SECONDS`], also for a workout that was never validated.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::limits::MAX_SECONDS;
use crate::model::{Cadence, Effort, IntervalPart, Workout};
use crate::segment::{Segment, Target};

/// A cue with its place in the whole workout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TimedCue {
    /// Seconds from the start of the workout.
    pub at: u32,
    /// How long it stands, in seconds.
    pub seconds: u32,
    /// The text.
    pub text: String,
}

impl Workout {
    /// The length in seconds: the sum of the segments.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        self.steps
            .iter()
            .fold(0u32, |sum, step| sum.saturating_add(step.effort.seconds()))
            .min(MAX_SECONDS)
    }

    /// The workout as it is ridden: repeats unrolled, parts without length skipped, without gaps,
    /// cut at [`MAX_SECONDS`].
    #[must_use]
    pub fn segments(&self) -> Vec<Segment> {
        let mut unrolled = Unrolled::default();
        for (step, index) in self.steps.iter().zip(0u32..) {
            unrolled.effort(&step.effort, index);
        }
        unrolled.segments
    }

    /// Every cue with its absolute time, in order of time. A cue may reach into the step after its
    /// own; those at or past the end of the workout are left out.
    #[must_use]
    pub fn cues(&self) -> Vec<TimedCue> {
        let end = self.seconds();
        let mut start = 0u32;
        let mut cues = Vec::new();
        for step in &self.steps {
            for cue in &step.cues {
                let at = start.saturating_add(cue.at);
                if at < end {
                    cues.push(TimedCue {
                        at,
                        seconds: cue.seconds,
                        text: cue.text.clone(),
                    });
                }
            }
            start = start.saturating_add(step.effort.seconds());
        }
        cues.sort_by_key(|cue| cue.at);
        cues
    }
}

impl Effort {
    /// The length of the step in seconds, repeats included.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        match self {
            Self::Steady { seconds, .. }
            | Self::Ramp { seconds, .. }
            | Self::FreeRide { seconds, .. }
            | Self::MaxEffort { seconds, .. } => *seconds,
            Self::Intervals { repeat, on, off } => on
                .seconds
                .saturating_add(off.seconds)
                .saturating_mul(*repeat),
        }
    }
}

impl Segment {
    /// The power to hold `offset` seconds into the segment, as a fraction of FTP; `None` without a
    /// power target. Offsets outside the segment count as its nearer end.
    #[must_use]
    pub fn power_at(&self, offset: f64) -> Option<f64> {
        match self.target {
            Target::Power { from, to } => {
                let share = (offset / f64::from(self.seconds.max(1))).clamp(0.0, 1.0);
                // A NaN offset passes through clamp.
                let share = if share.is_nan() { 0.0 } else { share };
                Some(from + (to - from) * share)
            }
            Target::Free | Target::Max => None,
        }
    }

    /// Seconds from the start of the workout to the end of the segment.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.start.saturating_add(self.seconds)
    }
}

#[derive(Default)]
struct Unrolled {
    segments: Vec<Segment>,
    end: u32,
}

impl Unrolled {
    fn effort(&mut self, effort: &Effort, step: u32) {
        match effort {
            Effort::Steady {
                seconds,
                power,
                cadence,
            } => {
                self.push(
                    step,
                    *seconds,
                    Target::Power {
                        from: *power,
                        to: *power,
                    },
                    *cadence,
                );
            }
            Effort::Ramp {
                seconds,
                from,
                to,
                cadence,
            } => {
                self.push(
                    step,
                    *seconds,
                    Target::Power {
                        from: *from,
                        to: *to,
                    },
                    *cadence,
                );
            }
            Effort::Intervals { repeat, on, off } => {
                // Without this a set of nothing could turn four billion times.
                if on.seconds == 0 && off.seconds == 0 {
                    return;
                }
                for _ in 0..*repeat {
                    if self.end >= MAX_SECONDS {
                        return;
                    }
                    self.part(on, step);
                    self.part(off, step);
                }
            }
            Effort::FreeRide { seconds, cadence } => {
                self.push(step, *seconds, Target::Free, *cadence);
            }
            Effort::MaxEffort { seconds, cadence } => {
                self.push(step, *seconds, Target::Max, *cadence);
            }
        }
    }

    fn part(&mut self, part: &IntervalPart, step: u32) {
        let target = Target::Power {
            from: part.from,
            to: part.to,
        };
        self.push(step, part.seconds, target, part.cadence);
    }

    fn push(&mut self, step: u32, seconds: u32, target: Target, cadence: Option<Cadence>) {
        let seconds = seconds.min(MAX_SECONDS.saturating_sub(self.end));
        if seconds > 0 {
            self.segments.push(Segment {
                start: self.end,
                seconds,
                target,
                cadence,
                step,
            });
            self.end = self.end.saturating_add(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cue, Step};

    fn step(effort: Effort) -> Step {
        Step {
            effort,
            cues: vec![],
        }
    }

    fn workout(steps: Vec<Step>) -> Workout {
        Workout {
            name: "w".into(),
            author: None,
            description: String::new(),
            tags: vec![],
            steps,
        }
    }

    fn part(seconds: u32, power: f64) -> IntervalPart {
        IntervalPart {
            seconds,
            from: power,
            to: power,
            cadence: None,
        }
    }

    #[test]
    fn repeats_unroll_into_contiguous_segments_and_empty_parts_vanish() {
        let w = workout(vec![
            step(Effort::Ramp {
                seconds: 60,
                from: 0.5,
                to: 0.7,
                cadence: None,
            }),
            step(Effort::Intervals {
                repeat: 2,
                on: part(30, 1.2),
                off: part(10, 0.5),
            }),
            step(Effort::Intervals {
                repeat: 2,
                on: part(5, 2.0),
                off: part(0, 0.5),
            }),
            step(Effort::FreeRide {
                seconds: 20,
                cadence: None,
            }),
        ]);
        let spans: Vec<_> = w
            .segments()
            .iter()
            .map(|s| (s.start, s.seconds, s.step))
            .collect();
        let expected = [
            (0, 60, 0),
            (60, 30, 1),
            (90, 10, 1),
            (100, 30, 1),
            (130, 10, 1),
            (140, 5, 2),
            (145, 5, 2),
            (150, 20, 3),
        ];
        assert_eq!(spans, expected);
        assert_eq!(w.seconds(), 170);
    }

    #[test]
    fn absurd_workouts_stay_bounded() {
        let cases = [
            Effort::Intervals {
                repeat: u32::MAX,
                on: part(0, 1.0),
                off: part(0, 1.0),
            },
            Effort::Intervals {
                repeat: u32::MAX,
                on: part(1, 1.0),
                off: part(0, 1.0),
            },
            Effort::Intervals {
                repeat: 3,
                on: part(u32::MAX, 1.0),
                off: part(u32::MAX, 1.0),
            },
            Effort::Steady {
                seconds: u32::MAX,
                power: 1.0,
                cadence: None,
            },
        ];
        for effort in cases {
            let w = workout(vec![step(effort.clone()), step(effort)]);
            let sum: u32 = w.segments().iter().map(|s| s.seconds).sum();
            assert_eq!(sum, w.seconds());
            assert!(sum <= MAX_SECONDS);
        }
    }

    #[test]
    fn power_follows_the_ramp_and_stops_at_its_ends() {
        let segment = Segment {
            start: 10,
            seconds: 100,
            target: Target::Power { from: 0.5, to: 1.0 },
            cadence: None,
            step: 0,
        };
        let cases = [
            (-5.0, 0.5),
            (0.0, 0.5),
            (50.0, 0.75),
            (100.0, 1.0),
            (1e9, 1.0),
            (f64::NAN, 0.5),
        ];
        for (offset, power) in cases {
            assert_eq!(segment.power_at(offset), Some(power), "at {offset}");
        }
        assert_eq!(
            Segment {
                target: Target::Free,
                ..segment
            }
            .power_at(1.0),
            None
        );
    }

    #[test]
    fn cues_get_absolute_times_in_order_and_none_stands_past_the_end() {
        let cue = |at, text: &str| Cue {
            at,
            seconds: 10,
            text: text.into(),
        };
        let effort = Effort::Steady {
            seconds: 60,
            power: 0.6,
            cadence: None,
        };
        let w = workout(vec![
            Step {
                effort: effort.clone(),
                cues: vec![cue(70, "late"), cue(5, "early")],
            },
            Step {
                effort,
                cues: vec![cue(0, "second"), cue(60, "past")],
            },
        ]);
        let cues: Vec<_> = w.cues().into_iter().map(|c| (c.at, c.text)).collect();
        let expected = [
            (5, "early".to_owned()),
            (60, "second".into()),
            (70, "late".into()),
        ];
        assert_eq!(cues, expected);
    }
}
