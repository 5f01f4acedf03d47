//! Times that were taken, and the table that tells them.

use std::time::Duration;

/// Times of one thing, done again and again.
#[derive(Default)]
pub struct Times(Vec<f64>);

impl Times {
    pub fn add(&mut self, milliseconds: f64) {
        self.0.push(milliseconds);
    }

    pub fn add_duration(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1000.0);
    }

    pub fn extend(&mut self, milliseconds: impl IntoIterator<Item = f64>) {
        self.0.extend(milliseconds);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub fn quickest(&self) -> f64 {
        self.at(0.0)
    }

    /// The time that a share of them did not exceed; nearest rank.
    pub fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted[rank - 1]
    }
}

/// One line: what, the quickest, p50, p99, the slowest, how often.
pub fn line(what: &str, times: &Times) -> String {
    let Times(all) = times;
    let [least, median, p99, most] = [0.0, 0.5, 0.99, 1.0].map(|share| times.at(share));
    format!(
        "{what:<48} {least:>8.1} {median:>8.1} {p99:>8.1} {most:>8.1} {:>6}",
        all.len()
    )
}

pub fn head(title: &str) -> String {
    format!(
        "\n{title:<52} {:>9} {:>9} {:>9} {:>6}",
        "p50 ms", "p99 ms", "most ms", "times"
    )
}
