//! Times of many turns.

use std::time::{Duration, Instant};

/// How long each turn took.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Takes the time of a turn.
    ///
    /// # Errors
    /// Those of the turn.
    pub fn take<T, E>(&mut self, turn: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let began = Instant::now();
        let done = turn()?;
        self.0.push(began.elapsed());
        Ok(done)
    }

    /// The time below which this part of the turns lies, of `[0, 1]`; zero without turns.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place within the list"
        )]
        let place = (last as f64 * part.clamp(0.0, 1.0)).round() as usize;
        sorted.get(place).copied().unwrap_or_default()
    }
}

/// How many times longer `ours` is than `floor`.
#[must_use]
pub fn ratio(ours: Duration, floor: Duration) -> f64 {
    ours.as_secs_f64() / floor.as_secs_f64()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_taken() {
        let times = Times([5, 1, 3].map(Duration::from_millis).to_vec());
        for (part, expected) in [(0.0, 1), (0.5, 3), (1.0, 5), (7.0, 5)] {
            assert_eq!(times.quantile(part), Duration::from_millis(expected));
        }
        assert_eq!(Times::default().quantile(0.5), Duration::ZERO);
        let mut taken = Times::default();
        taken.take(|| Ok::<_, ()>(())).unwrap();
        assert_eq!(taken.0.len(), 1);
        assert!((ratio(Duration::from_secs(3), Duration::from_secs(2)) - 1.5).abs() < 1e-9);
    }
}
