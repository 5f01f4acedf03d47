//! Going on in the background: where the desktop has a tray, and the athlete did not choose otherwise.

use freewheel_sync::settings::{BackgroundView, Settings};
use freewheel_sync::view::UserError;
use tauri::{AppHandle, State};
use tauri_plugin_autostart::ManagerExt as _;
use tauri_plugin_notification::NotificationExt as _;

use crate::commands::Answer;
use crate::state::Shell;

#[tauri::command]
pub(crate) async fn background(app: AppHandle, shell: State<'_, Shell>) -> Answer<BackgroundView> {
    Ok(BackgroundView {
        tray: shell.has_tray() && desktop_has_a_tray().await,
        stays: shell.settings()?.stays,
        autostart: app.autolaunch().is_enabled().ok(),
    })
}

#[tauri::command]
pub(crate) async fn set_stays(shell: State<'_, Shell>, stays: bool) -> Answer<()> {
    change(&shell, |settings| settings.stays = stays)
}

#[tauri::command]
pub(crate) async fn set_autostart(app: AppHandle, on: bool) -> Answer<()> {
    let launch = app.autolaunch();
    let done = if on {
        launch.enable()
    } else {
        launch.disable()
    };
    done.map_err(|error| UserError {
        code: "autostart_failed".to_owned(),
        message: format!("This computer did not take it: {error}. Its own settings may list what starts at login."),
    })
}

/// Whether the app stays when its window is closed.
pub(crate) async fn stays(shell: &Shell) -> bool {
    let wants = shell.settings().is_ok_and(|settings| settings.stays);
    wants && shell.has_tray() && shell.ride().is_none() && desktop_has_a_tray().await
}

/// Says once that the app is still there.
pub(crate) fn tell_once(app: &AppHandle, shell: &Shell) {
    if shell.settings().is_ok_and(|settings| settings.told) {
        return;
    }
    notify(
        app,
        "Freewheel goes on in the background",
        "Rides that wait are delivered from here. The tray icon opens the window and ends the program; Account tells how to change this.",
    );
    if let Err(error) = change(shell, |settings| settings.told = true) {
        tracing::debug!(error = error.message, "it will be told again");
    }
}

/// A desktop notice.
pub(crate) fn notify(app: &AppHandle, title: &str, body: &str) {
    let notice = app.notification().builder().title(title).body(body);
    if let Err(error) = notice.show() {
        tracing::debug!(%error, "the desktop shows no notices");
    }
}

fn change(shell: &Shell, how: impl FnOnce(&mut Settings)) -> Answer<()> {
    let mut settings = shell.settings()?;
    how(&mut settings);
    settings
        .save(shell.engine()?.home())
        .map_err(|error| UserError {
            code: "settings_unsaved".to_owned(),
            message: format!("The choice could not be saved: {error}."),
        })
}

/// Whether somebody shows tray icons: on Linux a StatusNotifierHost (freedesktop.org StatusNotifierItem), which not every
/// desktop has; without one a hidden window could not be brought back. Elsewhere the system always does.
#[cfg(target_os = "linux")]
async fn desktop_has_a_tray() -> bool {
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(1);
    let asked = async {
        let bus = zbus::Connection::session().await?;
        let watcher = zbus::Proxy::new(
            &bus,
            "org.kde.StatusNotifierWatcher",
            "/StatusNotifierWatcher",
            "org.kde.StatusNotifierWatcher",
        )
        .await?;
        watcher
            .get_property::<bool>("IsStatusNotifierHostRegistered")
            .await
    };
    matches!(tokio::time::timeout(PATIENCE, asked).await, Ok(Ok(true)))
}

#[cfg(not(target_os = "linux"))]
async fn desktop_has_a_tray() -> bool {
    true
}
