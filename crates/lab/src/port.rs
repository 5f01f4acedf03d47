//! Ports of 127.0.0.1 that are kept while nothing listens on them.
//!
//! A port that is closed is the system's again: it may become the near end of any process's next outgoing connection, and
//! then nobody can listen on it until that connection is gone. So whoever wants to listen on a port later, or wants it to
//! refuse connections meanwhile, holds a [`Port`]: a socket with `SO_REUSEADDR` that is bound to it and never listens.
//!
//! What Linux makes of such a socket: connections to the port are refused as if it were free; nobody is given the port by
//! chance, neither for an outgoing connection (of any address family) nor by binding to port 0; and one other socket with
//! `SO_REUSEADDR` may be bound to it and listen, again and again, here or in another process. Listeners of Rust's standard
//! library, tokio, Node.js and GLib have that option.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use rustix::net::{Shutdown, shutdown};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::LabError;

/// Connections that a listener keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// A port of 127.0.0.1 that is kept for as long as a clone of this lives.
#[derive(Debug, Clone)]
pub struct Port {
    address: SocketAddr,
    _kept: Arc<TcpSocket>,
}

impl Port {
    /// Keeps a port that is free now. Connections to it are refused until somebody listens.
    ///
    /// # Errors
    /// No port is to be had.
    pub fn reserve() -> Result<Self, LabError> {
        let kept = bound((Ipv4Addr::LOCALHOST, 0).into());
        let kept = kept.and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) = kept.map_err(LabError::io("keeping a free port"))?;
        Ok(Self {
            address,
            _kept: Arc::new(socket),
        })
    }

    /// `port`, which may be that of a dead server, or else one of its own.
    pub(crate) fn or_reserve(port: Option<&Self>) -> Result<Self, LabError> {
        port.map_or_else(Self::reserve, |port| Ok(port.clone()))
    }

    /// The port's number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.address.port()
    }

    /// The port, at 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens on it. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// Somebody listens there already.
    pub fn listen(&self) -> Result<Listener, LabError> {
        self.listen_at(self.address.ip(), BACKLOG)
    }

    /// Listens on it at an address of this computer, with room for `backlog` connections that nobody has accepted.
    pub(crate) fn listen_at(&self, ip: IpAddr, backlog: u32) -> Result<Listener, LabError> {
        let address = SocketAddr::new(ip, self.number());
        let listener = bound(address).and_then(|socket| socket.listen(backlog));
        let listener = listener.map_err(LabError::io(format!("listening on {address}")))?;
        Ok(Listener(listener))
    }
}

/// Listens on a [`Port`] until it is dropped, and not a moment longer. Closing a socket alone does not say so: a child
/// process that another thread is just starting has a copy of it until its program begins, and what is copied goes on
/// listening.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Deref for Listener {
    type Target = TcpListener;

    fn deref(&self) -> &TcpListener {
        &self.0
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Linux ends the listening of the socket, however many copies of it there are. It fails for one that has ended.
        let _ = shutdown(&self.0, Shutdown::Read);
    }
}

impl axum::serve::Listener for Listener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        axum::serve::Listener::accept(&mut self.0).await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
