//! Normalized Power, intensity factor and training stress of a recorded ride.
//!
//! Source: A. Coggan, in H. Allen & A. Coggan, *Training and Racing with a Power Meter*, 2nd ed.,
//! chapter 7: the fourth root of the mean of the fourth powers of the 30 s rolling mean;
//! IF = NP / FTP; TSS = seconds × NP × IF / (FTP × 3600) × 100.

use std::collections::VecDeque;

/// The length of the rolling mean, in seconds.
pub const WINDOW: usize = 30;

/// The fewest readings that may stand for a window.
const LEAST_READINGS: u32 = 15;

/// Normalized Power of samples taken once a second, in the unit of the samples; `None` is a second
/// without a reading.
///
/// - The rolling mean begins when 30 s have passed: the first 30 s count only through the windows
///   that hold them. A ride shorter than 30 s has no Normalized Power.
/// - A gap is neither zero nor guessed: a window is the mean of the readings that it holds. A window
///   with fewer than 15 readings is left out, so that one reading cannot stand for half a minute.
/// - A reading that is negative or not a number counts as a gap.
#[must_use]
pub fn normalized_power(samples: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let mut window: VecDeque<Option<f64>> = VecDeque::with_capacity(WINDOW);
    // Sum and number of the readings in the window. The sum drifts by some 1e-13 a sample.
    let (mut sum, mut count) = (0.0, 0u32);
    let (mut fourth_powers, mut windows) = (0.0, 0.0);
    for sample in samples {
        if window.len() == WINDOW
            && let Some(Some(oldest)) = window.pop_front()
        {
            sum -= oldest;
            count -= 1;
        }
        let reading = sample.filter(|watts| *watts >= 0.0 && watts.is_finite());
        window.push_back(reading);
        if let Some(watts) = reading {
            sum += watts;
            count += 1;
        }
        if window.len() == WINDOW && count >= LEAST_READINGS {
            let mean = sum / f64::from(count);
            let square: f64 = mean * mean;
            fourth_powers += square * square;
            windows += 1.0;
        }
    }
    (windows > 0.0).then(|| f64::powf(fourth_powers / windows, 0.25))
}

/// Intensity factor: Normalized Power over FTP, both in watts. `None` without a usable FTP.
#[must_use]
pub fn intensity_factor(normalized: f64, ftp: f64) -> Option<f64> {
    (normalized.is_finite() && ftp.is_finite() && ftp > 0.0).then(|| normalized / ftp)
}

/// Training stress of `seconds` at an intensity factor: one hour at FTP is 100.
#[must_use]
pub fn training_stress(seconds: u32, intensity_factor: f64) -> f64 {
    f64::from(seconds) * intensity_factor.powi(2) / 36.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn steady_power_normalizes_to_itself() {
        let np = normalized_power(vec![Some(200.0); 3600]).unwrap();
        assert!(close(np, 200.0));
        let factor = intensity_factor(np, 250.0).unwrap();
        assert!(close(factor, 0.8));
        assert!(close(training_stress(3600, factor), 64.0));
        assert!(close(training_stress(3600, 1.0), 100.0));
    }

    #[test]
    fn short_rides_have_none_and_thirty_seconds_are_enough() {
        assert_eq!(normalized_power(vec![Some(200.0); 29]), None);
        assert!(close(
            normalized_power(vec![Some(200.0); 30]).unwrap(),
            200.0
        ));
        assert_eq!(normalized_power([]), None);
    }

    #[test]
    fn two_windows_by_hand() {
        // Windows: 30 × 100 W = 100; 29 × 100 + 400 = 110. Mean of the fourth powers, fourth root.
        let mut samples = vec![Some(100.0); 30];
        samples.push(Some(400.0));
        let expected = f64::midpoint(100f64.powi(4), 110f64.powi(4)).powf(0.25);
        assert!(close(normalized_power(samples).unwrap(), expected));
    }

    #[test]
    fn variable_power_weighs_more_than_its_mean() {
        let samples = (0..3600).map(|s| Some(if s / 60 % 2 == 0 { 300.0 } else { 100.0 }));
        let np = normalized_power(samples).unwrap();
        assert!(np > 220.0 && np < 260.0, "{np}");
    }

    #[test]
    fn gaps_are_neither_zero_nor_guessed() {
        let one_in_two = (0..600).map(|s| (s % 2 == 0).then_some(200.0));
        assert!(close(normalized_power(one_in_two).unwrap(), 200.0));
        let broken = [Some(f64::NAN), Some(-1.0), None];
        assert_eq!(normalized_power(broken.into_iter().cycle().take(600)), None);
        let mostly_gone = (0..600).map(|s| (s % 3 == 0).then_some(200.0));
        assert_eq!(normalized_power(mostly_gone), None);
    }

    #[test]
    fn no_intensity_without_an_ftp() {
        assert_eq!(intensity_factor(200.0, 0.0), None);
        assert_eq!(intensity_factor(200.0, f64::NAN), None);
    }
}
