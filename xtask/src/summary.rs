//! The table at the end of `cargo xtask test`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::step::{self, Failure, Outcome};
use crate::tally::Tally;

/// The steps of a run so far.
pub struct Summary {
    started: Instant,
    rows: Vec<Row>,
    tests: Tally,
}

struct Row {
    name: String,
    took: String,
    words: String,
    failed: bool,
}

impl Summary {
    /// Begins to count the time.
    pub fn begin() -> Self {
        Self {
            started: Instant::now(),
            rows: Vec::new(),
            tests: Tally::default(),
        }
    }

    /// Does a step and notes how it went; says whether it worked. The run goes on after a failure,
    /// so that one run shows all of them.
    pub fn step(&mut self, name: &str, act: impl FnOnce(&mut Self) -> Outcome) -> bool {
        let started = Instant::now();
        let at = self.rows.len();
        let outcome = act(self);
        let failed = outcome.is_err();
        let row = Row {
            name: name.to_owned(),
            took: step::lasted(started.elapsed()),
            words: if failed { "FAILED" } else { "ok" }.to_owned(),
            failed,
        };
        // Before the lines that the step itself added.
        self.rows.insert(at, row);
        if let Err(failure) = outcome {
            eprintln!("\n{failure}");
        }
        !failed
    }

    /// Adds a line for tests that ran within a step.
    pub fn tests(&mut self, name: &str, took: &str, tally: Tally) {
        self.tests += tally;
        let mut words = format!("{} passed", tally.passed);
        if tally.failed > 0 {
            words.push_str(&format!(", {} FAILED", tally.failed));
        }
        if tally.ignored > 0 {
            words.push_str(&format!(", {} ignored", tally.ignored));
        }
        self.rows.push(Row {
            name: format!("  {name}"),
            took: took.to_owned(),
            words,
            failed: false,
        });
    }

    /// Prints the table, the total in its last line.
    pub fn end(&self) -> ExitCode {
        println!("\n{}", self.text(self.started.elapsed()));
        if self.failed_steps() == 0 && self.tests.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn failed_steps(&self) -> usize {
        self.rows.iter().filter(|row| row.failed).count()
    }

    fn text(&self, took: Duration) -> String {
        let widest = self
            .rows
            .iter()
            .map(|row| row.name.chars().count())
            .max()
            .unwrap_or_default();
        let mut text = String::new();
        for row in &self.rows {
            text.push_str(&format!(
                "  {:<widest$}  {:>12}  {}\n",
                row.name, row.took, row.words
            ));
        }
        let Tally {
            passed,
            failed,
            ignored,
        } = self.tests;
        let steps = match self.failed_steps() {
            0 => "every step passed".to_owned(),
            1 => "1 step FAILED".to_owned(),
            several => format!("{several} steps FAILED"),
        };
        text.push_str(&format!(
            "tests: {passed} passed, {failed} failed, {ignored} ignored; {steps}; {}",
            step::lasted(took)
        ));
        text
    }
}

/// A step's failure when it ran no test at all.
pub fn nothing_ran(command: &str) -> Failure {
    Failure::of(command, "no test ran, or none was reported")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_holds_the_totals_and_a_failure_is_named() {
        let mut summary = Summary::begin();
        assert!(summary.step("one", |_| Ok(())));
        assert!(!summary.step("two", |summary| {
            summary.tests(
                "road",
                "3.00s",
                Tally {
                    passed: 4,
                    failed: 1,
                    ignored: 0,
                },
            );
            Err(Failure::of("cargo test", "ended"))
        }));
        let text = summary.text(Duration::from_secs(61));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[3],
            "tests: 4 passed, 1 failed, 0 ignored; 1 step FAILED; 1 min 1 s"
        );
        assert!(
            lines[1].contains("two") && lines[1].contains("FAILED"),
            "{text}"
        );
        assert!(
            lines[2].contains("road") && lines[2].contains("4 passed, 1 FAILED"),
            "{text}"
        );
        assert_eq!(
            format!("{:?}", summary.end()),
            format!("{:?}", ExitCode::FAILURE)
        );
    }
}
