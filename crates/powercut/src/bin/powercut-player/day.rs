//! A day with the app: the first launch, a sign-in, the library, a ride that is delivered and renamed, a renewal, the end; and
//! another launch, with a ride that the athlete leaves to the next one.

use std::net::SocketAddr;
use std::sync::Arc;

use freewheel_lab::rig::{self, Jitter, LabClock, Links, PATIENCE, soon, until};
use freewheel_lab::session_probe::Stored;
use freewheel_powercut::mark::Mark;
use freewheel_powercut::service::{self, Service};
use freewheel_ride::RideHandle;
use freewheel_sync::store::EDIT_KIND;
use freewheel_sync::vault::VaultOptions;
use freewheel_sync::view::{Delivery, EditRequest};
use freewheel_sync::{Engine, Mode, Ports, Renewal, RideRequest};

use crate::{Played, Scene};

/// How much faster than life a ride goes: slow enough for a commit per sample or two.
const SPEED: f64 = 10.0;
/// Seconds that are ridden at least.
const SHORTEST: u32 = 20;

pub(crate) async fn play(scene: &Scene) -> Played {
    let address: SocketAddr = scene.arguments.first().ok_or("name an address")?.parse()?;
    let heard = scene.clone();
    let ear = Arc::new(move |line: &str| hear(&heard, line));
    let service = Service::start(&scene.service, service::listen(address)?, ear).await?;

    let engine = launch(scene).await?;
    rig::sign_in(&engine, &service.url, "demo").await?;
    note_tokens(scene)?;
    let all = u32::try_from(service.server.store().workout_ids()?.len())?;
    until(&engine, "the library", PATIENCE, |view| {
        view.library.workouts == all
    })
    .await?;
    let workout = service.server.store().workout_ids()?.into_iter().next();
    let ride = begin(&engine, workout).await?;
    ridden(scene, &ride).await?;
    let saved = soon("the end of the ride", ride.finish()).await??;
    scene.note(&Mark::Saved {
        ride: saved.id.clone(),
    })?;
    engine.ride_ended().await;
    delivered(scene, &engine, &saved.id).await?;
    rename(scene, &engine, &saved.id).await?;
    let renewal = soon("a renewal", engine.renew()).await?;
    if renewal != Renewal::Fresh {
        return Err(format!("the tokens are not renewed: {renewal:?}").into());
    }
    note_tokens(scene)?;
    engine.shutdown().await;
    drop(engine);

    let engine = launch(scene).await?;
    let ride = begin(&engine, None).await?;
    ridden(scene, &ride).await?;
    soon("leaving the ride", ride.leave()).await??;
    engine.shutdown().await;
    Ok(())
}

/// What a request proves: that it was written down before it left.
fn hear(scene: &Scene, line: &str) {
    let mark = if let Some(ride) = line.strip_prefix("PUT /v1/rides/") {
        Mark::Sent {
            ride: ride.to_owned(),
        }
    } else if line == "POST /v1/edits" {
        Mark::EditsSent
    } else if line == "POST /oauth/token" {
        Mark::Renewing
    } else {
        return;
    };
    if let Err(error) = scene.note(&mark) {
        // A story without its marks proves nothing.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("powercut-player: {error}\n"),
        );
        std::process::exit(1);
    }
}

async fn launch(scene: &Scene) -> Result<Engine, Box<dyn std::error::Error>> {
    let ports = Ports {
        clock: LabClock::shared(),
        network: Arc::new(Links::default()),
        entropy: Arc::new(Jitter(0.02)),
        vault: VaultOptions::key_file_only(),
    };
    let opening = Engine::open(rig::home(&scene.profile)?, ports, Mode::Resident);
    Ok(soon("a launch", opening).await??)
}

async fn begin(
    engine: &Engine,
    workout_id: Option<String>,
) -> Result<RideHandle, Box<dyn std::error::Error>> {
    let request = RideRequest {
        workout_id,
        plan_item_id: None,
        speed: SPEED,
        autostart: true,
    };
    Ok(soon("the start of a ride", engine.start_ride(request)).await??)
}

/// Rides, and notes each time that the screen says that more is safe.
async fn ridden(scene: &Scene, ride: &RideHandle) -> Played {
    let mut frames = ride.frames();
    let mut safe = 0;
    loop {
        let (id, ridden, durable) = {
            let frame = frames.borrow_and_update();
            (frame.id.clone(), frame.ridden, frame.durable)
        };
        if durable > safe {
            safe = durable;
            scene.note(&Mark::Samples {
                ride: id,
                count: durable,
            })?;
        }
        if ridden >= SHORTEST {
            return Ok(());
        }
        soon("the next second", frames.changed()).await??;
    }
}

async fn delivered(scene: &Scene, engine: &Engine, ride: &str) -> Played {
    let mut view = engine.view();
    loop {
        let card = rig::card(engine, ride).await?;
        if matches!(card.delivery, Delivery::Delivered { .. }) {
            scene.note(&Mark::Delivered {
                ride: ride.to_owned(),
            })?;
            return Ok(());
        }
        soon("the delivery", view.changed()).await??;
    }
}

/// Gives the ride another title, and waits until the service has it.
async fn rename(scene: &Scene, engine: &Engine, ride: &str) -> Played {
    let (target, value) = (ride.to_owned(), "Hills".to_owned());
    let edit = EditRequest::RenameRide {
        ride_id: target.clone(),
        title: value.clone(),
    };
    engine.edit(edit).await?;
    scene.note(&Mark::Edited {
        target: target.clone(),
        value: value.clone(),
    })?;
    let mut view = engine.view();
    loop {
        let rows = engine.outbox().await?;
        let edits = rows.iter().filter(|row| row.kind == EDIT_KIND);
        if edits.into_iter().all(|row| row.delivered_at.is_some()) {
            scene.note(&Mark::EditDelivered { target, value })?;
            return Ok(());
        }
        soon("the delivery of the change", view.changed()).await??;
    }
}

fn note_tokens(scene: &Scene) -> Played {
    let stored = Stored::read(&scene.profile)?;
    scene.note(&Mark::Tokens {
        generation: stored.generation,
    })?;
    Ok(())
}
