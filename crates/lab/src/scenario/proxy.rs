//! An HTTP proxy as companies have them: it makes tunnels (RFC 9110 §9.3.6), or asks for a sign-in of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

use crate::LabError;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const SIGN_IN: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
    proxy-authenticate: Basic realm=\"company\"\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\
    connection: close\r\n\r\n";

/// The proxy. Dropping it ends it and its tunnels.
pub struct Proxy {
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    /// Where every tunnel ends, whatever host was asked for: the lab has but one site.
    site: SocketAddr,
    refuses: AtomicBool,
    refused: Mutex<usize>,
    tunnels: Mutex<Vec<AbortHandle>>,
}

impl Proxy {
    /// Listens on `port`; its tunnels end at `site`.
    ///
    /// # Errors
    /// The port is in use.
    pub(super) async fn start(port: u16, site: SocketAddr) -> Result<Self, LabError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(LabError::io("starting the proxy"))?;
        let state = Arc::new(State {
            site,
            refuses: AtomicBool::new(false),
            refused: Mutex::default(),
            tunnels: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (task, state) = (Arc::clone(&shared), Arc::clone(&shared));
                // A client that goes away early has had what it wanted.
                let tunnel = tokio::spawn(async move { drop(task.serve(client).await) });
                state.remember(tunnel.abort_handle());
            }
        });
        Ok(Self { state, accepting })
    }

    /// From now on it asks for a sign-in (407), or does not; tunnels that are open are cut.
    pub fn asks_for_sign_in(&self, asks: bool) {
        self.state.refuses.store(asks, Ordering::SeqCst);
        self.cut_tunnels();
    }

    /// Cuts the tunnels that are open, so that the next request connects anew.
    pub fn cut_tunnels(&self) {
        for tunnel in self.state.tunnels().drain(..) {
            tunnel.abort();
        }
    }

    /// How often it has asked for a sign-in.
    #[must_use]
    pub fn refused(&self) -> usize {
        *self
            .state
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut_tunnels();
    }
}

impl State {
    async fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        let mut client = BufReader::new(client);
        let mut line = String::new();
        // The head ends with an empty line; what it says does not matter to this proxy.
        while client.read_line(&mut line).await? > 2 {
            line.clear();
        }
        if self.refuses.load(Ordering::SeqCst) {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            client.write_all(SIGN_IN).await?;
            return client.shutdown().await;
        }
        let mut site = TcpStream::connect(self.site).await?;
        client.write_all(ESTABLISHED).await?;
        copy_bidirectional(&mut client, &mut site).await.map(drop)
    }

    fn remember(&self, tunnel: AbortHandle) {
        let mut tunnels = self.tunnels();
        tunnels.retain(|tunnel| !tunnel.is_finished());
        tunnels.push(tunnel);
    }

    fn tunnels(&self) -> std::sync::MutexGuard<'_, Vec<AbortHandle>> {
        self.tunnels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
