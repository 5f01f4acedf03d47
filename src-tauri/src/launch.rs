//! From the command line to a window.

use std::path::PathBuf;
use std::process::ExitCode;

use freewheel_sync::lease::nudge::{self, NudgeKind};
use freewheel_sync::lease::{Lease, LeaseKind};
use freewheel_sync::view::UserError;
use freewheel_sync::{Engine, EngineError, Home, Mode, Ports, logging, version};
use tauri::{App, Manager as _, RunEvent, WebviewUrl, WebviewWindowBuilder, WindowEvent};

use crate::commands;
use crate::events;
use crate::state::{Profile, Shell};

/// What the command line asks for.
enum Wanted {
    /// A window on this profile (the default one when none is named).
    Window(Option<PathBuf>),
    /// The version.
    Version,
    /// Something that is not offered.
    Unknown(String),
}

/// Runs the app until its window is closed.
#[must_use]
pub fn run() -> ExitCode {
    match wanted(std::env::args_os().skip(1)) {
        Wanted::Window(home) => open(home),
        Wanted::Version => {
            say(&format!("freewheel-desktop {}", version::LONG));
            ExitCode::SUCCESS
        }
        Wanted::Unknown(argument) => {
            complain(&format!(
                "freewheel-desktop does not know “{argument}”. It takes --home FOLDER and --version."
            ));
            ExitCode::from(2)
        }
    }
}

fn wanted(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Wanted {
    match arguments.next() {
        None => Wanted::Window(None),
        Some(argument) if argument == "--version" || argument == "-V" => Wanted::Version,
        Some(argument) if argument == "--home" => match arguments.next() {
            Some(folder) => Wanted::Window(Some(folder.into())),
            None => Wanted::Unknown("--home without a folder".to_owned()),
        },
        Some(argument) => Wanted::Unknown(argument.to_string_lossy().into_owned()),
    }
}

fn open(home: Option<PathBuf>) -> ExitCode {
    let home = Home::resolve(home).and_then(Home::open);
    let _log = home.as_ref().ok().map(|home| logging::start(&home.logs()));
    let lease = match home
        .as_ref()
        .map(|home| Lease::try_acquire(home, LeaseKind::App))
    {
        Ok(Ok(None)) => return show_the_other(home.as_ref().ok()),
        // A profile that cannot be locked can still be shown; the engine says what is wrong with it.
        Ok(Ok(lease)) => lease,
        Ok(Err(_)) | Err(_) => None,
    };
    let profile = match home {
        Ok(home) => {
            tauri::async_runtime::block_on(Engine::open(home, Ports::system(), Mode::Resident))
        }
        Err(error) => Err(EngineError::from(error)),
    };
    let profile: Profile = profile.map_err(UserError::from);
    if let Err(error) = &profile {
        complain(&error.message);
    }
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .manage(Shell::new(profile, lease))
        .invoke_handler(commands::handler())
        .setup(|app| setup(app).map_err(Into::into))
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(|app, event| {
                if let RunEvent::WindowEvent {
                    event: WindowEvent::CloseRequested { api, .. },
                    ..
                } = event
                {
                    // What is in memory goes to the disk first; the window closes right after.
                    api.prevent_close();
                    let app = app.clone();
                    tauri::async_runtime::spawn(async move {
                        app.state::<Shell>().close().await;
                        app.exit(0);
                    });
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!(
                "The window could not be opened: {error}. Freewheel needs a display; without one, the command “freewheel” does the same work in a terminal."
            ));
            ExitCode::FAILURE
        }
    }
}

fn setup(app: &App) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
        .title("Freewheel")
        .inner_size(1280.0, 800.0)
        .min_inner_size(800.0, 560.0)
        .build()?;
    events::forward(app.handle());
    Ok(())
}

fn show_the_other(home: Option<&Home>) -> ExitCode {
    let shown = home.is_some_and(|home| nudge::send(home, NudgeKind::Show).is_ok());
    say(if shown {
        "Freewheel is already open on this profile; its window comes to the front."
    } else {
        "Freewheel is already open on this profile."
    });
    ExitCode::SUCCESS
}

#[expect(
    clippy::print_stdout,
    reason = "this is what was asked for on the command line"
)]
fn say(text: &str) {
    println!("{text}");
}

#[expect(
    clippy::print_stderr,
    reason = "the last resort where no window can show it"
)]
fn complain(text: &str) {
    eprintln!("{text}");
}
