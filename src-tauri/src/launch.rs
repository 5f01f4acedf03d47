//! From the command line to a window.

use std::path::PathBuf;
use std::process::ExitCode;

use freewheel_sync::lease::nudge::{self, NudgeKind};
use freewheel_sync::lease::{Lease, LeaseKind};
use freewheel_sync::view::UserError;
use freewheel_sync::{Engine, EngineError, Home, Mode, Ports, logging, version};
use tauri::{App, AppHandle, Manager as _, RunEvent, WindowEvent};

use crate::state::{Profile, Shell};
use crate::tray::Tray;
use crate::{background, commands, events, window};

/// What the command line asks for.
enum Wanted {
    /// The app on this profile (the default one when none is named).
    App(Start),
    /// The version.
    Version,
    /// Something that is not offered.
    Unknown(String),
}

/// How the app starts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Start {
    home: Option<PathBuf>,
    /// Without a window, until somebody asks for it.
    hidden: bool,
}

/// Runs the app until it is ended.
#[must_use]
pub fn run() -> ExitCode {
    match wanted(std::env::args_os().skip(1)) {
        Wanted::App(start) => open(start),
        Wanted::Version => {
            say(&format!("freewheel-desktop {}", version::LONG));
            ExitCode::SUCCESS
        }
        Wanted::Unknown(argument) => {
            complain(&format!(
                "freewheel-desktop does not know “{argument}”. It takes --home FOLDER, --background and --version."
            ));
            ExitCode::from(2)
        }
    }
}

fn wanted(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Wanted {
    let mut start = Start::default();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--version" | "-V") => return Wanted::Version,
            Some("--background") => start.hidden = true,
            Some("--home") => match arguments.next() {
                Some(folder) => start.home = Some(folder.into()),
                None => return Wanted::Unknown("--home without a folder".to_owned()),
            },
            _ => return Wanted::Unknown(argument.to_string_lossy().into_owned()),
        }
    }
    Wanted::App(start)
}

fn open(start: Start) -> ExitCode {
    let at_login = at_login(&start);
    let hidden = start.hidden;
    let home = Home::resolve(start.home).and_then(Home::open);
    let _log = home.as_ref().ok().map(|home| logging::start(&home.logs()));
    let lease = match home
        .as_ref()
        .map(|home| Lease::try_acquire(home, LeaseKind::App))
    {
        Ok(Ok(None)) => return leave_to_the_other(home.as_ref().ok(), hidden),
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
        .plugin(tauri_plugin_notification::init())
        .plugin(
            tauri_plugin_autostart::Builder::new()
                .args(at_login)
                .build(),
        )
        .manage(Shell::new(profile, lease))
        .invoke_handler(commands::handler())
        .setup(move |app| setup(app, hidden).map_err(Into::into))
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(happened);
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

fn setup(app: &App, hidden: bool) -> tauri::Result<()> {
    if let Some(tray) = Tray::place(app.handle()) {
        let shell = app.state::<Shell>();
        if let Ok(engine) = shell.engine() {
            tray.show(&engine.view_now());
        }
        shell.set_tray(tray);
    }
    // Who has to be told that the profile cannot be opened is told in the window.
    if !hidden || app.state::<Shell>().engine().is_err() {
        window::show(app.handle())?;
    }
    events::forward(app.handle());
    Ok(())
}

fn happened(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::WindowEvent {
            event: WindowEvent::CloseRequested { api, .. },
            ..
        } => {
            // What is in memory goes to the disk first, or nothing ends at all.
            api.prevent_close();
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                let shell = app.state::<Shell>();
                if background::stays(&shell).await {
                    window::hide(&app);
                    background::tell_once(&app, &shell);
                } else {
                    quit(&app);
                }
            });
        }
        RunEvent::WindowEvent {
            event: WindowEvent::Focused(true),
            ..
        } => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                if let Ok(engine) = app.state::<Shell>().engine() {
                    engine.focused().await;
                }
            });
        }
        // Without a window the app goes on; only `quit` gives a code.
        RunEvent::ExitRequested {
            api, code: None, ..
        } => api.prevent_exit(),
        _ => {}
    }
}

/// Ends the app: the window goes at once, what is under way is waited for within a bound.
pub(crate) fn quit(app: &AppHandle) {
    window::hide(app);
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        app.state::<Shell>().close().await;
        app.exit(0);
    });
}

/// The arguments with which the app starts, hidden, when the athlete logs in.
fn at_login(start: &Start) -> Vec<String> {
    let mut arguments = vec!["--background".to_owned()];
    if let Some(home) = &start.home {
        let home = std::path::absolute(home).unwrap_or_else(|_| home.clone());
        arguments.extend(["--home".to_owned(), home.to_string_lossy().into_owned()]);
    }
    arguments
}

fn leave_to_the_other(home: Option<&Home>, hidden: bool) -> ExitCode {
    let shown = !hidden && home.is_some_and(|home| nudge::send(home, NudgeKind::Show).is_ok());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn started(arguments: &[&str]) -> Option<Start> {
        match wanted(arguments.iter().map(Into::into)) {
            Wanted::App(start) => Some(start),
            Wanted::Version | Wanted::Unknown(_) => None,
        }
    }

    #[test]
    fn the_command_line_says_which_profile_and_whether_a_window_is_wanted() {
        assert_eq!(started(&[]), Some(Start::default()));
        let hidden = Start {
            home: Some("/a".into()),
            hidden: true,
        };
        for arguments in [
            ["--background", "--home", "/a"],
            ["--home", "/a", "--background"],
        ] {
            assert_eq!(started(&arguments).as_ref(), Some(&hidden));
        }
        for arguments in [
            &["--home"][..],
            &["--nonsense"],
            &["--version"],
            &["--background", "x"],
        ] {
            assert_eq!(started(arguments), None);
        }
    }

    #[test]
    fn the_start_at_login_is_hidden_and_on_the_same_profile() {
        assert_eq!(at_login(&Start::default()), ["--background"]);
        let start = Start {
            home: Some("/a b".into()),
            hidden: false,
        };
        let [hidden, home, folder] = <[String; 3]>::try_from(at_login(&start))
            .ok()
            .into_iter()
            .next()
            .unwrap_or_default();
        assert_eq!(
            (hidden.as_str(), home.as_str(), folder.as_str()),
            ("--background", "--home", "/a b")
        );
    }
}
