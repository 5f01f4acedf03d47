//! Everything that is printed goes through here.
//!
//! Standard output carries the answer: text for people, or exactly one JSON document (`watch`: one a line). Standard
//! error carries the rest, as JSON lines where JSON was asked for. A reader that went away (`| head`) is no failure.

use std::io::{self, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::error::ErrorKind;
use serde::Serialize;

use crate::failure::Failure;
use crate::words::plain;

/// Exit code for arguments that cannot be understood.
const USAGE: u8 = 2;

/// Where answers go, and in which form.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// For people, or as JSON.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether answers are JSON.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// The answer of a command.
    pub fn answer<T: Serialize>(
        self,
        document: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let text = if self.json {
            json(serde_json::to_string_pretty(document))?
        } else {
            text()
        };
        write(&mut io::stdout().lock(), &text).map(|_| ())
    }

    /// One of many answers, on one line. Breaks when nobody reads any more.
    pub fn line<T: Serialize>(
        self,
        document: &T,
        text: impl FnOnce() -> String,
    ) -> Result<ControlFlow<()>, Failure> {
        let text = if self.json {
            json(serde_json::to_string(document))?
        } else {
            text()
        };
        write(&mut io::stdout().lock(), &text)
    }

    /// What is worth knowing before the answer is there. With JSON: a line of its own on standard error.
    pub fn say<T: Serialize + ?Sized>(
        self,
        name: &str,
        value: &T,
        text: &str,
    ) -> Result<(), Failure> {
        if self.json {
            write_aside(&serde_json::json!({ name: value }).to_string());
            return Ok(());
        }
        write(&mut io::stdout().lock(), text).map(|_| ())
    }

    /// A remark beside the answer.
    pub fn note(self, text: &str) {
        if self.json {
            write_aside(&serde_json::json!({ "note": text }).to_string());
        } else {
            write_aside(text);
        }
    }

    /// Why the command failed.
    pub fn failure(self, failure: &Failure) {
        if self.json {
            write_aside(&error_document(failure));
        } else {
            // It may repeat what was typed, or what a file or a server is called.
            write_aside(&plain(&format!("freewheel: {failure}")));
        }
    }

    /// Whether a line that is drawn again and again has a reader.
    pub fn is_live(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// Whether questions can be asked.
    pub fn can_ask(self) -> bool {
        self.is_live() && io::stdin().is_terminal()
    }

    /// Draws the live line anew; empty text removes it.
    pub fn draw(self, text: &str) {
        let mut stderr = io::stderr().lock();
        // A terminal that went away takes no picture.
        drop(write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush()));
    }
}

/// Help and version as asked for, or what is wrong with the arguments.
pub fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    // The arguments could not be read, so whether JSON was asked for is seen in the raw ones.
    if std::env::args_os().any(|argument| argument == "--json") {
        let message = usage_words(error);
        Output::new(true).failure(&Failure::new("usage", message));
    } else {
        drop(error.print());
    }
    ExitCode::from(USAGE)
}

/// What is wrong, without the help around it.
fn usage_words(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command or an argument is missing; --help lists them".to_owned();
    }
    let text = error.render().to_string();
    let first = text
        .trim()
        .trim_start_matches("error: ")
        .split("\n\n")
        .next()
        .unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn error_document(failure: &Failure) -> String {
    serde_json::json!({ "error": failure }).to_string()
}

fn json(text: serde_json::Result<String>) -> Result<String, Failure> {
    text.map_err(|error| {
        Failure::new(
            "output",
            format!("the answer could not be written: {error}"),
        )
    })
}

fn write_aside(text: &str) {
    // Standard error may be closed; there is nobody left to tell.
    drop(write(&mut io::stderr().lock(), text));
}

fn write(to: &mut impl Write, text: &str) -> Result<ControlFlow<()>, Failure> {
    let text = text.trim_end_matches('\n');
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(Failure::new(
            "output",
            format!("the answer could not be written: {error}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is() {
        let gone = write(&mut Fails(io::ErrorKind::BrokenPipe), "x").unwrap();
        assert_eq!(gone, ControlFlow::Break(()));
        let full = write(&mut Fails(io::ErrorKind::StorageFull), "x").unwrap_err();
        assert_eq!(full.code, "output");
        let mut taken = Vec::new();
        assert_eq!(
            write(&mut taken, "x\n\n").unwrap(),
            ControlFlow::Continue(())
        );
        assert_eq!(taken, b"x\n");
    }

    #[test]
    fn an_error_is_one_json_document() {
        let text = error_document(&Failure::new("workout_unknown", "no \"x\""));
        assert_eq!(
            text,
            r#"{"error":{"code":"workout_unknown","message":"no \"x\""}}"#
        );
    }
}
