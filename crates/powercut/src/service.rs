//! The real server over a folder, at an address that stays the same.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::serve::Listener;
use freewheel_server::{Options, Server};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::PowercutError;

/// Told of every request, as `METHOD /path`, before the server sees it.
pub type Ear = Arc<dyn Fn(&str) + Send + Sync>;

/// A running server with the athlete demo/demo. Dropping it stops it at once.
pub struct Service {
    /// Its parts.
    pub server: Server,
    /// The address by which clients reach it.
    pub url: String,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Service {
    /// Opens the server's folder and listens.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub async fn start(
        data: &Path,
        listener: impl Listener<Addr = SocketAddr>,
        ear: Ear,
    ) -> Result<Self, PowercutError> {
        let trouble = |error: &dyn std::fmt::Display| PowercutError::Unexpected(error.to_string());
        let address = listener.local_addr().map_err(|error| trouble(&error))?;
        let url = format!("http://{address}");
        let options = Options {
            dev: true,
            ..Options::at(&url)
        };
        let data = data.to_owned();
        let opening = tokio::task::spawn_blocking(move || Server::open(&data, options)).await;
        let server = opening.map_err(|error| trouble(&error))?;
        let server = server.map_err(|error| trouble(&error))?;
        let heard = from_fn_with_state(ear, hear);
        let router = server.router().layer(heard);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            server,
            url,
            serving,
        })
    }

    /// Stops it, and returns when nobody listens any more.
    pub async fn stop(mut self) {
        self.serving.abort();
        drop((&mut self.serving).await);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn hear(State(ear): State<Ear>, request: Request, next: Next) -> Response {
    ear(&format!("{} {}", request.method(), request.uri().path()));
    next.run(request).await
}

/// Listens at an address of this computer that somebody may keep without listening, as `freewheel_lab::port` does.
///
/// # Errors
/// Somebody listens there.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}
