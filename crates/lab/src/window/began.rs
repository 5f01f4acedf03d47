//! When a process began.

use std::fs;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::LabError;

/// proc_pid_stat(5): the start time stands in the 22nd field, in hundredths of a second since the system's start.
const START_FIELD: usize = 22;
/// The second field, the name, may hold anything; what follows its closing parenthesis is the third.
const AFTER_NAME: usize = 3;

pub(super) fn process_began(pid: u32) -> Result<SystemTime, LabError> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).map_err(LabError::io(path))?;
    let began = since_boot(&stat)
        .ok_or_else(|| LabError::Unexpected(format!("the start time of {pid} in {stat}")))?;
    let up = clock_gettime(ClockId::Boottime);
    let up = Duration::new(
        u64::try_from(up.tv_sec).unwrap_or(0),
        u32::try_from(up.tv_nsec).unwrap_or(0),
    );
    #[expect(
        clippy::disallowed_methods,
        reason = "the page that is compared with tells the system's time"
    )]
    let now = SystemTime::now();
    Ok(now - up.saturating_sub(began))
}

fn since_boot(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().nth(START_FIELD - AFTER_NAME)?;
    Some(Duration::from_millis(ticks.parse::<u64>().ok()? * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_a_strange_name() {
        let rest = (3..30).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let stat = format!("17 (odd) name)) {rest}");
        assert_eq!(since_boot(&stat), Some(Duration::from_millis(220)));
        assert_eq!(since_boot("17 (short) S 1"), None);
    }
}
