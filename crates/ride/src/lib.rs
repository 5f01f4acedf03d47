//! Riding: the interval player, the recorder and its journal, trainers and FIT files.

pub mod journal;
pub mod trainer;
pub mod view;
