//! Rows 54 and 55: a profile whose database is damaged, or does not take what is written.

use std::fs;
use std::path::{Path, PathBuf};

use freewheel_sync::Renewal;
use rusqlite::{Connection, ErrorCode};

use super::past::{not_asked_to_sign_in, renews, same, times_in, unexpected};
use crate::LabError;
use crate::rig::{PATIENCE, soon};
use crate::scenario::play::{Play, play};
use crate::scenario::{Findings, Stage, TOKEN};
use crate::wait::until;

/// The tables whose first pages are overwritten: what waits for delivery, and the session's history.
const BROKEN: [&str; 2] = ["outbox", "auth_journal"];

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("54-profile-damaged", damaged)?.look(damaged_file_is_kept_and_told),
        play!("55-store-error", store_error)?
            .look(store_error_is_told_as_one)
            .heal(store_works),
    ])
}

/// The damaged file as it was before the app was opened.
struct Damaged(Vec<u8>);

/// While the app is closed, pages of the profile's database are overwritten.
async fn damaged(stage: &mut Stage) -> Result<(), LabError> {
    let path = stage.rig.home()?.athlete_db();
    // An app that was closed lets go of its files a moment later.
    let at_rest = async || match first_pages(&path) {
        Err(LabError::Database(error)) if is_busy(&error) => Ok(None),
        pages => pages.map(Some),
    };
    let pages = until("the database at rest", PATIENCE, at_rest).await?;
    spoil_values(&path)?;
    let mut bytes = fs::read(&path).map_err(LabError::io("reading the database"))?;
    for (start, end) in pages {
        let page = bytes.get_mut(start..end);
        page.ok_or_else(|| unexpected("a page behind the end"))?
            .fill(0xff);
    }
    fs::write(&path, &bytes).map_err(LabError::io("damaging the database"))?;
    stage.keep(Damaged(bytes));
    stage.token_expires()
}

/// Bytes inside values, of which SQLite notices nothing: a word of the session's facts, one that no version knows, and
/// what the lanes remember.
fn spoil_values(path: &Path) -> Result<(), LabError> {
    const SPOIL: [&str; 2] = [
        "UPDATE session SET facts = replace(json_set(facts, '$.trouble', 'unheard_of'),
             '\"name\":\"', '\"name\":\"' || cast(x'ff' AS TEXT))",
        "UPDATE lane SET state = cast(x'7bff7d' AS TEXT) WHERE lane IN ('library', 'session')",
    ];
    let database = Connection::open(path)?;
    for spoil in SPOIL {
        let changed = database.execute(spoil, [])?;
        same(spoil, &true, &(changed > 0))?;
    }
    Ok(())
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Where the first pages of the tables that are to be broken begin and end. Afterwards the database is one file.
fn first_pages(path: &Path) -> Result<Vec<(usize, usize)>, LabError> {
    let database = Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "delete")?;
    let size: u32 = database.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let root = |table: &&str| {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
        let root: u32 = database.query_row(sql, [table], |row| row.get(0))?;
        let (root, size) = (place(root)?, place(size)?);
        Ok((root.saturating_sub(1) * size, root * size))
    };
    BROKEN.iter().map(root).collect()
}

fn place(number: u32) -> Result<usize, LabError> {
    usize::try_from(number).map_err(|error| unexpected(error.to_string()))
}

/// The damaged file is kept as it was, the sign-in and the ride were saved, and doctor says so.
async fn damaged_file_is_kept_and_told(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    let kept: Vec<PathBuf> = fs::read_dir(stage.rig.folder())
        .map_err(LabError::io("looking into the profile"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().contains("athlete.db.damaged-"))
        .collect();
    let [kept] = kept.as_slice() else {
        findings.note("damaged files that are kept", "1", format!("{kept:?}"));
        return Ok(());
    };
    let Damaged(bytes) = stage.kept()?;
    let is = fs::read(kept).map_err(LabError::io("reading what is kept"))?;
    findings.holds(&is == bytes, "the damaged file", "as it was", "changed");
    not_asked_to_sign_in(stage, findings)?;
    let doctor = stage.run(&["doctor"]).await?;
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    for words in [
        "The profile database was damaged. 1 ride was saved;",
        &*kept.to_string_lossy(),
    ] {
        findings.holds(said.contains(words), "doctor", words, said.as_str());
    }
    Ok(())
}

/// The profile's database takes nothing more about the session.
async fn store_error(stage: &mut Stage) -> Result<(), LabError> {
    for (name, what) in [("failing_update", "UPDATE"), ("failing_insert", "INSERT")] {
        stage.rig.database()?.execute_batch(&format!(
            "CREATE TRIGGER {name} BEFORE {what} ON session
             BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END;"
        ))?;
    }
    stage.keep(AskedBefore(stage.gate()?.count(TOKEN)));
    stage.token_expires()
}

/// Requests to the token endpoint before.
struct AskedBefore(usize);

/// Whoever asks hears of the store, and nobody of a sign-in. No token is spent that could not be noted.
async fn store_error_is_told_as_one(
    stage: &mut Stage,
    findings: &mut Findings,
) -> Result<(), LabError> {
    renews(stage, "a renewal meanwhile", Renewal::NotPossible).await?;
    let engine = stage.rig.engine()?;
    let signing_out = soon("signing out", engine.sign_out()).await?;
    let code = signing_out
        .as_ref()
        .map_err(freewheel_sync::EngineError::code);
    findings.same("signing out", &Err("store_failed"), &code.copied());
    let view = engine.view_now();
    let said = format!("{} {}", view.session.headline, view.session.detail);
    let innocent = !said.to_lowercase().contains("sign");
    findings.holds(innocent, "words", "nothing about signing in", said);
    let AskedBefore(before) = stage.kept()?;
    let asked = stage.gate()?.count(TOKEN) - before;
    findings.same("token requests", &0, &asked);
    let times = times_in(stage, "needs_sign_in")? + times_in(stage, "signed_out")?;
    findings.same("times asked to sign in", &0, &times);
    Ok(())
}

async fn store_works(stage: &mut Stage) -> Result<(), LabError> {
    let database = stage.rig.database()?;
    database.execute_batch("DROP TRIGGER failing_update; DROP TRIGGER failing_insert;")?;
    same("the site", &true, &stage.site().is_ok())?;
    stage.all_well().await
}
