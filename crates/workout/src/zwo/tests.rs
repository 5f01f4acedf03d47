use super::*;
use crate::model::{Cadence, Effort, IntervalPart};

fn file(steps: &str) -> String {
    format!("<workout_file><name>N</name>\n<workout>\n{steps}\n</workout></workout_file>")
}

fn read_ok(text: &str) -> Read {
    read(text.as_bytes(), "a.zwo").unwrap()
}

fn refused(text: &str) -> ReadError {
    let error = read(text.as_bytes(), "a.zwo").unwrap_err();
    assert!(
        error.to_string().starts_with("a.zwo") && !error.remedy.is_empty(),
        "{error}"
    );
    error
}

fn rpm(low: u16, high: u16) -> Option<Cadence> {
    Some(Cadence { low, high })
}

fn steady(seconds: u32, power: f64) -> Effort {
    Effort::Steady {
        seconds,
        power,
        cadence: None,
    }
}

fn ramp(seconds: u32, from: f64, to: f64) -> Effort {
    Effort::Ramp {
        seconds,
        from,
        to,
        cadence: None,
    }
}

fn part(seconds: u32, from: f64, to: f64, cadence: Option<Cadence>) -> IntervalPart {
    IntervalPart {
        seconds,
        from,
        to,
        cadence,
    }
}

#[test]
fn each_kind_of_step_in_every_spelling() {
    let cases: &[(&str, Effort)] = &[
        (
            r#"<SteadyState Duration="60" Power="0.75"/>"#,
            steady(60, 0.75),
        ),
        (
            r#"<steadystate DURATION="60" power=".75"/>"#,
            steady(60, 0.75),
        ),
        (
            r#"<SolidState Duration="60" Power="75%"/>"#,
            steady(60, 0.75),
        ),
        (
            r#"<SteadyState Duration="60.000004" Power="0.89999998"/>"#,
            steady(60, 0.9),
        ),
        (
            r#"<SteadyState Duration="60" PowerLow="0.7" PowerHigh="0.8"/>"#,
            steady(60, 0.75),
        ),
        (
            r#"<SteadyState Duration="60" Zone="3"/>"#,
            steady(60, 0.825),
        ),
        (
            r#"<SteadyState Duration="60" Power="1" Cadence="90"/>"#,
            Effort::Steady {
                seconds: 60,
                power: 1.0,
                cadence: rpm(90, 90),
            },
        ),
        (
            r#"<SteadyState Duration="60" Power="1" CadenceLow="95" CadenceHigh="85"/>"#,
            Effort::Steady {
                seconds: 60,
                power: 1.0,
                cadence: rpm(85, 95),
            },
        ),
        (
            r#"<SteadyState Duration="60" Power="1" Cadence="0"/>"#,
            steady(60, 1.0),
        ),
        (
            r#"<Warmup Duration="300" PowerLow="0.4" PowerHigh="0.7"/>"#,
            ramp(300, 0.4, 0.7),
        ),
        (r#"<Warmup Duration="300" Power="0.5"/>"#, steady(300, 0.5)),
        (
            r#"<Cooldown Duration="300" PowerLow="0.7" PowerHigh="0.4"/>"#,
            ramp(300, 0.7, 0.4),
        ),
        (
            r#"<CoolDown Duration="300" PowerLow="0.4" PowerHigh="0.7"/>"#,
            ramp(300, 0.4, 0.7),
        ),
        (
            r#"<Ramp Duration="300" PowerLow="0.9" PowerHigh="0.6"/>"#,
            ramp(300, 0.9, 0.6),
        ),
        (
            r#"<IntervalsT Repeat="3" OnDuration="40" OffDuration="20" OnPower="1.2" OffPower="0.5" Cadence="100" CadenceResting="80"/>"#,
            Effort::Intervals {
                repeat: 3,
                on: part(40, 1.2, 1.2, rpm(100, 100)),
                off: part(20, 0.5, 0.5, rpm(80, 80)),
            },
        ),
        (
            r#"<intervalst repeat="2" onduration="40" offduration="0" PowerOnLow="1" PowerOnHigh="1.2" PowerOffLow="0.6" PowerOffHigh="0.5"/>"#,
            Effort::Intervals {
                repeat: 2,
                on: part(40, 1.0, 1.2, None),
                off: part(0, 0.6, 0.5, None),
            },
        ),
        (
            r#"<IntervalsT Repeat="1" OnDuration="9" OffDuration="9" PowerOnZone="5" PowerOffZone="1"/>"#,
            Effort::Intervals {
                repeat: 1,
                on: part(9, 1.125, 1.125, None),
                off: part(9, 0.5, 0.5, None),
            },
        ),
        (
            r#"<FreeRide Duration="600" FlatRoad="1"/>"#,
            Effort::FreeRide {
                seconds: 600,
                cadence: None,
            },
        ),
        (
            r#"<Freeride Duration="600" Cadence="85"/>"#,
            Effort::FreeRide {
                seconds: 600,
                cadence: rpm(85, 85),
            },
        ),
        (
            r#"<MaxEffort Duration="30"/>"#,
            Effort::MaxEffort {
                seconds: 30,
                cadence: None,
            },
        ),
    ];
    for (step, effort) in cases {
        assert_eq!(
            &read_ok(&file(step)).workout.steps[0].effort,
            effort,
            "{step}"
        );
    }
}

#[test]
fn faults_name_line_element_attribute_and_remedy() {
    use ReadCode::{MalformedXml, Missing, NotANumber, OutOfRange};
    let cases: &[(&str, ReadCode, &str, Option<&str>)] = &[
        (
            r#"<SteadyState Power="1"/>"#,
            Missing,
            "SteadyState",
            Some("Duration"),
        ),
        (
            r#"<SteadyState Duration="60"/>"#,
            Missing,
            "SteadyState",
            Some("Power"),
        ),
        (
            r#"<Ramp Duration="60" PowerLow="1"/>"#,
            Missing,
            "Ramp",
            Some("PowerHigh"),
        ),
        (
            r#"<Ramp Duration="60" PowerHigh="1"/>"#,
            Missing,
            "Ramp",
            Some("PowerLow"),
        ),
        (
            r#"<SteadyState Duration="1:00" Power="1"/>"#,
            NotANumber,
            "SteadyState",
            Some("Duration"),
        ),
        (
            r#"<SteadyState Duration="60" Power="hard"/>"#,
            NotANumber,
            "SteadyState",
            Some("Power"),
        ),
        (
            r#"<SteadyState Duration="60" Power="75"/>"#,
            OutOfRange,
            "SteadyState",
            Some("Power"),
        ),
        (
            r#"<SteadyState Duration="60" Power="-1"/>"#,
            OutOfRange,
            "SteadyState",
            Some("Power"),
        ),
        (
            r#"<SteadyState Duration="NaN" Power="1"/>"#,
            NotANumber,
            "SteadyState",
            Some("Duration"),
        ),
        (
            r#"<SteadyState Duration="1e9" Power="1"/>"#,
            OutOfRange,
            "SteadyState",
            Some("Duration"),
        ),
        (
            r#"<FreeRide Duration="9" cadence="900"/>"#,
            OutOfRange,
            "FreeRide",
            Some("cadence"),
        ),
        (
            r#"<IntervalsT Repeat="501" OnDuration="1" OffDuration="1" OnPower="1" OffPower="1"/>"#,
            OutOfRange,
            "IntervalsT",
            Some("Repeat"),
        ),
        (
            r#"<IntervalsT OnDuration="1" OnPower="1"/>"#,
            Missing,
            "IntervalsT",
            Some("OffDuration"),
        ),
        (
            r#"<SteadyState Duration=60 />"#,
            MalformedXml,
            "SteadyState",
            Some("Duration"),
        ),
        (
            r#"<SteadyState Duration Power="1"/>"#,
            MalformedXml,
            "SteadyState",
            Some("Duration"),
        ),
        (
            r#"<SteadyState Duration="60" "#,
            MalformedXml,
            "SteadyState",
            None,
        ),
        (
            r#"<SteadyState Duration="60></x>"#,
            MalformedXml,
            "SteadyState",
            Some("Duration"),
        ),
        (r#"<Ramp></ramp>"#, MalformedXml, "ramp", None),
        (r#"</Ramp>"#, MalformedXml, "Ramp", None),
        (r#"<Ramp>"#, MalformedXml, "Ramp", None),
    ];
    for (step, code, element, attribute) in cases {
        let error = refused(&file(step));
        let found = (
            error.code,
            error.line,
            error.element.as_deref(),
            error.attribute.as_deref(),
        );
        assert_eq!(
            found,
            (*code, Some(3), Some(*element), *attribute),
            "{step}: {error}"
        );
    }
}

#[test]
fn whole_files_that_are_no_workout_are_refused_with_their_reason() {
    let doctype = "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"bbbb\">]>\n<a>&b;</a>";
    let day = r#"<SteadyState Duration="86400" Power="0.5"/>"#;
    let deep = format!("{}{}", "<a>".repeat(40_000), "</a>".repeat(40_000));
    let many = file(&r#"<SteadyState Duration="1" Power="1"/>"#.repeat(MAX_STEPS + 1));
    // Each of these cost minutes or gigabytes when it was first tried.
    let attributes: String = (0..90_000).map(|i| format!(" a{i}=\"\"")).collect();
    let attributes = format!("<workout_file>\n<workout{attributes}/></workout_file>");
    let namespaces: String = (0..30_000)
        .map(|i| format!("<a xmlns:a{i}=\"{i}\">"))
        .collect();
    let distance = "<workout_file><durationType>distance</durationType></workout_file>";
    let cases: &[(&str, ReadCode, Option<u32>)] = &[
        ("", ReadCode::MalformedXml, Some(1)),
        ("not XML at all", ReadCode::MalformedXml, Some(1)),
        ("<gpx/>", ReadCode::NotAWorkout, Some(1)),
        (&deep, ReadCode::NotAWorkout, Some(1)),
        (
            "<workout_file>\n</workout_file>",
            ReadCode::NotAWorkout,
            Some(1),
        ),
        (
            "<workout_file>\n<workout/>\n</workout_file>",
            ReadCode::Empty,
            Some(2),
        ),
        (doctype, ReadCode::DocumentType, Some(2)),
        (distance, ReadCode::Unsupported, Some(1)),
        (
            &file(&format!("{day}\n{day}")),
            ReadCode::OutOfRange,
            Some(4),
        ),
        (&many, ReadCode::OutOfRange, Some(3)),
        (
            " \n<?xml version=\"1.0\"?><workout_file/>",
            ReadCode::MalformedXml,
            Some(2),
        ),
        (&attributes, ReadCode::NotAWorkout, Some(2)),
        (&namespaces, ReadCode::NotAWorkout, Some(1)),
        ("<a/>\n<b/>", ReadCode::MalformedXml, Some(2)),
        ("<a\nb='1' b='2'/>", ReadCode::MalformedXml, Some(2)),
        ("<a\nb='1'c='2'/>", ReadCode::MalformedXml, Some(2)),
        (
            "<workout_file>\n<!-- never ended",
            ReadCode::MalformedXml,
            Some(2),
        ),
        ("<workout_file>\n5 < 6", ReadCode::MalformedXml, Some(2)),
        (
            "<workout_file>\n\u{1}</workout_file>",
            ReadCode::MalformedXml,
            Some(2),
        ),
    ];
    for (text, code, line) in cases {
        let error = refused(text);
        let shown: String = text.chars().take(60).collect();
        assert_eq!((error.code, error.line), (*code, *line), "{shown}: {error}");
    }
    let large = vec![b' '; crate::limits::MAX_FILE_BYTES + 1];
    assert_eq!(read(&large, "a.zwo").unwrap_err().code, ReadCode::TooLarge);
}

#[test]
fn nothing_is_lost_in_silence() {
    let ok = r#"<SteadyState Duration="60" Power="0.5"/>"#;
    let cases: &[(String, u32, &str)] = &[
        (file(&format!("{ok}<RestDay/>")), 3, "RestDay"),
        (file(&format!("{ok}/>")), 3, "/>"),
        (
            file(r#"<SteadyState Duration="60" Power="0.5" Incline="3"/>"#),
            3,
            "Incline",
        ),
        (
            file(r#"<SteadyState Duration="60" Power="0.5"><video/></SteadyState>"#),
            3,
            "video",
        ),
        (
            file(&format!(
                "{ok}\n<Ramp Duration=\"0\" PowerLow=\"1\" PowerHigh=\"1\"/>"
            )),
            4,
            "Ramp",
        ),
        (
            file(r#"<SteadyState Duration="7.5" Power="0.5"/>"#),
            3,
            "rounded",
        ),
        (file(&format!("{ok}</workout><workout>")), 3, "second"),
        (
            file(&format!(
                "{ok}</workout><ftpOverride>250</ftpOverride><workout>"
            )),
            3,
            "ftpOverride",
        ),
        (
            file(&format!("<textevent message=\"Hi\"/>{ok}")),
            3,
            "outside",
        ),
        (
            file(r#"<FreeRide Duration="9"><textevent timeoffset="x" message="Hi"/></FreeRide>"#),
            3,
            "timeoffset",
        ),
        (
            file(r#"<FreeRide Duration="9"><textevent/></FreeRide>"#),
            3,
            "empty",
        ),
        (
            file(r#"<FreeRide Duration="9"><textevent timeoffset="9" message="Hi"/></FreeRide>"#),
            3,
            "after the end",
        ),
        (
            format!(
                "<workout_file><name>R</name><sportType>run</sportType><workout>{ok}</workout></workout_file>"
            ),
            1,
            "run",
        ),
    ];
    for (text, line, word) in cases {
        let warnings = read_ok(text).warnings;
        let found = warnings
            .iter()
            .any(|notice| notice.line == Some(*line) && notice.to_string().contains(word));
        assert!(found, "{text}: {warnings:?}");
    }
    assert_eq!(read_ok(&file(ok)).warnings, []);
}

#[test]
fn a_flood_of_remarks_is_cut() {
    let ok = r#"<SteadyState Duration="60" Power="0.5"/>"#;
    let warnings = read_ok(&file(&format!("{ok}{}", "<x/>".repeat(1000)))).warnings;
    assert_eq!(warnings.len(), 101);
    assert!(warnings[100].message.starts_with("900 more"));
}

#[test]
fn texts_get_their_times() {
    let read = read_ok(&file(
        "<SteadyState Duration=\"60\" Power=\"0.5\">\
         <textevent timeoffset=\"5\" message=\"a\"/>\
         <TextEvent TimeOffset=\"10\" Message=\"b\" duration=\"20\"/>\
         <textevent message=\"follows\"/>\
         </SteadyState>\
         <FreeRide Duration=\"60\"/><textevent timeoffset=\"7\" message=\"d &amp; e\"/>",
    ));
    let cues: Vec<_> = read
        .workout
        .cues()
        .into_iter()
        .map(|c| (c.at, c.seconds, c.text))
        .collect();
    let expected = [
        (5, 10, "a"),
        (10, 20, "b"),
        (30, 10, "follows"),
        (67, 10, "d & e"),
    ];
    assert_eq!(
        cues,
        expected.map(|(at, seconds, text)| (at, seconds, text.to_owned()))
    );
}

#[test]
fn the_head_is_read_and_a_file_without_a_name_gets_its_own() {
    let text = "<Workout_File><AUTHOR> A. Thor </AUTHOR><description>One<![CDATA[ & ]]>two</description>\
        <tags><tag name=\" Easy \"/><tag>Easy</tag><tag>Long</tag></tags>\
        <Workout><FreeRide Duration=\"60\"/></Workout></Workout_File>";
    let read = read(text.as_bytes(), "rides/Sunday_spin.zwo").unwrap();
    let workout = read.workout;
    assert_eq!(workout.name, "Sunday spin");
    assert_eq!(workout.author.as_deref(), Some("A. Thor"));
    assert_eq!(workout.description, "One & two");
    assert_eq!(workout.tags, ["easy", "long"]);
    assert_eq!(read.warnings.len(), 1);
}

#[test]
fn utf_16_is_read_with_the_right_lines() {
    let text = file("<SteadyState Duration=\"é\" Power=\"0.5\"/>");
    let bytes: Vec<u8> = [0xFEFF]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let error = read(&bytes, "a.zwo").unwrap_err();
    assert_eq!((error.line, error.found.as_deref()), (Some(3), Some("é")));
}
