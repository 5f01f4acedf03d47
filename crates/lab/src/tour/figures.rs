//! What the tour measured.

use std::time::Duration;

/// What the tour measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    /// Workouts in the profile.
    pub(super) workouts: u32,
    /// Until Today and the library answer, with the server up; the median.
    pub(super) open_up: Duration,
    /// The same with the server dead.
    pub(super) open_dead: Duration,
    /// Seconds of the ride in the profile's database.
    pub(super) samples: u32,
    /// Rides of the tour that the server's database holds.
    pub(super) deliveries: u32,
    /// Times that a ride was sent again because its answer was lost.
    pub(super) sent_again: u32,
    /// Rides in the server's database beyond those.
    pub(super) duplicates: u32,
}

impl Figures {
    /// The lines of the table: what, and how much.
    pub(super) fn rows(&self) -> Vec<String> {
        let ratio = self.open_dead.as_secs_f64() / self.open_up.as_secs_f64().max(f64::EPSILON);
        let rows = [
            ("workouts cached", self.workouts.to_string()),
            ("time to open, server up", milliseconds(self.open_up)),
            (
                "time to open, server dead",
                format!("{}  ({ratio:.2} of that)", milliseconds(self.open_dead)),
            ),
            ("samples on disk", self.samples.to_string()),
            ("deliveries", self.deliveries.to_string()),
            ("sent again, answer lost", self.sent_again.to_string()),
            ("duplicates", self.duplicates.to_string()),
        ];
        let widest = rows.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
        rows.iter()
            .map(|(what, amount)| format!("   {what:<widest$}  {amount}"))
            .collect()
    }
}

/// In milliseconds, as people read them.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// In seconds, as people read them.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn the_amounts_stand_below_each_other() {
        let figures = Figures {
            workouts: 82,
            open_up: Duration::from_millis(10),
            open_dead: Duration::from_millis(11),
            samples: 90,
            deliveries: 1,
            sent_again: 1,
            duplicates: 0,
        };
        let rows = figures.rows();
        assert_eq!(rows[0], "   workouts cached            82");
        assert_eq!(rows[1], "   time to open, server up    10.0 ms");
        assert_eq!(
            rows[2],
            "   time to open, server dead  11.0 ms  (1.10 of that)"
        );
        assert_eq!(rows[6], "   duplicates                 0");
    }
}
