//! A port whose packets vanish.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{listen, listen_at};
use crate::LabError;

/// A connection on this computer is made in less than a millisecond; one that takes this long is not made.
const CLEARLY_HANGS: Duration = Duration::from_millis(300);
/// With a backlog of nothing, the queue is full after one or two.
const MOST_FILLERS: usize = 16;

/// A port to which connecting hangs: its queue is full, so the system drops every further SYN, as a firewall would.
/// Gives the port back when dropped.
#[derive(Debug)]
pub struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _fillers: Vec<TcpStream>,
}

impl BlackHole {
    /// Opens it on `port`, or on a free one, and proves that connecting to it hangs.
    ///
    /// # Errors
    /// The port is in use, or the system goes on accepting connections.
    pub async fn open(port: Option<u16>) -> Result<Self, LabError> {
        Self::fill(listen(port, 0)?).await
    }

    /// The same on `port` of `::1`.
    ///
    /// # Errors
    /// As [`BlackHole::open`], or this computer has no IPv6.
    pub async fn open_v6(port: u16) -> Result<Self, LabError> {
        Self::fill(listen_at((Ipv6Addr::LOCALHOST, port).into(), 0)?).await
    }

    async fn fill((listener, address): (TcpListener, SocketAddr)) -> Result<Self, LabError> {
        let mut fillers = Vec::new();
        while fillers.len() < MOST_FILLERS {
            match timeout(CLEARLY_HANGS, TcpStream::connect(address)).await {
                Err(_hangs) => {
                    return Ok(Self {
                        address,
                        _listener: listener,
                        _fillers: fillers,
                    });
                }
                Ok(connected) => {
                    let filler = connected.map_err(LabError::io(format!("filling {address}")))?;
                    fillers.push(filler);
                }
            }
        }
        Err(LabError::Unexpected(format!(
            "{address} goes on accepting connections"
        )))
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
}
