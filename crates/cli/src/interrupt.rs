//! Ctrl-C, and the system's request to end.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

use crate::failure::Failure;

/// Notices Ctrl-C and SIGTERM from its creation on; from then on they no longer end the program by themselves.
#[derive(Debug)]
pub struct Interrupt {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(windows)]
    ctrl_c: CtrlC,
}

impl Interrupt {
    /// Starts to notice. Call it inside a tokio runtime.
    pub fn listen() -> Result<Self, Failure> {
        Self::register()
            .map_err(|error| Failure::new("signal", format!("Ctrl-C cannot be caught: {error}")))
    }

    #[cfg(unix)]
    fn register() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(windows)]
    fn register() -> io::Result<Self> {
        Ok(Self { ctrl_c: ctrl_c()? })
    }

    /// Returns when the next one comes.
    #[cfg(unix)]
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Returns when the next one comes.
    #[cfg(windows)]
    pub async fn wait(&mut self) {
        self.ctrl_c.recv().await;
    }
}
