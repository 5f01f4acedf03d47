//! The desktop shell: a window, commands of a few lines, and events. All logic is in `freewheel-sync`.

pub mod bindings;
mod commands;
mod events;
mod launch;
mod rides;
mod state;

pub use launch::run;
