use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::*;
use crate::finish::finish_recorded;
use crate::journal::RideEvent;
use crate::sim::SimulatedTrainer;
use crate::testing::{MemoryJournal, header, moment, workout};
use crate::view::RideState;

fn plan(workout: Option<Workout>) -> RidePlan {
    RidePlan {
        id: header().id,
        name: "Evening ride".into(),
        workout,
        workout_id: None,
        plan_item_id: None,
        ftp_watts: 200,
    }
}

fn at_once(speed: f64) -> Options {
    Options {
        speed,
        autostart: true,
        ..Options::new(|| moment(0))
    }
}

fn start(journal: &Arc<MemoryJournal>, workout: Option<Workout>, options: Options) -> RideHandle {
    let trainer = Box::new(SimulatedTrainer::new(1));
    RideSession::start(
        plan(workout),
        trainer,
        Arc::clone(journal) as Arc<dyn Journal>,
        options,
    )
}

/// The first frame that meets the condition; within an hour of virtual time, so that a ride that
/// never gets there fails instead of standing.
async fn until(handle: &RideHandle, condition: impl Fn(&RideFrame) -> bool) -> RideFrame {
    let mut frames = handle.frames();
    let met = frames.wait_for(|frame| condition(frame));
    let hour = Duration::from_secs(3600);
    tokio::time::timeout(hour, met)
        .await
        .expect("within an hour")
        .unwrap()
        .clone()
}

#[tokio::test(start_paused = true)]
async fn three_hours_are_three_hours_and_every_second_is_kept() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, None, at_once(1.0));
    let began = Instant::now();
    let three_hours = Duration::from_secs(3 * 3600);
    sleep(three_hours).await;
    handle.command(RideCommand::Pause).unwrap();
    let frame = until(&handle, |frame| frame.state == RideState::Paused).await;
    assert_eq!(began.elapsed(), three_hours);
    assert_eq!((frame.ridden, frame.position), (10_800, 10_800.0));
    until(&handle, |frame| frame.durable == 10_800).await;
    let ride = journal.load(header().id).unwrap();
    assert_eq!(ride.samples.len(), 10_800);
    assert_eq!(ride.samples[10_799].at, moment(10_800));
}

#[tokio::test(start_paused = true)]
async fn a_sample_is_durable_within_a_second_of_being_taken() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, Some(workout()), at_once(1.0));
    let mut frames = handle.frames();
    while frames.borrow_and_update().ridden < 120 {
        let frame = frames.borrow().clone();
        assert!(frame.ridden - frame.durable <= 1, "{frame:?}");
        frames.changed().await.unwrap();
    }
    assert!(journal.appends() >= 119, "{}", journal.appends());
}

#[tokio::test(start_paused = true)]
async fn a_ride_waits_for_the_athlete_and_then_keeps_the_moment_of_the_start() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, Some(workout()), Options::new(|| moment(77)));
    sleep(Duration::from_secs(600)).await;
    let frame = handle.frame();
    assert_eq!((frame.state, frame.ridden), (RideState::Ready, 0));
    assert!(
        journal.load(header().id).is_err(),
        "nothing to keep before the start"
    );
    assert!(matches!(handle.finish().await, Err(RideError::NotBegun)));

    handle.command(RideCommand::Toggle).unwrap();
    until(&handle, |frame| frame.durable == 3).await;
    let ride = journal.load(header().id).unwrap();
    assert_eq!(ride.header.started_at, moment(77));
    assert_eq!(ride.samples[0].at, moment(78));
}

#[tokio::test(start_paused = true)]
async fn a_whole_workout_is_ridden_saved_and_told() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, Some(workout()), at_once(60.0));
    assert_eq!(handle.facts().workout_seconds, 980);
    let began = Instant::now();
    until(&handle, |frame| frame.state == RideState::Complete).await;
    assert!(began.elapsed() < Duration::from_secs(17), "60 times faster");
    let saved = handle.finish().await.unwrap();
    assert_eq!(
        (saved.summary.seconds, saved.summary.elapsed_seconds),
        (980, 980)
    );
    assert_eq!(
        handle.finish().await.unwrap(),
        saved,
        "asking again changes nothing"
    );
    assert_eq!(handle.frame().state, RideState::Saved);
    let finished = journal.finished();
    assert_eq!(finished.len(), 1);
    assert_eq!(finished[0].summary, saved.summary);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_does_not_stop_the_ride_and_loses_nothing() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, Some(workout()), at_once(1.0));
    until(&handle, |frame| frame.durable == 10).await;
    journal.fail(true);
    let frame = until(&handle, |frame| frame.ridden == 40).await;
    assert_eq!(frame.durable, 10);
    let trouble = frame.trouble.unwrap();
    assert!(trouble.contains("no space left on device"), "{trouble}");
    assert!(trouble.contains("s are kept in memory"), "{trouble}");

    let error = handle.finish().await.unwrap_err();
    assert!(error.to_string().contains("stays open"), "{error}");
    assert_eq!(
        until(&handle, |f| f.state != RideState::Riding).await.state,
        RideState::Paused
    );
    assert!(journal.finished().is_empty());

    handle.command(RideCommand::Start).unwrap();
    until(&handle, |frame| frame.ridden == 50).await;
    journal.fail(false);
    let frame = until(&handle, |frame| frame.trouble.is_none()).await;
    assert!(frame.durable >= 50, "{frame:?}");
    let saved = handle.finish().await.unwrap();
    let ride = journal.load(header().id).unwrap();
    let seconds: Vec<u32> = ride.samples.iter().map(|sample| sample.second).collect();
    assert_eq!(seconds, (0..saved.summary.seconds).collect::<Vec<_>>());
    assert!(saved.summary.seconds >= 50);
}

#[tokio::test(start_paused = true)]
async fn finishing_writes_first_what_is_in_memory_only() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, None, at_once(1.0));
    until(&handle, |frame| frame.durable == 10).await;
    journal.fail(true);
    until(&handle, |frame| frame.ridden == 40).await;
    journal.fail(false);
    let saved = handle.finish().await.unwrap();
    let frame = until(&handle, |frame| frame.state == RideState::Saved).await;
    assert_eq!(saved.summary.seconds, 40);
    assert_eq!((frame.ridden, frame.durable), (40, 40));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_from_the_start_does_not_stop_the_ride_either() {
    let journal = Arc::new(MemoryJournal::default());
    journal.fail(true);
    let handle = start(&journal, None, at_once(1.0));
    let frame = until(&handle, |frame| frame.ridden == 20).await;
    assert!(frame.trouble.is_some() && frame.durable == 0);
    journal.fail(false);
    until(&handle, |frame| {
        frame.durable >= 20 && frame.trouble.is_none()
    })
    .await;
    assert_eq!(journal.load(header().id).unwrap().samples[0].second, 0);
}

#[tokio::test(start_paused = true)]
async fn a_ride_left_open_is_finished_later_without_a_session() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, Some(workout()), at_once(1.0));
    until(&handle, |frame| frame.ridden == 30).await;
    handle.leave().await.unwrap();
    assert!(matches!(
        handle.command(RideCommand::Start),
        Err(RideError::Gone)
    ));
    assert!(journal.finished().is_empty());
    let saved = finish_recorded(&*journal, header().id).unwrap();
    assert_eq!(saved.summary.seconds, 30);
    assert_eq!(saved.name, "Evening ride");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_keeps_the_ride() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, None, at_once(1.0));
    until(&handle, |frame| frame.ridden == 5).await;
    let mut frames = handle.frames();
    drop(handle);
    while frames.changed().await.is_ok() {}
    let ride = journal.load(header().id).unwrap();
    assert!(ride.samples.len() >= 5);
    assert_eq!(
        ride.events.last().map(|event| event.event),
        Some(RideEvent::Pause)
    );
}

#[tokio::test(start_paused = true)]
async fn a_ride_goes_on_after_a_death_and_the_gap_is_a_pause() {
    let journal = Arc::new(MemoryJournal::default());
    let handle = start(&journal, Some(workout()), at_once(1.0));
    until(&handle, |frame| frame.durable == 30).await;
    // As after a death: only what is in the journal counts.
    let recorded = journal.load(header().id).unwrap();
    handle.leave().await.unwrap();

    let options = Options::new(|| moment(330));
    let trainer = Box::new(SimulatedTrainer::new(2));
    let shared = Arc::clone(&journal) as Arc<dyn Journal>;
    let handle = RideSession::resume(recorded, trainer, shared, options);
    let frame = handle.frame();
    assert_eq!(
        (frame.state, frame.ridden, frame.durable),
        (RideState::Paused, 30, 30)
    );
    assert_eq!(frame.position, 30.0);
    handle.command(RideCommand::Start).unwrap();
    until(&handle, |frame| frame.durable == 60).await;
    let saved = handle.finish().await.unwrap();
    assert_eq!(
        (saved.summary.seconds, saved.summary.elapsed_seconds),
        (60, 360)
    );
}
