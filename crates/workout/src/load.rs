//! What a workout will cost, before it is ridden.
//!
//! The plan is ridden on paper, second by second, and measured like a recorded ride
//! (see [`crate::power`]) with FTP as the unit.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::model::Workout;
use crate::power::{normalized_power, training_stress};
use crate::segment::{Segment, Target};
use crate::zone::Zone;

/// What a free ride is taken for: the middle of Endurance, as a fraction of FTP.
pub const FREE_RIDE: f64 = 0.65;

/// The most that an all-out effort is taken for, however short, as a fraction of FTP.
pub const MAX_EFFORT_CEILING: f64 = 2.5;

/// The work above FTP in an all-out effort, in seconds at FTP; see [`max_effort_power`].
const ANAEROBIC_SECONDS: f64 = 50.0;

/// The planned load of a workout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Load {
    /// Length in seconds.
    pub seconds: u32,
    /// Intensity factor: normalized power over FTP.
    pub intensity_factor: f64,
    /// Training stress: one hour at FTP is 100.
    pub tss: f64,
    /// Normalized power as a fraction of FTP; the mean power for less than 30 s.
    pub normalized: f64,
    /// Seconds in each zone, the easiest first; they add up to `seconds`.
    pub zone_seconds: [u32; 7],
    /// What an athlete would call the workout: the zone with the most stress, every second weighing
    /// the fourth power of its target. A power at a border counts for the lower zone here, and
    /// overs and unders are taken together.
    pub main_zone: Zone,
}

impl Load {
    /// The planned load of a workout. A free ride counts as [`FREE_RIDE`], an all-out effort as
    /// [`max_effort_power`] of its length.
    #[must_use]
    pub fn of(workout: &Workout) -> Self {
        let segments = workout.segments();
        let powers: Vec<f64> = segments.iter().flat_map(second_by_second).collect();
        let mut zone_seconds = [0u32; 7];
        let mut named = [ZoneTally::default(); 7];
        for power in &powers {
            if let Some(seconds) = zone_seconds.get_mut(place(Zone::of(*power))) {
                *seconds = seconds.saturating_add(1);
            }
            if let Some(tally) = named.get_mut(place(zone_by_name(*power))) {
                tally.add(*power);
            }
        }
        let seconds = workout.seconds();
        let normalized = normalized_power(powers.iter().copied().map(Some))
            .unwrap_or_else(|| powers.iter().sum::<f64>() / f64::from(seconds.max(1)));
        Self {
            seconds,
            intensity_factor: normalized,
            tss: training_stress(seconds, normalized),
            normalized,
            zone_seconds,
            main_zone: main_zone(&named),
        }
    }
}

/// The power that is assumed for an all-out effort of a length, as a fraction of FTP:
/// `1 + 50 s / length`, at most [`MAX_EFFORT_CEILING`]. That is the two-parameter critical power
/// model (H. Monod & J. Scherrer, Ergonomics 8, 1965) with FTP for critical power and a reserve of
/// 50 s at FTP, 12.5 kJ at 250 W: 30 s at 250 %, 1 min at 183 %, 5 min at 117 %, 20 min at 104 %.
#[must_use]
pub fn max_effort_power(seconds: u32) -> f64 {
    (1.0 + ANAEROBIC_SECONDS / f64::from(seconds.max(1))).min(MAX_EFFORT_CEILING)
}

/// Stress in one zone.
#[derive(Debug, Clone, Copy, Default)]
struct ZoneTally {
    /// Sum of the fourth powers, the weight that normalized power gives to a second.
    stress: f64,
    /// Sum of the powers, each weighted by its stress.
    weighted: f64,
}

impl ZoneTally {
    fn add(&mut self, power: f64) {
        let stress = power.powi(4);
        self.stress += stress;
        self.weighted += stress * power;
    }
}

/// What an athlete would call the workout: the zone with the most stress, every second weighing the
/// fourth power of its target as in normalized power. So five times 3 min at 115 % are VO2max work
/// however long the easy riding around them, and a few short sprints do not rename a long ride.
///
/// Overs and unders are one piece of work across a border: when the runner-up is the neighbour of
/// the first, both are Tempo or harder, and it holds at least half the stress of the first, the
/// stress-weighted mean power of the two decides.
fn main_zone(zones: &[ZoneTally; 7]) -> Zone {
    let mut ranked: Vec<(Zone, ZoneTally)> = Zone::ALL.into_iter().zip(*zones).collect();
    ranked.sort_by(|a, b| b.1.stress.total_cmp(&a.1.stress));
    let (Some((first, most)), Some((second, next))) = (ranked.first(), ranked.get(1)) else {
        return Zone::Recovery;
    };
    let neighbours = place(*first).abs_diff(place(*second)) == 1;
    let work = *first >= Zone::Tempo && *second >= Zone::Tempo;
    if neighbours && work && next.stress >= 0.5 * most.stress {
        zone_by_name((most.weighted + next.weighted) / (most.stress + next.stress))
    } else {
        *first
    }
}

/// The zone that a power is named after. Authors write the upper end of a zone and mean that zone:
/// "recovery at 55 %", "VO2max at 120 %", as in Coggan's table of whole percents (106 to 120).
fn zone_by_name(power: f64) -> Zone {
    const HALF_A_STEP: f64 = 0.000_05;
    Zone::of(power - HALF_A_STEP)
}

fn place(zone: Zone) -> usize {
    match zone {
        Zone::Recovery => 0,
        Zone::Endurance => 1,
        Zone::Tempo => 2,
        Zone::Threshold => 3,
        Zone::Vo2Max => 4,
        Zone::Anaerobic => 5,
        Zone::Neuromuscular => 6,
    }
}

/// The power in the middle of each second.
fn second_by_second(segment: &Segment) -> impl Iterator<Item = f64> {
    let assumed = match segment.target {
        Target::Max => max_effort_power(segment.seconds),
        Target::Free | Target::Power { .. } => FREE_RIDE,
    };
    (0..segment.seconds)
        .map(move |second| segment.power_at(f64::from(second) + 0.5).unwrap_or(assumed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Effort, IntervalPart, Step};

    fn load(efforts: &[Effort]) -> Load {
        let steps = efforts
            .iter()
            .map(|e| Step {
                effort: e.clone(),
                cues: vec![],
            })
            .collect();
        Load::of(&Workout {
            name: "w".into(),
            author: None,
            description: String::new(),
            tags: vec![],
            steps,
        })
    }

    fn steady(minutes: u32, power: f64) -> Effort {
        Effort::Steady {
            seconds: minutes * 60,
            power,
            cadence: None,
        }
    }

    fn ramp(minutes: u32, from: f64, to: f64) -> Effort {
        Effort::Ramp {
            seconds: minutes * 60,
            from,
            to,
            cadence: None,
        }
    }

    fn intervals(repeat: u32, on: (u32, f64), off: (u32, f64)) -> Effort {
        let part = |(seconds, power)| IntervalPart {
            seconds,
            from: power,
            to: power,
            cadence: None,
        };
        Effort::Intervals {
            repeat,
            on: part(on),
            off: part(off),
        }
    }

    #[test]
    fn an_hour_at_ftp_is_a_hundred() {
        let load = load(&[steady(60, 1.0)]);
        assert!((load.tss - 100.0).abs() < 1e-9 && (load.intensity_factor - 1.0).abs() < 1e-9);
        assert_eq!(load.zone_seconds, [0, 0, 0, 3600, 0, 0, 0]);
    }

    #[test]
    fn zone_seconds_of_a_ramp_follow_its_slope() {
        let load = load(&[ramp(10, 0.5, 0.6)]);
        assert_eq!(load.zone_seconds, [300, 300, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_main_zone_is_what_an_athlete_would_call_it() {
        let warm = ramp(10, 0.5, 0.75);
        let cool = ramp(8, 0.65, 0.45);
        let sprints = intervals(3, (10, 1.6), (50, 0.5));
        let cases: &[(&str, &[Effort], Zone)] = &[
            (
                "easy spin",
                &[ramp(5, 0.4, 0.5), steady(20, 0.5), ramp(5, 0.5, 0.4)],
                Zone::Recovery,
            ),
            (
                "recovery at the border",
                &[steady(30, 0.55)],
                Zone::Recovery,
            ),
            (
                "VO2max at the border",
                &[warm.clone(), intervals(6, (120, 1.2), (120, 0.5))],
                Zone::Vo2Max,
            ),
            (
                "endurance hour",
                &[warm.clone(), steady(45, 0.65), cool.clone()],
                Zone::Endurance,
            ),
            (
                "long ride with sprints",
                &[steady(120, 0.65), intervals(4, (10, 1.8), (170, 0.6))],
                Zone::Endurance,
            ),
            (
                "free ride",
                &[Effort::FreeRide {
                    seconds: 3600,
                    cadence: None,
                }],
                Zone::Endurance,
            ),
            (
                "tempo blocks",
                &[
                    warm.clone(),
                    intervals(3, (600, 0.8), (300, 0.55)),
                    steady(20, 0.65),
                ],
                Zone::Tempo,
            ),
            (
                "two by twenty after openers",
                &[
                    warm.clone(),
                    sprints,
                    intervals(2, (1200, 0.95), (300, 0.5)),
                    cool.clone(),
                ],
                Zone::Threshold,
            ),
            (
                "over-unders",
                &[
                    warm.clone(),
                    intervals(12, (120, 1.05), (120, 0.95)),
                    cool.clone(),
                ],
                Zone::Threshold,
            ),
            (
                "five by three in an endurance hour",
                &[
                    warm.clone(),
                    intervals(5, (180, 1.15), (180, 0.55)),
                    steady(20, 0.65),
                    cool.clone(),
                ],
                Zone::Vo2Max,
            ),
            (
                "one-minute repeats",
                &[
                    warm.clone(),
                    intervals(8, (60, 1.35), (180, 0.5)),
                    cool.clone(),
                ],
                Zone::Anaerobic,
            ),
            (
                "sprints in an hour",
                &[warm, intervals(8, (12, 2.0), (240, 0.55)), cool],
                Zone::Neuromuscular,
            ),
            (
                "twenty-minute test",
                &[
                    ramp(15, 0.5, 0.75),
                    Effort::MaxEffort {
                        seconds: 1200,
                        cadence: None,
                    },
                ],
                Zone::Threshold,
            ),
        ];
        for (name, efforts, zone) in cases {
            assert_eq!(load(efforts).main_zone, *zone, "{name}");
        }
    }

    #[test]
    fn nothing_and_next_to_nothing_have_a_load() {
        assert_eq!(load(&[]).tss, 0.0);
        let short = Effort::Steady {
            seconds: 10,
            power: 0.5,
            cadence: None,
        };
        assert!((load(&[short]).normalized - 0.5).abs() < 1e-12);
    }
}
