//! The loop of a ride: time, commands and the journal's answers.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::Options;
use crate::finish::{RideError, finish_recorded};
use crate::journal::{JournalError, RideHeader};
use crate::keeper::Keeper;
use crate::player::Phase;
use crate::recorder::Recorder;
use crate::rounding::whole_seconds;
use crate::trainer::Trainer;
use crate::view::{RideCommand, RideFrame, RideSaved, RideState};

/// How often the screen gets new numbers.
const FRAME: Duration = Duration::from_millis(250);

/// What a handle asks for.
pub(super) enum Message {
    Command(RideCommand),
    Finish(oneshot::Sender<Result<RideSaved, RideError>>),
    Leave(oneshot::Sender<Result<(), RideError>>),
}

pub(super) struct Task {
    header: RideHeader,
    recorder: Recorder,
    keeper: Keeper,
    trainer: Box<dyn Trainer>,
    options: Options,
    origin: Instant,
    ticks: Interval,
    frames: watch::Sender<RideFrame>,
    saved: Option<RideSaved>,
}

impl Task {
    pub(super) fn new(
        header: RideHeader,
        recorder: Recorder,
        keeper: Keeper,
        trainer: Box<dyn Trainer>,
        options: Options,
    ) -> (Self, watch::Receiver<RideFrame>) {
        let speed = if options.speed.is_nan() {
            1.0
        } else {
            options.speed.clamp(0.01, 10_000.0)
        };
        let options = Options { speed, ..options };
        let mut ticks = tokio::time::interval(FRAME);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let origin = Instant::now();
        let first = frame(&header, &recorder, &keeper, false, origin);
        let (frames, receiver) = watch::channel(first);
        let mut task = Self {
            header,
            recorder,
            keeper,
            trainer,
            options,
            origin,
            ticks,
            frames,
            saved: None,
        };
        if task.options.autostart {
            task.command(RideCommand::Start);
        }
        task.publish();
        (task, receiver)
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        loop {
            tokio::select! {
                biased;
                () = self.keeper.settled(Instant::now) => {}
                message = inbox.recv() => match message {
                    Some(Message::Command(command)) => self.command(command),
                    Some(Message::Finish(reply)) => {
                        let result = self.finish().await;
                        // Whoever asked may have gone; the ride is saved all the same.
                        drop(reply.send(result));
                    }
                    Some(Message::Leave(reply)) => {
                        drop(reply.send(self.leave().await));
                        return;
                    }
                    None => {
                        if let Err(error) = self.leave().await {
                            tracing::error!(ride = %self.header.id, %error, "the end of a ride is not on disk");
                        }
                        return;
                    }
                },
                _ = self.ticks.tick(), if self.saved.is_none() => {}
            }
            self.record();
            self.publish();
        }
    }

    fn command(&mut self, command: RideCommand) {
        if self.saved.is_some() {
            return;
        }
        let now = self.ride_time();
        self.recorder.advance(now, &mut *self.trainer);
        if matches!(command, RideCommand::Start | RideCommand::Toggle) && !self.recorder.has_begun()
        {
            self.header.started_at = (self.options.clock)();
            self.recorder.begin(self.header.started_at, now);
            self.keeper.open(self.header.clone());
            // Frames and samples then fall on the same moments.
            self.ticks.reset();
        }
        self.recorder.apply(command, now, &mut *self.trainer);
    }

    /// Brings the recorder up to now and hands what it has to the keeper.
    fn record(&mut self) {
        if self.saved.is_some() {
            return;
        }
        let now = self.ride_time();
        self.recorder.advance(now, &mut *self.trainer);
        self.keeper.take(self.recorder.drain());
        self.keeper.pump(Instant::now());
    }

    fn publish(&self) {
        let saved = self.saved.is_some();
        let now = Instant::now();
        self.frames.send_replace(frame(
            &self.header,
            &self.recorder,
            &self.keeper,
            saved,
            now,
        ));
    }

    async fn finish(&mut self) -> Result<RideSaved, RideError> {
        if let Some(saved) = &self.saved {
            return Ok(saved.clone());
        }
        if !self.recorder.has_begun() {
            return Err(RideError::NotBegun);
        }
        self.leave().await?;
        let (journal, ride) = (self.keeper.journal(), self.header.id);
        let saved = tokio::task::spawn_blocking(move || finish_recorded(&*journal, ride))
            .await
            .map_err(|error| JournalError(Box::new(error)))??;
        self.saved = Some(saved.clone());
        Ok(saved)
    }

    /// Pauses, and makes everything durable.
    async fn leave(&mut self) -> Result<(), RideError> {
        if self.saved.is_some() {
            return Ok(());
        }
        self.command(RideCommand::Pause);
        self.keeper.take(self.recorder.drain());
        Ok(self.keeper.flush(Instant::now).await?)
    }

    /// The reading of the ride clock: counted from the origin, so that nothing adds up.
    fn ride_time(&self) -> Duration {
        let passed = Instant::now().duration_since(self.origin);
        if (self.options.speed - 1.0).abs() < f64::EPSILON {
            passed
        } else {
            passed.mul_f64(self.options.speed)
        }
    }
}

fn frame(
    header: &RideHeader,
    recorder: &Recorder,
    keeper: &Keeper,
    saved: bool,
    now: Instant,
) -> RideFrame {
    let player = recorder.player();
    let shown = recorder.shown();
    RideFrame {
        id: header.id.to_string(),
        state: match player.phase() {
            _ if saved => RideState::Saved,
            Phase::Ready => RideState::Ready,
            Phase::Riding => RideState::Riding,
            Phase::Paused => RideState::Paused,
            Phase::Complete => RideState::Complete,
        },
        ridden: whole_seconds(player.ridden()),
        durable: keeper.durable(),
        position: player.position().as_secs_f64(),
        segment: player.segment_index(),
        segment_left: player.segment_left(),
        workout_left: player.workout_left(),
        target_power: player.target_power(),
        target_cadence: player.target_cadence(),
        power: shown.power,
        cadence: shown.cadence,
        heart_rate: shown.heart_rate,
        intensity: player.intensity(),
        cue: player.cue().map(str::to_owned),
        next: player.next(),
        work_kj: recorder.work_kj(),
        trouble: keeper.trouble(now),
    }
}
