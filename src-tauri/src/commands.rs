//! What the window may ask for. Each command is one call of the engine.

use freewheel_sync::view::{
    About, ImportOutcome, LibraryPage, LibraryQuery, OutboxRow, RideCard, SyncView, TodayView,
    UserError, WorkoutDetail,
};
use tauri::ipc::Invoke;
use tauri::{AppHandle, State, Wry};
use tauri_plugin_dialog::DialogExt as _;
use tauri_plugin_opener::OpenerExt as _;
use uuid::Uuid;

use crate::background;
use crate::rides;
use crate::state::Shell;

pub(crate) type Answer<T> = Result<T, UserError>;

/// All commands.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        about,
        sync_view,
        today,
        library,
        workout,
        history,
        outbox,
        sync_now,
        sign_in,
        sign_in_with_device,
        cancel_sign_in,
        open_sign_in_page,
        sign_out,
        support_report,
        import_workouts,
        export_ride,
        retry_ride,
        background::background,
        background::set_stays,
        background::set_autostart,
        rides::ride_start,
        rides::ride_current,
        rides::ride_command,
        rides::ride_finish,
        rides::ride_resume,
        rides::ride_finish_unfinished,
    ]
}

#[tauri::command]
async fn about(shell: State<'_, Shell>) -> Answer<About> {
    Ok(shell.engine()?.about())
}

#[tauri::command]
async fn sync_view(shell: State<'_, Shell>) -> Answer<SyncView> {
    Ok(shell.engine()?.view_now())
}

#[tauri::command]
async fn today(shell: State<'_, Shell>) -> Answer<TodayView> {
    Ok(shell.engine()?.today().await?)
}

#[tauri::command]
async fn library(shell: State<'_, Shell>, query: LibraryQuery) -> Answer<LibraryPage> {
    Ok(shell.engine()?.library(query).await?)
}

#[tauri::command]
async fn workout(shell: State<'_, Shell>, id: String) -> Answer<WorkoutDetail> {
    Ok(shell.engine()?.workout(&id).await?)
}

#[tauri::command]
async fn history(shell: State<'_, Shell>) -> Answer<Vec<RideCard>> {
    Ok(shell.engine()?.history().await?)
}

#[tauri::command]
async fn outbox(shell: State<'_, Shell>) -> Answer<Vec<OutboxRow>> {
    Ok(shell.engine()?.outbox().await?)
}

#[tauri::command]
async fn sync_now(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine()?.sync_now();
    Ok(())
}

#[tauri::command]
async fn sign_in(app: AppHandle, shell: State<'_, Shell>, server: String) -> Answer<()> {
    let started = shell.engine()?.sign_in(&server).await?;
    open_in_browser(&app, &started.url);
    Ok(())
}

/// The code and where it goes stand in the view.
#[tauri::command]
async fn sign_in_with_device(shell: State<'_, Shell>, server: String) -> Answer<()> {
    shell.engine()?.sign_in_with_device(&server).await?;
    Ok(())
}

#[tauri::command]
async fn open_sign_in_page(app: AppHandle, shell: State<'_, Shell>) -> Answer<()> {
    if let Some(url) = shell.engine()?.view_now().session.sign_in_url {
        open_in_browser(&app, &url);
    }
    Ok(())
}

/// The address also stands on the screen, so a computer without a browser is no dead end.
fn open_in_browser(app: &AppHandle, url: &str) {
    // The error repeats the address, which belongs to this one sign-in; the log does without.
    if app.opener().open_url(url, None::<&str>).is_err() {
        tracing::info!("no browser could be opened");
    }
}

#[tauri::command]
async fn cancel_sign_in(shell: State<'_, Shell>) -> Answer<()> {
    shell.engine()?.cancel_sign_in();
    Ok(())
}

#[tauri::command]
async fn sign_out(shell: State<'_, Shell>) -> Answer<()> {
    Ok(shell.engine()?.sign_out().await?)
}

#[tauri::command]
async fn support_report(shell: State<'_, Shell>) -> Answer<String> {
    Ok(shell.engine()?.doctor().await.text())
}

#[tauri::command]
async fn import_workouts(app: AppHandle, shell: State<'_, Shell>) -> Answer<Vec<ImportOutcome>> {
    let (sender, picked) = tokio::sync::oneshot::channel();
    let dialog = app.dialog().file().set_title("Add workouts");
    dialog
        .add_filter("Workouts", &["zwo", "erg", "mrc"])
        .pick_files(move |files| {
            // The receiver is gone only when the window is closing.
            drop(sender.send(files));
        });
    let files = picked.await.ok().flatten().unwrap_or_default();
    let paths = files
        .into_iter()
        .filter_map(|file| file.into_path().ok())
        .collect();
    Ok(shell.engine()?.import(paths, false).await)
}

#[tauri::command]
async fn export_ride(app: AppHandle, shell: State<'_, Shell>, id: Uuid) -> Answer<Option<String>> {
    let engine = shell.engine()?;
    let name = engine.ride_file_name(id).await?;
    let (sender, picked) = tokio::sync::oneshot::channel();
    app.dialog()
        .file()
        .set_title("Export ride")
        .set_file_name(name)
        .save_file(move |file| {
            drop(sender.send(file));
        });
    match picked
        .await
        .ok()
        .flatten()
        .and_then(|file| file.into_path().ok())
    {
        Some(path) => Ok(Some(
            engine.export_ride(id, &path).await?.display().to_string(),
        )),
        None => Ok(None),
    }
}

#[tauri::command]
async fn retry_ride(shell: State<'_, Shell>, id: Uuid) -> Answer<()> {
    Ok(shell.engine()?.retry_ride(id).await?)
}
