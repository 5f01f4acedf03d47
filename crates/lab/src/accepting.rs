//! Accepting connections beside everything else, with an end that can be relied on.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::port::Listener;

/// Accepts connections until it is dropped; nothing listens from that moment on.
#[derive(Debug)]
pub(crate) struct Accepting {
    listener: Arc<Mutex<Option<Listener>>>,
    task: JoinHandle<()>,
}

impl Accepting {
    /// Hands every connection to `take`.
    pub(crate) fn start(
        listener: Listener,
        mut take: impl FnMut(TcpStream) + Send + 'static,
    ) -> Self {
        let listener = Arc::new(Mutex::new(Some(listener)));
        let shared = Arc::clone(&listener);
        let task = tokio::spawn(async move {
            while let Some(connection) = next(&shared).await {
                take(connection);
            }
        });
        Self { listener, task }
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        // Aborting alone would close the port only when the runtime gets round to it.
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.task.abort();
    }
}

async fn next(listener: &Mutex<Option<Listener>>) -> Option<TcpStream> {
    poll_fn(|context| {
        match listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            Some(listener) => listener
                .poll_accept(context)
                .map(|accepted| accepted.ok().map(|(connection, _)| connection)),
            None => Poll::Ready(None),
        }
    })
    .await
}
