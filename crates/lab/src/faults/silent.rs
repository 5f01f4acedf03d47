//! A server that accepts and never answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::LabError;
use crate::accepting::Accepting;
use crate::port::Port;

/// Accepts every connection, reads nothing, says nothing, and keeps it open. Gives the port back when dropped.
#[derive(Debug)]
pub struct Silent {
    port: Port,
    accepted: Arc<AtomicUsize>,
    _accepting: Accepting,
}

impl Silent {
    /// Opens it on `port`, or on a free one. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// Somebody listens on the port, or none is to be had.
    pub fn open(port: Option<&Port>) -> Result<Self, LabError> {
        let port = Port::or_reserve(port)?;
        let listener = port.listen()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let mut held = Vec::new();
        let accepting = Accepting::start(listener, move |connection| {
            count.fetch_add(1, Ordering::SeqCst);
            held.push(connection);
        });
        Ok(Self {
            port,
            accepted,
            _accepting: accepting,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.port.url()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}
