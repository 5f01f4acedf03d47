//! The tour, chapter by chapter.

use std::time::Duration;

use freewheel_protocol::Sha256Digest;
use freewheel_ride::view::RideSaved;
use freewheel_sync::Engine;
use freewheel_sync::vault::VaultError;
use freewheel_sync::view::{Delivery, SyncView};
use tokio::time::{Instant, timeout};

use super::figures::{Figures, milliseconds, seconds};
use super::opening::{self, Opened, Times};
use super::output::Output;
use super::riding;
use super::stage::Stage;
use super::trouble::{Trouble, expect};
use super::{books, delivery};
use crate::sign_in_page;

/// The athlete of a server for development, and the password.
const DEMO: &str = "demo";
/// How long the library may take to come.
const LIBRARY: Duration = Duration::from_secs(20);
/// As much slower may the app open without its server: room for a busy computer, not for waiting on a network.
const SLOWER: f64 = 1.5;
const SLACK: Duration = Duration::from_millis(50);

/// Tells the tour.
pub(super) async fn tell(stage: &mut Stage, output: &Output) -> Result<Figures, Trouble> {
    output.line("Freewheel: what happens to a ride when the server is gone. All of it is real but the legs:");
    output.line("a server of its own, its sign-in page, the app's engine, its databases, HTTP between them.");
    let workouts = first_contact(stage, output).await?;
    let open_up = opening::measure(stage).await?;
    lose_the_server(stage, output).await?;
    let (opened, open_dead) = open_anyway(stage, output, workouts, open_up).await?;
    let ride = ride(&opened, stage, output).await?;
    see_it_wait(&opened.engine, output).await?;
    deliver(&opened.engine, stage, output, &ride).await?;
    let sent_again = try_to_duplicate(opened.engine, stage, output, &ride).await?;
    let held = books::server(&stage.server_db(), &ride.id)?;
    expect("rides in the server's database", &1, &held.rides)?;
    expect(
        "digest at the server after all that",
        &ride.digest,
        &held.digest,
    )?;
    Ok(Figures {
        workouts,
        open_up: open_up.median,
        open_dead: open_dead.median,
        samples: ride.samples,
        deliveries: held.with_id,
        sent_again,
        duplicates: held.rides - held.with_id,
    })
}

/// A ride that is saved: its id, its digest and how much of it is on disk.
struct Saved {
    id: String,
    digest: String,
    samples: u32,
}

async fn first_contact(stage: &mut Stage, output: &Output) -> Result<u32, Trouble> {
    output.chapter("1. Sign in, once");
    let started = Instant::now();
    let url = stage.start_server().await?.url().to_owned();
    output.say(&format!(
        "freewheel-server listens on {url} after {}.",
        seconds(started.elapsed())
    ));
    let no_keyring = stage.find_keyring().await?;
    let engine = stage.open().await?;
    let started = Instant::now();
    let page = engine.sign_in(&url).await?;
    sign_in_page::complete(&page.url, DEMO, DEMO).await?;
    let name = engine.sign_in_finished().await?;
    output.say(&format!(
        "{name} signed in on the server's page as {DEMO} / {DEMO} ({}).",
        seconds(started.elapsed())
    ));
    output.say(&match (engine.about().vault.as_str(), no_keyring) {
        ("keyring", _) => "The key to the sign-in lies in this session's keyring.".to_owned(),
        (_, why) => {
            output.say(
                "The key to the sign-in lies in a private file, which is weaker than a keyring:",
            );
            format!(
                "{}.",
                why.map_or_else(
                    || "the keyring here keeps nothing".to_owned(),
                    no_keyring_words
                )
            )
        }
    });

    let started = Instant::now();
    let mut view = engine.view();
    let cached = |view: &SyncView| {
        view.library.fresh_at.is_some() && view.library.workouts > 0 && !view.data.busy
    };
    let view = match timeout(LIBRARY, view.wait_for(cached)).await {
        Ok(Ok(view)) => view.clone(),
        _ => {
            return Err(Trouble::unlike(
                "the library",
                "cached",
                engine.view_now().service.words,
            ));
        }
    };
    let workouts = view.library.workouts;
    output.say(&format!(
        "{workouts} workouts and the plan are on this computer ({}).",
        seconds(started.elapsed())
    ));
    engine.shutdown().await;
    Ok(workouts)
}

fn no_keyring_words(why: VaultError) -> String {
    match why {
        VaultError::Absent(_) => "this session has no keyring".to_owned(), // The detail names sockets.
        why => why.to_string(),
    }
}

async fn lose_the_server(stage: &mut Stage, output: &Output) -> Result<(), Trouble> {
    output.chapter("2. The server dies, the app is closed");
    let server = stage.server()?;
    server.kill9();
    let url = server.url().to_owned();
    let asked = reqwest::Client::builder().no_proxy().build();
    let asked = asked
        .map_err(|error| Trouble::failed("HTTP", error))?
        .get(format!("{url}/healthz"))
        .send()
        .await;
    match asked {
        Err(error) if error.is_connect() => {
            output.say("Killed without warning (SIGKILL); connections are refused.");
            Ok(())
        }
        Err(error) => Err(Trouble::unlike(
            "the dead server",
            "connection refused",
            error,
        )),
        Ok(answer) => Err(Trouble::unlike(
            "the dead server",
            "connection refused",
            answer.status(),
        )),
    }
}

async fn open_anyway(
    stage: &Stage,
    output: &Output,
    workouts: u32,
    up: Times,
) -> Result<(Opened, Times), Trouble> {
    output.chapter("3. Open the app anyway");
    let dead = opening::measure(stage).await?;
    let opened = opening::open(stage).await?;
    expect(
        "workouts in the library, offline",
        &workouts,
        &opened.library.total,
    )?;
    output.say(&format!(
        "Today and the library ({workouts} workouts) answer {} after opening;",
        milliseconds(dead.median)
    ));
    output.say(&format!(
        "with the server up it was {} (medians of {}).",
        milliseconds(up.median),
        opening::TIMES
    ));
    let bound = up.quickest.mul_f64(SLOWER) + SLACK;
    if dead.quickest > bound {
        let most = format!("at most {}", milliseconds(bound));
        return Err(Trouble::unlike(
            "least time to open with the server dead",
            most,
            milliseconds(dead.quickest),
        ));
    }
    let (item, workout) = riding::planned(&opened.today)?;
    let minutes = workout.seconds / 60;
    output.say(&format!(
        "Planned for {}: {}, {minutes} min, TSS {:.0}.",
        item.date, workout.name, workout.tss
    ));
    Ok((opened, dead))
}

async fn ride(opened: &Opened, stage: &Stage, output: &Output) -> Result<Saved, Trouble> {
    output.chapter(&format!(
        "4. Ride it ({:.0} times faster than life, on the simulated trainer)",
        riding::SPEED
    ));
    let RideSaved { id, summary, .. } = riding::ride(&opened.engine, &opened.today, output).await?;
    let samples = books::samples(&stage.athlete_db()?, &id)?;
    expect(
        "samples in the profile's database",
        &summary.seconds,
        &samples,
    )?;
    let digest = delivery::the_ride(&opened.engine).await?.digest;
    let file = stage.folder().join("exported.fit");
    let uuid = id
        .parse::<uuid::Uuid>()
        .map_err(|error| Trouble::failed("the ride's id", error))?;
    opened.engine.export_ride(uuid, &file).await?;
    let bytes =
        std::fs::read(&file).map_err(|error| Trouble::failed("the exported ride", error))?;
    expect(
        "digest of the exported file",
        &digest,
        &Sha256Digest::of(&bytes).to_string(),
    )?;
    output.say(&format!(
        "Saved: {samples} samples, one a second, frozen as a FIT file of {} bytes,",
        bytes.len()
    ));
    output.say(&format!("SHA-256 {}…", digest.get(..16).unwrap_or(&digest)));
    Ok(Saved {
        id,
        digest,
        samples,
    })
}

async fn see_it_wait(engine: &Engine, output: &Output) -> Result<(), Trouble> {
    output.chapter("5. It waits");
    let waiting = delivery::queued(engine).await?;
    let tries = match waiting.attempts {
        1 => "1 try".to_owned(),
        tries => format!("{tries} tries"),
    };
    output.say(&format!("History says: {}", waiting.words));
    output.say(&format!(
        "{tries} so far, next try in {}.",
        seconds(waiting.next_try)
    ));
    Ok(())
}

async fn deliver(
    engine: &Engine,
    stage: &mut Stage,
    output: &Output,
    ride: &Saved,
) -> Result<(), Trouble> {
    output.chapter("6. The server is back");
    expect(
        "rides in the server's database before",
        &0,
        &books::rides_at_server(&stage.server_db())?,
    )?;
    stage.server()?.start_again().await?;
    output.say("Same port, same data. Nobody tells the app.");
    let (road, took) = delivery::delivered(engine).await?;
    output.say(&match road {
        delivery::Road::ByItself => {
            format!("The ride is delivered by itself, {} later.", seconds(took))
        }
        delivery::Road::ByButton => format!(
            "The ride is delivered by “Sync now”, {} later.",
            seconds(took)
        ),
    });
    let card = delivery::the_ride(engine).await?;
    if !matches!(card.delivery, Delivery::Delivered { .. }) {
        return Err(Trouble::unlike(
            "the ride in the history",
            "delivered",
            format!("{:?}", card.delivery),
        ));
    }
    let held = books::server(&stage.server_db(), &ride.id)?;
    expect(
        "digest in the server's database",
        &ride.digest,
        &held.digest,
    )?;
    expect(
        "digest of the server's bytes",
        &ride.digest,
        &Sha256Digest::of(&held.fit).to_string(),
    )?;
    output.say("The server's database holds it, byte for byte: the digests are equal.");
    Ok(())
}

/// Syncs again, with the app re-opened too, and once more after a lost answer. Returns how often the ride was sent
/// again.
async fn try_to_duplicate(
    engine: Engine,
    stage: &Stage,
    output: &Output,
    ride: &Saved,
) -> Result<u32, Trouble> {
    output.chapter("7. Try to deliver it twice");
    let profile = stage.athlete_db()?;
    let sent = books::times_sent(&profile, &ride.id)?;
    for _ in 0..2 {
        engine.sync(Duration::ZERO).await?;
    }
    engine.shutdown().await;
    drop(engine);
    let engine = stage.open().await?;
    engine.sync(Duration::ZERO).await?;
    engine.shutdown().await;
    drop(engine);
    expect(
        "times sent, after three more syncs",
        &sent,
        &books::times_sent(&profile, &ride.id)?,
    )?;
    output.say("Three more syncs, one after re-opening the app: nothing is sent.");

    books::lose_the_answer(&profile, &ride.id)?;
    let engine = stage.open().await?;
    if !delivery::nothing_waits(&engine, Duration::from_secs(10)).await {
        return Err(Trouble::unlike(
            "the ride after a lost answer",
            "delivered",
            engine.view_now().data.words,
        ));
    }
    let again = books::times_sent(&profile, &ride.id)?.saturating_sub(sent);
    expect("times sent again after a lost answer", &1, &again)?;
    let rides = books::rides_at_server(&stage.server_db())?;
    expect("rides at the server after a lost answer", &1, &rides)?;
    engine.shutdown().await;
    output.say(
        "As if the app had died before the server's answer came: it sends the ride again with the",
    );
    output.say("same key, the server says that it has it, and still holds one.");
    Ok(again)
}
