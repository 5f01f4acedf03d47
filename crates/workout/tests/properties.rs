//! What must hold for every input, not only for those that somebody thought of.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use freewheel_workout::limits::MAX_SECONDS;
use freewheel_workout::{
    Cadence, Cue, Effort, IntervalPart, Load, ReadError, Step, Target, Workout, Zone, content_id,
    erg, read_any, zwo,
};
use proptest::prelude::*;

/// A power as readers give it: whole hundredths of a percent.
fn power() -> impl Strategy<Value = f64> {
    (0u32..=40_000).prop_map(|steps| f64::from(steps) / 10_000.0)
}

fn cadence() -> impl Strategy<Value = Option<Cadence>> {
    prop::option::of((1u16..=250, 1u16..=250).prop_map(|(a, b)| Cadence {
        low: a.min(b),
        high: a.max(b),
    }))
}

fn one_cadence() -> impl Strategy<Value = Option<Cadence>> {
    prop::option::of((1u16..=250).prop_map(|rpm| Cadence {
        low: rpm,
        high: rpm,
    }))
}

fn effort() -> impl Strategy<Value = Effort> {
    let part = |least: u32, cadence: BoxedStrategy<Option<Cadence>>| {
        (least..=60, power(), power(), any::<bool>(), cadence).prop_map(
            |(seconds, from, to, flat, cadence)| IntervalPart {
                seconds,
                from,
                to: if flat { from } else { to },
                cadence,
            },
        )
    };
    prop_oneof![
        (1u32..=900, power(), cadence()).prop_map(|(seconds, power, cadence)| Effort::Steady {
            seconds,
            power,
            cadence
        }),
        (1u32..=900, power(), power(), cadence()).prop_map(|(seconds, from, to, cadence)| {
            Effort::Ramp {
                seconds,
                from,
                to,
                cadence,
            }
        }),
        (
            1u32..=20,
            part(1, cadence().boxed()),
            part(0, one_cadence().boxed())
        )
            .prop_map(|(repeat, on, off)| Effort::Intervals { repeat, on, off }),
        (1u32..=900, cadence())
            .prop_map(|(seconds, cadence)| Effort::FreeRide { seconds, cadence }),
        (1u32..=900, cadence())
            .prop_map(|(seconds, cadence)| Effort::MaxEffort { seconds, cadence }),
    ]
}

/// Text that begins and ends with a letter: readers trim.
const TEXT: &str = "[a-zé<&\"'>]([ -~\n\té🚴]{0,30}[a-z<&\"'>])?";

fn workout() -> impl Strategy<Value = Workout> {
    let cue =
        (0u32..=400, 1u32..=60, TEXT).prop_map(|(at, seconds, text)| Cue { at, seconds, text });
    let step = (effort(), prop::collection::vec(cue, 0..4))
        .prop_map(|(effort, cues)| Step { effort, cues });
    let tags = prop::collection::btree_set("[a-z]{1,8}", 0..4);
    (
        TEXT,
        prop::option::of(TEXT),
        TEXT,
        tags,
        prop::collection::vec(step, 1..12),
    )
        .prop_map(|(name, author, description, tags, steps)| Workout {
            name,
            author,
            description,
            tags: tags.into_iter().collect(),
            steps,
        })
}

/// Text made of what workout files are made of, so that it gets past the first byte.
fn nearly_a_file() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<workout_file>",
        "</workout_file>",
        "<workout>",
        "</workout>",
        "<SteadyState",
        "<Ramp",
        "<IntervalsT",
        "</SteadyState>",
        " Duration=",
        " Power=",
        " Repeat=",
        "\"60\"",
        "\"-1e308\"",
        "\"NaN\"",
        "\"0.5\"",
        "\"4294967296\"",
        "\"",
        "'",
        "/>",
        ">",
        "<",
        "&",
        "&amp;",
        "&#0;",
        "&#x;",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml",
        "?>",
        "<!DOCTYPE a>",
        "<textevent message=",
        "=",
        "é",
        "🚴",
        "\n",
        "\r",
        "\t",
        " ",
        "[COURSE HEADER]",
        "[COURSE DATA]",
        "[COURSE TEXT]",
        "MINUTES WATTS",
        "MINUTES PERCENT",
        "FTP = 200",
        "0 50",
        "5\t100",
        "1e300 1e300",
        "\u{1}",
        "\0",
    ]);
    prop::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

fn told_well(error: &ReadError) {
    assert!(
        !error.problem.is_empty() && !error.remedy.is_empty(),
        "{error:?}"
    );
    assert!(error.to_string().contains(&*error.remedy));
}

fn read_in_every_way(bytes: &[u8]) {
    let outcomes = [
        read_any(bytes, "a", Some(250.0)),
        read_any(bytes, "a.zwo", None),
        read_any(bytes, "a.mrc", None),
        zwo::read(bytes, ""),
        erg::read(bytes, "", Some(f64::INFINITY)),
    ];
    for outcome in outcomes {
        match outcome {
            Ok(read) => read.workout.validate().expect("what is read can be ridden"),
            Err(error) => told_well(&error),
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_in_every_way(&bytes);
    }

    #[test]
    fn nearly_files_are_read_or_refused(text in nearly_a_file()) {
        read_in_every_way(text.as_bytes());
    }

    #[test]
    fn a_file_cut_anywhere_is_read_or_refused(workout in workout(), cut in any::<prop::sample::Index>()) {
        let written = zwo::write(&workout);
        read_in_every_way(&written.as_bytes()[..cut.index(written.len())]);
    }

    #[test]
    fn segments_are_contiguous_and_add_up(workout in workout()) {
        workout.validate().unwrap();
        let mut end = 0;
        for segment in workout.segments() {
            prop_assert_eq!(segment.start, end);
            prop_assert!(segment.seconds >= 1);
            end = segment.end();
            if let Target::Power { from, to } = segment.target {
                let middle = segment.power_at(f64::from(segment.seconds) / 2.0).unwrap();
                prop_assert!((from.min(to) - 1e-9..=from.max(to) + 1e-9).contains(&middle));
            }
        }
        prop_assert_eq!(end, workout.seconds());
        prop_assert!(end <= MAX_SECONDS);
        let cues = workout.cues();
        prop_assert!(cues.is_sorted_by_key(|cue| cue.at) && cues.iter().all(|cue| cue.at < end));
    }

    #[test]
    fn the_load_fits_the_workout(workout in workout()) {
        let load = Load::of(&workout);
        prop_assert_eq!(load.seconds, workout.seconds());
        prop_assert_eq!(load.zone_seconds.iter().sum::<u32>(), load.seconds);
        prop_assert!(load.tss.is_finite() && load.tss >= 0.0);
        prop_assert!((0.0..=4.0).contains(&load.normalized));
        prop_assert!(Zone::ALL.contains(&load.main_zone));
    }

    #[test]
    fn json_and_id_survive_a_round_trip(workout in workout()) {
        let json = serde_json::to_string(&workout).unwrap();
        let back: Workout = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(content_id(&back), content_id(&workout));
        prop_assert_eq!(back, workout);
    }

    #[test]
    fn a_written_file_reads_back_equal(workout in workout()) {
        let written = zwo::write(&workout);
        let read = read_any(written.as_bytes(), "a.zwo", None).unwrap();
        prop_assert_eq!(read.workout, workout);
    }
}
