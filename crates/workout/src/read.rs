//! Reading a workout file: what comes out, what is remarked, and what is refused.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use ts_rs::TS;

use crate::model::Workout;
use crate::valid::Invalid;
use crate::{erg, zwo};

/// A workout that was read, and what was odd about its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Read {
    /// The workout; it passes [`Workout::validate`].
    pub workout: Workout,
    /// What was left out, guessed or repaired, in the order of the file; empty for a clean file.
    pub warnings: Vec<Notice>,
}

/// Something in a file that did not stop the reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Notice {
    /// The line, from 1; absent when it is about the whole file.
    pub line: Option<u32>,
    /// The element (ZWO) or section (ERG, MRC).
    pub element: Option<String>,
    /// The attribute (ZWO) or header field (ERG, MRC).
    pub attribute: Option<String>,
    /// What was found and what was made of it.
    pub message: String,
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = place(
            self.line,
            self.element.as_deref(),
            self.attribute.as_deref(),
        );
        if place.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{place}: {}", self.message)
        }
    }
}

/// Why a file was refused, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, Error)]
#[error("{file}{}: {problem}. {remedy}", self.place())]
pub struct ReadError {
    /// The kind of fault; stable.
    pub code: ReadCode,
    /// The file name as given.
    pub file: Box<str>,
    /// The line, from 1; absent when it is about the whole file.
    pub line: Option<u32>,
    /// The element (ZWO) or section (ERG, MRC).
    pub element: Option<Box<str>>,
    /// The attribute (ZWO) or header field (ERG, MRC).
    pub attribute: Option<Box<str>>,
    /// The offending text, shortened.
    pub found: Option<Box<str>>,
    /// What is wrong, in plain words.
    pub problem: Box<str>,
    /// What to do about it, in plain words.
    pub remedy: Box<str>,
}

/// The kind of fault in a [`ReadError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReadCode {
    /// Larger than [`crate::limits::MAX_FILE_BYTES`].
    TooLarge,
    /// Not text, or in an encoding that is not known.
    NotText,
    /// The XML is broken.
    MalformedXml,
    /// The XML declares a document type, which could hide expanding entities.
    DocumentType,
    /// Sound, but not a workout.
    NotAWorkout,
    /// A kind of workout that cannot be ridden here, such as one measured in metres.
    Unsupported,
    /// A value is absent.
    Missing,
    /// A value is not a number.
    NotANumber,
    /// A value is outside its range.
    OutOfRange,
    /// Watts, and no FTP to relate them to.
    NeedsFtp,
    /// No step with a length.
    Empty,
}

impl ReadError {
    pub(crate) fn new(
        code: ReadCode,
        file: &str,
        problem: impl Into<Box<str>>,
        remedy: impl Into<Box<str>>,
    ) -> Self {
        Self {
            code,
            file: file.into(),
            line: None,
            element: None,
            attribute: None,
            found: None,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    pub(crate) fn at(self, line: u32) -> Self {
        Self {
            line: Some(line),
            ..self
        }
    }

    pub(crate) fn element(self, name: &str) -> Self {
        Self {
            element: Some(name.into()),
            ..self
        }
    }

    pub(crate) fn attribute(self, name: &str) -> Self {
        Self {
            attribute: Some(name.into()),
            ..self
        }
    }

    pub(crate) fn found(self, text: &str) -> Self {
        Self {
            found: Some(crate::lines::excerpt(text).into()),
            ..self
        }
    }

    /// A fault that only the whole workout shows; `lines` holds the line of each step.
    pub(crate) fn invalid(file: &str, fault: Invalid, lines: &[u32]) -> Self {
        let code = if fault.field == "steps" && fault.step.is_none() {
            ReadCode::Empty
        } else {
            ReadCode::OutOfRange
        };
        let line = fault
            .step
            .and_then(|step| usize::try_from(step).ok())
            .and_then(|step| lines.get(step).copied());
        let problem = format!("{}: {}", fault.field, fault.problem);
        Self {
            line,
            ..Self::new(code, file, problem, fault.remedy)
        }
    }

    fn place(&self) -> String {
        let place = place(
            self.line,
            self.element.as_deref(),
            self.attribute.as_deref(),
        );
        if place.is_empty() {
            place
        } else {
            format!(", {place}")
        }
    }
}

fn place(line: Option<u32>, element: Option<&str>, attribute: Option<&str>) -> String {
    let line = line.map(|line| format!("line {line}"));
    let element = element.map(|name| match name.strip_prefix('[') {
        Some(_) => name.to_owned(),
        None => format!("<{name}>"),
    });
    let parts = [line, element, attribute.map(str::to_owned)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Collects notices, and stops at a number that a person could still read.
pub(crate) struct Notices {
    list: Vec<Notice>,
    more: usize,
}

impl Notices {
    const MOST: usize = 100;

    pub(crate) fn new() -> Self {
        Self {
            list: Vec::new(),
            more: 0,
        }
    }

    pub(crate) fn push(
        &mut self,
        line: impl Into<Option<u32>>,
        element: Option<&str>,
        attribute: Option<&str>,
        message: impl Into<String>,
    ) {
        if self.list.len() >= Self::MOST {
            self.more += 1;
            return;
        }
        self.list.push(Notice {
            line: line.into(),
            element: element.map(str::to_owned),
            attribute: attribute.map(str::to_owned),
            message: message.into(),
        });
    }

    /// In the order of the file, those about the whole first.
    pub(crate) fn finish(self) -> Vec<Notice> {
        let mut list = self.list;
        list.sort_by_key(|notice| notice.line);
        if self.more > 0 {
            let message = format!("{} more remarks of this kind were left out", self.more);
            list.push(Notice {
                line: None,
                element: None,
                attribute: None,
                message,
            });
        }
        list
    }
}

/// Reads a workout file of any known format. What the content plainly shows decides; otherwise the
/// extension does (`.zwo`, `.erg`, `.mrc`). `ftp` in watts serves an ERG file that names none.
///
/// # Errors
/// When the file is not a workout or a value in it cannot be ridden; see [`ReadCode`].
pub fn read_any(bytes: &[u8], file_name: &str, ftp: Option<f64>) -> Result<Read, ReadError> {
    crate::decode::refuse_large(bytes, file_name)?;
    let format = format_of(bytes).or_else(|| format_of_name(file_name));
    match format {
        Some(Format::Zwo) => zwo::read(bytes, file_name),
        Some(Format::Erg) => erg::read(bytes, file_name, ftp),
        None => Err(ReadError::new(
            ReadCode::NotAWorkout,
            file_name,
            "this is neither a ZWO nor an ERG or MRC workout",
            "Export the workout as ZWO, ERG or MRC and import that file.",
        )),
    }
}

enum Format {
    Zwo,
    Erg,
}

/// Looks at the beginning only; null bytes are skipped so that UTF-16 is seen through.
fn format_of(bytes: &[u8]) -> Option<Format> {
    let start: Vec<u8> = bytes
        .iter()
        .take(4096)
        .copied()
        .filter(|byte| !matches!(byte, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF))
        .map(|byte| byte.to_ascii_lowercase())
        .collect();
    let start = start.trim_ascii_start();
    if start.starts_with(b"<") {
        return Some(Format::Zwo);
    }
    let has = |needle: &[u8]| start.windows(needle.len()).any(|window| window == needle);
    (has(b"[course header]") || has(b"[course data]")).then_some(Format::Erg)
}

fn format_of_name(file_name: &str) -> Option<Format> {
    let (_, extension) = file_name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "zwo" => Some(Format::Zwo),
        "erg" | "mrc" => Some(Format::Erg),
        _ => None,
    }
}

/// The name of a file without folders and extension, for a workout that has no name of its own.
pub(crate) fn stem(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    let stem = stem.replace('_', " ");
    if stem.trim().is_empty() {
        "Workout".to_owned()
    } else {
        stem.trim().to_owned()
    }
}

/// Cuts a text to a number of characters; `true` when something was cut.
pub(crate) fn cut(text: &str, most: usize) -> (String, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (
            text.get(..end).unwrap_or_default().trim_end().to_owned(),
            true,
        ),
        None => (text.to_owned(), false),
    }
}
