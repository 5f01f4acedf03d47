//! From the corners of a power profile to steps.

use crate::model::Effort;

/// A point where the profile bends or jumps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corner {
    /// Seconds from the start.
    pub at: u32,
    /// Fraction of FTP.
    pub power: f64,
    /// The line in the file.
    pub line: u32,
}

/// The steps between the corners, and the line where each begins. Corners at the same time are a
/// jump. Pieces that lie on one line are one step.
pub fn steps(corners: &[Corner]) -> (Vec<Effort>, Vec<u32>) {
    let mut pieces: Vec<(Corner, Corner)> = Vec::new();
    for (from, to) in corners.iter().zip(corners.iter().skip(1)) {
        if to.at <= from.at {
            continue;
        }
        match pieces.last_mut() {
            Some((start, end)) if goes_on(start, end, from, to) => *end = *to,
            _ => pieces.push((*from, *to)),
        }
    }
    pieces
        .iter()
        .map(|(from, to)| (effort(from, to), from.line))
        .unzip()
}

fn goes_on(start: &Corner, end: &Corner, from: &Corner, to: &Corner) -> bool {
    let slope =
        |a: &Corner, b: &Corner| (b.power - a.power) / f64::from(b.at.saturating_sub(a.at).max(1));
    let joined = (end.power - from.power).abs() < 1e-9;
    let before = slope(start, end);
    let after = slope(from, to);
    // A flat piece goes on flat only; times are whole seconds, so slopes are compared by where the
    // line would end: within half a percent of FTP.
    let flat = start.power == end.power;
    let reach = f64::from(to.at.saturating_sub(from.at));
    joined && flat == (from.power == to.power) && ((before - after) * reach).abs() < 0.005
}

fn effort(from: &Corner, to: &Corner) -> Effort {
    let seconds = to.at.saturating_sub(from.at);
    if from.power == to.power {
        Effort::Steady {
            seconds,
            power: from.power,
            cadence: None,
        }
    } else {
        Effort::Ramp {
            seconds,
            from: from.power,
            to: to.power,
            cadence: None,
        }
    }
}
