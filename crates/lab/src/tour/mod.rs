//! The tour: the main job in the terminal, for people who have just arrived.
//!
//! Sign in, cache the library, lose the server, open the app anyway, ride, see the result queued, and see it delivered
//! once when the server is back. Everything is real but the legs: the server's process, its sign-in page, the engine,
//! both databases, the keyring. What is said is measured, and what is not as it should be ends the tour with exit 1.

mod books;
mod delivery;
mod figures;
mod opening;
mod output;
mod riding;
mod stage;
mod story;
mod trouble;

use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal;

use figures::Figures;
use output::Output;
use stage::Stage;
use trouble::Trouble;

/// The whole tour takes no longer; it takes about a fifth of this.
const LONGEST: Duration = Duration::from_secs(55);
/// How long what still runs is given when the tour is over.
const LAST_CALLS: Duration = Duration::from_secs(2);
/// What shells report of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// How the tour ended.
enum Ending {
    Told(Result<Figures, Trouble>),
    TooLong,
    Interrupted,
}

/// Runs the tour; exit 0 only when everything was as it should be. Leaves nothing behind.
#[must_use]
pub fn run() -> ExitCode {
    let output = Output::new();
    let prepared = Runtime::new()
        .map_err(|error| Trouble::failed("starting", error))
        .and_then(|runtime| Ok((runtime, Stage::new()?)));
    let (runtime, mut stage) = match prepared {
        Ok(prepared) => prepared,
        Err(trouble) => return output.failed(&trouble),
    };
    let ending = runtime.block_on(async {
        let ending = tokio::select! {
            told = story::tell(&mut stage, &output) => Ending::Told(told),
            () = tokio::time::sleep(LONGEST) => Ending::TooLong,
            () = asked_to_end() => Ending::Interrupted,
        };
        stage.strike(&output).await;
        ending
    });
    // Nothing may write into the folder any more when it is removed.
    runtime.shutdown_timeout(LAST_CALLS);
    let removed = stage.remove();
    match (ending, removed) {
        (Ending::Interrupted, _) => {
            output.line("\nInterrupted. The server is ended and the temporary folder is removed.");
            ExitCode::from(INTERRUPTED)
        }
        (Ending::TooLong, _) => {
            let words = format!("at most {} s", LONGEST.as_secs());
            output.failed(&Trouble::unlike("the whole tour", words, "longer"))
        }
        (Ending::Told(Err(trouble)), _) | (Ending::Told(Ok(_)), Err(trouble)) => {
            output.failed(&trouble)
        }
        (Ending::Told(Ok(figures)), Ok(())) => output.figures(&figures),
    }
}

/// Returns on Ctrl-C, and when the system asks the program to end.
async fn asked_to_end() {
    let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        // Without the means to notice Ctrl-C, Ctrl-C ends the program by itself.
        noticed = signal::ctrl_c() => if noticed.is_err() { std::future::pending().await },
        _ = terminate.recv() => {}
    }
}
