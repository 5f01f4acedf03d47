//! The clock port: the only place of the client that reads a clock.

use std::sync::Arc;

use freewheel_policy::time::{BootId, BootMs, Now, WallMs};

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
    boot_id: BootId,
    #[cfg(not(target_os = "linux"))]
    started: std::time::Instant,
}

impl SystemClock {
    /// Reads the id of this boot once.
    #[must_use]
    pub fn new() -> Self {
        Self {
            boot_id: BootId(boot_id()),
            #[cfg(not(target_os = "linux"))]
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the adapter that owns the clock"
            )]
            started: std::time::Instant::now(),
        }
    }

    #[cfg(target_os = "linux")]
    #[expect(clippy::unused_self, reason = "the other platforms need the start")]
    fn boot(&self) -> BootMs {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
        BootMs(seconds.saturating_mul(1000).saturating_add(millis))
    }

    /// Without a boot clock: time since the program started, under an id of this process, so that it is never
    /// compared with another run's.
    #[cfg(not(target_os = "linux"))]
    fn boot(&self) -> BootMs {
        BootMs(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that owns the clock"
    )]
    fn now(&self) -> Now {
        let wall = jiff::Timestamp::now().as_millisecond();
        Now {
            wall: WallMs(wall),
            boot: self.boot(),
            boot_id: self.boot_id.clone(),
        }
    }
}

fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_else(|_| format!("process-{}", std::process::id()))
}
