//! A server that accepts and never answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Accepting, listen};
use crate::LabError;

/// Accepts every connection, reads nothing, says nothing, and keeps it open. Gives the port back when dropped.
#[derive(Debug)]
pub struct Silent {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    _accepting: Accepting,
}

impl Silent {
    /// Opens it on `port`, or on a free one. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The port is in use.
    pub fn open(port: Option<u16>) -> Result<Self, LabError> {
        let (listener, address) = listen(port, 1024)?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let mut held = Vec::new();
        let accepting = Accepting::start(listener, move |connection| {
            count.fetch_add(1, Ordering::SeqCst);
            held.push(connection);
        });
        Ok(Self {
            address,
            accepted,
            _accepting: accepting,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}
