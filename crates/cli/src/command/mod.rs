//! The commands, one module each: ask the engine, print the answer.

mod doctor;
mod library;
mod live;
mod outbox;
mod plan;
mod ride;
mod rides;
mod scenario;
mod sign_in;
mod status;
mod workout;

use std::process::ExitCode;

use freewheel_sync::Mode;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use sign_in::Way;

/// Opens the profile, does what was asked, and lets the engine write out what is left.
pub async fn run(arguments: Arguments, output: Output) -> Result<ExitCode, Failure> {
    if matches!(arguments.command, Command::Doctor) {
        // It has an answer for a profile that cannot be opened.
        return doctor::doctor(arguments.home, output).await;
    }
    // It has computers of its own, and the athlete's is none of its business.
    if let Command::Scenario(command) = arguments.command {
        return scenario::run(output, command).await;
    }
    let mode = match arguments.command {
        // Keeps in sync as long as it runs.
        Command::Watch => Mode::Resident,
        _ => Mode::OneShot,
    };
    let profile = Profile::open(arguments.home, mode).await?;
    let done = dispatch(arguments.command, &profile, output).await;
    profile.close().await;
    done
}

async fn dispatch(
    command: Command,
    profile: &Profile,
    output: Output,
) -> Result<ExitCode, Failure> {
    match command {
        Command::SignIn {
            server,
            no_browser,
            device,
        } => {
            let way = match (device, no_browser) {
                (true, _) => Way::Device,
                (false, true) => Way::PrintedAddress,
                (false, false) => Way::Browser,
            };
            sign_in::sign_in(profile, output, server, way).await
        }
        Command::SignOut => sign_in::sign_out(profile, output).await,
        Command::Status => status::status(profile, output),
        // Answered before the profile is opened.
        Command::Doctor => Ok(ExitCode::SUCCESS),
        Command::Sync { wait } => status::sync(profile, output, wait).await,
        Command::Watch => status::watch(profile, output).await,
        Command::Library(command) => library::run(profile, output, command).await,
        Command::Plan(command) => plan::run(profile, output, command).await,
        Command::Ride(ride) => ride::run(profile, output, ride).await,
        Command::Rides(command) => rides::run(profile, output, command).await,
        Command::Outbox(command) => outbox::run(profile, output, command).await,
        Command::Scenario(command) => scenario::run(output, command).await,
    }
}
