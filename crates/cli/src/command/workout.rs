//! A workout as text.

use freewheel_sync::view::WorkoutDetail;
use freewheel_workout::{Cadence, Effort, IntervalPart, Step, Zone};

use crate::words::{length, plain, zone};

/// A workout in full: totals, steps with cues, time in zones.
pub fn in_full(detail: &WorkoutDetail) -> String {
    let card = &detail.card;
    let mut lines = vec![plain(&card.name)];
    let mut totals = vec![
        length(card.seconds),
        format!("TSS {:.0}", card.tss),
        format!("IF {:.2}", card.intensity_factor),
        format!("zone {}", zone(card.zone)),
    ];
    totals.extend(card.author.as_ref().map(|author| format!("by {author}")));
    totals.extend(card.own.then(|| "own file".to_owned()));
    lines.push(plain(&totals.join(" · ")));
    if !detail.rideable {
        lines.push(
            "Locked for now: `freewheel status` says why. Your own files always ride.".to_owned(),
        );
    }
    if !detail.workout.description.is_empty() {
        lines.push(String::new());
        lines.extend(detail.workout.description.lines().map(plain));
    }
    lines.push(String::new());
    for step in &detail.workout.steps {
        lines.extend(self::step(step));
    }
    lines.push(String::new());
    let zones = Zone::ALL
        .into_iter()
        .zip(&detail.zone_seconds)
        .filter(|(_, seconds)| **seconds > 0);
    lines.extend(zones.map(|(z, seconds)| format!("  {:<17}{:>8}", zone(z), length(*seconds))));
    lines.push(String::new());
    lines.push(format!("Ride it: freewheel ride {}", plain(&card.id)));
    lines.join("\n")
}

fn step(step: &Step) -> Vec<String> {
    let (seconds, what) = match &step.effort {
        Effort::Steady {
            seconds,
            power,
            cadence,
        } => (*seconds, format!("{}{}", percent(*power), at(*cadence))),
        Effort::Ramp {
            seconds,
            from,
            to,
            cadence,
        } => (
            *seconds,
            format!("{} to {}{}", percent(*from), percent(*to), at(*cadence)),
        ),
        Effort::Intervals { repeat, on, off } => {
            let seconds = on
                .seconds
                .saturating_add(off.seconds)
                .saturating_mul(*repeat);
            (seconds, format!("{repeat} × {} / {}", part(on), part(off)))
        }
        Effort::FreeRide { seconds, cadence } => (*seconds, format!("free{}", at(*cadence))),
        Effort::MaxEffort { seconds, cadence } => (*seconds, format!("all out{}", at(*cadence))),
    };
    let mut lines = vec![format!("  {:>8}  {what}", length(seconds))];
    lines.extend(
        step.cues
            .iter()
            .map(|cue| format!("            {} {}", length(cue.at), plain(&cue.text))),
    );
    lines
}

fn part(part: &IntervalPart) -> String {
    let power = if (part.from - part.to).abs() < f64::EPSILON {
        percent(part.from)
    } else {
        format!("{} to {}", percent(part.from), percent(part.to))
    };
    format!("{} {power}{}", length(part.seconds), at(part.cadence))
}

fn percent(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

fn at(cadence: Option<Cadence>) -> String {
    match cadence {
        None => String::new(),
        Some(Cadence { low, high }) if low == high => format!(" at {low} rpm"),
        Some(Cadence { low, high }) => format!(" at {low}–{high} rpm"),
    }
}
