//! A ride in progress: the task that owns its clock, and the handle to it.

mod task;

use std::fmt;
use std::sync::Arc;

use freewheel_workout::Workout;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::finish::RideError;
use crate::journal::{Journal, RecordedRide, RideHeader};
use crate::keeper::Keeper;
use crate::player::Player;
use crate::recorder::Recorder;
use crate::rounding::{count, whole_seconds};
use crate::trainer::Trainer;
use crate::view::{RideCommand, RideFrame, RideSaved, RideStart};
use task::{Message, Task};

/// What the wall clock says.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What is going to be ridden.
#[derive(Debug, Clone, PartialEq)]
pub struct RidePlan {
    /// UUIDv7, new for every ride.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// What is ridden; absent for a free ride.
    pub workout: Option<Workout>,
    /// The library id of the workout.
    pub workout_id: Option<String>,
    /// The plan item that it fulfils.
    pub plan_item_id: Option<String>,
    /// The athlete's FTP in watts.
    pub ftp_watts: u16,
}

/// How a ride is run.
#[derive(Clone)]
pub struct Options {
    /// How many times faster than life; 1 for legs, more for the terminal and for tests. The times of
    /// the samples advance with ride time. Kept within 0.01 and 10,000.
    pub speed: f64,
    /// Start at once instead of waiting for the athlete.
    pub autostart: bool,
    /// Asked once, at the moment of the start; from there on a monotonic clock counts.
    pub clock: WallClock,
}

impl Options {
    /// At the speed of life, waiting for the athlete.
    #[must_use]
    pub fn new(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            speed: 1.0,
            autostart: false,
            clock: Arc::new(clock),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("speed", &self.speed)
            .field("autostart", &self.autostart)
            .finish_non_exhaustive()
    }
}

/// Begins and continues rides.
#[derive(Debug)]
pub struct RideSession;

impl RideSession {
    /// Gets a ride ready, or starts it at once with [`Options::autostart`]. Call it inside a tokio
    /// runtime. The journal hears of the ride when it starts; until then there is nothing to keep.
    #[must_use]
    pub fn start(
        plan: RidePlan,
        trainer: Box<dyn Trainer>,
        journal: Arc<dyn Journal>,
        options: Options,
    ) -> RideHandle {
        let header = RideHeader {
            id: plan.id,
            started_at: Timestamp::UNIX_EPOCH, // replaced at the start
            name: plan.name,
            workout: plan.workout,
            workout_id: plan.workout_id,
            plan_item_id: plan.plan_item_id,
            ftp_watts: plan.ftp_watts,
            trainer: trainer.name().to_owned(),
            simulated: trainer.simulated(),
        };
        let recorder = Recorder::new(Player::new(header.workout.as_ref(), header.ftp_watts));
        let keeper = Keeper::new(journal, header.id, 0);
        run(header, recorder, keeper, trainer, options)
    }

    /// Continues a ride that a death left open, at its place: paused, or riding at once with
    /// [`Options::autostart`]. The time in between is a pause; the intensity is 100 % again.
    #[must_use]
    pub fn resume(
        ride: RecordedRide,
        trainer: Box<dyn Trainer>,
        journal: Arc<dyn Journal>,
        options: Options,
    ) -> RideHandle {
        let player = Player::new(ride.header.workout.as_ref(), ride.header.ftp_watts);
        let recorder = Recorder::resume(player, &ride, (options.clock)());
        let keeper = Keeper::new(journal, ride.header.id, count(ride.samples.len()));
        run(ride.header, recorder, keeper, trainer, options)
    }
}

/// The way to a ride in progress. When the last clone is dropped, the ride pauses, what is left is
/// written, and the ride stays open in the journal.
#[derive(Debug, Clone)]
pub struct RideHandle {
    start: Arc<RideStart>,
    messages: mpsc::UnboundedSender<Message>,
    frames: watch::Receiver<RideFrame>,
}

impl RideHandle {
    /// The fixed facts.
    #[must_use]
    pub fn facts(&self) -> &RideStart {
        &self.start
    }

    /// The moving numbers, four times a second.
    #[must_use]
    pub fn frames(&self) -> watch::Receiver<RideFrame> {
        self.frames.clone()
    }

    /// The numbers as they are now.
    #[must_use]
    pub fn frame(&self) -> RideFrame {
        self.frames.borrow().clone()
    }

    /// Does what the athlete asks for. After the ride is saved it changes nothing.
    ///
    /// # Errors
    /// The ride is no longer recording.
    pub fn command(&self, command: RideCommand) -> Result<(), RideError> {
        self.messages
            .send(Message::Command(command))
            .map_err(|_| RideError::Gone)
    }

    /// Ends the ride: everything is made durable, the file is built from the journal and frozen.
    /// Returns only then. Again after success: the same answer.
    ///
    /// # Errors
    /// The ride has not begun, or something could not be made durable: it is paused, stays open, and
    /// both riding on and finishing again are possible.
    pub async fn finish(&self) -> Result<RideSaved, RideError> {
        let (reply, answer) = oneshot::channel();
        self.messages
            .send(Message::Finish(reply))
            .map_err(|_| RideError::Gone)?;
        answer.await.map_err(|_| RideError::Gone)?
    }

    /// Leaves the ride open in the journal, to be continued or finished later, and waits until
    /// everything is durable.
    ///
    /// # Errors
    /// The journal did not take the last samples.
    pub async fn leave(&self) -> Result<(), RideError> {
        let (reply, answer) = oneshot::channel();
        self.messages
            .send(Message::Leave(reply))
            .map_err(|_| RideError::Gone)?;
        answer.await.map_err(|_| RideError::Gone)?
    }
}

fn run(
    header: RideHeader,
    recorder: Recorder,
    keeper: Keeper,
    trainer: Box<dyn Trainer>,
    options: Options,
) -> RideHandle {
    let start = RideStart {
        id: header.id.to_string(),
        name: header.name.clone(),
        ftp_watts: header.ftp_watts,
        segments: recorder.player().segments().to_vec(),
        workout_seconds: whole_seconds(recorder.player().length()),
        trainer: header.trainer.clone(),
        simulated: header.simulated,
    };
    let (messages, inbox) = mpsc::unbounded_channel();
    let (task, frames) = Task::new(header, recorder, keeper, trainer, options);
    tokio::spawn(task.run(inbox));
    RideHandle {
        start: Arc::new(start),
        messages,
        frames,
    }
}

#[cfg(test)]
mod tests;
