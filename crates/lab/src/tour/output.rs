//! Everything that the tour prints goes through here. A reader that went away is no failure.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use super::figures::Figures;
use super::trouble::Trouble;

/// Where the tour is told. Plain text; headings are bold on a terminal.
pub(super) struct Output {
    bold: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            bold: wanted && io::stdout().is_terminal(),
        }
    }

    /// Begins a chapter.
    pub(super) fn chapter(&self, title: &str) {
        if self.bold {
            self.line(&format!("\n\u{1b}[1m{title}\u{1b}[0m"));
        } else {
            self.line(&format!("\n{title}"));
        }
    }

    /// Something that happens in the chapter.
    pub(super) fn say(&self, text: &str) {
        self.line(&format!("   {text}"));
    }

    /// The table of what was measured, and that all is as it should be.
    pub(super) fn figures(&self, figures: &Figures) -> ExitCode {
        self.chapter("What was measured");
        for row in figures.rows() {
            self.line(&row);
        }
        self.line("\nAll as it should be. The temporary server, profile and key are gone again.");
        ExitCode::SUCCESS
    }

    /// Why the tour failed.
    pub(super) fn failed(&self, trouble: &Trouble) -> ExitCode {
        self.line(&format!("\nNot as it should be: {trouble}"));
        ExitCode::FAILURE
    }

    pub(super) fn line(&self, text: &str) {
        let mut out = io::stdout().lock();
        drop(writeln!(out, "{text}").and_then(|()| out.flush()));
    }
}
