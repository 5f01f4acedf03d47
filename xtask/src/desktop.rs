//! `cargo xtask run`: the app beside its own server, or the tour where there is no display.

use std::process::{ExitCode, ExitStatus, Stdio};

use crate::dev_server::{self, DevServer};
use crate::place::Place;
use crate::step::{self, Failure, Outcome};
use crate::{display, node, packages, tour, ui};

/// Sets up, builds, and opens the app. Gives the app's own exit code.
///
/// # Errors
/// When a step before it fails.
pub fn run(place: &Place) -> Outcome<ExitCode> {
    packages::install(packages::Purpose::Run)?;
    node::check()?;
    ui::build(place)?;
    programs(place)?;
    match display::answering() {
        Ok(name) => {
            println!("\n==> {name} answers: opening the window");
            window(place)
        }
        Err(why) => {
            println!("\n==> No display ({why}): the same story in this terminal");
            tour::run(place)
        }
    }
}

/// Builds every program of the workspace, unoptimised: that starts soonest on a fresh machine.
///
/// `tauri.conf.json` names no development address, so a debug build carries `ui/dist` inside, just
/// as a release does; the user interface must be built before.
///
/// # Errors
/// When it does not compile.
pub fn programs(place: &Place) -> Outcome {
    println!("\n    The first build takes several minutes on two cores; later ones, seconds.");
    let mut build = place.cargo();
    build.args(["build", "--workspace", "--bins"]);
    let remedy =
        "the compiler's words are above; `rustup update stable` if it asks for a newer Rust";
    step::run(
        "Build the app, the server and the command line",
        &mut build,
        remedy,
    )
    .map(|_| ())
}

/// Passes the exit code of a program on.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

fn window(place: &Place) -> Outcome<ExitCode> {
    let (port, usual) = dev_server::free_port()?;
    let folder = if usual {
        place.in_target("run")
    } else {
        println!(
            "    the usual port is in use: taking {port}, with a server and a profile of its own"
        );
        place.in_target(&format!("run-{port}"))
    };
    let server = DevServer::start(place, &folder, port)?;
    let mut app = dev_server::ends_with_us(&place.built("freewheel-desktop"));
    app.env("FREEWHEEL_HOME", folder.join("profile"))
        .env("FREEWHEEL_SERVER", server.url());
    println!("\n==> Freewheel\n    {}", step::line(&app));
    println!("    Sign in as demo / demo. Close the window to end; the profile and the server's");
    println!(
        "    data stay in {} (delete it to begin anew).",
        place.show(&folder)
    );
    let status = app
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure::of("freewheel-desktop", error.to_string()))?;
    if !status.success() {
        println!("    the app ended with {status}");
    }
    Ok(exit_code(status))
}
