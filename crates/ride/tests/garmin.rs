//! Garmin's own decoder reads every file that we write, whole and without errors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::panic,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use freewheel_ride::fit;
use freewheel_ride::journal::{RecordedRide, RideHeader};
use freewheel_ride::player::Player;
use freewheel_ride::recorder::{Recorded, Recorder};
use freewheel_ride::sim::SimulatedTrainer;
use freewheel_ride::view::RideCommand::{self, Pause, Skip, Start};
use freewheel_workout::{Effort, IntervalPart, Step, Workout};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

const START: i64 = 1_760_000_000;

fn header(workout: Option<Workout>) -> RideHeader {
    RideHeader {
        id: Uuid::from_u128(0x0199_c0de_0000_7000_8000_0000_dead_beef),
        started_at: Timestamp::from_second(START).unwrap(),
        name: "Über-Intervalle 5 × 4′".into(),
        workout,
        workout_id: None,
        plan_item_id: None,
        ftp_watts: 250,
        trainer: "Simulated trainer".into(),
        simulated: true,
    }
}

fn workout(repeat: u32) -> Workout {
    let part = |seconds, from, to| IntervalPart {
        seconds,
        from,
        to,
        cadence: None,
    };
    let steps = vec![
        Effort::Ramp {
            seconds: 300,
            from: 0.4,
            to: 0.7,
            cadence: None,
        },
        Effort::Intervals {
            repeat,
            on: part(240, 1.05, 1.05),
            off: part(120, 0.5, 0.5),
        },
        Effort::FreeRide {
            seconds: 120,
            cadence: None,
        },
    ];
    Workout {
        name: "Über-Intervalle 5 × 4′".into(),
        author: None,
        description: String::new(),
        tags: vec![],
        steps: steps
            .into_iter()
            .map(|effort| Step {
                effort,
                cues: vec![],
            })
            .collect(),
    }
}

/// Rides: at each second of the clock the command, and then on to `end`.
fn ride(workout: Option<Workout>, commands: &[(u64, RideCommand)], end: u64) -> RecordedRide {
    let header = header(workout);
    let player = Player::new(header.workout.as_ref(), header.ftp_watts);
    let mut recorder = Recorder::new(player);
    recorder.begin(header.started_at, Duration::ZERO);
    let recorded = carry_out(&mut recorder, commands, end);
    RecordedRide {
        header,
        samples: recorded.samples,
        events: recorded.events,
    }
}

fn carry_out(recorder: &mut Recorder, commands: &[(u64, RideCommand)], end: u64) -> Recorded {
    let mut trainer = SimulatedTrainer::new(42);
    for (at, command) in commands {
        recorder.apply(*command, Duration::from_secs(*at), &mut trainer);
    }
    recorder.advance(Duration::from_secs(end), &mut trainer);
    recorder.drain()
}

/// A ride that died after 500 s, went on an hour later, and was ridden for 400 s more.
fn resumed() -> RecordedRide {
    let mut ride = ride(Some(workout(5)), &[(0, Start)], 500);
    let player = Player::new(ride.header.workout.as_ref(), ride.header.ftp_watts);
    let wall = Timestamp::from_second(START + 4100).unwrap();
    let mut recorder = Recorder::resume(player, &ride, wall);
    let more = carry_out(&mut recorder, &[(30, Start)], 430);
    ride.samples.extend(more.samples);
    ride.events.extend(more.events);
    ride
}

struct Case {
    name: &'static str,
    ride: RecordedRide,
    records: usize,
    elapsed: f64,
    laps: usize,
    timer: usize,
}

fn cases() -> Vec<Case> {
    let six_hours = 6 * 3600;
    let case = |name, ride, records, elapsed, laps, timer| Case {
        name,
        ride,
        records,
        elapsed,
        laps,
        timer,
    };
    vec![
        case(
            "empty",
            ride(Some(workout(5)), &[(0, Start)], 0),
            0,
            0.0,
            1,
            2,
        ),
        case("one", ride(None, &[(0, Start)], 1), 1, 1.0, 1, 2),
        case(
            "short",
            ride(Some(workout(5)), &[(0, Start)], 60),
            60,
            60.0,
            1,
            2,
        ),
        case(
            "whole",
            ride(Some(workout(5)), &[(0, Start)], 5000),
            2220,
            2220.0,
            12,
            2,
        ),
        case(
            "skipping",
            ride(
                Some(workout(5)),
                &[(0, Start), (100, Skip), (100, Skip), (150, Skip)],
                200,
            ),
            200,
            200.0,
            3,
            2,
        ),
        case(
            "pauses",
            ride(
                Some(workout(60)),
                &[
                    (0, Start),
                    (1000, Pause),
                    (1600, Start),
                    (9000, Pause),
                    (9001, Start),
                ],
                six_hours,
            ),
            six_hours as usize - 601,
            f64::from(6 * 3600),
            // The ramp, and every half interval that was begun.
            1 + (six_hours as usize - 601 - 300).div_ceil(360) * 2 - 1,
            6,
        ),
        case("resumed", resumed(), 900, 4530.0, 4, 4),
    ]
}

#[test]
fn garmin_reads_every_file_whole_and_without_errors() {
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    let files: Vec<PathBuf> = cases
        .iter()
        .map(|case| {
            let path = folder.path().join(format!("{}.fit", case.name));
            std::fs::write(&path, fit::encode(&case.ride).unwrap()).unwrap();
            path
        })
        .collect();
    let read = decode(&files);
    assert_eq!(read.len(), cases.len());
    for (case, found) in cases.iter().zip(&read) {
        check(case, found);
    }
}

fn check(case: &Case, found: &Value) {
    let name = case.name;
    assert_eq!(found["is_fit"], true, "{name}");
    assert_eq!(found["integrity"], true, "{name}");
    assert_eq!(found["errors"], Value::Array(vec![]), "{name}");
    let count = |kind: &str| found["counts"][kind].as_u64().unwrap_or(0) as usize;
    assert_eq!(count("record"), case.records, "{name}: records");
    assert_eq!(
        count("record"),
        case.ride.samples.len(),
        "{name}: records of samples"
    );
    assert_eq!(count("lap"), case.laps, "{name}: laps");
    assert_eq!(
        count("event"),
        case.timer,
        "{name}: timer events {}",
        found["timer"]
    );
    assert_eq!((count("session"), count("activity")), (1, 1), "{name}");

    let session = &found["session"];
    let seconds = |value: &Value| value.as_f64().expect("a number of seconds");
    let timer = seconds(&session["total_timer_time"]);
    assert!(
        (timer - case.records as f64).abs() < 0.01,
        "{name}: timer {timer}"
    );
    let elapsed = seconds(&session["total_elapsed_time"]);
    assert!(
        (elapsed - case.elapsed).abs() < 0.01,
        "{name}: elapsed {elapsed}"
    );
    let laps = found["laps"].as_array().unwrap();
    let in_laps: f64 = laps
        .iter()
        .map(|lap| seconds(&lap["total_timer_time"]))
        .sum();
    assert!(
        (in_laps - timer).abs() < 0.01,
        "{name}: laps add up to {in_laps}"
    );
    assert_eq!(session["sport"], "cycling", "{name}");
    assert_eq!(session["sub_sport"], "indoor_cycling", "{name}");
    assert_eq!(found["file_id"]["manufacturer"], "development", "{name}");
    assert_eq!(found["file_id"]["type"], "activity", "{name}");
    assert_eq!(
        found["devices"][1]["product_name"], "Simulated trainer",
        "{name}"
    );
    if let Some(sample) = case.ride.samples.last() {
        let last = &found["last_record"];
        assert_eq!(
            last["power"].as_u64(),
            sample.power.map(u64::from),
            "{name}"
        );
        let at = sample.at.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string();
        assert_eq!(last["timestamp"], at, "{name}");
    }
}

fn decode(files: &[PathBuf]) -> Vec<Value> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = crate_folder.join("../../target/tools/python/bin/python");
    assert!(
        python.exists(),
        "Garmin's decoder is not installed: run `cargo xtask setup`"
    );
    let output = Command::new(python)
        .arg(crate_folder.join("tests/fit_check.py"))
        .args(files)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
