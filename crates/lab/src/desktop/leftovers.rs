//! Finds processes by a mark in their environment: what a session's programs started in turn.

use std::fs;

use rustix::process::Signal;

use crate::program::signal;

/// Ids of the processes whose environment holds `name=value`. The value must be unique to what was started here.
pub(crate) fn with_environment(name: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{name}={value}");
    let own = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|&id| id != own)
        .filter(|id| {
            fs::read(format!("/proc/{id}/environ")).is_ok_and(|bytes| {
                bytes
                    .split(|&byte| byte == 0)
                    .any(|pair| pair == wanted.as_bytes())
            })
        })
        .collect()
}

/// Kills them all, again and again until none is left: one may just be starting another.
pub(crate) fn kill_all_with(name: &str, value: &str) {
    for _ in 0..8 {
        let found = with_environment(name, value);
        if found.is_empty() {
            return;
        }
        for id in found {
            signal(id, Signal::KILL);
        }
    }
}
