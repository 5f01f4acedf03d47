//! A password from the operator: typed unseen at a terminal, or one line from standard input. Never from the command
//! line, which every user of the computer can read.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The longest password, in bytes.
const MAX_BYTES: usize = 1024;

/// The new password of `name`.
pub(crate) fn ask(name: &str) -> Result<String, String> {
    let password = if io::stdin().is_terminal() {
        let first = typed(&format!("New password of {name}: "))?;
        if typed("The same again: ")? != first {
            return Err("the two are not the same; nothing was changed".to_owned());
        }
        first
    } else {
        line()?
    };
    match password.len() {
        0 => Err("no password came; type one, or send it as one line to standard input".to_owned()),
        1..=MAX_BYTES => Ok(password),
        _ => Err(format!("a password has at most {MAX_BYTES} bytes")),
    }
}

fn typed(prompt: &str) -> Result<String, String> {
    // Before the question: whoever answers it at once is not seen either.
    let _unseen = Unseen::begin().map_err(|error| {
        format!("cannot hide what you type ({error}); send the password to standard input instead")
    })?;
    let mut terminal = io::stderr();
    let _ = write!(terminal, "{prompt}").and_then(|()| terminal.flush());
    line()
}

/// One line, without its end.
fn line() -> Result<String, String> {
    let mut text = String::new();
    // One byte more than is allowed, and the line's end, so that a longer one is noticed.
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 3;
    io::stdin()
        .lock()
        .take(most)
        .read_line(&mut text)
        .map_err(|error| format!("cannot read the password: {error}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// While it lives, the terminal shows only the end of the line that is typed.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        unseen.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Now, &unseen)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
