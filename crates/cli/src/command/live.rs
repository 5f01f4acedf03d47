//! The ride on one line of the terminal.

use freewheel_ride::view::{RideFrame, RideStart, RideState};

use crate::words::{length, plain};

/// A line that fits the narrowest usual terminal; a longer one would wrap and leave traces.
const WIDTH: usize = 79;

/// The numbers of the moment, the important ones first.
pub fn line(facts: &RideStart, frame: &RideFrame) -> String {
    let mut parts = Vec::new();
    match frame.state {
        RideState::Ready => parts.push("ready".to_owned()),
        RideState::Paused => parts.push("paused".to_owned()),
        RideState::Riding | RideState::Complete | RideState::Saved => {}
    }
    parts.push(match facts.workout_seconds {
        0 => length(frame.ridden),
        whole => format!("{} / {}", length(frame.ridden), length(whole)),
    });
    let power = frame
        .power
        .map_or_else(|| "–".to_owned(), |watts| watts.to_string());
    parts.push(match frame.target_power {
        Some(target) => format!("{power} W of {target} W"),
        None => format!("{power} W"),
    });
    parts.extend(
        frame
            .segment_left
            .map(|seconds| format!("{} left", length(seconds))),
    );
    parts.extend(frame.cadence.map(|rpm| format!("{rpm} rpm")));
    parts.extend(frame.heart_rate.map(|bpm| format!("{bpm} bpm")));
    parts.extend(frame.trouble.clone().or_else(|| frame.cue.clone()));
    plain(&parts.join("  ")).chars().take(WIDTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> RideFrame {
        RideFrame {
            id: "r".into(),
            state: RideState::Riding,
            ridden: 65,
            durable: 64,
            position: 65.0,
            segment: Some(0),
            segment_left: Some(55),
            workout_left: Some(3535),
            target_power: Some(200),
            target_cadence: None,
            power: Some(198),
            cadence: Some(90),
            heart_rate: None,
            intensity: 100,
            cue: None,
            next: None,
            work_kj: 12.0,
            trouble: None,
        }
    }

    fn facts() -> RideStart {
        RideStart {
            id: "r".into(),
            name: "Steady".into(),
            ftp_watts: 200,
            segments: Vec::new(),
            workout_seconds: 3600,
            trainer: "Simulated trainer".into(),
            simulated: true,
        }
    }

    #[test]
    fn the_line_tells_time_power_and_what_is_left() {
        assert_eq!(
            line(&facts(), &frame()),
            "1:05 / 1:00:00  198 W of 200 W  0:55 left  90 rpm"
        );
        let free = RideStart {
            workout_seconds: 0,
            ..facts()
        };
        let bare = RideFrame {
            state: RideState::Paused,
            target_power: None,
            power: None,
            segment_left: None,
            cadence: None,
            ..frame()
        };
        assert_eq!(line(&free, &bare), "paused  1:05  – W");
    }

    #[test]
    fn trouble_is_told_before_a_cue_and_no_line_wraps() {
        let troubled = RideFrame {
            cue: Some("Spin\neasy".into()),
            trouble: Some("the disk is full".into()),
            ..frame()
        };
        assert!(line(&facts(), &troubled).ends_with("the disk is full"));
        let wordy = RideFrame {
            cue: Some("long ".repeat(50)),
            ..frame()
        };
        assert_eq!(line(&facts(), &wordy).chars().count(), WIDTH);
    }
}
