//! One clock for client and server that can be moved in every way that clocks go wrong.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use freewheel_policy::time::{BootId, BootMs, Now, WallMs};
use freewheel_sync::clock::{Clock, SystemClock};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The system's clock, moved. It goes on at its usual pace.
///
/// Timers of the program do not move with it, as those of a computer do not while it sleeps: a lane that waits finds out
/// when it next looks, or when it is rung.
#[derive(Debug)]
pub struct LabClock {
    system: SystemClock,
    moved: Mutex<Moved>,
}

/// By how much, in milliseconds.
#[derive(Debug, Default)]
struct Moved {
    wall: i64,
    boot: i64,
    boots: u32,
    /// What the system's clock said when it was stopped.
    stopped: Option<Now>,
}

impl LabClock {
    /// The system's clock, not moved yet.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        Arc::new(Self {
            system: SystemClock::new(),
            moved: Mutex::default(),
        })
    }

    /// Time passes, awake or asleep: both clocks go forward.
    pub fn pass(&self, time: SignedDuration) {
        let mut moved = self.moved();
        moved.wall = moved.wall.saturating_add(millis(time));
        moved.boot = moved.boot.saturating_add(millis(time));
    }

    /// Somebody sets the wall clock, forward or (by a negative time) back. The boot clock cannot be set.
    pub fn turn(&self, by: SignedDuration) {
        let mut moved = self.moved();
        moved.wall = moved.wall.saturating_add(millis(by));
    }

    /// Somebody sets the wall clock to `time`.
    pub fn set(&self, time: Timestamp) {
        let mut moved = self.moved();
        let now = moved.unmoved(&self.system).wall.0;
        moved.wall = time.as_millisecond().saturating_sub(now);
    }

    /// The computer starts again: another boot, whose clock begins at nothing. Relaunch the engine with it.
    pub fn reboot(&self) {
        let mut moved = self.moved();
        let since_boot = moved.unmoved(&self.system).boot.0;
        moved.boots = moved.boots.saturating_add(1);
        moved.boot = i64::try_from(since_boot).map_or(i64::MIN, |ms| -ms);
    }

    /// From now on it moves only when it is moved: for bounds that are told to the millisecond.
    pub fn stop(&self) {
        let now = Clock::now(&self.system);
        self.moved().stopped = Some(now);
    }

    /// It goes on from where it was stopped.
    pub fn go_on(&self) {
        let now = Clock::now(&self.system);
        let mut moved = self.moved();
        if let Some(stopped) = moved.stopped.take() {
            let wall = now.wall.0.saturating_sub(stopped.wall.0);
            moved.wall = moved.wall.saturating_sub(wall);
            let boot = now.boot.0.saturating_sub(stopped.boot.0);
            moved.boot = moved.boot.saturating_sub_unsigned(boot);
        }
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Moved {
    /// What the clock would say, had it never been moved.
    fn unmoved(&self, system: &SystemClock) -> Now {
        self.stopped.clone().unwrap_or_else(|| system.now())
    }
}

fn millis(time: SignedDuration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What the engine reads.
impl Clock for LabClock {
    fn now(&self) -> Now {
        let moved = self.moved();
        let now = moved.unmoved(&self.system);
        let boot_id = match moved.boots {
            0 => now.boot_id,
            boots => BootId(format!("lab-boot-{boots}")),
        };
        Now {
            wall: WallMs(now.wall.0.saturating_add(moved.wall)),
            boot: BootMs(now.boot.0.saturating_add_signed(moved.boot)),
            boot_id,
        }
    }
}

/// What the server reads; its days are those of UTC.
impl freewheel_server::Clock for LabClock {
    fn now(&self) -> Timestamp {
        let wall = Clock::now(self).wall.0;
        Timestamp::from_millisecond(wall).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn today(&self) -> Date {
        freewheel_server::Clock::now(self)
            .to_zoned(TimeZone::UTC)
            .date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_going_wrong_moves_what_it_moves_in_life() {
        let clock = LabClock::shared();
        let hour = SignedDuration::from_hours(1);
        let near = |a: i64, b: i64| (a - b).abs() < 5_000;
        let now = || Clock::now(clock.as_ref());
        let (start, first) = (now(), now().boot_id);
        clock.pass(hour);
        assert!(near(now().wall.0 - start.wall.0, 3_600_000));
        let boot = i64::try_from(now().boot.0 - start.boot.0);
        assert!(near(boot.unwrap_or(0), 3_600_000));
        clock.turn(-hour);
        assert!(near(now().wall.0, start.wall.0), "back again");
        assert!(
            now().boot.0 > start.boot.0 + 3_500_000,
            "not the boot clock"
        );
        clock.reboot();
        assert!(now().boot.0 < 5_000 && now().boot_id != first);
        clock.set(Timestamp::UNIX_EPOCH);
        assert!(near(now().wall.0, 0));
        assert!(freewheel_server::Clock::now(clock.as_ref()).as_second() < 5);
        clock.stop();
        let stopped = now();
        std::thread::yield_now();
        assert_eq!(now(), stopped);
        clock.pass(hour);
        assert_eq!(now().boot.0 - stopped.boot.0, 3_600_000);
        clock.go_on();
        assert!(now().boot.0 - stopped.boot.0 < 3_605_000);
    }
}
