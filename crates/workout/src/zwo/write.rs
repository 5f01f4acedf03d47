//! A workout as a ZWO file, so that other programs can ride it.

use std::fmt::Write as _;

use crate::model::{Cadence, Cue, Effort, IntervalPart, Step, Workout};

/// Writes a workout as ZWO. Reading it gives the same workout, as far as XML can hold it: control
/// characters are left out, tags come back in lower case and texts without blanks around them.
#[must_use]
pub fn write(workout: &Workout) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<workout_file>\n");
    if let Some(author) = &workout.author {
        line(&mut out, 1, &format!("<author>{}</author>", escape(author)));
    }
    line(
        &mut out,
        1,
        &format!("<name>{}</name>", escape(&workout.name)),
    );
    let description = escape(&workout.description);
    line(
        &mut out,
        1,
        &format!("<description>{description}</description>"),
    );
    line(&mut out, 1, "<sportType>bike</sportType>");
    if !workout.tags.is_empty() {
        line(&mut out, 1, "<tags>");
        for tag in &workout.tags {
            line(&mut out, 2, &format!("<tag name=\"{}\"/>", escape(tag)));
        }
        line(&mut out, 1, "</tags>");
    }
    line(&mut out, 1, "<workout>");
    for step in &workout.steps {
        write_step(&mut out, step);
    }
    line(&mut out, 1, "</workout>");
    out.push_str("</workout_file>\n");
    out
}

fn write_step(out: &mut String, step: &Step) {
    let (name, attributes) = element(&step.effort);
    if step.cues.is_empty() {
        line(out, 2, &format!("<{name}{attributes}/>"));
        return;
    }
    line(out, 2, &format!("<{name}{attributes}>"));
    for Cue { at, seconds, text } in &step.cues {
        let text = escape(text);
        let event =
            format!("<textevent timeoffset=\"{at}\" message=\"{text}\" duration=\"{seconds}\"/>");
        line(out, 3, &event);
    }
    line(out, 2, &format!("</{name}>"));
}

fn element(effort: &Effort) -> (&'static str, String) {
    match effort {
        Effort::Steady {
            seconds,
            power,
            cadence,
        } => {
            let rpm = rpm(*cadence);
            (
                "SteadyState",
                format!(" Duration=\"{seconds}\" Power=\"{power}\"{rpm}"),
            )
        }
        Effort::Ramp {
            seconds,
            from,
            to,
            cadence,
        } => {
            let rpm = rpm(*cadence);
            let powers = format!(" PowerLow=\"{from}\" PowerHigh=\"{to}\"");
            ("Ramp", format!(" Duration=\"{seconds}\"{powers}{rpm}"))
        }
        Effort::Intervals { repeat, on, off } => {
            let lengths = format!(
                " OnDuration=\"{}\" OffDuration=\"{}\"",
                on.seconds, off.seconds
            );
            let powers = [half(on, "On"), half(off, "Off")].concat();
            // The format has no range for the rest.
            let rest = off
                .cadence
                .map(|cadence| u32::from(cadence.low).midpoint(cadence.high.into()));
            let rest = rest
                .map(|rpm| format!(" CadenceResting=\"{rpm}\""))
                .unwrap_or_default();
            let cadence = rpm(on.cadence);
            (
                "IntervalsT",
                format!(" Repeat=\"{repeat}\"{lengths}{powers}{cadence}{rest}"),
            )
        }
        Effort::FreeRide { seconds, cadence } => (
            "FreeRide",
            format!(" Duration=\"{seconds}\"{}", rpm(*cadence)),
        ),
        Effort::MaxEffort { seconds, cadence } => (
            "MaxEffort",
            format!(" Duration=\"{seconds}\"{}", rpm(*cadence)),
        ),
    }
}

fn half(part: &IntervalPart, name: &str) -> String {
    let IntervalPart { from, to, .. } = part;
    if from == to {
        format!(" {name}Power=\"{from}\"")
    } else {
        format!(" Power{name}Low=\"{from}\" Power{name}High=\"{to}\"")
    }
}

fn rpm(cadence: Option<Cadence>) -> String {
    match cadence {
        None => String::new(),
        Some(Cadence { low, high }) if low == high => format!(" Cadence=\"{low}\""),
        Some(Cadence { low, high }) => format!(" CadenceLow=\"{low}\" CadenceHigh=\"{high}\""),
    }
}

fn line(out: &mut String, depth: usize, text: &str) {
    // Writing to a String never fails.
    let _ = writeln!(out, "{:width$}{text}", "", width = depth * 4);
}

/// Escapes for text and attributes alike. A line break is written as a reference, since a reader
/// makes a blank of a bare one inside an attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            // XML 1.0, section 2.2: these cannot be written at all.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
