//! Text events as cues.

use crate::limits::{MAX_CUE_SECONDS, MAX_CUE_TEXT, MAX_SECONDS};
use crate::lines::excerpt;
use crate::model::{Cue, Workout};
use crate::number;
use crate::read::{Notices, cut};
use crate::zwo::element::Element;

/// How long a text stands that does not say it, in seconds.
pub const DEFAULT_SECONDS: u32 = 10;

const KNOWN: &[&str] = &[
    "timeoffset",
    "message",
    "duration",
    "y",
    "x",
    "textscale",
    "distoffset",
    "mobilemessage",
];

/// Whether the element is a line of text.
pub fn is_text_event(element: &Element<'_>) -> bool {
    element.is("textevent") || element.is("textnotification")
}

/// Reads the texts of one step; anything else inside is remarked.
pub fn read_all(step: Element<'_>, cues: &mut Vec<Cue>, notices: &mut Notices) {
    for child in step.children() {
        if is_text_event(&child) {
            read_into(&child, cues, notices);
        } else {
            let message = "this element inside a step is not known and was left out";
            notices.push(child.line(), Some(child.name()), None, message);
        }
    }
}

/// Reads one text and adds it. Without a time it follows the text before it.
pub fn read_into(event: &Element<'_>, cues: &mut Vec<Cue>, notices: &mut Notices) {
    let message = event.attribute(&["message", "mobilemessage"]);
    let text = message.map_or_else(|| event.text(), |message| message.value.trim().to_owned());
    let mut remark = |attribute: Option<&str>, message: String| {
        notices.push(event.line(), Some(event.name()), attribute, message);
    };
    for attribute in event.node.attributes() {
        if !KNOWN.contains(&attribute.name().to_ascii_lowercase().as_str()) {
            let message = "this attribute is not known and was left out".to_owned();
            remark(Some(attribute.name()), message);
        }
    }
    if text.is_empty() {
        remark(
            Some("message"),
            "the text is empty and was left out".to_owned(),
        );
        return;
    }
    let (text, was_cut) = cut(&text, MAX_CUE_TEXT);
    if was_cut {
        remark(
            Some("message"),
            format!("the text was cut to {MAX_CUE_TEXT} characters"),
        );
    }
    let mut seconds_of = |names: &[&str], most: u32| {
        let attribute = event.attribute(names)?;
        let value =
            number::parse(attribute.value).filter(|value| (0.0..=f64::from(most)).contains(value));
        if value.is_none() {
            let shown = excerpt(attribute.value);
            let message = format!("\"{shown}\" is not a number of seconds and was left out");
            remark(Some(attribute.name), message);
        }
        value.map(number::whole)
    };
    let seconds = seconds_of(&["duration"], MAX_CUE_SECONDS).filter(|seconds| *seconds > 0);
    let at = seconds_of(&["timeoffset"], MAX_SECONDS);
    if event.attribute(&["timeoffset"]).is_none() && event.attribute(&["distoffset"]).is_some() {
        let message = "a text at a distance cannot be placed in a workout by time; \
                       it follows the text before it";
        remark(Some("distoffset"), message.to_owned());
    }
    let at = at.unwrap_or_else(|| {
        let end = |cue: &Cue| cue.at.saturating_add(cue.seconds).min(MAX_SECONDS);
        cues.last().map_or(0, end)
    });
    cues.push(Cue {
        at,
        seconds: seconds.unwrap_or(DEFAULT_SECONDS),
        text,
    });
}

/// Remarks texts that come when the workout is over: nobody would see them.
pub fn remark_late(workout: &Workout, lines: &[u32], notices: &mut Notices) {
    let end = workout.seconds();
    let mut start = 0u32;
    for (step, line) in workout.steps.iter().zip(lines) {
        for cue in step
            .cues
            .iter()
            .filter(|cue| start.saturating_add(cue.at) >= end)
        {
            let shown = excerpt(&cue.text);
            let message = format!(
                "in the step of this line, the text \"{shown}\" comes after the end and will not be shown"
            );
            notices.push(*line, None, None, message);
        }
        start = start.saturating_add(step.effort.seconds());
    }
}
