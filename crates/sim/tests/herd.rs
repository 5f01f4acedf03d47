//! A small herd: what our policy promises of a large one.

use freewheel_sim::fleet::ours::{Ours, Variant};
use freewheel_sim::fleet::policy::Policy;
use freewheel_sim::fleet::scenario::{Outage, Rides, Scenario};
use freewheel_sim::fleet::tally::Tally;
use freewheel_sim::fleet::world::live;

const SECOND: u32 = 1_000;
const MINUTE: u32 = 60 * SECOND;
/// So many that chance evens out, and so few that nobody waits for it.
const CLIENTS: u32 = 2_000;
/// Enough to tell one policy from another.
const FEW: u32 = 1_000;

fn scenario(outage: Outage) -> Scenario {
    Scenario {
        clients: CLIENTS,
        seed: 1,
        outage,
        lasts: Scenario::TWO_HOURS,
        rides: Rides::Scattered,
    }
}

fn ours(scenario: Scenario, variant: Variant) -> Tally {
    live(scenario, &mut Ours::new(variant))
}

/// Requests in the worst ten seconds. A single second of a small fleet is chance.
fn rush(tally: &Tally, from: u32, until: u32) -> u32 {
    let tens = tally.between(from, until).windows(10);
    tens.map(|ten| ten.iter().sum()).max().unwrap_or(0)
}

#[test]
fn our_herd_comes_back_with_a_tenth_of_a_fixed_retrys_peak_and_everything_is_delivered() {
    let outages = [
        Outage::Refused,
        Outage::TimeOuts,
        Outage::Busy,
        Outage::Maintenance,
    ];
    for outage in outages {
        let scenario = scenario(outage);
        let ours = ours(scenario, Variant::AsItIs);
        let fixed = Policy::Fixed.live(scenario);
        let (back, end) = (scenario.outage_until(), scenario.end());
        let [after, fixed_after] = [&ours, &fixed].map(|tally| rush(tally, back, end));
        assert!(
            after * 10 <= fixed_after,
            "{outage:?}: {after} {fixed_after}"
        );
        let [all, fixed_all] = [&ours, &fixed].map(|tally| rush(tally, 0, end));
        assert!(all * 10 <= fixed_all, "{outage:?}: {all} {fixed_all}");
        let (ours, fixed) = (ours.summary(), fixed.summary());
        assert!(ours.requests * 10 <= fixed.requests, "{outage:?}: {ours:?}");
        assert!(
            ours.until.iter().all(Option::is_some),
            "{outage:?}: {ours:?}"
        );
        assert!(fixed.delivered < 0.01, "a herd keeps a server down");
    }
}

#[test]
fn the_same_seed_gives_the_same_fleet_and_another_seed_another() {
    let small = |seed| Scenario {
        clients: 100,
        seed,
        ..scenario(Outage::TimeOuts)
    };
    for policy in Policy::ALL {
        assert_eq!(policy.live(small(1)), policy.live(small(1)), "{policy:?}");
        assert_ne!(policy.live(small(1)), policy.live(small(2)), "{policy:?}");
    }
}

/// Whether those who failed in the same second are not together any more a minute later.
fn a_race_has_no_echo(variant: Variant) -> bool {
    let scenario = Scenario {
        clients: FEW,
        rides: Rides::Together,
        ..scenario(Outage::Refused)
    };
    let race = scenario.outage_from() + 5 * MINUTE;
    let tally = ours(scenario, variant);
    tally.peak(race + MINUTE, race + 10 * MINUTE) <= FEW / 10
}

#[test]
fn jitter_takes_those_apart_who_failed_together() {
    assert!(a_race_has_no_echo(Variant::AsItIs));
    assert!(!a_race_has_no_echo(Variant::NoJitter));
}

/// Whether not everybody comes in the same second in which everybody's network is back.
fn a_network_that_returns_brings_no_flood(variant: Variant) -> bool {
    let scenario = Scenario {
        clients: FEW,
        ..scenario(Outage::NoNetwork)
    };
    ours(scenario, variant).summary().peak_after <= FEW * 8 / 10
}

#[test]
fn the_return_of_the_network_is_spread() {
    assert!(a_network_that_returns_brings_no_flood(Variant::AsItIs));
    assert!(!a_network_that_returns_brings_no_flood(Variant::NoSpread));
}

/// Requests in the first twenty seconds after an outage that was so short that the tokens are still good: then a lane that
/// finds the server again wakes two others.
fn first_rush(variant: Variant) -> u32 {
    let scenario = Scenario {
        lasts: 8 * MINUTE,
        ..scenario(Outage::Refused)
    };
    let from = scenario.outage_until();
    let tally = ours(scenario, variant);
    tally.between(from, from + 20 * SECOND).iter().sum()
}

#[test]
fn the_return_of_the_service_is_spread() {
    let (spread, at_once) = (first_rush(Variant::AsItIs), first_rush(Variant::NoSpread));
    assert!(spread * 6 <= at_once * 5, "{spread} {at_once}");
}

#[test]
fn without_a_network_nothing_leaves() {
    let scenario = Scenario {
        clients: FEW,
        ..scenario(Outage::NoNetwork)
    };
    let tally = ours(scenario, Variant::AsItIs);
    assert_eq!(tally.summary().mean_during, 0.0);
}

#[test]
fn a_lone_client_keeps_to_its_budget_in_the_outage() {
    let alone = |seed| Scenario {
        clients: 1,
        seed,
        ..scenario(Outage::Refused)
    };
    for seed in 0..20 {
        let tally = ours(alone(seed), Variant::AsItIs);
        let (from, until) = (alone(seed).outage_from(), alone(seed).outage_until());
        let attempts: u32 = tally.between(from, until).iter().sum();
        // 24 at once, five more an hour, and a few of lanes that had all planned with the last token.
        assert!(attempts <= 24 + 10 + 6, "seed {seed}: {attempts}");
        assert!(attempts >= 10, "seed {seed}: {attempts}");
    }
}
