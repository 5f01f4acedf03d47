use super::*;
use crate::model::Effort;

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

fn course(header: &str, data: &str, rest: &str) -> String {
    format!(
        "[COURSE HEADER]\n{header}\n[END COURSE HEADER]\n[COURSE DATA]\n{data}\n[END COURSE DATA]\n{rest}"
    )
}

fn efforts(text: &str) -> Vec<Effort> {
    let read = read(text.as_bytes(), "a.erg", None).unwrap();
    read.workout
        .steps
        .into_iter()
        .map(|step| step.effort)
        .collect()
}

#[test]
fn corners_become_steps() {
    let percent = "MINUTES PERCENT";
    let cases: &[(&str, &str, Vec<Effort>)] = &[
        (
            "a jump",
            "0 50\n5 50\n5 100\n6 100",
            vec![steady(300, 0.5), steady(60, 1.0)],
        ),
        ("a ramp", "0\t50\n10\t75", vec![ramp(600, 0.5, 0.75)]),
        (
            "flat pieces merge",
            "0 50\n1 50\n1 50\n2 50",
            vec![steady(120, 0.5)],
        ),
        (
            "pieces of a ramp merge",
            "0 50\n1 60\n2 70",
            vec![ramp(120, 0.5, 0.7)],
        ),
        (
            "a bend is a new step",
            "0 50\n1 60\n2 60",
            vec![ramp(60, 0.5, 0.6), steady(60, 0.6)],
        ),
        (
            "equal slopes with a jump between stay apart",
            "0 50\n1 60\n1 50\n2 60",
            vec![ramp(60, 0.5, 0.6), ramp(60, 0.5, 0.6)],
        ),
        (
            "commas part or point",
            "0,00 50\n0,50 50",
            vec![steady(30, 0.5)],
        ),
        (
            "columns parted by a comma",
            "0.00,50\n0.50,50",
            vec![steady(30, 0.5)],
        ),
        (
            "a repeated jump keeps the last",
            "0 50\n1 50\n1 80\n1 90\n2 90",
            vec![steady(60, 0.5), steady(60, 0.9)],
        ),
    ];
    for (name, data, expected) in cases {
        assert_eq!(&efforts(&course(percent, data, "")), expected, "{name}");
    }
}

#[test]
fn line_ends_blanks_and_capitals_do_not_matter() {
    let expected = [steady(60, 0.5), steady(60, 1.0)];
    let text = course(
        "ftp=200\nMINUTES   WATTS",
        "0\t100\n1\t100\n1\t200\n2\t200",
        "",
    );
    for text in [
        text.clone(),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.replace('\n', " \n\n  "),
        text.replace("COURSE", "course"),
        text.replace("ftp=200", "FTP   =   200"),
        text.replace("200", "200.0"),
    ] {
        assert_eq!(efforts(&text), expected, "{text:?}");
    }
}

#[test]
fn header_and_texts_are_kept() {
    let header = "VERSION = 2\nUNITS = ENGLISH\nDESCRIPTION = Two by ten\nFILE NAME = two_by_ten.mrc\nMINUTES PERCENT";
    let texts = "[COURSE TEXT]\n30\tHold this\t15\n90\tOver there\nnonsense\n999\tToo late\t5\n[END COURSE TEXT]";
    let read = read(
        course(header, "0 50\n1 50\n1 90\n2 90", texts).as_bytes(),
        "x.mrc",
        None,
    )
    .unwrap();
    let workout = &read.workout;
    assert_eq!(
        (workout.name.as_str(), workout.description.as_str()),
        ("two by ten", "Two by ten")
    );
    let cues: Vec<_> = workout
        .cues()
        .into_iter()
        .map(|c| (c.at, c.seconds, c.text))
        .collect();
    assert_eq!(
        cues,
        [
            (30, 15, "Hold this".to_owned()),
            (90, 10, "Over there".to_owned())
        ]
    );
    let lines: Vec<_> = read.warnings.iter().map(|notice| notice.line).collect();
    assert_eq!(lines, [Some(17), Some(18)], "{:?}", read.warnings);
}

#[test]
fn watts_need_an_ftp_from_the_file_or_the_caller() {
    let data = "0 150\n1 150";
    let cases: &[(&str, Option<f64>, Result<f64, ReadCode>)] = &[
        ("FTP = 200", None, Ok(0.75)),
        ("FTP = 200", Some(300.0), Ok(0.75)),
        ("VERSION = 2", Some(300.0), Ok(0.5)),
        ("FTP = 0", Some(300.0), Ok(0.5)),
        ("FTP =", Some(300.0), Ok(0.5)),
        ("VERSION = 2", None, Err(ReadCode::NeedsFtp)),
        ("FTP = 0", None, Err(ReadCode::NeedsFtp)),
        ("VERSION = 2", Some(0.0), Err(ReadCode::NeedsFtp)),
        ("VERSION = 2", Some(f64::NAN), Err(ReadCode::NeedsFtp)),
        ("FTP = lots", Some(300.0), Err(ReadCode::NotANumber)),
        ("FTP = 5", None, Err(ReadCode::OutOfRange)),
    ];
    for (header, ftp, expected) in cases {
        let text = course(&format!("{header}\nMINUTES WATTS"), data, "");
        let found = read(text.as_bytes(), "a.erg", *ftp)
            .map(|read| read.workout.segments()[0].power_at(0.0).unwrap())
            .map_err(|error| error.code);
        assert_eq!(&found, expected, "{header} {ftp:?}");
    }
}

#[test]
fn faults_name_line_and_remedy() {
    let cases: &[(&str, &str, ReadCode, Option<u32>)] = &[
        (
            "MINUTES PERCENT",
            "0 50\nfive 50",
            ReadCode::NotANumber,
            Some(6),
        ),
        ("MINUTES PERCENT", "0 50\n5", ReadCode::NotANumber, Some(6)),
        (
            "MINUTES PERCENT",
            "0 50\n5 50\n4 50",
            ReadCode::OutOfRange,
            Some(7),
        ),
        (
            "MINUTES PERCENT",
            "0 50\n5 900",
            ReadCode::OutOfRange,
            Some(6),
        ),
        (
            "MINUTES PERCENT",
            "-1 50\n5 50",
            ReadCode::OutOfRange,
            Some(5),
        ),
        (
            "MINUTES PERCENT",
            "0 50\n2000 50",
            ReadCode::OutOfRange,
            Some(6),
        ),
        ("MINUTES PERCENT", "0 50", ReadCode::Empty, None),
        ("MINUTES PERCENT", "", ReadCode::Empty, None),
        ("DISTANCE GRADE", "0 1\n5 1", ReadCode::Unsupported, Some(2)),
    ];
    for (header, data, code, line) in cases {
        let error = read(course(header, data, "").as_bytes(), "a.erg", None).unwrap_err();
        assert_eq!(
            (error.code, error.line),
            (*code, *line),
            "{data:?}: {error}"
        );
        assert!(!error.remedy.is_empty() && error.to_string().starts_with("a.erg"));
    }
    let error = read(b"[COURSE HEADER]\nFTP = 2", "a.erg", None).unwrap_err();
    assert_eq!(error.code, ReadCode::NotAWorkout);
}

#[test]
fn a_late_start_and_missing_columns_are_remarked() {
    let read = read(
        course("VERSION = 2", "5 50\n6 50", "").as_bytes(),
        "a.mrc",
        None,
    )
    .unwrap();
    assert_eq!(read.workout.seconds(), 60);
    assert_eq!(read.warnings.len(), 2, "{:?}", read.warnings);
}
