//! One element of the file with its place: names without regard to case, numbers in their range.

use roxmltree::Node;

use crate::limits::{MAX_CADENCE, MAX_POWER, MAX_SECONDS};
use crate::lines::Lines;
use crate::model::Cadence;
use crate::number;
use crate::read::{Notices, ReadCode, ReadError};

/// An element and what is needed to say where it stands.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    /// The parsed element.
    pub node: Node<'a, 'a>,
    /// The file name.
    pub file: &'a str,
    /// The lines of the file.
    pub lines: &'a Lines,
}

/// An attribute as it is written.
pub struct Attribute<'a> {
    /// The name in the file's own spelling.
    pub name: &'a str,
    /// The value.
    pub value: &'a str,
    line: u32,
}

impl<'a> Element<'a> {
    /// The name in the file's own spelling.
    pub fn name(&self) -> &'a str {
        self.node.tag_name().name()
    }

    /// Whether the element has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// The line on which the element begins.
    pub fn line(&self) -> u32 {
        self.lines.at(self.node.range().start)
    }

    /// The elements inside.
    pub fn children(self) -> impl Iterator<Item = Element<'a>> {
        let inside = move |node| Element { node, ..self };
        self.node.children().filter(Node::is_element).map(inside)
    }

    /// All text inside, with runs of blanks and line breaks kept.
    pub fn text(&self) -> String {
        let text: String = self
            .node
            .descendants()
            .filter(Node::is_text)
            .filter_map(|node| node.text())
            .collect();
        text.trim().to_owned()
    }

    /// The first attribute that has one of the names, in any case.
    pub fn attribute(&self, names: &[&str]) -> Option<Attribute<'a>> {
        names.iter().find_map(|name| {
            let found = self
                .node
                .attributes()
                .find(|a| a.name().eq_ignore_ascii_case(name))?;
            let line = self.lines.at(found.range().start);
            Some(Attribute {
                name: found.name(),
                value: found.value(),
                line,
            })
        })
    }

    /// A length in seconds.
    ///
    /// # Errors
    /// Absent, not a number, or outside 0 to 24 h.
    pub fn seconds(&self, names: &[&str], notices: &mut Notices) -> Result<u32, ReadError> {
        let Some(attribute) = self.attribute(names) else {
            let remedy = format!("Add {}=\"…\" with the length in seconds.", first(names));
            return Err(self.missing(names, &remedy));
        };
        let remedy =
            "Write the length in seconds, such as 300 for five minutes; the most is 86400.";
        let value = self.number(&attribute, 0.0..=f64::from(MAX_SECONDS), remedy)?;
        let seconds = number::whole(value);
        // Single-precision leftovers such as 60.000004 are no news.
        if (value - f64::from(seconds)).abs() > 0.01 {
            let message = format!("{value} s was rounded to {seconds} s");
            notices.push(
                attribute.line,
                Some(self.name()),
                Some(attribute.name),
                message,
            );
        }
        Ok(seconds)
    }

    /// A power as a fraction of FTP, when it is given.
    ///
    /// # Errors
    /// Not a number, or outside 0 to 4.
    pub fn power(&self, names: &[&str]) -> Result<Option<f64>, ReadError> {
        let Some(attribute) = self.attribute(names) else {
            return Ok(None);
        };
        let remedy = "Write a fraction of FTP from 0 to 4: 0.75 for 75 %.";
        self.number(&attribute, 0.0..=MAX_POWER, remedy)
            .map(|value| Some(number::tidy(value)))
    }

    /// How often, when it is given.
    ///
    /// # Errors
    /// Not a number, or outside the range.
    pub fn count(&self, names: &[&str], most: u32) -> Result<Option<u32>, ReadError> {
        let Some(attribute) = self.attribute(names) else {
            return Ok(None);
        };
        let remedy = format!("Write a whole number from 1 to {most}.");
        let value = self.number(&attribute, 1.0..=f64::from(most), &remedy)?;
        Ok(Some(number::whole(value)))
    }

    /// A cadence, single or as a range. Zero stands for none.
    ///
    /// # Errors
    /// Not a number, or beyond 250 rpm.
    pub fn cadence(
        &self,
        one: &[&str],
        low: &[&str],
        high: &[&str],
    ) -> Result<Option<Cadence>, ReadError> {
        let one = self.rpm(one)?;
        let low = self.rpm(low)?;
        let high = self.rpm(high)?;
        Ok(match (low, high) {
            (Some(a), Some(b)) => Some(Cadence {
                low: a.min(b),
                high: a.max(b),
            }),
            (Some(only), None) | (None, Some(only)) => {
                let other = one.unwrap_or(only);
                Some(Cadence {
                    low: only.min(other),
                    high: only.max(other),
                })
            }
            (None, None) => one.map(|rpm| Cadence {
                low: rpm,
                high: rpm,
            }),
        })
    }

    fn rpm(&self, names: &[&str]) -> Result<Option<u16>, ReadError> {
        let Some(attribute) = self.attribute(names) else {
            return Ok(None);
        };
        let remedy = format!("Write revolutions per minute, at most {MAX_CADENCE}, or delete it.");
        let value = self.number(&attribute, 0.0..=f64::from(MAX_CADENCE), &remedy)?;
        let rpm = u16::try_from(number::whole(value)).unwrap_or(MAX_CADENCE);
        Ok((rpm > 0).then_some(rpm))
    }

    fn number(
        &self,
        attribute: &Attribute<'_>,
        range: std::ops::RangeInclusive<f64>,
        remedy: &str,
    ) -> Result<f64, ReadError> {
        let at = |code, problem: String| {
            ReadError::new(code, self.file, problem, remedy)
                .at(attribute.line)
                .element(self.name())
                .attribute(attribute.name)
                .found(attribute.value)
        };
        let shown = crate::lines::excerpt(attribute.value);
        let value = number::parse(attribute.value)
            .ok_or_else(|| at(ReadCode::NotANumber, format!("\"{shown}\" is not a number")))?;
        if range.contains(&value) {
            return Ok(value);
        }
        Err(at(ReadCode::OutOfRange, format!("{shown} is out of range")))
    }

    /// The error for a value that is not there.
    pub fn missing(&self, names: &[&str], remedy: &str) -> ReadError {
        let problem = format!("{} is missing", first(names));
        ReadError::new(ReadCode::Missing, self.file, problem, remedy)
            .at(self.line())
            .element(self.name())
            .attribute(first(names))
    }
}

fn first<'n>(names: &[&'n str]) -> &'n str {
    names.first().copied().unwrap_or_default()
}
