//! A step: one process with a title, its command line, its duration, and a remedy when it fails.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a step gives back.
pub type Outcome<T = ()> = Result<T, Failure>;

/// A step that did not work: what was run, why it failed, what a person can do about it.
#[derive(Debug)]
pub struct Failure {
    command: String,
    why: String,
    remedy: String,
}

impl Failure {
    /// A failure of `command`, because of `why`.
    pub fn of(command: &str, why: impl Into<String>) -> Self {
        Self {
            command: command.to_owned(),
            why: why.into(),
            remedy: String::new(),
        }
    }

    /// The same failure, with what to do about it.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FAILED   {}\n  why:    {}",
            self.command,
            self.why.trim_end()
        )?;
        if !self.remedy.is_empty() {
            write!(f, "\n  remedy: {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Runs `command` with its output on the terminal, and says how long it took.
pub fn run(title: &str, command: &mut Command, remedy: &str) -> Outcome<Duration> {
    let started = begin(title, command);
    let status = command.stdin(Stdio::null()).status();
    end(
        title,
        command,
        started,
        status.map_err(|error| error.to_string()),
        remedy,
    )
}

/// Runs `command`, showing each line of its output and giving it to `watch`, both streams in the
/// order of their writing.
pub fn watch(
    title: &str,
    command: &mut Command,
    remedy: &str,
    mut watch: impl FnMut(&str),
) -> Outcome<Duration> {
    let started = begin(title, command);
    let status = watched(command, &mut watch).map_err(|error| error.to_string());
    end(title, command, started, status, remedy)
}

fn watched(command: &mut Command, watch: &mut impl FnMut(&str)) -> std::io::Result<ExitStatus> {
    let (reader, writer) = std::io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command.spawn()?;
    // The command holds the pipe's writing end: let go of it, or the reader waits for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        watch(text.trim_end());
        line.clear();
    }
    child.wait()
}

/// The command line as a person would type it.
pub fn line(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| {
            value.map(|value| format!("{}={}", name.display(), quoted(&value.to_string_lossy())))
        })
        .collect();
    let program = std::path::Path::new(command.get_program());
    let name = if program.file_stem().is_some_and(|stem| stem == "cargo") {
        "cargo".to_owned()
    } else {
        quoted(&program.to_string_lossy())
    };
    words.push(name);
    words.extend(
        command
            .get_args()
            .map(|word| quoted(&word.to_string_lossy())),
    );
    words.join(" ")
}

/// A duration for people: `0.4 s`, `12 s`, `3 min 5 s`.
pub fn lasted(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn begin(title: &str, command: &Command) -> Instant {
    println!("\n==> {title}\n    {}", line(command));
    Instant::now()
}

fn end(
    title: &str,
    command: &Command,
    started: Instant,
    status: Result<ExitStatus, String>,
    remedy: &str,
) -> Outcome<Duration> {
    let took = started.elapsed();
    let why = match status {
        Ok(status) if status.success() => {
            println!("    done in {} ({title})", lasted(took));
            return Ok(took);
        }
        Ok(status) => format!("ended with {status} after {}", lasted(took)),
        Err(error) => format!("could not be started: {error}"),
    };
    Err(Failure::of(&line(command), why).remedy(remedy))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let cases = [
            (0.04, "0.0 s"),
            (9.94, "9.9 s"),
            (10.0, "10 s"),
            (59.9, "59 s"),
            (185.0, "3 min 5 s"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(lasted(Duration::from_secs_f64(seconds)), expected);
        }
    }

    #[test]
    fn a_command_line_can_be_typed_again() {
        let mut command = Command::new("/home/a/bin/cargo");
        command.args(["test", "--", "a b", "it's"]).env("X", "1 2");
        assert_eq!(line(&command), r"X='1 2' cargo test -- 'a b' 'it'\''s'");
    }

    #[cfg(unix)]
    #[test]
    fn both_streams_are_watched_in_order_and_the_exit_code_counts() {
        let mut seen = Vec::new();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo one; echo two >&2; echo three; exit 3"]);
        let outcome = watch("streams", &mut shell, "look", |line| {
            seen.push(line.to_owned())
        });
        assert_eq!(seen, ["one", "two", "three"]);
        let text = outcome.unwrap_err().to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("remedy: look"),
            "{text}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure_with_its_remedy() {
        let outcome = run(
            "absent",
            &mut Command::new("freewheel-no-such-program"),
            "install it",
        );
        let text = outcome.unwrap_err().to_string();
        assert!(
            text.contains("could not be started") && text.contains("install it"),
            "{text}"
        );
    }
}
