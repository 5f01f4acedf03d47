//! The runner tells what is not as a row says, and plays nothing else than what it says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::path::PathBuf;

use freewheel_lab::scenario::{Options, Place, Play, ROWS, Report, catalogue, run_many};

/// None of these rows starts a process.
fn options() -> Options {
    Options::with(PathBuf::from("no-program"))
}

fn row(name: &str) -> Play {
    let mut plays = catalogue().unwrap().into_iter();
    plays.find(|play| play.row.name == name).unwrap()
}

async fn played(play: Play) -> Report {
    run_many(vec![play], &options(), |_| {}).await.remove(0)
}

fn fields(report: &Report) -> Vec<&str> {
    let fields = report.mismatches.iter();
    fields.map(|mismatch| mismatch.field.as_str()).collect()
}

#[test]
fn every_text_file_can_be_read_and_no_two_rows_are_the_same() {
    let plays = catalogue().unwrap();
    assert!(plays.len() >= 13);
    for play in &plays {
        let row = &play.row;
        assert!((1..=ROWS).contains(&row.row), "{}", row.name);
        for sentence in [&row.cause, &row.guards, &row.injection] {
            assert!(sentence.ends_with('.'), "{}: {sentence}", row.name);
        }
        let has = ["offline", "vault_unavailable", "needs_sign_in"];
        let stored = row.expect.stored_state.as_ref();
        let has = has.contains(&stored.unwrap_or(&row.expect.state).as_str());
        assert_eq!(row.expect.cause.is_some(), has, "{}: cause", row.name);
        for [least, most] in [row.expect.requests, row.expect.token_requests] {
            assert!(least <= most, "{}", row.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_the_row_says_is_told_field_by_field() {
    let mut wrong = row("captive-portal");
    wrong.row.expect.state = "needs_sign_in".to_owned();
    wrong.row.expect.cause = Some("token_refused".to_owned());
    wrong.row.expect.detail = vec!["Please wait.".to_owned()];
    wrong.row.expect.ride_is = Place::Delivered;
    wrong.row.expect.within_seconds = 3;
    let mut stormy = row("captive-portal");
    stormy.row.expect.requests = [0, 0];
    let mut never_well = row("captive-portal");
    never_well.row.healed.headline = "Something else".to_owned();
    never_well.row.healed.within_seconds = 5;
    let (wrong, stormy, never_well) =
        tokio::join!(played(wrong), played(stormy), played(never_well));
    assert!(!wrong.passed && !stormy.passed && !never_well.passed);
    let seen = fields(&wrong);
    for field in ["state", "cause", "second line", "ride's place"] {
        assert!(seen.contains(&field), "{field}: {wrong:?}");
    }
    assert_eq!(wrong.state.as_deref(), Some("offline"));
    assert_eq!(fields(&stormy), ["requests"], "{stormy:?}");
    assert_eq!(
        fields(&never_well),
        ["headline after the cure"],
        "{never_well:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_does_not_happen_is_told() {
    // Nothing is wrong, so nothing is as the row says.
    let text = include_str!("../scenarios/05-captive-portal.toml");
    let mut play = Play::new(text, async |_| Ok(())).unwrap();
    play.row.expect.within_seconds = 3;
    let report = played(play).await;
    assert!(!report.passed);
    assert!(fields(&report).contains(&"state"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_told() {
    let report = played(row("name-not-found")).await;
    assert_eq!(fields(&report), ["the environment"], "{report:?}");
}
