//! `sign-in` and `sign-out`.

use std::process::ExitCode;
use std::time::Duration;

use freewheel_sync::Engine;
use freewheel_sync::view::SessionView;
use serde_json::json;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::profile::Profile;
use crate::words::plain;

/// The view follows the facts within milliseconds.
const CATCH_UP: Duration = Duration::from_secs(2);

/// What [`SessionView::vault`] says of tokens that end with the process.
const IN_MEMORY: &str = "memory";
/// A command ends when it has answered, and what it could not keep ends with it.
const NOT_KEPT: &str = "Warning: this sign-in could not be saved. It is kept in memory only and ends with this command. \
    `freewheel doctor` tells what keeps it from being saved; put that right and sign in again.";

/// How the athlete agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In this computer's browser.
    Browser,
    /// The same, opened by hand.
    PrintedAddress,
    /// With a code, on another device.
    Device,
}

/// Signs in and waits for the end of it.
pub async fn sign_in(
    profile: &Profile,
    output: Output,
    server: Option<String>,
    way: Way,
) -> Result<ExitCode, Failure> {
    let engine = &profile.engine;
    let mut interrupt = Interrupt::listen()?;
    let server = server.unwrap_or_else(|| engine.about().default_server);
    let signing_in = async {
        match way {
            Way::Browser => by_browser(engine, output, &server, true).await?,
            Way::PrintedAddress => by_browser(engine, output, &server, false).await?,
            Way::Device => by_device(engine, output, &server).await?,
        }
        Ok::<_, Failure>(engine.sign_in_finished().await?)
    };
    let athlete = tokio::select! {
        finished = signing_in => finished?,
        () = interrupt.wait() => {
            engine.cancel_sign_in();
            return Err(cancelled());
        }
    };
    let session = settled(engine).await;
    let in_memory = session.vault == IN_MEMORY;
    if in_memory {
        output.note(NOT_KEPT);
    }
    let document = json!({
        "account": athlete,
        "server": session.server,
        "session": session.state,
        "kept": session.vault,
    });
    output.answer(&document, || {
        let next = if in_memory {
            "This sign-in ends now."
        } else {
            "`freewheel sync` fetches the library."
        };
        format!("Signed in as {}. {next}", plain(&athlete))
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn by_browser(
    engine: &Engine,
    output: Output,
    server: &str,
    open: bool,
) -> Result<(), Failure> {
    let started = engine.sign_in(server).await?;
    let address = plain(&started.url);
    output.say(
        "sign_in_url",
        &address,
        &format!(
            "To sign in, open this address in your browser:\n\n  {address}\n\nWaiting for you to \
             finish there. Ctrl-C cancels."
        ),
    )?;
    if open {
        // The system's opener may take seconds to tell that it has nothing to open with.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = open::that_detached(&started.url) {
                output.note(&format!(
                    "The browser could not be opened ({error}). Open the address by hand, or cancel and use --device."
                ));
            }
        });
    }
    Ok(())
}

async fn by_device(engine: &Engine, output: Output, server: &str) -> Result<(), Failure> {
    let started = engine.sign_in_with_device(server).await?;
    let code = plain(&started.user_code);
    let address = plain(&started.verification_uri);
    let complete = started.verification_uri_complete.as_deref().map(plain);
    let mut text = format!(
        "To sign in, open this address on any device:\n\n  {address}\n\nand type this code:\n\n  {code}\n\n"
    );
    if let Some(complete) = &complete {
        text.push_str(&format!(
            "Or open this one, which has the code in it:\n\n  {complete}\n\n"
        ));
    }
    text.push_str(&format!(
        "The code is good for {}. Waiting for you to finish there. Ctrl-C cancels.",
        minutes(started.expires_in_seconds)
    ));
    let document = json!({
        "user_code": code,
        "verification_uri": address,
        "verification_uri_complete": complete,
        "expires_in_seconds": started.expires_in_seconds,
    });
    output.say("device", &document, &text)
}

/// So many seconds, as people say it.
fn minutes(seconds: u64) -> String {
    match (seconds + 30) / 60 {
        0 => format!("{seconds} seconds"),
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Signs out of this computer; works offline.
pub async fn sign_out(profile: &Profile, output: Output) -> Result<ExitCode, Failure> {
    profile.engine.sign_out().await?;
    let text = || "Signed out. Your rides stay on this computer.".to_owned();
    output.answer(&json!({ "session": "signed_out" }), text)?;
    Ok(ExitCode::SUCCESS)
}

/// The session once the view has caught up with the end of the sign-in.
async fn settled(engine: &Engine) -> SessionView {
    let mut views = engine.view();
    let settled =
        views.wait_for(|view| !["signing_in", "signed_out"].contains(&view.session.state.as_str()));
    match tokio::time::timeout(CATCH_UP, settled).await {
        Ok(Ok(view)) => view.session.clone(),
        Ok(Err(_)) | Err(_) => engine.view_now().session,
    }
}

fn cancelled() -> Failure {
    Failure::new(
        "sign_in_cancelled",
        "the sign-in was cancelled; nothing has changed",
    )
}
