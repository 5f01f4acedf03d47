//! ERG and MRC: text files of minutes against watts or percent of FTP.
//!
//! A `[COURSE HEADER]` with fields and the names of the columns, a `[COURSE DATA]` of corners of the
//! power profile (a repeated time is a jump), and sometimes a `[COURSE TEXT]` of cues.

mod corner;

use crate::decode::decode;
use crate::limits::{
    MAX_CUE_SECONDS, MAX_CUE_TEXT, MAX_DESCRIPTION, MAX_NAME, MAX_POWER, MAX_SECONDS,
};
use crate::lines::excerpt;
use crate::model::{Cue, Step, Workout};
use crate::number;
use crate::read::{Notices, Read, ReadCode, ReadError, cut, stem};
use corner::{Corner, steps};

const HEADER: &str = "[COURSE HEADER]";
const DATA: &str = "[COURSE DATA]";
const TEXT: &str = "[COURSE TEXT]";

/// How long a text stands that does not say it, in seconds.
const DEFAULT_CUE_SECONDS: u32 = 10;

/// Reads an ERG or MRC file. Watts become fractions of the FTP in the header or, when it names
/// none, of `ftp` (in watts).
///
/// # Errors
/// When it is not text, has no columns of minutes against watts or percent, needs an FTP that
/// nobody gave, or holds a value that cannot be ridden. The error names line, section, field, what
/// was found, and the remedy.
pub fn read(bytes: &[u8], file_name: &str, ftp: Option<f64>) -> Result<Read, ReadError> {
    let mut notices = Notices::new();
    let text = decode(bytes, file_name, &mut notices)?;
    let course = Course::of(&text, file_name, &mut notices)?;
    let unit = course.unit(ftp, &mut notices)?;
    let corners = course.corners(unit, &mut notices)?;
    let (steps, lines) = steps(&corners);
    let mut workout = Workout {
        name: course.name(&mut notices),
        author: None,
        description: cut(
            course.field("DESCRIPTION").unwrap_or_default(),
            MAX_DESCRIPTION,
        )
        .0,
        tags: Vec::new(),
        steps: steps
            .into_iter()
            .map(|effort| Step {
                effort,
                cues: Vec::new(),
            })
            .collect(),
    };
    if workout.steps.is_empty() {
        let remedy = "Add at least two lines with a time in minutes and a power each.";
        let problem = "the course has no length";
        return Err(ReadError::new(ReadCode::Empty, file_name, problem, remedy).element(DATA));
    }
    course.cues(&mut workout, &mut notices);
    workout
        .validate()
        .map_err(|fault| ReadError::invalid(file_name, fault, &lines))?;
    Ok(Read {
        workout,
        warnings: notices.finish(),
    })
}

/// A line of the file with its number.
type Line<'a> = (u32, &'a str);

/// The file, sorted into its sections.
struct Course<'a> {
    file: &'a str,
    fields: Vec<(u32, &'a str, &'a str)>,
    columns: Option<Line<'a>>,
    data: Vec<Line<'a>>,
    texts: Vec<Line<'a>>,
}

impl<'a> Course<'a> {
    fn of(text: &'a str, file: &'a str, notices: &mut Notices) -> Result<Self, ReadError> {
        let mut course = Self {
            file,
            fields: vec![],
            columns: None,
            data: vec![],
            texts: vec![],
        };
        let mut section: Option<&str> = None;
        let mut seen_data = false;
        for (line, number) in lines_of(text).zip(1u32..) {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if line.starts_with('[') {
                section = section_of(line);
                seen_data |= section == Some(DATA);
                if section.is_none() && !line.to_ascii_uppercase().starts_with("[END") {
                    let message = format!("{} is not known and was left out", excerpt(line));
                    notices.push(number, None, None, message);
                }
                continue;
            }
            match section {
                Some(HEADER) => match line.split_once('=') {
                    Some((name, value)) => course.fields.push((number, name.trim(), value.trim())),
                    None => course.columns = Some((number, line)),
                },
                Some(DATA) => course.data.push((number, line)),
                Some(TEXT) => course.texts.push((number, line)),
                _ => {
                    let shown = excerpt(line);
                    let message = format!("\"{shown}\" stands outside a section and was left out");
                    notices.push(number, None, None, message);
                }
            }
        }
        if !seen_data {
            let problem = format!("the file holds no {DATA}");
            let remedy = "Choose an ERG or MRC workout, or export it again from where it was made.";
            return Err(ReadError::new(ReadCode::NotAWorkout, file, problem, remedy));
        }
        Ok(course)
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        self.field_line(name).map(|(_, value)| value)
    }

    fn field_line(&self, name: &str) -> Option<Line<'a>> {
        let (line, _, value) = self
            .fields
            .iter()
            .find(|(_, field, _)| field.eq_ignore_ascii_case(name))?;
        (!value.is_empty()).then_some((*line, *value))
    }

    fn name(&self, notices: &mut Notices) -> String {
        let name = match self.field("FILE NAME") {
            Some(name) => stem(name),
            None => stem(self.file),
        };
        let (name, was_cut) = cut(&name, MAX_NAME);
        if was_cut {
            let message = format!("the name was cut to {MAX_NAME} characters");
            notices.push(None, Some(HEADER), Some("FILE NAME"), message);
        }
        name
    }

    /// What one unit of the second column is worth, as a fraction of FTP.
    fn unit(&self, ftp: Option<f64>, notices: &mut Notices) -> Result<f64, ReadError> {
        let upper = self
            .columns
            .map(|(_, columns)| columns.to_ascii_uppercase());
        let words: Vec<&str> = upper
            .iter()
            .flat_map(|columns| columns.split_whitespace())
            .collect();
        match words.as_slice() {
            ["MINUTES", "PERCENT" | "PERCENTAGE" | "%", ..] => Ok(0.01),
            ["MINUTES", "WATTS", ..] => self.per_watt(ftp),
            [] => {
                let percent = self.file.to_ascii_lowercase().ends_with(".mrc");
                let read_as = if percent { "percent of FTP" } else { "watts" };
                let message =
                    format!("the columns are not named; they are read as minutes and {read_as}");
                notices.push(None, Some(HEADER), None, message);
                if percent {
                    Ok(0.01)
                } else {
                    self.per_watt(ftp)
                }
            }
            _ => {
                let remedy = "Only MINUTES WATTS and MINUTES PERCENT can be ridden; \
                              export the workout by power and time.";
                let (line, found) = self.columns.unwrap_or_default();
                let problem = format!("the columns are \"{}\"", excerpt(found));
                let error = ReadError::new(ReadCode::Unsupported, self.file, problem, remedy);
                Err(error.at(line).element(HEADER).found(found))
            }
        }
    }

    fn per_watt(&self, ftp: Option<f64>) -> Result<f64, ReadError> {
        let remedy = "Add a line FTP = … in watts to the header, or set your FTP in the profile.";
        let usable = |watts: &f64| watts.is_finite() && (20.0..=1000.0).contains(watts);
        if let Some((line, text)) = self.field_line("FTP") {
            match number::parse(text) {
                // Some programs write 0 for "not known".
                Some(0.0) => {}
                Some(watts) if usable(&watts) => return Ok(1.0 / watts),
                other => {
                    let (code, problem) = match other {
                        None => (ReadCode::NotANumber, "is not a number"),
                        Some(_) => (ReadCode::OutOfRange, "is no FTP in watts (20 to 1000)"),
                    };
                    let problem = format!("\"{}\" {problem}", excerpt(text));
                    let error = ReadError::new(code, self.file, problem, remedy);
                    return Err(error.at(line).element(HEADER).attribute("FTP").found(text));
                }
            }
        }
        ftp.filter(usable).map(|watts| 1.0 / watts).ok_or_else(|| {
            let problem = "the powers are in watts, and the file does not say for which FTP";
            let error = ReadError::new(ReadCode::NeedsFtp, self.file, problem, remedy);
            let error = error.element(HEADER).attribute("FTP");
            match self.columns {
                Some((line, _)) => error.at(line),
                None => error,
            }
        })
    }

    fn corners(&self, unit: f64, notices: &mut Notices) -> Result<Vec<Corner>, ReadError> {
        let mut corners: Vec<Corner> = Vec::new();
        let mut first = None;
        for (line, text) in &self.data {
            let fail = |code, problem: String, remedy: &str| {
                let error = ReadError::new(code, self.file, problem, remedy);
                error.at(*line).element(DATA).found(text)
            };
            let (minutes, power) = pair(text).ok_or_else(|| {
                let problem = format!("\"{}\" is not a time and a power", excerpt(text));
                let remedy = "Write the minutes, a tab, and the power, such as 5.00 and 150.";
                fail(ReadCode::NotANumber, problem, remedy)
            })?;
            let start = *first.get_or_insert(minutes);
            let seconds = (minutes - start) * 60.0;
            if minutes < 0.0 || seconds > f64::from(MAX_SECONDS) {
                let problem = format!("{minutes} minutes is out of range");
                let remedy = "Write minutes from 0 to 1440.";
                return Err(fail(ReadCode::OutOfRange, problem, remedy));
            }
            let power = number::tidy(power * unit);
            if !(0.0..=MAX_POWER).contains(&power) {
                let percent = power * 100.0;
                let problem = format!("the power is {percent:.0} % of FTP");
                let remedy =
                    "Write a power from 0 to 400 % of FTP, and check the FTP in the header.";
                return Err(fail(ReadCode::OutOfRange, problem, remedy));
            }
            let at = number::whole(seconds);
            if corners.last().is_some_and(|before| before.at > at) {
                let problem = format!("{minutes} minutes comes after a later time");
                let remedy = "Put the lines in the order of their times.";
                return Err(fail(ReadCode::OutOfRange, problem, remedy));
            }
            corners.push(Corner {
                at,
                power,
                line: *line,
            });
        }
        if let (Some(start), Some(corner)) = (first.filter(|start| *start > 0.0), corners.first()) {
            let message = format!("the course begins at {start} minutes; that was made its start");
            notices.push(corner.line, Some(DATA), None, message);
        }
        Ok(corners)
    }

    fn cues(&self, workout: &mut Workout, notices: &mut Notices) {
        let end = workout.seconds();
        let mut starts = Vec::with_capacity(workout.steps.len());
        let mut start = 0u32;
        for step in &workout.steps {
            starts.push(start);
            start = start.saturating_add(step.effort.seconds());
        }
        for (line, text) in &self.texts {
            let Some(cue) = cue(text) else {
                let shown = excerpt(text);
                let message = format!("\"{shown}\" is not a time and a text and was left out");
                notices.push(*line, Some(TEXT), None, message);
                continue;
            };
            if cue.at >= end {
                let message = "the text comes after the end and was left out";
                notices.push(*line, Some(TEXT), None, message);
                continue;
            }
            let step = starts
                .partition_point(|start| *start <= cue.at)
                .saturating_sub(1);
            if let (Some(start), Some(step)) = (starts.get(step), workout.steps.get_mut(step)) {
                step.cues.push(Cue {
                    at: cue.at - start,
                    ..cue
                });
            }
        }
    }
}

/// Lines that end with `\n`, `\r\n` or, from very old programs, a lone `\r`.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn section_of(line: &str) -> Option<&'static str> {
    let name = line.to_ascii_uppercase();
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    [HEADER, DATA, TEXT]
        .into_iter()
        .find(|section| *section == name)
}

/// A time and a power; further columns are of no use here.
fn pair(line: &str) -> Option<(f64, f64)> {
    let by_blank: Vec<&str> = line
        .split([' ', '\t', ';'])
        .filter(|part| !part.is_empty())
        .collect();
    match by_blank.as_slice() {
        [minutes, power, ..] => {
            let minutes = minutes.strip_suffix(',').unwrap_or(minutes);
            Some((number::parse(minutes)?, plain(power)?))
        }
        [one] => {
            let (minutes, power) = one.split_once(',')?;
            Some((number::parse(minutes)?, plain(power)?))
        }
        [] => None,
    }
}

/// A power may carry a percent sign, which the column says already.
fn plain(text: &str) -> Option<f64> {
    number::parse(text.strip_suffix('%').unwrap_or(text))
}

/// `seconds<TAB>text<TAB>duration`; blanks serve for tabs.
fn cue(line: &str) -> Option<Cue> {
    let seconds = |text: &str, most: u32| {
        let value = number::parse(text)?;
        (0.0..=f64::from(most))
            .contains(&value)
            .then(|| number::whole(value))
    };
    let (at, rest) = line.split_once(['\t', ' '])?;
    let rest = rest.trim();
    let last = rest
        .rsplit_once('\t')
        .and_then(|(text, duration)| Some((text, seconds(duration, MAX_CUE_SECONDS)?)));
    let (text, duration) = last.unwrap_or((rest, DEFAULT_CUE_SECONDS));
    let text = cut(text.trim(), MAX_CUE_TEXT).0;
    let cue = Cue {
        at: seconds(at, MAX_SECONDS)?,
        seconds: duration.max(1),
        text,
    };
    (!cue.text.is_empty()).then_some(cue)
}

#[cfg(test)]
mod tests;
