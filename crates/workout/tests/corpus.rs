//! Files that other people wrote, good and broken. They are read from beside the project and are no
//! part of it; without them, samples of our own with the same quirks are read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::path::{Path, PathBuf};

use freewheel_workout::{Load, ReadCode, ReadError, read_any, zwo};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/zwo")
}

/// Every `.zwo` below the folder, sorted; `None` without the folder.
fn files() -> Option<Vec<PathBuf>> {
    let mut folders = vec![corpus()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            assert_eq!(folder, corpus(), "unreadable folder");
            eprintln!(
                "no corpus at {}: only the samples in this test are read",
                folder.display()
            );
            return None;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "zwo") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(
        !files.is_empty(),
        "the corpus folder is there and holds nothing"
    );
    Some(files)
}

fn is_broken(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "Broken")
}

#[test]
fn every_file_is_read_or_refused_with_file_and_line() {
    for path in files().unwrap_or_default() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match read_any(&std::fs::read(&path).unwrap(), &name, None) {
            Ok(read) => {
                assert!(!is_broken(&path), "{name} is broken and was read");
                let workout = read.workout;
                workout.validate().unwrap();
                let minutes = workout.seconds() / 60;
                assert!((10..=180).contains(&minutes), "{name}: {minutes} min");
                let load = Load::of(&workout);
                assert!(
                    (0.4..1.2).contains(&load.intensity_factor),
                    "{name}: {load:?}"
                );
                let cues = workout.cues();
                assert!(cues.iter().all(|cue| cue.at < workout.seconds()), "{name}");
                let again = zwo::read(zwo::write(&workout).as_bytes(), &name).unwrap();
                assert_eq!(again.workout, workout, "{name} changed when written");
                if std::env::var_os("SHOW").is_some() {
                    eprintln!(
                        "{name}: \"{}\" {}:{:02} IF {:.2} TSS {:.0} {:?} {} cues",
                        workout.name,
                        minutes,
                        workout.seconds() % 60,
                        load.intensity_factor,
                        load.tss,
                        load.main_zone,
                        cues.len()
                    );
                    for warning in &read.warnings {
                        eprintln!("    {warning}");
                    }
                }
            }
            Err(error) => {
                assert!(is_broken(&path), "a good file was refused: {error}");
                assert_eq!(*error.file, *name);
                assert!(error.line.is_some() && !error.remedy.is_empty(), "{error}");
                if std::env::var_os("SHOW").is_some() {
                    eprintln!("{error} [{}]", error.found.as_deref().unwrap_or_default());
                }
            }
        }
    }
}

/// What is wrong with each broken file: looked up by eye, not taken from the reader.
#[test]
fn the_error_of_a_broken_file_names_the_very_mistake() {
    let Some(files) = files() else { return };
    // File, line, element, attribute, a word of the remedy.
    let mistakes = [
        ("867-5309_Jenny_30-30.zwo", 3, "name", None, "&amp;"),
        ("867-5309_Jenny_30-60.zwo", 3, "name", None, "&amp;"),
        ("867-5309_Jenny_45-20.zwo", 3, "name", None, "&amp;"),
        ("FTP_Builder_Wk6,_Day_3.zwo", 8, "tag", Some("name"), "&lt;"),
        (
            "The_Wringer.zwo",
            16,
            "SteadyState",
            Some("pace"),
            "Write \" at the end",
        ),
        ("All_You_Need.zwo", 4, "description", None, "</description>"),
        ("45_45sec_Anaerobic__1.zwo", 11, "IntervalsT", None, "/>"),
        (
            "2min_and_a_Big_Finger_2.zwo",
            105,
            "SteadyState",
            None,
            "on line 103",
        ),
    ];
    let broken: Vec<_> = files.iter().filter(|path| is_broken(path)).collect();
    assert_eq!(broken.len(), mistakes.len());
    for (name, line, element, attribute, remedy) in mistakes {
        let path = broken.iter().find(|path| path.ends_with(name)).expect(name);
        let error = zwo::read(&std::fs::read(path).unwrap(), name).unwrap_err();
        assert_mistake(&error, line, element, attribute, remedy);
    }
}

fn assert_mistake(
    error: &ReadError,
    line: u32,
    element: &str,
    attribute: Option<&str>,
    remedy: &str,
) {
    assert_eq!(error.code, ReadCode::MalformedXml, "{error}");
    assert_eq!(error.line, Some(line), "{error}");
    assert_eq!(error.element.as_deref(), Some(element), "{error}");
    assert_eq!(error.attribute.as_deref(), attribute, "{error}");
    assert!(error.remedy.contains(remedy), "{error}");
}

/// The quirks of the corpus in files of our own, so that they are held where it is absent.
#[test]
fn our_own_samples_with_the_same_quirks() {
    let good = "<workout_file>\n<author>A</author><n>Short name</n><description/>\
        <sportType>bike</sportType><tags><tag name=\" Easy Ride\"/></tags>\n<workout>\n\
        <Warmup Duration=\"360.00003\" PowerLow=\"0.44999999\" PowerHigh=\"0.75\" pace=\"0\"/>\n\
        <textevent timeoffset=\"60\" message=\"Outside\"/>\n\
        <IntervalsT Repeat=\"2\" OnDuration=\"30.000002\" OffDuration=\"30\" OnPower=\"0.89999998\" \
        OffPower=\"0.5\" pace=\"1428186484\" OverUnder=\"1\" Cadence=\"93\" CadenceResting=\"63\"/>\n\
        <Cooldown Duration=\"300\" PowerLow=\"0.75\" PowerHigh=\"0.25\"/>\n</workout></workout_file>";
    let read = zwo::read(good.as_bytes(), "good.zwo").unwrap();
    assert_eq!(
        (read.workout.name.as_str(), read.workout.seconds()),
        ("Short name", 780)
    );
    assert_eq!(read.workout.cues()[0].at, 60);
    assert_eq!(read.warnings.len(), 1, "{:?}", read.warnings);

    let inside =
        |steps: &str| format!("<workout_file>\n<workout>\n{steps}\n</workout>\n</workout_file>");
    let cases = [
        (
            "<workout_file>\n<name>Five & five</name>\n".to_owned(),
            2,
            "name",
            None,
            "&amp;",
        ),
        (
            "<workout_file>\n<tags>\n<tag name=\"< FTP\"/>\n".into(),
            3,
            "tag",
            Some("name"),
            "&lt;",
        ),
        (
            inside("<SteadyState Duration=\"60\" pace=\"0 Cadence=\"90\"/>\"/>"),
            3,
            "SteadyState",
            Some("pace"),
            "Write \" at the end",
        ),
        (
            "<workout_file>\n<description>Easy<description/>\n</workout_file>".into(),
            2,
            "description",
            None,
            "</description>",
        ),
        (
            inside("<SteadyState Duration=\"60\">\n<Ramp/>"),
            3,
            "SteadyState",
            None,
            "/>",
        ),
        (
            inside("<SteadyState Duration=\"60\"/>\n</SteadyState>"),
            4,
            "SteadyState",
            None,
            "on line 3",
        ),
    ];
    for (text, line, element, attribute, remedy) in cases {
        let error = zwo::read(text.as_bytes(), "bad.zwo").unwrap_err();
        assert_mistake(&error, line, element, attribute, remedy);
    }
}
