//! Turns a ride into samples and events: one sample for every second that was ridden, none missing.
//!
//! Pure but for the trainer that it reads. Time is a reading of a monotonic clock in ride time; the
//! recorder walks up to it in quarters of a ridden second, so that a late or rare call loses nothing.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::journal::{RecordedRide, RideEvent, Sample, TimedEvent};
use crate::player::{Phase, Player};
use crate::rounding::{to_u16, whole_seconds};
use crate::trainer::{Reading, Setpoint, Trainer};
use crate::view::RideCommand;

/// How finely a second is measured.
const STEP: Duration = Duration::from_millis(250);
/// Over how long the shown power is averaged.
const SHOWN_POWER: Duration = Duration::from_secs(3);
/// How long a trainer is trusted to remember its setpoint.
const REFRESH: Duration = Duration::from_secs(2);

/// What was recorded since it was last asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// Samples by second.
    pub samples: Vec<Sample>,
    /// Events by time.
    pub events: Vec<TimedEvent>,
}

/// The recorder of one ride.
pub struct Recorder {
    player: Player,
    /// The moment at which the ride clock stood at the given reading; absent before the start.
    anchor: Option<(Timestamp, Duration)>,
    now: Duration,
    next_second: u32,
    second: SecondMeter,
    recent: VecDeque<(Duration, Option<u16>)>,
    latest: Reading,
    joules: f64,
    asked: Option<(Setpoint, Option<u8>, Duration)>,
    recorded: Recorded,
}

impl Recorder {
    /// A recorder that has not begun.
    #[must_use]
    pub fn new(player: Player) -> Self {
        Self {
            player,
            anchor: None,
            now: Duration::ZERO,
            next_second: 0,
            second: SecondMeter::default(),
            recent: VecDeque::new(),
            latest: Reading::default(),
            joules: 0.0,
            asked: None,
            recorded: Recorded::default(),
        }
    }

    /// A recorder that goes on with `ride` at its last place; it is `wall` now. The time in between
    /// is a pause, and a wall clock that went back does not turn the ride's times around.
    #[must_use]
    pub fn resume(player: Player, ride: &RecordedRide, wall: Timestamp) -> Self {
        let last = ride.samples.last();
        let position = last.map_or(0, |sample| sample.position.saturating_add(1));
        let next_second = last.map_or(0, |sample| sample.second.saturating_add(1));
        let at = ride
            .events
            .iter()
            .map(|event| event.at)
            .chain(last.map(|sample| sample.at))
            .fold(wall.max(ride.header.started_at), Timestamp::max);
        let player = player.resume_at(
            Duration::from_secs(u64::from(position)),
            Duration::from_secs(u64::from(next_second)),
        );
        let mut recorder = Self::new(player);
        recorder.anchor = Some((at, Duration::ZERO));
        recorder.next_second = next_second;
        recorder.joules = ride
            .samples
            .iter()
            .filter_map(|sample| sample.power)
            .map(f64::from)
            .sum();
        recorder.note(RideEvent::Recovered, Duration::ZERO);
        recorder
    }

    /// Whether the ride has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.anchor.is_some()
    }

    /// Begins the ride at `now`, which is `wall` on the wall clock. Later calls change nothing.
    pub fn begin(&mut self, wall: Timestamp, now: Duration) {
        if self.anchor.is_none() {
            self.anchor = Some((wall, now));
        }
    }

    /// Lets time run up to `now`, taking what the trainer measures on the way.
    pub fn advance(&mut self, now: Duration, trainer: &mut dyn Trainer) {
        self.steer(trainer);
        while self.now < now {
            let to = match self.player.phase() {
                Phase::Riding => now.min(self.now + to_next_step(self.player.ridden())),
                Phase::Ready | Phase::Paused | Phase::Complete => now,
            };
            self.step(to, trainer);
            self.steer(trainer);
        }
    }

    /// Does what the athlete asked for at `now`. Only a ride that has begun starts.
    pub fn apply(&mut self, command: RideCommand, now: Duration, trainer: &mut dyn Trainer) {
        self.advance(now, trainer);
        let (phase, segment) = (self.player.phase(), self.player.segment_index());
        let position = self.player.position();
        self.player.apply(command, now);
        self.note_phase(phase, now);
        let moved = self.player.position() != position || self.player.segment_index() != segment;
        let rides_on = phase == Phase::Complete && self.player.phase() == Phase::Riding;
        if rides_on || (moved && self.player.segment_index().is_some()) {
            self.note(RideEvent::Step, now);
        }
        self.steer(trainer);
    }

    /// What was recorded since the last call.
    pub fn drain(&mut self) -> Recorded {
        std::mem::take(&mut self.recorded)
    }

    /// Where the athlete is.
    #[must_use]
    pub fn player(&self) -> &Player {
        &self.player
    }

    /// The last reading, with the power averaged over 3 s.
    #[must_use]
    pub fn shown(&self) -> Reading {
        let (sum, n) = self
            .recent
            .iter()
            .filter_map(|(_, power)| *power)
            .fold((0.0, 0.0), |(sum, n), power| {
                (sum + f64::from(power), n + 1.0)
            });
        Reading {
            power: (n > 0.0).then(|| to_u16(sum / n)),
            ..self.latest
        }
    }

    /// Mechanical work of the samples so far, in kilojoules.
    #[must_use]
    pub fn work_kj(&self) -> f64 {
        self.joules / 1000.0
    }

    fn step(&mut self, to: Duration, trainer: &mut dyn Trainer) {
        let (phase, segment) = (self.player.phase(), self.player.segment_index());
        let (ridden, target) = (self.player.ridden(), self.player.target_power());
        self.latest = trainer.read(to - self.now);
        self.recent.push_back((to, self.latest.power));
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| *at + SHOWN_POWER <= to)
        {
            self.recent.pop_front();
        }
        self.player.advance(to);
        // At the end of the workout the clock stopped before `to`.
        let passed = self.player.ridden() - ridden;
        let stopped = self.now + passed;
        self.now = to;
        if phase != Phase::Riding {
            return;
        }
        self.second.add(self.latest.power, passed);
        if whole_seconds(self.player.ridden()) > self.next_second {
            self.take_sample(target, stopped);
        }
        self.note_phase(phase, stopped);
        if self.player.segment_index() != segment && self.player.segment_index().is_some() {
            self.note(RideEvent::Step, stopped);
        }
    }

    fn take_sample(&mut self, target: Option<u16>, now: Duration) {
        let Some(at) = self.at(now) else { return };
        let power = self.second.take();
        self.joules += power.map_or(0.0, f64::from);
        self.recorded.samples.push(Sample {
            second: self.next_second,
            at,
            position: started_second(self.player.position()),
            power,
            target,
            cadence: self.latest.cadence,
            heart_rate: self.latest.heart_rate,
            speed: self.latest.speed,
        });
        self.next_second += 1;
    }

    fn note_phase(&mut self, before: Phase, now: Duration) {
        let running = |phase| phase == Phase::Riding;
        match (running(before), running(self.player.phase())) {
            (true, false) => self.note(RideEvent::Pause, now),
            // The very first start is the start of the ride, not the end of a pause.
            (false, true) if before != Phase::Ready => self.note(RideEvent::Resume, now),
            (false, true) | (true, true) | (false, false) => {}
        }
    }

    fn note(&mut self, event: RideEvent, now: Duration) {
        let Some(at) = self.at(now) else { return };
        let second = self.next_second;
        self.recorded.events.push(TimedEvent { event, at, second });
    }

    fn at(&self, now: Duration) -> Option<Timestamp> {
        let (wall, origin) = self.anchor?;
        Some(
            wall.saturating_add(now.saturating_sub(origin))
                .unwrap_or(Timestamp::MAX),
        )
    }

    fn steer(&mut self, trainer: &mut dyn Trainer) {
        let setpoint = match (self.player.phase(), self.player.target_power()) {
            (Phase::Riding, Some(watts)) => Setpoint::Power(watts),
            (Phase::Riding, None) => Setpoint::Free,
            (Phase::Ready | Phase::Paused | Phase::Complete, _) => Setpoint::Rest,
        };
        let cadence = self
            .player
            .target_cadence()
            .and_then(|cadence| u8::try_from(cadence.low.midpoint(cadence.high)).ok());
        let fresh = self.asked.is_some_and(|(was, asked_cadence, at)| {
            was == setpoint && asked_cadence == cadence && self.now < at + REFRESH
        });
        if !fresh {
            trainer.set(setpoint, cadence);
            self.asked = Some((setpoint, cadence, self.now));
        }
    }
}

/// Mean power of the second in progress, by the time that each reading stood for.
#[derive(Debug, Default)]
struct SecondMeter {
    joules: f64,
    measured: f64,
}

impl SecondMeter {
    fn add(&mut self, power: Option<u16>, passed: Duration) {
        if let Some(power) = power {
            self.joules += f64::from(power) * passed.as_secs_f64();
            self.measured += passed.as_secs_f64();
        }
    }

    fn take(&mut self) -> Option<u16> {
        let Self { joules, measured } = std::mem::take(self);
        (measured > 0.0).then(|| to_u16(joules / measured))
    }
}

/// The second of the workout that ended at `position`.
fn started_second(position: Duration) -> u32 {
    whole_seconds(position.saturating_sub(Duration::from_nanos(1)))
}

fn to_next_step(ridden: Duration) -> Duration {
    let into = ridden.subsec_nanos() % STEP.subsec_nanos();
    STEP - Duration::from_nanos(u64::from(into))
}

#[cfg(test)]
mod tests;
