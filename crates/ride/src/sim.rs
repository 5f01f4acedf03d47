//! A rider on a trainer, simulated: for trying things out and for tests, always labelled as such.

use std::time::Duration;

use crate::rounding::{to_u8, to_u16};
use crate::trainer::{Reading, Setpoint, Trainer};

/// Follows its setpoint the way legs and a flywheel do: late, unevenly, with a heart that is later still.
/// The same seed and the same calls give the same numbers.
#[derive(Debug, Clone)]
pub struct SimulatedTrainer {
    setpoint: Setpoint,
    asked_cadence: Option<u8>,
    noise: Noise,
    power: f64,
    cadence: f64,
    heart_rate: f64,
    speed: f64,
}

/// What the rider holds when nothing is asked, in watts.
const OWN_POWER: f64 = 130.0;
/// What the rider pedals when nothing is asked, in rpm.
const OWN_CADENCE: f64 = 88.0;
/// Heart rate off the bike, in beats per minute.
const RESTING_HEART_RATE: f64 = 78.0;
/// Heart rate that no effort exceeds.
const HIGHEST_HEART_RATE: f64 = 188.0;
/// Beats per minute that each watt adds once the heart has caught up.
const BEATS_PER_WATT: f64 = 0.33;
/// Time in seconds in which each number covers 63 % of the way to where it tends.
const POWER_LAG: f64 = 1.2;
const CADENCE_LAG: f64 = 1.5;
const HEART_RATE_LAG: f64 = 35.0;
const SPEED_LAG: f64 = 4.0;

impl SimulatedTrainer {
    /// A rider who is off the pedals.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            setpoint: Setpoint::Rest,
            asked_cadence: None,
            noise: Noise(seed),
            power: 0.0,
            cadence: 0.0,
            heart_rate: RESTING_HEART_RATE,
            speed: 0.0,
        }
    }
}

impl Trainer for SimulatedTrainer {
    fn name(&self) -> &str {
        "Simulated trainer"
    }

    fn simulated(&self) -> bool {
        true
    }

    fn set(&mut self, setpoint: Setpoint, cadence: Option<u8>) {
        self.setpoint = setpoint;
        self.asked_cadence = cadence;
    }

    fn read(&mut self, elapsed: Duration) -> Reading {
        let seconds = elapsed.as_secs_f64();
        let (power, cadence) = match self.setpoint {
            Setpoint::Power(watts) => (f64::from(watts), self.wanted_cadence()),
            Setpoint::Free => (OWN_POWER, self.wanted_cadence()),
            Setpoint::Rest => (0.0, 0.0),
        };
        approach(&mut self.power, power, seconds / POWER_LAG);
        approach(&mut self.cadence, cadence, seconds / CADENCE_LAG);
        let heart_rate = (RESTING_HEART_RATE + BEATS_PER_WATT * self.power).min(HIGHEST_HEART_RATE);
        approach(&mut self.heart_rate, heart_rate, seconds / HEART_RATE_LAG);
        approach(&mut self.speed, flat_speed(self.power), seconds / SPEED_LAG);

        let pedalling = self.cadence >= 15.0;
        let unevenness = if pedalling { self.noise.next() } else { 0.0 };
        let sway = if pedalling { self.noise.next() } else { 0.0 };
        Reading {
            power: Some(if pedalling {
                to_u16(self.power * (1.0 + 0.03 * unevenness))
            } else {
                0
            }),
            cadence: Some(if pedalling { to_u8(self.cadence + sway) } else { 0 }),
            heart_rate: Some(to_u8(self.heart_rate)),
            #[allow(clippy::cast_possible_truncation)] // a speed needs no more digits
            speed: Some(self.speed as f32),
        }
    }
}

impl SimulatedTrainer {
    fn wanted_cadence(&self) -> f64 {
        self.asked_cadence.map_or(OWN_CADENCE, f64::from)
    }
}

fn approach(value: &mut f64, goal: f64, share_of_lag: f64) {
    *value = goal + (*value - goal) * (-share_of_lag).exp();
}

/// Speed on the flat without wind, in m/s: the power against air and rolling resistance of a rider on
/// the hoods, `P = 0.19 v³ + 3.2 v` (half air density × CdA 0.31; Crr 0.004 × 82 kg × g), by Newton's method.
fn flat_speed(power: f64) -> f64 {
    if power <= 0.0 {
        return 0.0;
    }
    let mut speed: f64 = 8.0;
    for _ in 0..12 {
        let error = 0.19 * speed.powi(3) + 3.2 * speed - power;
        speed -= error / (0.57 * speed.powi(2) + 3.2);
    }
    speed.max(0.0)
}

/// SplitMix64 (Steele, Lea & Flood 2014), as numbers between -1 and 1 that gather around 0.
#[derive(Debug, Clone)]
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        (self.uniform() + self.uniform() + self.uniform()) / 1.5 - 1.0
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let [a, b, c, d, ..] = mixed.to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Duration = Duration::from_millis(250);

    fn ride(trainer: &mut SimulatedTrainer, seconds: usize) -> Vec<Reading> {
        (0..seconds * 4).map(|_| trainer.read(QUARTER)).collect()
    }

    fn mean_power(readings: &[Reading]) -> f64 {
        let sum: f64 = readings.iter().map(|r| f64::from(r.power.unwrap())).sum();
        sum / readings.len() as f64
    }

    #[test]
    fn power_follows_the_setpoint_late_and_then_holds_it() {
        let mut trainer = SimulatedTrainer::new(1);
        trainer.set(Setpoint::Power(250), Some(95));
        let first = trainer.read(QUARTER);
        assert!(first.power.unwrap() < 100, "{first:?}");
        ride(&mut trainer, 10);
        let held = ride(&mut trainer, 60);
        assert!(
            (mean_power(&held) - 250.0).abs() < 5.0,
            "{}",
            mean_power(&held)
        );
        assert!(
            held.iter().any(|r| r.power != held[0].power),
            "legs are never this even"
        );
        assert!(held.iter().all(|r| r.cadence.unwrap().abs_diff(95) <= 2));
    }

    #[test]
    fn the_heart_is_slower_than_the_legs_and_drifts_back() {
        let mut trainer = SimulatedTrainer::new(1);
        trainer.set(Setpoint::Power(250), None);
        let early = ride(&mut trainer, 5).last().unwrap().heart_rate.unwrap();
        let late = ride(&mut trainer, 180).last().unwrap().heart_rate.unwrap();
        assert!(early < 100 && late > 150, "{early} then {late}");
        trainer.set(Setpoint::Rest, None);
        let rested = ride(&mut trainer, 300).last().unwrap().heart_rate.unwrap();
        assert!(rested < 90, "{rested}");
    }

    #[test]
    fn at_rest_the_pedals_stand_still() {
        let mut trainer = SimulatedTrainer::new(7);
        trainer.set(Setpoint::Power(200), None);
        ride(&mut trainer, 20);
        trainer.set(Setpoint::Rest, None);
        let rested = *ride(&mut trainer, 20).last().unwrap();
        assert_eq!((rested.power, rested.cadence), (Some(0), Some(0)));
    }

    #[test]
    fn the_same_seed_gives_the_same_ride() {
        let readings = |seed| {
            let mut trainer = SimulatedTrainer::new(seed);
            trainer.set(Setpoint::Power(200), None);
            ride(&mut trainer, 30)
        };
        assert_eq!(readings(5), readings(5));
        assert_ne!(readings(5), readings(6));
    }

    #[test]
    fn speed_is_what_the_power_gives_on_the_flat() {
        for (power, expected) in [(0.0, 0.0), (100.0, 7.3), (200.0, 9.6), (400.0, 12.4)] {
            assert!(
                (flat_speed(power) - expected).abs() < 0.2,
                "{power}: {}",
                flat_speed(power)
            );
        }
    }

    #[test]
    fn it_says_that_it_is_simulated() {
        let trainer = SimulatedTrainer::new(0);
        assert!(trainer.simulated());
        assert_eq!(trainer.name(), "Simulated trainer");
    }
}
