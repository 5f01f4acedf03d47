//! All policies in all scenarios.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::policy::Policy;
use super::scenario::{Outage, Rides, Scenario};
use super::tally::{Summary, Tally};

/// One scenario under each policy.
#[derive(Debug)]
pub struct Chapter {
    /// The scenario.
    pub scenario: Scenario,
    /// What became of it, in the order of [`Policy::ALL`].
    pub runs: Vec<Run>,
}

/// One simulation that was made.
#[derive(Debug)]
pub struct Run {
    /// The policy that the fleet followed.
    pub policy: Policy,
    /// What the fleet did.
    pub tally: Tally,
}

impl Chapter {
    /// The summary of one policy.
    #[must_use]
    pub fn summary(&self, policy: Policy) -> Option<Summary> {
        let run = self.runs.iter().find(|run| run.policy == policy)?;
        Some(run.tally.summary())
    }
}

/// The scenarios that are compared, for so many clients.
#[must_use]
pub fn scenarios(clients: u32, seed: u64) -> Vec<Scenario> {
    let scenario = |outage, rides| Scenario {
        clients,
        seed,
        outage,
        lasts: Scenario::TWO_HOURS,
        rides,
    };
    let mut all = Outage::ALL
        .map(|outage| scenario(outage, Rides::Scattered))
        .to_vec();
    all.push(scenario(Outage::Refused, Rides::Together));
    all
}

/// Simulates each scenario under each policy, on as many cores as there are; `told` hears of each when it is done.
/// What comes out does not depend on the number of cores.
#[must_use]
pub fn compare(scenarios: &[Scenario], told: impl Fn(&Scenario, Policy)) -> Vec<Chapter> {
    let jobs: Vec<(Scenario, Policy)> = scenarios
        .iter()
        .flat_map(|scenario| Policy::ALL.map(|policy| (*scenario, policy)))
        .collect();
    let next = AtomicUsize::new(0);
    let (sender, done) = mpsc::channel();
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let mut tallies = BTreeMap::new();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (jobs, next, sender) = (&jobs, &next, sender.clone());
            scope.spawn(move || {
                let job = || {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    jobs.get(number).map(|job| (number, *job))
                };
                while let Some((number, (scenario, policy))) = job() {
                    if sender.send((number, policy.live(scenario))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (number, tally) in done {
            if let Some((scenario, policy)) = jobs.get(number) {
                told(scenario, *policy);
            }
            tallies.insert(number, tally);
        }
    });
    let mut runs = jobs.iter().zip(tallies.into_values());
    let chapter = |scenario: &Scenario| Chapter {
        scenario: *scenario,
        runs: runs
            .by_ref()
            .take(Policy::ALL.len())
            .map(|((_, policy), tally)| Run {
                policy: *policy,
                tally,
            })
            .collect(),
    };
    scenarios.iter().map(chapter).collect()
}
