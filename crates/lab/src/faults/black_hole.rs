//! A port whose packets vanish.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::LabError;
use crate::port::{Listener, Port};

/// A connection on this computer is made in less than a millisecond; one that takes this long is not made.
const CLEARLY_HANGS: Duration = Duration::from_millis(300);
/// With a backlog of nothing, the queue is full after one or two.
const MOST_FILLERS: usize = 16;

/// A port to which connecting hangs: its queue is full, so the system drops every further SYN, as a firewall would.
/// Gives the port back when dropped.
#[derive(Debug)]
pub struct BlackHole {
    port: Port,
    _listener: Listener,
    _fillers: Vec<TcpStream>,
}

impl BlackHole {
    /// Opens it on `port`, or on a free one, and proves that connecting to it hangs.
    ///
    /// # Errors
    /// Somebody listens on the port, or the system goes on accepting connections.
    pub async fn open(port: Option<&Port>) -> Result<Self, LabError> {
        Self::fill(Port::or_reserve(port)?, Ipv4Addr::LOCALHOST.into()).await
    }

    /// The same on `port` of `::1`.
    ///
    /// # Errors
    /// As [`BlackHole::open`], or this computer has no IPv6.
    pub async fn open_v6(port: &Port) -> Result<Self, LabError> {
        Self::fill(port.clone(), Ipv6Addr::LOCALHOST.into()).await
    }

    async fn fill(port: Port, ip: IpAddr) -> Result<Self, LabError> {
        let listener = port.listen_at(ip, 0)?;
        let address = SocketAddr::new(ip, port.number());
        let mut fillers = Vec::new();
        while fillers.len() < MOST_FILLERS {
            match timeout(CLEARLY_HANGS, TcpStream::connect(address)).await {
                Err(_hangs) => {
                    return Ok(Self {
                        port,
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
        self.port.url()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> &Port {
        &self.port
    }
}
