//! A thousand rides that wait, delivered by the real engine to the real server; and the same with one among them that the
//! server never takes.

use std::time::{Duration, Instant};

use freewheel_lab::rig::Rig;
use freewheel_lab::site::{Site, Way};
use freewheel_sync::Mode;
use freewheel_sync::store::{RideJournal, Store};

use crate::Trouble;
use crate::rides::{begin, finished};

/// Longer than any drain.
const BOUND: Duration = Duration::from_secs(600);

/// From the athlete's "Sync now" until all `rides` good ones are delivered. `poison`: one more, the first of them all, to
/// which the server always answers 500.
///
/// # Errors
/// The server, the store, or they are not delivered in time.
pub async fn measure(rides: u32, poison: bool) -> Result<Duration, Trouble> {
    let site = Site::start().await?;
    let mut rig = Rig::new()?;
    rig.launch(Mode::OneShot).await?;
    rig.sign_in(&site.url, "demo").await?;
    rig.engine()?.sync(Duration::ZERO).await?;
    let sample = rig.ride().await?;
    rig.engine()?.sync(Duration::ZERO).await?;
    rig.close().await;
    let poisoned = queue(&rig, &sample.id, rides, poison)?;
    if let Some(poisoned) = poisoned {
        let line = format!("PUT /v1/rides/{poisoned}");
        site.gate.rule(move |asked| {
            if asked == line {
                Way::Say(500, "text/plain", "broken".to_owned())
            } else {
                Way::Through
            }
        });
    }
    rig.launch(Mode::Resident).await?;
    let began = Instant::now();
    rig.engine()?.sync_now();
    let left = u32::from(poison);
    rig.until("all delivered", BOUND, |view| {
        view.data.delivered == u64::from(rides) + 1 && view.data.waiting == left
    })
    .await?;
    let took = began.elapsed();
    rig.close().await;
    Ok(took)
}

/// Copies of the ride `sample`, which is in the profile already; returns the one that is never taken.
fn queue(rig: &Rig, sample: &str, rides: u32, poison: bool) -> Result<Option<String>, Trouble> {
    let (owner, fit): (String, Vec<u8>) = rig.database()?.query_row(
        "SELECT account, fit FROM ride WHERE id = ?1",
        [sample],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let journal = RideJournal::new(Store::open(&rig.home()?)?, Some(owner));
    let mut first = None;
    for number in 0..rides + u32::from(poison) {
        let id = begin(&journal, number)?;
        journal.enqueue(&finished(id, fit.clone()))?;
        first.get_or_insert(id);
    }
    Ok(first.filter(|_| poison).map(|id| id.to_string()))
}
