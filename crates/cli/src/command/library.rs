//! `library`: find, show and import workouts.

use std::path::PathBuf;
use std::process::ExitCode;

use freewheel_sync::view::{ImportOutcome, LibraryPage, LibraryQuery};
use serde_json::json;

use super::workout;
use crate::arguments::{Filter, Library};
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::table::{Set, Table};
use crate::words::{counted, length, plain, zone};

/// The engine's greatest page.
const PAGE: u32 = 200;

/// Where a workout id is found.
pub const SEE_LIST: &str = "`freewheel library list` shows the ids.";

/// Does what was asked about workouts.
pub async fn run(profile: &Profile, output: Output, command: Library) -> Result<ExitCode, Failure> {
    match command {
        Library::List(filter) => list(profile, output, String::new(), filter).await,
        Library::Search { text, filter } => list(profile, output, text.join(" "), filter).await,
        Library::Show { id } => show(profile, output, &id).await,
        Library::Import { paths, dry_run } => import(profile, output, paths, dry_run).await,
    }
}

async fn list(
    profile: &Profile,
    output: Output,
    text: String,
    filter: Filter,
) -> Result<ExitCode, Failure> {
    let searched = !text.is_empty() || filter.is_narrow();
    let query = LibraryQuery {
        text,
        min_seconds: filter.min_minutes.map(|minutes| minutes.saturating_mul(60)),
        // The engine's bound is exclusive; "at most 60 minutes" holds a workout of exactly 60.
        max_seconds: filter
            .max_minutes
            .map(|minutes| minutes.saturating_mul(60).saturating_add(1)),
        zone: filter.zone.map(Into::into),
        ..LibraryQuery::default()
    };
    let page = all(profile, query, filter.limit).await?;
    output.answer(&page, || match (page.rows.is_empty(), searched) {
        (true, true) => "No workout fits. `freewheel library list` shows all.".to_owned(),
        (true, false) => {
            "No workouts yet. `freewheel sync` fetches the library once you are signed \
                          in; `freewheel library import PATH` takes your own files."
                .to_owned()
        }
        (false, _) => table(&page),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// As many pages as it takes.
async fn all(
    profile: &Profile,
    mut query: LibraryQuery,
    limit: Option<u32>,
) -> Result<LibraryPage, Failure> {
    let mut page = LibraryPage {
        total: 0,
        offset: 0,
        rows: Vec::new(),
    };
    loop {
        let have = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
        let wanted = limit.unwrap_or(u32::MAX).saturating_sub(have).min(PAGE);
        if wanted == 0 {
            return Ok(page);
        }
        query.offset = have;
        query.limit = wanted;
        let next = profile.engine.library(query.clone()).await?;
        page.total = next.total;
        let is_last = next.rows.is_empty();
        page.rows.extend(next.rows);
        if is_last || page.rows.len() >= usize::try_from(page.total).unwrap_or(usize::MAX) {
            return Ok(page);
        }
    }
}

fn table(page: &LibraryPage) -> String {
    let mut table = Table::new(&[
        ("Name", Set::Left),
        ("Length", Set::Right),
        ("TSS", Set::Right),
        ("IF", Set::Right),
        ("Zone", Set::Left),
        ("Id", Set::Whole),
    ]);
    for card in &page.rows {
        table.row([
            card.name.clone(),
            length(card.seconds),
            format!("{:.0}", card.tss),
            format!("{:.2}", card.intensity_factor),
            zone(card.zone).to_owned(),
            card.id.clone(),
        ]);
    }
    let all = usize::try_from(page.total).unwrap_or(usize::MAX);
    let count = if page.rows.len() < all {
        format!(
            "{} of {}",
            page.rows.len(),
            counted(all, "workout", "workouts")
        )
    } else {
        counted(all, "workout", "workouts")
    };
    format!("{}{count}", table.render())
}

async fn show(profile: &Profile, output: Output, id: &str) -> Result<ExitCode, Failure> {
    let detail = profile
        .engine
        .workout(id)
        .await
        .map_err(|error| naming(error, id))?;
    output.answer(&detail, || workout::in_full(&detail))?;
    Ok(ExitCode::SUCCESS)
}

/// An unknown workout is named, with the place to look.
pub fn naming(error: freewheel_sync::EngineError, id: &str) -> Failure {
    let failure = Failure::from(error);
    if failure.code != UNKNOWN_WORKOUT {
        return failure;
    }
    Failure::new(
        UNKNOWN_WORKOUT,
        format!("there is no workout “{}”", plain(id)),
    )
    .hint(SEE_LIST)
}

/// The engine's code for a workout that is not on this computer.
pub const UNKNOWN_WORKOUT: &str = "workout_unknown";

async fn import(
    profile: &Profile,
    output: Output,
    paths: Vec<PathBuf>,
    dry_run: bool,
) -> Result<ExitCode, Failure> {
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        let words = format!(
            "there is no file or folder {}",
            plain(&missing.display().to_string())
        );
        return Err(Failure::new("path_missing", words).hint("Nothing was imported."));
    }
    let files = profile.engine.import(paths, dry_run).await;
    if files.is_empty() {
        return Err(Failure::new(
            "nothing_to_import",
            "no .zwo, .erg or .mrc file was found there",
        ));
    }
    let refused = files.iter().filter(|file| file.error.is_some()).count();
    let read = files.len().saturating_sub(refused);
    let document = json!({
        "dry_run": dry_run, "readable": read, "refused": refused, "files": files,
    });
    output.answer(&document, || {
        let mut lines: Vec<String> = files.iter().map(outcome).collect();
        let verb = if dry_run {
            "can be imported"
        } else {
            "imported"
        };
        lines.push(format!(
            "{} {verb}, {refused} refused",
            counted(read, "file", "files")
        ));
        lines.join("\n")
    })?;
    Ok(if refused > 0 && !dry_run {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn outcome(file: &ImportOutcome) -> String {
    let name = plain(&file.file);
    let mut lines = match &file.error {
        Some(error) => vec![
            format!("refused  {name}"),
            format!("         {}", plain(error)),
        ],
        None => {
            let title = plain(file.name.as_deref().unwrap_or_default());
            vec![format!(
                "ok       {name}  {title} {}",
                file.seconds.map(length).unwrap_or_default()
            )]
        }
    };
    lines.extend(
        file.warnings
            .iter()
            .map(|warning| format!("         note: {}", plain(warning))),
    );
    lines.join("\n")
}

impl Filter {
    fn is_narrow(self) -> bool {
        self.zone.is_some() || self.min_minutes.is_some() || self.max_minutes.is_some()
    }
}
