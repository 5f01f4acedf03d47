//! The athlete's own files: each with its outcome, and nothing panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::Profile;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn outcome<'a>(listing: &'a Value, name: &str) -> &'a Value {
    let mut files = listing["files"].as_array().unwrap().iter();
    files
        .find(|file| file["file"].as_str().unwrap().ends_with(name))
        .expect(name)
}

#[test]
fn a_dry_run_lists_every_file_with_its_outcome_and_keeps_nothing() {
    let profile = Profile::new();
    let samples = samples();
    let samples = samples.to_str().unwrap();
    let listing = profile.json(&["library", "import", samples, "--dry-run"]);
    assert_eq!(listing["files"].as_array().unwrap().len(), 4, "{listing}");
    assert_eq!(
        (&listing["readable"], &listing["refused"]),
        (&2.into(), &2.into())
    );
    let good = outcome(&listing, "steady.zwo");
    assert_eq!(
        (&good["name"], &good["seconds"]),
        (&"Even Keel".into(), &1200.into())
    );
    assert_eq!(outcome(&listing, "ladder.erg")["seconds"], 900);
    let broken = outcome(&listing, "unclosed.zwo")["error"].as_str().unwrap();
    assert!(
        broken.contains("unclosed.zwo") && broken.contains('5'),
        "{broken}"
    );
    assert!(outcome(&listing, "empty.zwo")["error"].is_string());
    assert_eq!(profile.json(&["library", "list"])["total"], 0);

    let words = profile.run(&["library", "import", samples, "--dry-run"]);
    assert_eq!(words.code, 0);
    assert!(
        words.stdout.contains("2 files can be imported, 2 refused"),
        "{words:?}"
    );
}

#[test]
fn good_files_are_imported_beside_broken_ones_and_can_be_found_shown_and_ridden() {
    let profile = Profile::new();
    let samples = samples();
    let imported = profile.run(&["--json", "library", "import", samples.to_str().unwrap()]);
    assert_eq!(imported.code, 1, "a file was refused: {imported:?}");
    assert_eq!(imported.document()["readable"], 2);
    let found = profile.json(&["library", "search", "even", "kee"]);
    assert_eq!(found["total"], 1, "{found}");
    assert_eq!(found["rows"][0]["own"], true);
    let id = found["rows"][0]["id"].as_str().unwrap();

    let shown = profile.run(&["library", "show", id]);
    assert!(
        shown.stdout.starts_with("Even Keel\n20:00 · TSS"),
        "{shown:?}"
    );
    assert!(shown.stdout.contains("15:00  70 % at 90 rpm"), "{shown:?}");
    let listed = profile.run(&[
        "library",
        "list",
        "--max-minutes",
        "20",
        "--min-minutes",
        "20",
    ]);
    assert!(
        listed.stdout.contains("Even Keel") && listed.stdout.ends_with("1 workout\n"),
        "{listed:?}"
    );
    let none = profile.run(&["library", "list", "--zone", "neuromuscular"]);
    assert!(none.stdout.starts_with("No workout fits."), "{none:?}");

    let ridden = profile.run(&["ride", id, "--speed", "100", "--stop-after", "30"]);
    assert_eq!(ridden.code, 0, "{ridden:?}");
    assert!(ridden.stdout.contains("Saved: Even Keel"), "{ridden:?}");
    let rides = profile.run(&["rides", "list"]);
    assert!(rides.stdout.contains("Even Keel (simulated)"), "{rides:?}");
}

/// Files that other people wrote lie beside the project where there are any, and are no part of it.
#[test]
fn every_file_of_the_corpus_is_read_or_refused_with_file_and_line() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        eprintln!(
            "no corpus at {}: only our own samples are read",
            corpus.display()
        );
        return;
    }
    let profile = Profile::new();
    let listing = profile.json(&["library", "import", corpus.to_str().unwrap(), "--dry-run"]);
    let files = listing["files"].as_array().unwrap();
    assert!(!files.is_empty());
    for file in files {
        let path = file["file"].as_str().unwrap();
        match file["error"].as_str() {
            None => assert!(!path.contains("/Broken/"), "{path} is broken and was read"),
            Some(error) => {
                let name = Path::new(path).file_name().unwrap().to_str().unwrap();
                assert!(
                    path.contains("/Broken/"),
                    "a good file was refused: {error}"
                );
                assert!(error.contains(name) && error.contains("line "), "{error}");
            }
        }
    }
}
