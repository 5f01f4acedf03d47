//! The states and what leads from one to another, as the module's documentation tells it, against the code.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::walk::{CAUSES, Table, walk};

const WRITTEN: &str = include_str!("transitions.txt");

/// One paragraph for each state: what leads away from it. All other events leave it as it is.
fn written(table: &Table) -> String {
    let mut text = String::new();
    for (from, row) in table {
        let _ = writeln!(text, "{from}");
        for (index, to) in row {
            if *to == BTreeSet::from([*from]) {
                continue;
            }
            let to: Vec<&str> = to.iter().copied().collect();
            let _ = writeln!(text, "    {:<42} {}", CAUSES[*index].0, to.join(", "));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

#[test]
fn the_written_transitions_are_those_of_the_code() {
    let text = written(walk());
    if std::env::var_os("FREEWHEEL_WRITE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/session/transitions.txt");
        std::fs::write(path, &text).unwrap();
        return;
    }
    assert!(
        text == WRITTEN,
        "the code leads elsewhere than src/session/transitions.txt says. If that is meant, write it anew and look at \
         the difference:\n    FREEWHEEL_WRITE=1 cargo test -p freewheel-policy transitions\nIt would be:\n{text}"
    );
}

/// The picture in the module's documentation, arrow by arrow.
#[test]
fn every_arrow_of_the_picture_is_in_the_code() {
    let arrows = [
        ("SignedOut", "SignInStarted", "SigningIn(from)"),
        ("Active", "SignInStarted", "SigningIn(from)"),
        ("Blocked", "SignInStarted", "SigningIn(from)"),
        ("SigningIn(from)", "SignInCancelled", "from"),
        ("SigningIn(from)", "TokensSaved", "Active"),
        ("Active", "SignOut", "SignedOut"),
        ("Blocked", "SignOut", "SignedOut"),
        ("Active", "CallFailed", "Offline"),
        ("Active", "NetworkChanged(down)", "Offline"),
        (
            "Active",
            "TokenAnswer(transient: reply lost)",
            "OutcomeUnknown",
        ),
        ("Active", "VaultChanged(locked)", "VaultUnavailable"),
        (
            "Active",
            "TokenAnswer(definitive: invalid_grant)",
            "NeedsSignIn",
        ),
        ("Active", "(unrenewable tokens run out)", "NeedsSignIn"),
        ("Active", "AccountBlocked", "Blocked"),
        ("Offline", "Contact", "Active"),
        ("Offline", "(15 days pass)", "GraceExpired"),
        ("OutcomeUnknown", "TokensSaved", "Active"),
        ("VaultUnavailable", "VaultChanged(ready)", "Active"),
        ("NeedsSignIn", "TokensSaved", "Active"),
        (
            "NeedsSignIn",
            "(a clock that told so is put right)",
            "Active",
        ),
        ("NeedsSignIn", "(15 days pass)", "GraceExpired"),
        ("GraceExpired", "Contact", "Active"),
        ("Blocked", "TokensSaved", "Active"),
    ];
    let table = walk();
    for (from, cause, to) in arrows {
        let index = CAUSES.iter().position(|(name, _)| *name == cause).unwrap();
        assert!(
            table[from][&index].contains(to),
            "{from} by {cause}: {:?}",
            table[from][&index]
        );
    }
    let picture = include_str!("mod.rs")
        .split_once("```text")
        .and_then(|(_, rest)| rest.split_once("```"))
        .unwrap()
        .0;
    for state in table.keys() {
        let state = state.trim_end_matches("(from)");
        assert!(picture.contains(state), "{state} is not in the picture");
    }
    assert_eq!(table.len(), 9, "every state can be reached");
}

/// "Could not ask" is never "was refused": nothing leads there but the genuine issuer's word, a missing credential, and
/// the known end of one that cannot be renewed.
#[test]
fn only_a_refusal_or_a_missing_or_ended_credential_leads_to_needs_sign_in_or_blocked() {
    let may = [
        "(unrenewable tokens run out)",
        "Launched(credential missing)",
        "VaultChanged(credential missing)",
        "TokenAnswer(definitive: invalid_grant)",
        "TokenAnswer(definitive: account_blocked)",
        "AccountBlocked",
    ];
    for (from, row) in walk() {
        let there = ["NeedsSignIn", "Blocked", "GraceExpired", "SigningIn(from)"];
        if there.contains(from) {
            continue; // Or perhaps there.
        }
        for (index, to) in row {
            let cause = CAUSES[*index].0;
            let ends = to.contains("NeedsSignIn") || to.contains("Blocked");
            // Tokens that were in memory only end with the process, and are the missing credential.
            let ends_them = cause.starts_with("Launched") || cause == "UnsavedLost";
            let forgotten = *from == "VaultUnavailable" && ends_them;
            assert!(
                !ends || forgotten || may.contains(&cause),
                "{from} by {cause}"
            );
        }
    }
}
