//! The one window: made when it is first wanted, shown and hidden later.

use tauri::{AppHandle, Manager as _, WebviewUrl, WebviewWindowBuilder};

const MAIN: &str = "main";

/// Brings the window to the front, and makes it if there is none.
pub(crate) fn show(app: &AppHandle) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(MAIN) {
        window.show()?;
        window.unminimize()?;
        return window.set_focus();
    }
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Freewheel")
        .inner_size(1280.0, 800.0)
        .min_inner_size(800.0, 560.0)
        .build()
        .map(drop)
}

/// Hides the window.
pub(crate) fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.hide()
    {
        tracing::debug!(%error, "the window could not be hidden");
    }
}

/// Whether the athlete looks at it.
pub(crate) fn is_watched(app: &AppHandle) -> bool {
    app.get_webview_window(MAIN).is_some_and(|window| {
        window.is_visible().unwrap_or(false) && window.is_focused().unwrap_or(false)
    })
}
