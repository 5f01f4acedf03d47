//! The clock port: the only place of the client that reads a clock.

use std::sync::Arc;

use freewheel_policy::time::{BootId, Now, WallMs};

use crate::entropy::{Entropy as _, SystemEntropy};

#[cfg(any(test, not(target_os = "linux")))]
mod nap;

/// Tells the time: wall clock, time since boot (suspend included), and which boot this is.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Now;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    #[cfg(target_os = "linux")]
    boot_id: BootId,
    /// Without a boot clock: time since the program started, in runs that no other process has.
    #[cfg(not(target_os = "linux"))]
    counter: nap::Counter,
    #[cfg(not(target_os = "linux"))]
    started: std::time::Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_os = "linux")]
impl SystemClock {
    /// Reads the id of this boot once.
    #[must_use]
    pub fn new() -> Self {
        let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        Self {
            boot_id: boot_id(told.ok()),
        }
    }
}

#[cfg(target_os = "linux")]
impl Clock for SystemClock {
    fn now(&self) -> Now {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
        Now {
            wall: wall(),
            boot: freewheel_policy::time::BootMs(
                seconds.saturating_mul(1000).saturating_add(millis),
            ),
            boot_id: self.boot_id.clone(),
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl SystemClock {
    /// Begins to count.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that owns the clock"
    )]
    pub fn new() -> Self {
        Self {
            counter: nap::Counter::new(),
            started: std::time::Instant::now(),
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that owns the clock"
    )]
    fn now(&self) -> Now {
        self.counter.now(|| {
            let counted = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            (wall(), freewheel_policy::time::Millis(counted))
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the adapter that owns the clock"
)]
fn wall() -> WallMs {
    WallMs(jiff::Timestamp::now().as_millisecond())
}

/// What the system calls this boot; where it does not tell, as in some sandboxes, an id that nobody else has: a number
/// of the process would come again, and two runs would be taken for one.
#[cfg(any(test, target_os = "linux"))]
fn boot_id(told: Option<String>) -> BootId {
    let told = told.map(|text| text.trim().to_owned());
    told.filter(|id| !id.is_empty())
        .map_or_else(made_up, BootId)
}

/// Never the same again.
fn made_up() -> BootId {
    let (a, b) = (SystemEntropy.next_u64(), SystemEntropy.next_u64());
    BootId(format!("run-{a:016x}{b:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_keeps_its_id_and_one_that_is_made_up_never_comes_again() {
        let told = || Some("0b1c-2d\n".to_owned());
        assert_eq!(boot_id(told()), "0b1c-2d".into());
        assert_eq!(boot_id(told()), boot_id(told()));
        for told in [None, Some("\n".to_owned())] {
            assert_ne!(boot_id(told.clone()), boot_id(told));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn two_clocks_of_one_boot_can_be_compared() {
        let (first, second) = (SystemClock::new().now(), SystemClock::new().now());
        assert!(second.uptime_since(&first).is_some());
    }
}
