//! Each story does one thing wrong; the look must find it.

use freewheel_powercut::check::Rule;
use freewheel_powercut::cuts::{Plan, cut};
use freewheel_powercut::disk::Honesty;
use freewheel_powercut::mark::Mark;

use super::{marks, played};

const FAULTS: [(&str, Rule); 11] = [
    ("saved-before-it-is", Rule::Saved),
    ("finished-in-two-steps", Rule::Whole),
    ("claimed-after-sending", Rule::Claimed),
    ("receipt-before-its-effect", Rule::Delivered),
    ("edited-before-it-is", Rule::Edited),
    ("edit-sent-before-its-claim", Rule::EditClaimed),
    ("samples-without-sync", Rule::Samples),
    ("tokens-before-their-key", Rule::Key),
    ("renewal-without-intent", Rule::Intent),
    ("file-without-sync", Rule::Files),
    ("cursor-before-its-page", Rule::Page),
];

#[test]
fn every_planted_fault_is_found() {
    for (fault, rule) in FAULTS {
        let recording = played(&[fault]);
        // What comes before is as it should be.
        let sound = marks(&recording, |mark| matches!(mark, Mark::Samples { .. }))[2];
        let plan = Plan {
            events: sound..recording.len() + 1,
            seeds: 0..0,
            honesty: Honesty::Honest,
        };
        let outcome = cut(&recording, &plan).unwrap();
        let found = outcome
            .broken
            .iter()
            .find(|broken| broken.finding.rule == rule);
        let found = found.unwrap_or_else(|| panic!("{fault} is not found: {outcome:?}"));
        let before = outcome.broken.iter().filter(|broken| broken.cut <= sound);
        assert_eq!(before.count(), 0, "{fault}");
        println!(
            "{fault}: {} ({} images)",
            found.finding.words, outcome.images
        );
    }
}
