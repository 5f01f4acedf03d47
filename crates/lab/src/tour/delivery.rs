//! From a queued ride to one that the server has.

use std::time::Duration;

use freewheel_sync::Engine;
use freewheel_sync::view::{Delivery, RideCard};
use tokio::time::{Instant, timeout};

use super::trouble::Trouble;

/// How long the first try may take to fail.
const FIRST_TRY: Duration = Duration::from_secs(10);
/// A next try that is further away than this is not waited for: the button is pressed instead.
const WORTH_WAITING: Duration = Duration::from_secs(12);
/// What a delivery may take beyond its time.
const DELIVERY: Duration = Duration::from_secs(10);

/// A ride that waits.
pub(super) struct Waiting {
    /// The app's own words.
    pub(super) words: String,
    /// Tries so far.
    pub(super) attempts: u32,
    /// How long until the next one.
    pub(super) next_try: Duration,
}

/// How a ride came to the server.
pub(super) enum Road {
    ByItself,
    ByButton,
}

/// The one ride of the history.
pub(super) async fn the_ride(engine: &Engine) -> Result<RideCard, Trouble> {
    let mut rides = engine.history().await?;
    match (rides.pop(), rides.len()) {
        (Some(ride), 0) => Ok(ride),
        (last, others) => {
            let found = others + usize::from(last.is_some());
            Err(Trouble::unlike(
                "the history",
                "1 ride",
                format!("{found} rides"),
            ))
        }
    }
}

/// Waits until a try has failed and the next one is planned. Where the lane is held back before its first try, the
/// plan alone is the answer.
pub(super) async fn queued(engine: &Engine) -> Result<Waiting, Trouble> {
    let mut view = engine.view();
    let tried = timeout(FIRST_TRY, async {
        loop {
            match waiting(engine).await? {
                Some(waiting) if waiting.attempts > 0 => return Ok(waiting),
                Some(_) | None => {}
            }
            if view.changed().await.is_err() {
                return Err(Trouble::unlike("the engine", "running", "ended"));
            }
        }
    });
    if let Ok(tried) = tried.await {
        return tried;
    }
    match waiting(engine).await? {
        Some(waiting) => Ok(waiting),
        None => {
            let found = format!("{:?}", the_ride(engine).await?.delivery);
            Err(Trouble::unlike(
                "the ride",
                "waiting, with a next try",
                found,
            ))
        }
    }
}

async fn waiting(engine: &Engine) -> Result<Option<Waiting>, Trouble> {
    Ok(match the_ride(engine).await?.delivery {
        Delivery::Waiting {
            next_try: Some(at),
            attempts,
            words,
        } => Some(Waiting {
            words,
            attempts,
            next_try: until(at),
        }),
        Delivery::Waiting { next_try: None, .. }
        | Delivery::LocalOnly
        | Delivery::Sending
        | Delivery::Delivered { .. }
        | Delivery::Parked { .. } => None,
    })
}

/// Waits for the delivery: by itself while the next try is near, else the button is pressed.
pub(super) async fn delivered(engine: &Engine) -> Result<(Road, Duration), Trouble> {
    let started = Instant::now();
    let near = engine
        .view_now()
        .data
        .next_try
        .map(until)
        .filter(|wait| *wait <= WORTH_WAITING);
    if let Some(wait) = near
        && nothing_waits(engine, wait + DELIVERY).await
    {
        return Ok((Road::ByItself, started.elapsed()));
    }
    let report = engine.sync(DELIVERY).await?;
    if report.waiting == 0 && nothing_waits(engine, DELIVERY).await {
        return Ok((Road::ByButton, started.elapsed()));
    }
    Err(Trouble::unlike("the ride", "delivered", report.words))
}

/// Whether nothing waits within `bound`.
pub(super) async fn nothing_waits(engine: &Engine, bound: Duration) -> bool {
    let mut view = engine.view();
    let empty = view.wait_for(|view| view.data.waiting == 0 && !view.data.busy);
    timeout(bound, empty).await.is_ok_and(|seen| seen.is_ok())
}

/// How long until a moment in Unix milliseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the tour tells people what their own clock says"
)]
fn until(at: i64) -> Duration {
    let left = at.saturating_sub(jiff::Timestamp::now().as_millisecond());
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}
