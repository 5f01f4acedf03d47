//! Totals of a ride, or of a part of one.

use freewheel_workout::power;
use jiff::Timestamp;

use crate::journal::{RecordedRide, RideSummary, Sample};
use crate::rounding::{count, to_u8, to_u16, to_u32};

/// What is shown of a recorded ride.
///
/// Every sample is one second. Seconds in which a number was not measured do not count for that
/// number; cadence leaves out standstill. A pause at the very end belongs to no one.
#[must_use]
pub fn summarise(ride: &RecordedRide) -> RideSummary {
    let end = ride
        .samples
        .last()
        .map_or(ride.header.started_at, |last| last.at);
    totals(
        &ride.samples,
        ride.header.started_at,
        end,
        ride.header.ftp_watts,
    )
}

/// Totals of these samples, which took from `start` to `end` with pauses.
#[must_use]
pub fn totals(samples: &[Sample], start: Timestamp, end: Timestamp, ftp_watts: u16) -> RideSummary {
    let seconds = count(samples.len());
    let with_pauses = to_u32(end.duration_since(start).as_secs_f64().max(0.0));
    let watts = samples.iter().filter_map(|sample| sample.power);
    let normalized =
        power::normalized_power(samples.iter().map(|sample| sample.power.map(f64::from)));
    let intensity = normalized.and_then(|np| power::intensity_factor(np, f64::from(ftp_watts)));
    let turning = samples
        .iter()
        .filter_map(|sample| sample.cadence)
        .filter(|rpm| *rpm > 0);
    let beats = samples.iter().filter_map(|sample| sample.heart_rate);
    RideSummary {
        seconds,
        elapsed_seconds: with_pauses.max(seconds),
        average_power: mean(watts.clone().map(f64::from)).map(to_u16),
        max_power: watts.clone().max(),
        normalized_power: normalized.map(to_u16),
        intensity_factor: intensity,
        tss: intensity.map(|factor| power::training_stress(seconds, factor)),
        work_kj: watts
            .clone()
            .next()
            .map(|_| watts.map(f64::from).sum::<f64>() / 1000.0),
        average_cadence: mean(turning.map(f64::from)).map(to_u8),
        average_heart_rate: mean(beats.clone().map(f64::from)).map(to_u8),
        max_heart_rate: beats.max(),
    }
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = numbers.fold((0.0, 0.0), |(sum, n), number| (sum + number, n + 1.0));
    (n > 0.0).then(|| sum / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{header, moment};

    fn sample(second: u32, power: Option<u16>, cadence: Option<u8>, beats: Option<u8>) -> Sample {
        Sample {
            second,
            at: moment(i64::from(second) + 1),
            position: second,
            power,
            target: None,
            cadence,
            heart_rate: beats,
            speed: None,
        }
    }

    fn ride(seconds: u32, each: impl Fn(u32) -> Sample) -> RideSummary {
        summarise(&RecordedRide {
            header: header(),
            samples: (0..seconds).map(each).collect(),
            events: vec![],
        })
    }

    #[test]
    fn an_hour_at_ftp_is_a_hundred() {
        let hour = ride(3600, |s| sample(s, Some(200), Some(90), Some(150)));
        assert_eq!((hour.seconds, hour.elapsed_seconds), (3600, 3600));
        assert_eq!((hour.average_power, hour.max_power), (Some(200), Some(200)));
        assert_eq!(hour.normalized_power, Some(200));
        let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-9;
        assert!(close(hour.intensity_factor, 1.0) && close(hour.tss, 100.0));
        assert!(close(hour.work_kj, 720.0));
    }

    #[test]
    fn what_was_not_measured_does_not_count_and_standstill_is_no_cadence() {
        let half = ride(10, |s| match s {
            0..5 => sample(s, Some(100 + 10 * s as u16), Some(90), Some(120 + s as u8)),
            5..8 => sample(s, None, Some(0), None),
            _ => sample(s, None, None, None),
        });
        assert_eq!((half.average_power, half.max_power), (Some(120), Some(140)));
        assert_eq!(
            (half.normalized_power, half.tss),
            (None, None),
            "too short for either"
        );
        assert_eq!(half.average_cadence, Some(90));
        assert_eq!(
            (half.average_heart_rate, half.max_heart_rate),
            (Some(122), Some(124))
        );
        assert!((half.work_kj.unwrap() - 0.6).abs() < 1e-9);
    }

    #[test]
    fn nothing_ridden_has_no_numbers() {
        let none = ride(0, |s| sample(s, None, None, None));
        assert_eq!((none.seconds, none.elapsed_seconds), (0, 0));
        assert_eq!(
            (none.average_power, none.max_power, none.work_kj),
            (None, None, None)
        );
        assert_eq!(
            (none.average_cadence, none.average_heart_rate),
            (None, None)
        );
    }

    #[test]
    fn pauses_count_for_the_length_with_pauses_alone() {
        let paused = ride(10, |s| {
            let late = if s >= 5 { 60 } else { 0 };
            Sample {
                at: moment(i64::from(s) + 1 + late),
                ..sample(s, Some(100), None, None)
            }
        });
        assert_eq!((paused.seconds, paused.elapsed_seconds), (10, 70));
    }
}
