//! What is ridden: a warm-up, a main set of one kind, a cool-down.

use freewheel_workout::{Cadence, Cue, Effort, IntervalPart, Step};

use super::chance::Chance;

/// What a workout is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Recovery,
    Endurance,
    Tempo,
    SweetSpot,
    Threshold,
    OverUnder,
    Vo2Max,
    Anaerobic,
    Sprint,
    Cadence,
}

/// In turn, so that every kind is there in any dozen; endurance twice, as in a real library.
const KINDS: [Kind; 11] = [
    Kind::Endurance,
    Kind::Tempo,
    Kind::SweetSpot,
    Kind::Threshold,
    Kind::Recovery,
    Kind::Vo2Max,
    Kind::OverUnder,
    Kind::Endurance,
    Kind::Anaerobic,
    Kind::Sprint,
    Kind::Cadence,
];

/// Minutes that are not exceeded.
const LONGEST: u32 = 150 * 60;

pub(super) fn session(number: u32, chance: &mut Chance) -> (Kind, Vec<Step>) {
    let place = usize::try_from(number).unwrap_or(0) % KINDS.len();
    let kind = KINDS.get(place).copied().unwrap_or(Kind::Endurance);
    let mut steps = vec![ramp(chance.stepped(360, 900, 60), 0.42, 0.68)];
    let end = ramp(chance.stepped(240, 600, 60), 0.6, 0.4);
    let room = LONGEST - length(&steps) - length(std::slice::from_ref(&end));
    let blocks = chance.between(1, 4);
    for block in 1..=blocks {
        let mut set = main_set(kind, block, chance);
        if block == 1 {
            say(&mut set, "Settle in before you look at the clock");
        } else if block == blocks {
            say(&mut set, "The last block; leave nothing for the stairs");
        }
        if length(&steps) + length(&set) > room {
            break;
        }
        steps.extend(set);
    }
    // Short ones are filled up with easy riding.
    let missing = (20 * 60_u32).saturating_sub(length(&steps) + length(std::slice::from_ref(&end)));
    if missing > 0 {
        steps.push(steady(missing, 0.5, None));
    }
    steps.push(end);
    (kind, steps)
}

fn main_set(kind: Kind, block: u32, chance: &mut Chance) -> Vec<Step> {
    let rest = steady(chance.stepped(120, 300, 30), 0.5, None);
    match kind {
        Kind::Recovery => vec![steady(
            chance.stepped(480, 900, 60),
            chance.percent(44, 53),
            None,
        )],
        Kind::Endurance => vec![
            steady(
                chance.stepped(900, 2100, 60),
                chance.percent(60, 72),
                rpm(chance, 84),
            ),
            steady(60, 0.8, rpm(chance, 100)),
        ],
        Kind::Tempo => {
            vec![
                steady(
                    chance.stepped(480, 1200, 60),
                    chance.percent(77, 86),
                    rpm(chance, 82),
                ),
                rest,
            ]
        }
        Kind::SweetSpot => vec![steady(chance.stepped(480, 1200, 60), 0.9, None), rest],
        Kind::Threshold => {
            vec![
                steady(chance.stepped(360, 900, 60), chance.percent(95, 102), None),
                rest,
            ]
        }
        Kind::OverUnder => {
            let (low, high) = (chance.percent(88, 92), chance.percent(104, 108));
            let mut set: Vec<Step> = (0..chance.between(3, 6))
                .flat_map(|_| [steady(60, low, None), steady(60, high, None)])
                .collect();
            set.push(rest);
            set
        }
        Kind::Vo2Max => {
            let seconds = chance.stepped(120, 240, 30);
            let power = chance.percent(108, 117);
            vec![
                intervals(chance.between(3, 5), (seconds, power), (seconds, 0.5), 95),
                rest,
            ]
        }
        Kind::Anaerobic => {
            let power = chance.percent(125, 145);
            let seconds = chance.stepped(30, 60, 10);
            vec![
                intervals(
                    chance.between(4, 7),
                    (seconds, power),
                    (seconds * 3, 0.48),
                    100,
                ),
                rest,
            ]
        }
        Kind::Sprint => {
            let power = chance.percent(170, 200);
            let mut set = vec![
                intervals(
                    chance.between(3, 6),
                    (chance.between(12, 18), power),
                    (150, 0.45),
                    110,
                ),
                rest,
            ];
            if block == 1 && chance.once_in(4) {
                set.push(plain(Effort::FreeRide {
                    seconds: 300,
                    cadence: None,
                }));
            }
            if block == 1 && chance.once_in(4) {
                set.push(plain(Effort::MaxEffort {
                    seconds: 10,
                    cadence: None,
                }));
                set.push(steady(240, 0.45, None));
            }
            set
        }
        Kind::Cadence => [85, 95, 105]
            .into_iter()
            .map(|at| steady(chance.stepped(120, 240, 60), 0.68, rpm(chance, at)))
            .collect(),
    }
}

fn say(set: &mut [Step], text: &str) {
    if let Some(first) = set.first_mut() {
        first.cues.push(Cue {
            at: 5,
            seconds: 10,
            text: text.to_owned(),
        });
    }
}

fn rpm(chance: &mut Chance, about: u16) -> Option<Cadence> {
    let low = about.saturating_sub(if chance.once_in(2) { 5 } else { 0 });
    Some(Cadence { low, high: about })
}

fn intervals(repeat: u32, on: (u32, f64), off: (u32, f64), rpm: u16) -> Step {
    let part = |(seconds, power), cadence| IntervalPart {
        seconds,
        from: power,
        to: power,
        cadence,
    };
    plain(Effort::Intervals {
        repeat,
        on: part(
            on,
            Some(Cadence {
                low: rpm,
                high: rpm,
            }),
        ),
        off: part(off, None),
    })
}

fn steady(seconds: u32, power: f64, cadence: Option<Cadence>) -> Step {
    plain(Effort::Steady {
        seconds,
        power,
        cadence,
    })
}

fn ramp(seconds: u32, from: f64, to: f64) -> Step {
    plain(Effort::Ramp {
        seconds,
        from,
        to,
        cadence: None,
    })
}

fn plain(effort: Effort) -> Step {
    Step {
        effort,
        cues: Vec::new(),
    }
}

fn length(steps: &[Step]) -> u32 {
    steps.iter().map(|step| step.effort.seconds()).sum()
}
