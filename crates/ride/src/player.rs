//! The interval player: where the athlete is in the workout, and what is asked of them there.
//!
//! A state machine over the workout's segments. Time comes from a monotonic clock that the caller
//! reads; positions are sums of differences of it, so that nothing drifts however rarely it is read.

use std::time::Duration;

use freewheel_workout::{Cadence, Segment, TimedCue, Workout};

use crate::rounding::{count, whole_seconds};
use crate::upcoming;
use crate::view::RideCommand;

/// Lowest intensity in percent.
pub const LOWEST_INTENSITY: u16 = 50;
/// Highest intensity in percent.
pub const HIGHEST_INTENSITY: u16 = 150;
/// How far into a segment [`Player::back`] still means the one before.
const BACK_TO_PREVIOUS: Duration = Duration::from_secs(3);

/// Whether time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not begun.
    Ready,
    /// Time runs.
    Riding,
    /// Time stands.
    Paused,
    /// The workout is over and time stands; starting again rides on without targets.
    Complete,
}

/// The state machine. All times are readings of one monotonic clock with any origin; a reading
/// before the last one counts as the last one.
#[derive(Debug, Clone)]
pub struct Player {
    segments: Vec<Segment>,
    cues: Vec<TimedCue>,
    ftp: u16,
    intensity: u16,
    phase: Phase,
    clock: Duration,
    ridden: Duration,
    position: Duration,
}

impl Player {
    /// A player at the start of `workout`, or of a free ride, for an athlete with this FTP in watts.
    #[must_use]
    pub fn new(workout: Option<&Workout>, ftp: u16) -> Self {
        Self {
            segments: workout.map(Workout::segments).unwrap_or_default(),
            cues: workout.map(Workout::cues).unwrap_or_default(),
            ftp,
            intensity: 100,
            phase: Phase::Ready,
            clock: Duration::ZERO,
            ridden: Duration::ZERO,
            position: Duration::ZERO,
        }
    }

    /// A player that goes on where a recorded ride ended: paused, or complete past the end.
    #[must_use]
    pub fn resume_at(mut self, position: Duration, ridden: Duration) -> Self {
        self.position = position;
        self.ridden = ridden;
        self.phase = if self.is_past_end() {
            Phase::Complete
        } else {
            Phase::Paused
        };
        self
    }

    /// Lets time run up to `now`. At the end of the workout it stops by itself.
    pub fn advance(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.clock);
        self.clock = self.clock.max(now);
        if self.phase != Phase::Riding {
            return;
        }
        let left = self.length().saturating_sub(self.position);
        if !left.is_zero() && passed >= left {
            self.ridden += left;
            self.position += left;
            self.phase = Phase::Complete;
        } else {
            self.ridden += passed;
            self.position += passed;
        }
    }

    /// Does what the athlete asked for at `now`.
    pub fn apply(&mut self, command: RideCommand, now: Duration) {
        self.advance(now);
        match command {
            RideCommand::Start => self.start(now),
            RideCommand::Pause => self.pause(now),
            RideCommand::Toggle if self.phase == Phase::Riding => self.pause(now),
            RideCommand::Toggle => self.start(now),
            RideCommand::Skip => self.skip(now),
            RideCommand::Back => self.back(now),
            RideCommand::Intensity { percent } => self.change_intensity(percent),
        }
    }

    /// Starts, goes on after a pause, or rides on after the end.
    pub fn start(&mut self, now: Duration) {
        self.advance(now);
        self.phase = Phase::Riding;
    }

    /// Stops the clock.
    pub fn pause(&mut self, now: Duration) {
        self.advance(now);
        if self.phase == Phase::Riding {
            self.phase = Phase::Paused;
        }
    }

    /// On to the next segment; from the last one to the end.
    pub fn skip(&mut self, now: Duration) {
        self.advance(now);
        if let Some(segment) = self.segment() {
            self.position = seconds(segment.start + segment.seconds);
            if self.is_past_end() && self.phase != Phase::Ready {
                self.phase = Phase::Complete;
            }
        }
    }

    /// Back to the start of this segment, or of the one before within its first 3 s. After the
    /// end: to the start of the last one, where time stands until started.
    pub fn back(&mut self, now: Duration) {
        self.advance(now);
        let Some(current) = self.index_at(self.position) else {
            if let Some(last) = self.segments.last() {
                self.position = seconds(last.start);
                if self.phase == Phase::Complete {
                    self.phase = Phase::Paused;
                }
            }
            return;
        };
        let start = |index: usize| {
            self.segments
                .get(index)
                .map(|segment| seconds(segment.start))
        };
        let into = self
            .position
            .saturating_sub(start(current).unwrap_or_default());
        let target = if into < BACK_TO_PREVIOUS {
            current.saturating_sub(1)
        } else {
            current
        };
        self.position = start(target).unwrap_or_default();
    }

    /// Changes the intensity by percent points, within [`LOWEST_INTENSITY`] and [`HIGHEST_INTENSITY`].
    pub fn change_intensity(&mut self, percent: i16) {
        self.intensity = self
            .intensity
            .saturating_add_signed(percent)
            .clamp(LOWEST_INTENSITY, HIGHEST_INTENSITY);
    }

    /// Whether time runs.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Time ridden, without pauses.
    #[must_use]
    pub fn ridden(&self) -> Duration {
        self.ridden
    }

    /// Place in the workout; after the end it counts on.
    #[must_use]
    pub fn position(&self) -> Duration {
        self.position
    }

    /// Intensity in percent.
    #[must_use]
    pub fn intensity(&self) -> u16 {
        self.intensity
    }

    /// Length of the workout; zero for a free ride.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.segments
            .last()
            .map_or(Duration::ZERO, |last| seconds(last.start + last.seconds))
    }

    /// The whole profile; empty for a free ride.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Index of the segment at this position; none past the end and on a free ride.
    #[must_use]
    pub fn segment_index(&self) -> Option<u32> {
        self.index_at(self.position).map(count)
    }

    /// The segment at this position.
    #[must_use]
    pub fn segment(&self) -> Option<&Segment> {
        self.segments.get(self.index_at(self.position)?)
    }

    /// Seconds left in the segment, rounded up, as a countdown shows them.
    #[must_use]
    pub fn segment_left(&self) -> Option<u32> {
        let segment = self.segment()?;
        let left = seconds(segment.start + segment.seconds).saturating_sub(self.position);
        Some(round_up(left))
    }

    /// Seconds left in the workout, rounded up; none on a free ride.
    #[must_use]
    pub fn workout_left(&self) -> Option<u32> {
        (!self.segments.is_empty()).then(|| round_up(self.length().saturating_sub(self.position)))
    }

    /// Power to hold in whole watts: ramps at this very moment, intensity applied.
    #[must_use]
    pub fn target_power(&self) -> Option<u16> {
        let segment = self.segment()?;
        let into = self.position.saturating_sub(seconds(segment.start));
        segment
            .power_at(into.as_secs_f64())
            .map(|fraction| self.watts(fraction))
    }

    /// Cadence to hold.
    #[must_use]
    pub fn target_cadence(&self) -> Option<Cadence> {
        self.segment()?.cadence
    }

    /// The cue that stands now; of several, the one that began last.
    #[must_use]
    pub fn cue(&self) -> Option<&str> {
        self.cues
            .iter()
            .filter(|cue| {
                seconds(cue.at) <= self.position
                    && self.position < seconds(cue.at.saturating_add(cue.seconds))
            })
            .max_by_key(|cue| cue.at)
            .map(|cue| cue.text.as_str())
    }

    /// What comes next in plain words; none past the end and on a free ride.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let next = self.segments.get(self.index_at(self.position)? + 1);
        Some(upcoming::words(next, |fraction| self.watts(fraction)))
    }

    fn watts(&self, fraction: f64) -> u16 {
        upcoming::watts(fraction, self.ftp, self.intensity)
    }

    fn index_at(&self, position: Duration) -> Option<usize> {
        if position >= self.length() {
            return None;
        }
        self.segments
            .partition_point(|segment| seconds(segment.start) <= position)
            .checked_sub(1)
    }

    fn is_past_end(&self) -> bool {
        !self.segments.is_empty() && self.position >= self.length()
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

fn round_up(duration: Duration) -> u32 {
    whole_seconds(duration) + u32::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
