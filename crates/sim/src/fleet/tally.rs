//! What a fleet asked of the server, second by second, and when its rides were delivered.

use super::calendar::Ms;
use super::scenario::Scenario;
use super::server::Fate;

/// Counts of one simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Requests that left the clients, for each second.
    pub requests: Vec<u32>,
    /// Rides that were delivered, for each second.
    pub delivered: Vec<u32>,
    /// Rides that there were to deliver.
    pub rides: u64,
    /// Requests that were served.
    pub served: u64,
    /// Requests that the server turned away or let run into the time-out while it was there.
    pub overload: u64,
    outage: (Ms, Ms),
    last_served: Ms,
}

/// After the longest wait that any policy knows, and a minute more, everybody has tried in vain.
const HOPELESS: Ms = 16 * 60_000;

/// What is said of a simulation in one row of a table. Rates are requests per second, times are seconds after the end of
/// the outage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The worst second of the outage.
    pub peak_during: u32,
    /// The mean of the outage.
    pub mean_during: f64,
    /// The worst second after the outage.
    pub peak_after: u32,
    /// The mean of what is simulated after the outage.
    pub mean_after: f64,
    /// Until half of the rides were delivered, 99 in a hundred, all; `None`: not in what is simulated.
    pub until: [Option<u32>; 3],
    /// The part of the rides that was delivered, in `[0, 1]`.
    pub delivered: f64,
    /// All requests of the simulation.
    pub requests: u64,
    /// Requests that met an overloaded server.
    pub overload: u64,
}

impl Summary {
    /// The worst second of all.
    #[must_use]
    pub fn peak(&self) -> u32 {
        self.peak_during.max(self.peak_after)
    }
}

impl Tally {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let seconds = (scenario.end() / 1_000) as usize;
        Self {
            requests: vec![0; seconds],
            delivered: vec![0; seconds],
            rides: 0,
            served: 0,
            overload: 0,
            outage: (scenario.outage_from(), scenario.outage_until()),
            last_served: scenario.outage_until(),
        }
    }

    /// A request left a client.
    pub fn request(&mut self, now: Ms, fate: Fate) {
        if let Some(count) = self.requests.get_mut((now / 1_000) as usize) {
            *count += 1;
        }
        if fate == Fate::Served {
            self.served += 1;
            self.last_served = self.last_served.max(now);
        } else if !(self.outage.0..self.outage.1).contains(&now) {
            self.overload += 1;
        }
    }

    /// So many more rides are to be delivered.
    pub fn rides(&mut self, more: usize) {
        self.rides += more as u64;
    }

    /// A ride is delivered.
    pub fn delivery(&mut self, at: Ms) {
        if let Some(count) = self.delivered.get_mut((at / 1_000) as usize) {
            *count += 1;
        }
    }

    /// Whether nobody has been served for so long that nobody will be.
    #[must_use]
    pub fn is_hopeless(&self, now: Ms) -> bool {
        let delivered: u64 = self.delivered.iter().copied().map(u64::from).sum();
        delivered < self.rides && now.saturating_sub(self.last_served) > HOPELESS
    }

    /// The simulation ends here.
    pub fn end(&mut self, now: Ms) {
        let seconds = now.div_ceil(1_000) as usize;
        self.requests.truncate(seconds);
        self.delivered.truncate(seconds);
    }

    /// Requests of each second in `[from, until)`.
    #[must_use]
    pub fn between(&self, from: Ms, until: Ms) -> &[u32] {
        let end = ((until / 1_000) as usize).min(self.requests.len());
        self.requests
            .get((from / 1_000) as usize..end)
            .unwrap_or_default()
    }

    /// The worst second in `[from, until)`, in requests.
    #[must_use]
    pub fn peak(&self, from: Ms, until: Ms) -> u32 {
        self.between(from, until).iter().copied().max().unwrap_or(0)
    }

    /// The row of the table.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let (from, until) = self.outage;
        let end = Ms::MAX;
        let total: u64 = self.delivered.iter().copied().map(u64::from).sum();
        Summary {
            peak_during: self.peak(from, until),
            mean_during: mean(self.between(from, until)),
            peak_after: self.peak(until, end),
            mean_after: mean(self.between(until, end)),
            until: [50, 99, 100].map(|percent| self.until(percent)),
            delivered: ratio(total, self.rides),
            requests: self.requests.iter().copied().map(u64::from).sum(),
            overload: self.overload,
        }
    }

    /// Seconds from the end of the outage until so many in a hundred rides were delivered.
    fn until(&self, percent: u64) -> Option<u32> {
        let wanted = (self.rides * percent).div_ceil(100);
        let mut sum = 0;
        for (second, count) in (0..).zip(&self.delivered) {
            sum += u64::from(*count);
            if sum >= wanted {
                return Some((second + 1_u32).saturating_sub(self.outage.1 / 1_000));
            }
        }
        None
    }
}

fn mean(counts: &[u32]) -> f64 {
    let sum: u64 = counts.iter().copied().map(u64::from).sum();
    ratio(sum, counts.len() as u64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts far below 2^53 fit a double exactly"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
