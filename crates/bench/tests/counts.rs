//! What is counted is no matter of speed: it holds on every machine.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use freewheel_bench::{drain, pull, quiet, syncs};

#[test]
fn an_enqueue_syncs_the_disk_once() {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_freewheel-bench"));
    program.args(["--mark-each", "5"]);
    let stretches = syncs::between_marks(program, trace.path(), "freewheel-bench-mark").unwrap();
    let each = stretches.get(1..6).unwrap();
    for syncs in each {
        assert_eq!(syncs.len(), 1, "{stretches:?}");
        assert!(
            syncs.iter().all(|file| file.ends_with("athlete.db-wal")),
            "{stretches:?}"
        );
    }
}

#[tokio::test]
async fn a_sync_without_news_is_one_request_and_a_few_bytes() {
    let quiet = quiet::measure().await.unwrap();
    assert_eq!(quiet.requests, 1, "{quiet:?}");
    assert!((1..=500).contains(&quiet.bytes_down), "{quiet:?}");
}

#[tokio::test]
async fn one_ride_that_is_never_taken_holds_up_no_other() {
    drain::measure(20, true).await.unwrap();
}

#[test]
fn the_three_pulls_read_the_same_pages() {
    let pages = pull::pages(600).unwrap();
    assert_eq!(pages.len(), 2);
    let pulled = pull::measure(600, &pages).unwrap();
    assert!(pulled.rate(pulled.ours) > 0.0);
}
