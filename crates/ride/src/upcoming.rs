//! What comes next, in the words of the ride screen.

use freewheel_workout::{Segment, Target, Zone};

use crate::rounding;

/// The line for the segment that follows, or for the end of the workout.
/// `watts` turns a fraction of FTP into what will be asked.
pub(crate) fn words(next: Option<&Segment>, watts: impl Fn(f64) -> u16) -> String {
    let Some(segment) = next else {
        return "Next: finish".to_owned();
    };
    let length = clock(segment.seconds);
    match segment.target {
        Target::Free => format!("Next: {length} free ride"),
        Target::Max => format!("Next: {length} all out"),
        Target::Power { from, to } => {
            let (first, last) = (watts(from), watts(to));
            let easy = if Zone::of(from.max(to)) == Zone::Recovery {
                " easy"
            } else {
                ""
            };
            if first == last {
                format!("Next: {length}{easy} at {first} W")
            } else {
                format!("Next: {length}{easy} from {first} to {last} W")
            }
        }
    }
}

/// A fraction of FTP at an intensity, in whole watts.
pub(crate) fn watts(fraction: f64, ftp: u16, intensity: u16) -> u16 {
    rounding::to_u16(fraction * f64::from(ftp) * f64::from(intensity) / 100.0)
}

fn clock(seconds: u32) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_segment_in_plain_words() {
        let power = |from, to| Target::Power { from, to };
        for (seconds, target, expected) in [
            (180, power(1.06, 1.06), "Next: 3:00 at 212 W"),
            (30, power(0.475, 0.475), "Next: 0:30 easy at 95 W"),
            (600, power(0.5, 0.75), "Next: 10:00 from 100 to 150 W"),
            (300, power(0.5, 0.25), "Next: 5:00 easy from 100 to 50 W"),
            (3661, Target::Free, "Next: 1:01:01 free ride"),
            (15, Target::Max, "Next: 0:15 all out"),
        ] {
            let segment = Segment {
                start: 0,
                seconds,
                target,
                cadence: None,
                step: 0,
            };
            assert_eq!(words(Some(&segment), |f| watts(f, 200, 100)), expected);
        }
        assert_eq!(words(None, |_| 0), "Next: finish");
    }
}
