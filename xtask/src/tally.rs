//! How many tests passed and failed, read from the words of cargo and Vitest.

use std::ops::AddAssign;

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub passed: u32,
    pub failed: u32,
    pub ignored: u32,
}

impl Tally {
    /// Whether any test ran at all: a run without one proves nothing.
    pub fn is_empty(self) -> bool {
        self.passed == 0 && self.failed == 0
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// One test program of `cargo test`, with its numbers and its own time.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    pub name: String,
    pub tally: Tally,
    pub seconds: String,
}

/// Reads the output of `cargo test`, line by line.
#[derive(Debug, Default)]
pub struct CargoTests {
    pub programs: Vec<Program>,
    current: String,
}

impl CargoTests {
    /// Takes the next line.
    pub fn line(&mut self, line: &str) {
        let line = plain(line);
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Running ") {
            self.current = program_name(rest);
        } else if let Some(name) = line.strip_prefix("Doc-tests ") {
            self.current = format!("{name} (documentation)");
        } else if let Some(result) = line.strip_prefix("test result: ") {
            let seconds = result
                .rsplit_once("finished in ")
                .map_or("", |(_, seconds)| seconds);
            self.programs.push(Program {
                name: self.current.clone(),
                tally: counts(result, ';'),
                seconds: seconds.to_owned(),
            });
        }
    }

    /// The sum over all programs.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for program in &self.programs {
            total += program.tally;
        }
        total
    }
}

/// The numbers in Vitest's summary line, if this is that line.
pub fn vitest(line: &str) -> Option<Tally> {
    let line = plain(line);
    let rest = line.trim().strip_prefix("Tests ")?;
    Some(counts(rest, '|'))
}

/// Sums up `3 passed; 1 failed; 2 ignored` with the given separator.
fn counts(text: &str, separator: char) -> Tally {
    let mut tally = Tally::default();
    for part in text.split(separator) {
        let words: Vec<&str> = part.split_whitespace().collect();
        for pair in words.windows(2) {
            let [number, word] = pair else { continue };
            let Ok(number) = number.parse::<u32>() else {
                continue;
            };
            match *word {
                "passed" => tally.passed += number,
                "failed" => tally.failed += number,
                "ignored" | "skipped" | "todo" => tally.ignored += number,
                _ => {}
            }
        }
    }
    tally
}

/// `unittests src/lib.rs (target/debug/deps/freewheel_policy-0123)` → `freewheel_policy (src/lib.rs)`.
fn program_name(rest: &str) -> String {
    let Some((source, path)) = rest.split_once(" (") else {
        return rest.to_owned();
    };
    let file = path
        .trim_end_matches(')')
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(path);
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    format!("{name} ({})", source.trim_start_matches("unittests "))
}

/// The line without colours.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // An escape sequence of colours ends with its first letter.
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_words_become_numbers_per_program() {
        let mut tests = CargoTests::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/freewheel_policy-0123abc)",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.12s",
            "\u{1b}[1m\u{1b}[32m     Running\u{1b}[0m tests/road.rs (target/debug/deps/road-ff00)",
            "test result: \u{1b}[31mFAILED\u{1b}[0m. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 63.00s",
            "   Doc-tests freewheel_workout",
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.50s",
        ] {
            tests.line(line);
        }
        let names: Vec<&str> = tests
            .programs
            .iter()
            .map(|program| program.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "freewheel_policy (src/lib.rs)",
                "road (tests/road.rs)",
                "freewheel_workout (documentation)"
            ]
        );
        assert_eq!(tests.programs[1].seconds, "63.00s");
        assert_eq!(
            tests.total(),
            Tally {
                passed: 8,
                failed: 2,
                ignored: 1
            }
        );
    }

    #[test]
    fn vitests_summary_is_read_and_its_other_lines_are_not() {
        let cases = [
            (
                "      Tests  12 passed (12)",
                Some(Tally {
                    passed: 12,
                    failed: 0,
                    ignored: 0,
                }),
            ),
            (
                "      Tests  1 failed | 3 skipped | 11 passed (15)",
                Some(Tally {
                    passed: 11,
                    failed: 1,
                    ignored: 3,
                }),
            ),
            (
                "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m2 passed\u{1b}[39m\u{1b}[22m (2)",
                Some(Tally {
                    passed: 2,
                    failed: 0,
                    ignored: 0,
                }),
            ),
            (" Test Files  2 passed (2)", None),
        ];
        for (line, expected) in cases {
            assert_eq!(vitest(line), expected, "{line}");
        }
    }

    #[test]
    fn no_test_at_all_is_empty() {
        assert!(Tally::default().is_empty());
        assert!(
            Tally {
                passed: 0,
                failed: 0,
                ignored: 4
            }
            .is_empty()
        );
        assert!(
            !Tally {
                passed: 1,
                failed: 0,
                ignored: 0
            }
            .is_empty()
        );
    }
}
