//! What the window hears without asking.

use freewheel_ride::RideHandle;
use freewheel_sync::lease::nudge::{self, NudgeKind};
use freewheel_sync::notices::Notices;
use tauri::{AppHandle, Emitter as _, Manager as _};

use crate::state::Shell;
use crate::{background, window};

/// The view changed; the payload is the whole [`freewheel_sync::view::SyncView`].
const SYNC_VIEW: &str = "sync-view";
/// The ride went on; the payload is a [`freewheel_ride::view::RideFrame`].
const RIDE_FRAME: &str = "ride-frame";

/// Sends every change of the view to the window and the tray, tells the desktop what nobody looks at the window for, and
/// brings the window to the front when a second start asks for it.
pub(crate) fn forward(app: &AppHandle) {
    let shell = app.state::<Shell>();
    let Ok(engine) = shell.engine() else { return };
    let mut view = engine.view();
    let home = engine.home().clone();
    let told = app.clone();
    tauri::async_runtime::spawn(async move {
        let mut notices = Notices::since(&view.borrow());
        while view.changed().await.is_ok() {
            let now = view.borrow_and_update().clone();
            let shell = told.state::<Shell>();
            let watched = window::is_watched(&told) || shell.ride().is_some();
            if let Some(notice) = notices.next(&now, watched) {
                background::notify(&told, &notice.title, &notice.body);
            }
            if let Some(tray) = shell.tray() {
                tray.show(&now);
            }
            emit(&told, SYNC_VIEW, now);
        }
    });
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let Ok(mut nudges) = nudge::watch(&home) else {
            return;
        };
        while let Some(kind) = nudges.recv().await {
            if kind == NudgeKind::Show
                && let Err(error) = window::show(&app)
            {
                tracing::debug!(%error, "the window could not be brought to the front");
            }
        }
    });
}

/// Sends the frames of a ride to the window until it is over.
pub(crate) fn forward_ride(app: &AppHandle, ride: &RideHandle) {
    let mut frames = ride.frames();
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            let frame = frames.borrow_and_update().clone();
            emit(&app, RIDE_FRAME, frame);
            if frames.changed().await.is_err() {
                break;
            }
        }
    });
}

fn emit<P: serde::Serialize + Clone>(app: &AppHandle, event: &str, payload: P) {
    if let Err(error) = app.emit(event, payload) {
        tracing::debug!(%error, event, "the window did not take an event");
    }
}
