//! ZWO, the XML workout format of Zwift: reader and writer.
//!
//! The format has no published description; what is read here is what files in the wild hold.
//! Element and attribute names are taken in any case. Whatever is not understood is remarked.

mod cue;
mod element;
mod excess;
mod malformed;
mod step;
mod write;

use roxmltree::{Document, ParsingOptions};

use crate::decode::decode;
use crate::limits::{MAX_DESCRIPTION, MAX_NAME, MAX_STEPS, MAX_TAG, MAX_TAGS};
use crate::lines::Lines;
use crate::model::{Step, Workout};
use crate::read::{Notices, Read, ReadCode, ReadError, cut, stem};
use element::Element;

pub use write::write;

/// More nodes than this hold no workout.
const MAX_NODES: u32 = 100_000;

/// Elements beside `<workout>` that say nothing about what to ride.
const IGNORED: &[&str] = &[
    "activitysavename",
    "authoralt",
    "authoricon",
    "category",
    "categoryindex",
    "descriptionalt",
    "entid",
    "nameimperial",
    "namemetric",
    "overridehash",
    "painindex",
    "showcp20",
    "subcategory",
    "uniqueid",
    "unlockaftertest",
    "visibleaftertime",
    "visibleoutsideplan",
    "workoutlength",
    "workoutplan",
    "testdetails",
    "tutorial",
];

/// Reads a ZWO file.
///
/// # Errors
/// When it is not text, not sound XML, not a workout by time, or holds a value that cannot be
/// ridden. The error names line, element, attribute, what was found, and the remedy.
pub fn read(bytes: &[u8], file_name: &str) -> Result<Read, ReadError> {
    let mut notices = Notices::new();
    let text = decode(bytes, file_name, &mut notices)?;
    let lines = Lines::of(&text);
    excess::refuse(&text, file_name, &lines)?;
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options)
        .map_err(|error| malformed::explain(&text, file_name, &lines, &error))?;
    let root = Element {
        node: document.root_element(),
        file: file_name,
        lines: &lines,
    };
    let mut workout = head(&root, &mut notices)?;
    let steps_in = workout_element(&root, &mut notices)?;
    let (steps, step_lines) = steps(steps_in, &mut notices)?;
    workout.steps = steps;
    cue::remark_late(&workout, &step_lines, &mut notices);
    workout
        .validate()
        .map_err(|fault| ReadError::invalid(file_name, fault, &step_lines))?;
    Ok(Read {
        workout,
        warnings: notices.finish(),
    })
}

/// Everything but the steps.
fn head(root: &Element<'_>, notices: &mut Notices) -> Result<Workout, ReadError> {
    let mut workout = Workout {
        name: String::new(),
        author: None,
        description: String::new(),
        tags: Vec::new(),
        steps: Vec::new(),
    };
    // A bare <workout> has steps for children and no head.
    let children = (!root.is("workout")).then(|| root.children());
    for child in children.into_iter().flatten() {
        match child.name().to_ascii_lowercase().as_str() {
            // Some programs write <n>.
            "name" | "n" => workout.name = bounded(&child, MAX_NAME, notices),
            "author" => {
                workout.author =
                    Some(bounded(&child, MAX_NAME, notices)).filter(|name| !name.is_empty());
            }
            "description" => workout.description = bounded(&child, MAX_DESCRIPTION, notices),
            "tags" => workout.tags = tags(child, notices),
            "sporttype" => {
                let sport = child.text();
                if !sport.is_empty() && !sport.eq_ignore_ascii_case("bike") {
                    let message = format!(
                        "the workout is for \"{}\"; its powers are taken as fractions of FTP",
                        crate::lines::excerpt(&sport)
                    );
                    notices.push(child.line(), Some(child.name()), None, message);
                }
            }
            "durationtype" => duration_is_time(&child)?,
            "workout" => {}
            name if IGNORED.contains(&name) => {}
            _ => {
                let message = "this element is not known and was left out";
                notices.push(child.line(), Some(child.name()), None, message);
            }
        }
    }
    if workout.name.is_empty() {
        workout.name = cut(&stem(root.file), MAX_NAME).0;
        let message = format!(
            "the file names no workout; it is called \"{}\"",
            workout.name
        );
        notices.push(None, None, None, message);
    }
    Ok(workout)
}

fn duration_is_time(element: &Element<'_>) -> Result<(), ReadError> {
    let kind = element.text();
    if kind.is_empty() || kind.eq_ignore_ascii_case("time") {
        return Ok(());
    }
    let remedy = "Make it a workout by time: give every length in seconds and write \
                  <durationType>time</durationType>.";
    Err(ReadError::new(
        ReadCode::Unsupported,
        element.file,
        format!(
            "the steps are measured by \"{}\", not by time",
            crate::lines::excerpt(&kind)
        ),
        remedy,
    )
    .at(element.line())
    .element(element.name())
    .found(&kind))
}

fn bounded(element: &Element<'_>, most: usize, notices: &mut Notices) -> String {
    let (text, was_cut) = cut(&element.text(), most);
    if was_cut {
        let message = format!("the text was cut to {most} characters");
        notices.push(element.line(), Some(element.name()), None, message);
    }
    text
}

fn tags(list: Element<'_>, notices: &mut Notices) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in list.children() {
        let text = match tag.attribute(&["name"]) {
            Some(name) => name.value.trim().to_lowercase(),
            None => tag.text().to_lowercase(),
        };
        let (text, was_cut) = cut(&text, MAX_TAG);
        if was_cut || tags.len() >= MAX_TAGS {
            let message = format!("tags are kept up to {MAX_TAGS} of {MAX_TAG} characters");
            notices.push(tag.line(), Some(tag.name()), None, message);
        }
        if !text.is_empty() && !tags.contains(&text) && tags.len() < MAX_TAGS {
            tags.push(text);
        }
    }
    tags
}

fn workout_element<'a>(
    root: &Element<'a>,
    notices: &mut Notices,
) -> Result<Element<'a>, ReadError> {
    if root.is("workout") {
        return Ok(*root);
    }
    let refuse = |problem: String, remedy: &str| {
        let error = ReadError::new(ReadCode::NotAWorkout, root.file, problem, remedy);
        Err(error.at(root.line()).element(root.name()))
    };
    if !root.is("workout_file") {
        let remedy = "Choose a ZWO workout; its outermost element is <workout_file>.";
        return refuse(
            format!("this is XML, but <{}> is no workout file", root.name()),
            remedy,
        );
    }
    let mut all = root.children().filter(|child| child.is("workout"));
    let Some(first) = all.next() else {
        let remedy = "Add <workout> with the steps inside.";
        return refuse("the file holds no <workout>".to_owned(), remedy);
    };
    for other in all {
        let message = "a file holds one workout; this second one was left out";
        notices.push(other.line(), Some(other.name()), None, message);
    }
    Ok(first)
}

/// The steps and the line of each.
fn steps(workout: Element<'_>, notices: &mut Notices) -> Result<(Vec<Step>, Vec<u32>), ReadError> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = Vec::new();
    // Text that comes before any step belongs to the first.
    let mut early = Vec::new();
    for node in workout.node.children().filter(roxmltree::Node::is_text) {
        let stray = node.text().unwrap_or_default().trim();
        if !stray.is_empty() {
            // Line breaks before the text belong to the node.
            let before = node
                .text()
                .map_or(0, |text| text.len() - text.trim_start().len());
            let line = workout.lines.at(node.range().start + before);
            let shown = crate::lines::excerpt(stray);
            let message = format!("\"{shown}\" stands between the steps and was left out");
            notices.push(line, Some(workout.name()), None, message);
        }
    }
    for child in workout.children() {
        if cue::is_text_event(&child) {
            let cues = steps.last_mut().map_or(&mut early, |step| &mut step.cues);
            let message = "the text stands outside a step; it was given to the step before it, \
                           or to the first";
            notices.push(child.line(), Some(child.name()), None, message);
            cue::read_into(&child, cues, notices);
        } else if let Some(effort) = step::effort(&child, notices)? {
            if steps.len() >= MAX_STEPS {
                let problem = format!("the workout has more than {MAX_STEPS} steps");
                let remedy = "Use <IntervalsT> with Repeat, or split the workout.";
                let error = ReadError::new(ReadCode::OutOfRange, workout.file, problem, remedy);
                return Err(error.at(child.line()).element(child.name()));
            }
            let mut cues = std::mem::take(&mut early);
            cue::read_all(child, &mut cues, notices);
            lines.push(child.line());
            steps.push(Step { effort, cues });
        }
    }
    if steps.is_empty() {
        let remedy =
            "Add at least one step, such as <SteadyState Duration=\"600\" Power=\"0.6\"/>.";
        let problem = "the workout holds no step with a length";
        let error = ReadError::new(ReadCode::Empty, workout.file, problem, remedy);
        return Err(error.at(workout.line()).element(workout.name()));
    }
    Ok((steps, lines))
}

#[cfg(test)]
mod tests;
