//! What is wrong with XML that does not parse, said so that its author can mend it.
//!
//! A parser stops where it can go no further, which is often far from the mistake: an element that
//! was never closed shows at the end of the file. So the text is walked once more, looking for the
//! mistakes that people make; only when none is found does the parser's own message stand.

use std::collections::BTreeMap;

use roxmltree::Error;

use crate::lines::Lines;
use crate::read::{ReadCode, ReadError};

/// The error for a text that the parser refused.
pub fn explain(text: &str, file: &str, lines: &Lines, error: &Error) -> ReadError {
    if matches!(error, Error::DtdDetected) {
        let at = text.find("<!DOCTYPE").unwrap_or_default();
        return ReadError::new(
            ReadCode::DocumentType,
            file,
            "the file declares a document type (<!DOCTYPE …>), which a workout does not need",
            "Delete the declaration.",
        )
        .at(lines.at(at));
    }
    let mut walk = Walk {
        text,
        at: 0,
        file,
        lines,
        open: Vec::new(),
        self_closed: BTreeMap::new(),
    };
    match walk.first_fault() {
        Some(fault) => fault,
        None => as_the_parser_says(file, error),
    }
}

fn as_the_parser_says(file: &str, error: &Error) -> ReadError {
    let line = error.pos().row;
    let (problem, remedy) = match error {
        Error::NoRootNode => (
            "the file is empty of XML".to_owned(),
            "Check that this is the right file; a ZWO workout begins with <workout_file>.",
        ),
        Error::UnknownToken(_) => (
            "something stands outside of the workout".to_owned(),
            "Keep one <workout_file> … </workout_file> and delete what is before and after it.",
        ),
        Error::UnexpectedDeclaration(_) => (
            "<?xml …?> is not the first thing in the file".to_owned(),
            "Delete what stands before it, blank lines too.",
        ),
        Error::DuplicatedAttribute(name, _) => (
            format!("the attribute {name} is given twice"),
            "Delete one of the two.",
        ),
        Error::NonXmlChar(c, _) => (
            format!("the character {} is not allowed in XML", c.escape_unicode()),
            "Delete it.",
        ),
        Error::NodesLimitReached => (
            "the file has far more elements than any workout".to_owned(),
            "Check that this is a workout file.",
        ),
        other => {
            let said = other.to_string();
            // The parser ends its messages with line:column, which the error carries already.
            let said = said
                .rsplit_once(" at ")
                .map_or(said.as_str(), |(said, _)| said);
            let remedy = "Correct this line, or export the workout again from where it was made.";
            (format!("the XML is broken: {said}"), remedy)
        }
    };
    fault(file, line, &problem, remedy)
}

fn fault(file: &str, line: u32, problem: &str, remedy: &str) -> ReadError {
    ReadError::new(ReadCode::MalformedXml, file, problem, remedy).at(line)
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    file: &'a str,
    lines: &'a Lines,
    /// Names and lines of the elements that are open.
    open: Vec<(&'a str, u32)>,
    /// By name, the last element that ended in `/>`: how deep it stood, and its line.
    self_closed: BTreeMap<&'a str, (usize, u32)>,
}

/// A fault ends the walk.
type Step = Result<(), ReadError>;

impl<'a> Walk<'a> {
    fn first_fault(&mut self) -> Option<ReadError> {
        loop {
            let Some(length) = self.rest().find('<') else {
                return self
                    .text_is_sound(self.rest())
                    .err()
                    .or_else(|| self.end_of_file());
            };
            let between = self.rest().get(..length).unwrap_or_default();
            if let Err(fault) = self.text_is_sound(between) {
                return Some(fault);
            }
            self.at += length;
            if let Err(fault) = self.markup() {
                return Some(fault);
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn line(&self) -> u32 {
        self.lines.at(self.at)
    }

    fn markup(&mut self) -> Step {
        let rest = self.rest();
        for (begin, end) in [
            ("<!--", "-->"),
            ("<![CDATA[", "]]>"),
            ("<?", "?>"),
            ("<!", ">"),
        ] {
            if rest.starts_with(begin) {
                let Some(length) = rest.find(end) else {
                    let problem = format!("{begin} begins here and {end} never comes");
                    let remedy = format!("Write {end} where it ends.");
                    return Err(fault(self.file, self.line(), &problem, &remedy));
                };
                self.at += length + end.len();
                return Ok(());
            }
        }
        if let Some(closing) = rest.strip_prefix("</") {
            return self.closing_tag(closing);
        }
        let name = name_at(rest.get(1..).unwrap_or_default());
        if name.is_empty() {
            let remedy = "Write &lt; for a \"less than\" sign.";
            let problem = "a \"<\" stands here that begins no element";
            return Err(fault(self.file, self.line(), problem, remedy).found(rest));
        }
        self.opening_tag(name)
    }

    fn opening_tag(&mut self, name: &'a str) -> Step {
        let line = self.line();
        self.at += 1 + name.len();
        loop {
            self.skip_space();
            let rest = self.rest();
            if rest.starts_with("/>") {
                self.at += 2;
                self.self_closed.insert(name, (self.open.len(), line));
                return Ok(());
            }
            if rest.starts_with('>') {
                self.at += 1;
                self.open.push((name, line));
                return Ok(());
            }
            if rest.is_empty() || rest.starts_with('<') {
                let problem = "the tag is not finished: its \">\" is missing";
                let remedy = "Write > or /> at the end of the tag.";
                return Err(fault(self.file, line, problem, remedy).element(name));
            }
            self.attribute(name)?;
        }
    }

    fn attribute(&mut self, element: &str) -> Step {
        let line = self.line();
        let rest = self.rest();
        let name = name_at(rest);
        let bad = |problem: &str, remedy: &str| {
            let fault = fault(self.file, line, problem, remedy)
                .element(element)
                .found(rest);
            if name.is_empty() {
                fault
            } else {
                fault.attribute(name)
            }
        };
        if name.is_empty() {
            let remedy = "Delete it, or look for a quotation mark too many just before it.";
            return Err(bad("this does not belong inside the tag", remedy));
        }
        let after = rest.get(name.len()..).unwrap_or_default().trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            let remedy = format!("Write {name}=\"…\", or delete the word.");
            return Err(bad("the attribute has no value", &remedy));
        };
        let quote = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => {
                let remedy = format!("Write {name}=\"…\" with quotation marks.");
                return Err(bad("the value has no quotation marks", &remedy));
            }
        };
        let value = value.get(1..).unwrap_or_default();
        let unclosed = || {
            let remedy = format!("Write {quote} at the end of the value of {name}.");
            bad("the value has no closing quotation mark", &remedy)
        };
        let Some(length) = value.find(quote) else {
            return Err(unclosed());
        };
        let (value, after) = value.split_at(length);
        if runs_into_next(value) {
            return Err(unclosed());
        }
        if value.contains('<') {
            let remedy = "Write &lt; for it.";
            return Err(bad(
                "the value holds a \"<\", which XML does not allow there",
                remedy,
            ));
        }
        ampersands(value)
            .map_err(|found| self.ampersand(line, found).element(element).attribute(name))?;
        let next = after.chars().nth(1);
        if next.is_some_and(|c| !c.is_whitespace() && !matches!(c, '/' | '>')) {
            let remedy = "Put a blank there, or delete the quotation mark that is too many.";
            return Err(bad(
                "something follows its closing quotation mark at once",
                remedy,
            ));
        }
        self.at = self.text.len() - after.len() + 1;
        Ok(())
    }

    fn closing_tag(&mut self, rest: &'a str) -> Step {
        let line = self.line();
        let name = name_at(rest);
        let Some(length) = rest.find('>') else {
            let problem = format!("</{name} is not finished: its \">\" is missing");
            return Err(fault(self.file, line, &problem, "Write > after it."));
        };
        if self.open.last().is_some_and(|(open, _)| *open == name) {
            self.open.pop();
            self.at += 2 + length + 1;
            return Ok(());
        }
        let Some(depth) = self.open.iter().rposition(|(open, _)| *open == name) else {
            return Err(self.closes_nothing(name, line));
        };
        let unclosed = self.open.split_off(depth + 1);
        Err(self.never_closed(&unclosed, &format!("</{name}> on line {line} comes first")))
    }

    fn closes_nothing(&self, name: &str, line: u32) -> ReadError {
        let other_case = self
            .open
            .last()
            .filter(|(open, _)| open.eq_ignore_ascii_case(name));
        if let Some((open, _)) = other_case {
            let problem = format!("</{name}> does not close <{open}>: capitals count");
            let remedy = format!("Write </{open}>.");
            return fault(self.file, line, &problem, &remedy).element(name);
        }
        let problem = format!("</{name}> closes nothing");
        let sibling = self
            .self_closed
            .get(name)
            .filter(|(depth, _)| *depth == self.open.len());
        match sibling {
            Some((_, begin)) => {
                let problem = format!(
                    "{problem}: the <{name}> on line {begin} ends in \"/>\" and is closed already"
                );
                let remedy = format!(
                    "Change \"/>\" to \">\" on line {begin} if what follows belongs to it, \
                     or delete </{name}>."
                );
                fault(self.file, line, &problem, &remedy).element(name)
            }
            None => {
                let remedy = format!("Delete it, or write the missing <{name} …> before it.");
                fault(self.file, line, &problem, &remedy).element(name)
            }
        }
    }

    /// `unclosed` holds the outermost first.
    fn never_closed(&self, unclosed: &[(&str, u32)], proof: &str) -> ReadError {
        let Some(((name, line), others)) = unclosed.split_first() else {
            return fault(self.file, self.line(), proof, "Correct this line.");
        };
        let mut problem = format!("the element is never closed: {proof}");
        if !others.is_empty() {
            let list: Vec<_> = others
                .iter()
                .take(5)
                .map(|(name, line)| format!("<{name}> on line {line}"))
                .collect();
            problem = format!("{problem}; the same goes for {}", list.join(", "));
        }
        let remedy = match self.self_closed_inside(name, *line) {
            true => format!(
                "The <{name}/> on line {line} was probably meant to be </{name}>: move the slash."
            ),
            false => format!(
                "Write \"/>\" at the end of <{name}> if nothing belongs inside, \
                 or </{name}> after what does."
            ),
        };
        fault(self.file, *line, &problem, &remedy).element(name)
    }

    /// Whether `<name/>` stands where `</name>` should: on the line that opened it.
    fn self_closed_inside(&self, name: &str, line: u32) -> bool {
        let slip = format!("<{name}/>");
        self.text
            .match_indices(&slip)
            .any(|(at, _)| self.lines.at(at) == line)
    }

    fn end_of_file(&self) -> Option<ReadError> {
        (!self.open.is_empty()).then(|| self.never_closed(&self.open, "the file ends first"))
    }

    fn text_is_sound(&self, text: &str) -> Step {
        ampersands(text).map_err(|found| {
            let offset = self.at + text.len() - found.len();
            let fault = self.ampersand(self.lines.at(offset), found);
            match self.open.last() {
                Some((name, _)) => fault.element(name),
                None => fault,
            }
        })
    }

    fn ampersand(&self, line: u32, found: &str) -> ReadError {
        let problem = "a \"&\" stands here by itself, which XML does not allow";
        fault(self.file, line, problem, "Write &amp; for it.").found(found)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }
}

/// The name at the beginning of a text; empty when there is none.
fn name_at(text: &str) -> &str {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    let end = text.find(|c| !letter(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Whether a value such as `0 Cadence=` swallowed the attribute after it.
fn runs_into_next(value: &str) -> bool {
    let Some(before) = value.trim_end().strip_suffix('=') else {
        // Or the end of its own tag and the beginning of the next.
        return value
            .split_once('<')
            .is_some_and(|(before, _)| before.trim_end().ends_with('>'));
    };
    let next = before
        .trim_end()
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    before.contains(char::is_whitespace) && !next.is_empty() && name_at(next) == next
}

/// The rest of the text from the first `&` that begins no entity.
fn ampersands(text: &str) -> Result<(), &str> {
    for (at, _) in text.match_indices('&') {
        let rest = text.get(at..).unwrap_or_default();
        let entity = rest
            .get(1..)
            .and_then(|rest| rest.split_once(';'))
            .map(|(name, _)| name);
        let known = entity.is_some_and(|name| match name.strip_prefix('#') {
            Some(code) => is_code(code),
            None => matches!(name, "amp" | "lt" | "gt" | "quot" | "apos"),
        });
        if !known {
            return Err(rest);
        }
    }
    Ok(())
}

fn is_code(code: &str) -> bool {
    match code.strip_prefix('x') {
        Some(hex) => !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit()),
        None => !code.is_empty() && code.chars().all(|c| c.is_ascii_digit()),
    }
}
