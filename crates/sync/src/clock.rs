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
    /// What the boot clock said where this run begins: 0 in a boot with a name, which is a run as a whole.
    #[cfg(target_os = "linux")]
    began: u64,
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
        Self::of_boot(std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok())
    }

    /// Where the system does not name its boots, as in some sandboxes, the run begins here, under an id that nobody else
    /// has: a number of the process would come again, and two runs would be taken for one.
    fn of_boot(told: Option<String>) -> Self {
        let told = told.map(|text| text.trim().to_owned());
        match told.filter(|id| !id.is_empty()) {
            Some(id) => Self {
                boot_id: BootId(id),
                began: 0,
            },
            None => Self {
                boot_id: made_up(),
                began: since_boot(),
            },
        }
    }
}

#[cfg(target_os = "linux")]
impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now {
            wall: wall(),
            boot: freewheel_policy::time::BootMs(since_boot().saturating_sub(self.began)),
            boot_id: self.boot_id.clone(),
        }
    }
}

/// In ms.
#[cfg(target_os = "linux")]
fn since_boot() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let millis = u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(millis)
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

/// Never the same again.
fn made_up() -> BootId {
    let (a, b) = (SystemEntropy.next_u64(), SystemEntropy.next_u64());
    BootId(format!("run-{a:016x}{b:016x}"))
}

#[cfg(test)]
mod tests {
    use freewheel_policy::grace::{self, Anchor, GRACE};
    use freewheel_policy::time::Millis;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn launches_in_a_boot_without_a_name_use_up_no_grace() {
        let launch = || SystemClock::of_boot(None).now();
        let contact = launch();
        let anchor = Anchor {
            server: contact.wall,
            at: contact,
            offline_grace: None,
        };
        let mut mark = None;
        for _ in 0..100 {
            mark = Some(grace::mark(&anchor, mark.as_ref(), &launch(), GRACE));
        }
        let elapsed = mark.unwrap().elapsed;
        assert!(elapsed < Millis::secs(60), "{elapsed:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_boot_keeps_its_id_and_one_that_is_made_up_never_comes_again() {
        let boot_id = |told| SystemClock::of_boot(told).boot_id;
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
