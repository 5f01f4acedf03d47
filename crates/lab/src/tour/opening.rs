//! How long the app takes to open.

use std::time::Duration;

use freewheel_sync::Engine;
use freewheel_sync::view::{LibraryPage, LibraryQuery, TodayView};
use tokio::time::Instant;

use super::stage::Stage;
use super::trouble::Trouble;

/// How often the app is opened for one number.
pub(super) const TIMES: usize = 15;
/// A page of the library, as the screen asks for.
const PAGE: u32 = 100;

/// An app that has just opened, with its first two screens.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) today: TodayView,
    pub(super) library: LibraryPage,
    /// From nothing until both screens had their answer.
    pub(super) took: Duration,
}

/// How long it took to open the app several times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// What it takes on this computer, with whatever else it does.
    pub(super) median: Duration,
    /// What the computer's other work disturbed least. Waiting for somebody would lengthen this one too.
    pub(super) quickest: Duration,
}

/// Opens the app and asks for its first two screens.
pub(super) async fn open(stage: &Stage) -> Result<Opened, Trouble> {
    let started = Instant::now();
    let engine = stage.open().await?;
    let today = engine.today().await?;
    let library = engine
        .library(LibraryQuery {
            limit: PAGE,
            ..LibraryQuery::default()
        })
        .await?;
    Ok(Opened {
        engine,
        today,
        library,
        took: started.elapsed(),
    })
}

/// Opens and closes the app several times.
pub(super) async fn measure(stage: &Stage) -> Result<Times, Trouble> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let opened = open(stage).await?;
        times.push(opened.took);
        opened.engine.shutdown().await;
    }
    times.sort_unstable();
    Ok(Times {
        median: times.get(TIMES / 2).copied().unwrap_or_default(),
        quickest: times.first().copied().unwrap_or_default(),
    })
}
