//! The desktop shell: a window, commands of a few lines, and events. All logic is in `freewheel-sync`.

mod background;
pub mod bindings;
mod commands;
mod events;
mod launch;
mod rides;
mod state;
mod tray;
mod window;

pub use launch::run;
