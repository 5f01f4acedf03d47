use freewheel_policy::grace::Anchor;
use freewheel_policy::session::{Account, Condemned, Event, Facts, VaultCondition, step};
use freewheel_policy::time::{BootId, BootMs, Millis, WallMs};

use super::*;

fn at(days: u64) -> Now {
    Now {
        wall: WallMs(1_800_000_000_000).plus(Millis::days(days)),
        boot: BootMs(Millis::days(days).0),
        boot_id: BootId("0a1b2c3d-rest-of-it".to_owned()),
    }
}

/// An owner whose last contact was on day 0.
fn owner() -> Facts {
    Facts {
        account: Some(Account {
            issuer: "https://ride.example.org".to_owned(),
            subject: "s".to_owned(),
            name: "Dana Demo".to_owned(),
            service: None,
        }),
        anchor: Some(Anchor {
            server: at(0).wall,
            at: at(0),
            offline_grace: None,
        }),
        ..Facts::default()
    }
}

fn seen(facts: Facts, now: Now) -> Seen {
    let database = |name: &str| DatabaseCheck {
        path: PathBuf::from("/profile").join(name),
        bytes: Some(65_536),
        format: Some(3),
        known: 3,
        fault: None,
    };
    Seen {
        home: PathBuf::from("/profile"),
        databases: [database("athlete.db"), database("library.db")],
        salvage: None,
        unread: None,
        vault: VaultSeen {
            kind: VaultKind::Keyring,
            answer: Ok(()),
            wanted: true,
            in_file: false,
            damaged_line: None,
            file: PathBuf::from("/profile/vault.key"),
            mode: None,
        },
        session: session::view(&facts, &now),
        now,
        facts,
        issuer: IssuerSeen::None,
        queue: Some(Queue {
            counts: OutboxCounts::default(),
            edits: OutboxCounts::default(),
            unfinished: 0,
        }),
        syncer: Syncer::This,
    }
}

fn finding(seen: &Seen, name: &str) -> Finding {
    let mut findings = Report::of(seen).findings.into_iter();
    findings.find(|finding| finding.name == name).expect(name)
}

#[test]
fn every_answer_of_a_vault_has_its_grade_and_what_is_amiss_its_remedy() {
    let absent = VaultError::Absent("no bus".to_owned());
    let cases = [
        (Ok(()), true, Grade::Ok, "answers"),
        (Err(VaultError::Missing), false, Grade::Ok, "no sign-in"),
        (Err(VaultError::Missing), true, Grade::Problem, "no key"),
        (Err(VaultError::Locked), true, Grade::Problem, "locked"),
        (
            Err(VaultError::TimedOut),
            true,
            Grade::Problem,
            "not answered",
        ),
        (
            Err(VaultError::Denied(String::new())),
            true,
            Grade::Problem,
            "refuses",
        ),
        (
            Err(VaultError::Failed(String::new())),
            true,
            Grade::Problem,
            "failed",
        ),
        (Err(absent.clone()), true, Grade::Problem, "no keyring"),
        (Err(absent), false, Grade::Note, "no keyring"),
    ];
    for (answer, wanted, grade, words) in cases {
        let mut seen = seen(owner(), at(0));
        (seen.vault.answer, seen.vault.wanted) = (answer, wanted);
        let found = finding(&seen, "vault");
        assert_eq!(found.grade, grade, "{found:?}");
        assert!(found.words.contains(words), "{found:?}");
        assert_eq!(found.remedy.is_some(), grade != Grade::Ok, "{found:?}");
    }
}

#[test]
fn a_key_file_is_named_as_weaker_and_its_mode_is_judged() {
    for (mode, grade) in [
        (0o600, Grade::Ok),
        (0o644, Grade::Problem),
        (0o640, Grade::Problem),
    ] {
        let mut seen = seen(owner(), at(0));
        (seen.vault.kind, seen.vault.mode) = (VaultKind::KeyFile, Some(mode));
        let vault = finding(&seen, "vault");
        assert_eq!(vault.grade, Grade::Note);
        assert!(
            vault.words.contains("weaker") && vault.words.contains("vault.key"),
            "{vault:?}"
        );
        let file = finding(&seen, "key_file");
        assert_eq!(file.grade, grade, "{mode:o}");
        assert_eq!(file.facts["mode"], format!("{mode:o}"));
    }
    let seen = seen(owner(), at(0));
    assert!(
        Report::of(&seen)
            .findings
            .iter()
            .all(|found| found.name != "key_file")
    );
}

#[test]
fn the_grace_is_counted_and_its_end_is_a_problem() {
    for (facts, day, grade, words) in [
        (Facts::default(), 0, Grade::Ok, "Nobody is signed in"),
        (owner(), 1, Grade::Ok, "13 days of 14 days"),
        (owner(), 11, Grade::Note, "3 days of 14 days"),
        (owner(), 20, Grade::Problem, "ended 6 days ago"),
        (
            Facts {
                anchor: None,
                ..owner()
            },
            1,
            Grade::Problem,
            "No contact",
        ),
    ] {
        let found = finding(&seen(facts, at(day)), "grace");
        assert_eq!(found.grade, grade, "{found:?}");
        assert!(found.words.contains(words), "{found:?}");
    }
}

#[test]
fn the_session_is_told_in_the_words_of_the_screen() {
    let blocked = Facts {
        condemned: Some(Condemned::Account),
        ..owner()
    };
    let lost = Facts {
        vault: VaultCondition::Missing,
        ..owner()
    };
    for (facts, state, grade, words) in [
        (Facts::default(), "signed_out", Grade::Note, "Not signed in"),
        (lost, "needs_sign_in", Grade::Problem, "sign in again"),
        (blocked, "blocked", Grade::Problem, "blocked"),
    ] {
        let found = finding(&seen(facts, at(1)), "session");
        assert_eq!((found.grade, &found.facts["state"]), (grade, &state.into()));
        assert!(found.words.contains(words), "{found:?}");
        assert!(found.remedy.is_some(), "{found:?}");
    }
}

#[test]
fn a_clock_that_was_turned_back_is_a_problem() {
    let later = Now {
        boot: BootMs(0),
        boot_id: BootId("another".to_owned()),
        ..at(5)
    };
    let (remembered, _) = step(&owner(), &Event::Tick, &later);
    let back = Now {
        wall: at(0).wall.minus(Millis::days(30)),
        boot: BootMs(1000),
        boot_id: BootId("a third".to_owned()),
    };
    let found = finding(&seen(remembered, back), "clock");
    assert_eq!(found.grade, Grade::Problem, "{found:?}");
    let found = finding(&seen(owner(), at(1)), "clock");
    assert_eq!(
        (found.grade, &found.facts["boot"]),
        (Grade::Ok, &"0a1b2c3d".into())
    );
}

#[test]
fn what_waits_is_counted_and_what_is_parked_is_a_problem() {
    for (waiting, in_flight, parked, unfinished, grade, words) in [
        (0, 0, 0, 0, Grade::Ok, "Nothing waits"),
        (1, 1, 0, 0, Grade::Ok, "2 rides wait for delivery"),
        (
            1,
            0,
            2,
            0,
            Grade::Problem,
            "1 ride waits for delivery, and 2 rides need the athlete",
        ),
        (0, 0, 0, 1, Grade::Note, "1 ride was not finished"),
    ] {
        let mut seen = seen(owner(), at(0));
        let counts = OutboxCounts {
            waiting,
            in_flight,
            parked,
            ..OutboxCounts::default()
        };
        seen.queue = Some(Queue {
            counts,
            edits: OutboxCounts::default(),
            unfinished,
        });
        let found = finding(&seen, "queue");
        assert_eq!(found.grade, grade, "{found:?}");
        assert!(found.words.contains(words), "{found:?}");
    }
}

#[test]
fn changes_that_wait_or_need_the_athlete_are_counted_beside_the_rides() {
    let counts = |waiting, parked| OutboxCounts {
        waiting,
        parked,
        ..OutboxCounts::default()
    };
    for (rides, edits, grade, words) in [
        (
            counts(0, 0),
            counts(1, 0),
            Grade::Ok,
            "1 change waits for delivery.",
        ),
        (
            counts(1, 0),
            counts(2, 0),
            Grade::Ok,
            "1 ride and 2 changes wait for delivery.",
        ),
        (
            counts(0, 0),
            counts(0, 1),
            Grade::Problem,
            "1 change needs the athlete.",
        ),
        (
            counts(2, 0),
            counts(0, 1),
            Grade::Problem,
            "2 rides wait for delivery, and 1 change needs the athlete.",
        ),
    ] {
        let mut seen = seen(owner(), at(0));
        seen.queue = Some(Queue {
            counts: rides,
            edits,
            unfinished: 0,
        });
        let found = finding(&seen, "queue");
        assert_eq!((found.grade, found.words.as_str()), (grade, words));
    }
}

#[test]
fn a_silent_issuer_is_no_problem_and_damage_is_one() {
    let mut seen = seen(owner(), at(0));
    seen.issuer = IssuerSeen::Silent(
        "https://ride.example.org".to_owned(),
        "no network.".to_owned(),
    );
    let issuer = finding(&seen, "issuer");
    assert_eq!(issuer.grade, Grade::Note);
    assert!(
        issuer.words.ends_with("could not be asked: no network."),
        "{issuer:?}"
    );
    for (database, grade) in [
        (0, "what can be read is saved"),
        (1, "fetches the library again"),
    ] {
        seen.databases[database].fault = Some("row 7 is missing".to_owned());
        let name = ["athlete_db", "library_db"][database];
        let found = finding(&seen, name);
        assert_eq!(found.grade, Grade::Problem);
        assert!(found.remedy.unwrap().contains(grade));
    }
    seen.databases[0] = DatabaseCheck {
        bytes: None,
        format: None,
        fault: None,
        ..seen.databases[0].clone()
    };
    assert_eq!(finding(&seen, "athlete_db").grade, Grade::Note);
}

#[test]
fn a_file_whose_maker_died_is_not_called_damaged() {
    let mut seen = seen(owner(), at(0));
    seen.databases[0].format = None;
    let found = finding(&seen, "athlete_db");
    assert_eq!(found.grade, Grade::Note);
    assert!(found.words.contains("half-done"), "{found:?}");
}

#[test]
fn the_text_has_a_line_for_each_finding_and_never_the_athletes_name() {
    let mut seen = seen(owner(), at(20));
    seen.syncer = Syncer::Other(Some(77));
    let report = Report::of(&seen);
    let text = report.text();
    for found in &report.findings {
        assert!(text.contains(&found.words), "{text}");
    }
    assert!(text.contains("PROBLEM  grace"), "{text}");
    assert!(text.contains("→ Connect once"), "{text}");
    assert!(
        text.contains("process 77") && text.ends_with("problems were found."),
        "{text}"
    );
    let json = serde_json::to_string(&report).unwrap();
    for whole in [text, json] {
        assert!(
            !whole.contains("Dana") && !whole.contains("rest-of-it"),
            "{whole}"
        );
    }
}
