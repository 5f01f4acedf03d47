//! How large a workout may be. Generous for people, tight enough that no file can stall the app.

/// The longest workout: 24 hours, in seconds.
pub const MAX_SECONDS: u32 = 24 * 60 * 60;
/// The highest power, as a fraction of FTP.
pub const MAX_POWER: f64 = 4.0;
/// The most repeats of one set of intervals.
pub const MAX_REPEAT: u32 = 500;
/// The highest cadence, in rpm.
pub const MAX_CADENCE: u16 = 250;
/// The most steps of one workout.
pub const MAX_STEPS: usize = 5_000;
/// The most cues of one workout.
pub const MAX_CUES: usize = 10_000;
/// The longest time that a cue may stand, in seconds.
pub const MAX_CUE_SECONDS: u32 = 3_600;
/// The longest name and author, in characters.
pub const MAX_NAME: usize = 200;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 10_000;
/// The longest cue, in characters.
pub const MAX_CUE_TEXT: usize = 1_000;
/// The most tags.
pub const MAX_TAGS: usize = 50;
/// The longest tag, in characters.
pub const MAX_TAG: usize = 80;
/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
