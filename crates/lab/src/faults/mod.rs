//! Servers that fail in one particular way, each on 127.0.0.1, on a port of its own or in the place of a dead server.

mod black_hole;
mod silent;
mod status;

pub use black_hole::BlackHole;
pub use silent::Silent;
pub use status::StatusServer;

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::LabError;

/// Listens on `port` of 127.0.0.1, or on a free one, with room for `backlog` connections that nobody has accepted.
fn listen(port: Option<u16>, backlog: u32) -> Result<(TcpListener, SocketAddr), LabError> {
    listen_at((Ipv4Addr::LOCALHOST, port.unwrap_or(0)).into(), backlog)
}

fn listen_at(wanted: SocketAddr, backlog: u32) -> Result<(TcpListener, SocketAddr), LabError> {
    let open = || {
        let socket = match wanted {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(wanted)?;
        let listener = socket.listen(backlog)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    open().map_err(LabError::io(format!("listening on {wanted}")))
}

/// Accepts connections until it is dropped; the port is free from that moment on.
#[derive(Debug)]
struct Accepting {
    listener: Arc<Mutex<Option<TcpListener>>>,
    task: JoinHandle<()>,
}

impl Accepting {
    /// Hands every connection to `take`.
    fn start(listener: TcpListener, mut take: impl FnMut(TcpStream) + Send + 'static) -> Self {
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

async fn next(listener: &Mutex<Option<TcpListener>>) -> Option<TcpStream> {
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
