//! The tray icon: what waits, the window, "Sync now", the end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use freewheel_sync::view::SyncView;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Wry};

use crate::launch;
use crate::state::Shell;
use crate::window;

/// The icon and the line of its menu that changes.
pub(crate) struct Tray {
    icon: TrayIcon<Wry>,
    data: MenuItem<Wry>,
}

impl Tray {
    /// Puts the icon into the tray. `None` where the system has nothing to do it with; the app does without.
    pub(crate) fn place(app: &AppHandle) -> Option<Self> {
        // The library that draws it is loaded when it is first used, and its loader panics where it is missing.
        let placed = catch_unwind(AssertUnwindSafe(|| Self::build(app)));
        match placed {
            Ok(Ok(tray)) => Some(tray),
            Ok(Err(error)) => {
                tracing::warn!(%error, "there is no tray icon");
                None
            }
            Err(_) => {
                tracing::warn!("there is no tray icon: libayatana-appindicator3 is not installed");
                None
            }
        }
    }

    fn build(app: &AppHandle) -> tauri::Result<Self> {
        let data = MenuItem::with_id(app, "data", "Nothing waits", false, None::<&str>)?;
        let open = MenuItem::with_id(app, "open", "Open Freewheel", true, None::<&str>)?;
        let sync = MenuItem::with_id(app, "sync", "Sync now", true, None::<&str>)?;
        let quit = MenuItem::with_id(app, "quit", "Quit", true, None::<&str>)?;
        let [above, below] = [
            PredefinedMenuItem::separator(app)?,
            PredefinedMenuItem::separator(app)?,
        ];
        let menu = Menu::with_items(app, &[&data, &above, &open, &sync, &below, &quit])?;
        let mut builder = TrayIconBuilder::with_id("freewheel")
            .tooltip("Freewheel")
            .menu(&menu)
            .on_menu_event(chosen);
        if let Some(icon) = app.default_window_icon() {
            builder = builder.icon(icon.clone());
        }
        Ok(Self {
            icon: builder.build(app)?,
            data,
        })
    }

    /// What waits, as in the strip.
    pub(crate) fn show(&self, view: &SyncView) {
        let words = &view.data.words;
        let shown = self
            .data
            .set_text(words)
            .and_then(|()| self.icon.set_tooltip(Some(format!("Freewheel · {words}"))));
        if let Err(error) = shown {
            tracing::debug!(%error, "the tray does not take what waits");
        }
    }
}

fn chosen(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        "open" => {
            if let Err(error) = window::show(app) {
                tracing::warn!(%error, "the window could not be opened");
            }
        }
        "sync" => {
            if let Ok(engine) = app.state::<Shell>().engine() {
                engine.sync_now();
            }
        }
        "quit" => launch::quit(app),
        _ => {}
    }
}
