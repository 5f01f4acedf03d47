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

/// Signs in through the browser and waits for the end of it.
pub async fn sign_in(
    profile: &Profile,
    output: Output,
    server: Option<String>,
    no_browser: bool,
) -> Result<ExitCode, Failure> {
    let engine = &profile.engine;
    let mut interrupt = Interrupt::listen()?;
    let server = match server {
        Some(server) => server,
        None => engine.about().default_server,
    };
    let started = tokio::select! {
        started = engine.sign_in(&server) => started?,
        () = interrupt.wait() => return Err(cancelled()),
    };
    let address = plain(&started.url);
    output.say(
        "sign_in_url",
        &address,
        &format!(
            "To sign in, open this address in your browser:\n\n  {address}\n\nWaiting for you to \
             finish there. Ctrl-C cancels."
        ),
    )?;
    if !no_browser && let Err(error) = open::that_detached(&started.url) {
        let words = "The browser could not be opened";
        output.note(&format!("{words} ({error}). Open the address by hand."));
    }
    let athlete = tokio::select! {
        finished = engine.sign_in_finished() => finished?,
        () = interrupt.wait() => {
            engine.cancel_sign_in();
            return Err(cancelled());
        }
    };
    let session = settled(engine).await;
    output.answer(
        &json!({ "account": athlete, "server": session.server, "session": session.state }),
        || {
            format!(
                "Signed in as {}. `freewheel sync` fetches the library.",
                plain(&athlete)
            )
        },
    )?;
    Ok(ExitCode::SUCCESS)
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
    let settled = views.wait_for(|view| view.session.state != "signing_in");
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
