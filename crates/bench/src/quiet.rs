//! A sync that finds nothing new: requests, and bytes that come down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use freewheel_lab::rig::Rig;
use freewheel_lab::site::{Settings, Site};
use freewheel_sync::Mode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Trouble;

/// What a sync without news cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// Requests.
    pub requests: usize,
    /// Bytes of the answers, status line and headers included.
    pub bytes_down: u64,
}

/// Syncs once with news and once without, through a wire that counts.
///
/// # Errors
/// The server, or it cannot be reached.
pub async fn measure() -> Result<Quiet, Trouble> {
    let wire = TcpListener::bind(("127.0.0.1", 0)).await?;
    let settings = Settings {
        public_url: Some(format!("http://{}", wire.local_addr()?)),
        ..Settings::default()
    };
    let site = Site::with(settings).await?;
    let down = Arc::new(AtomicU64::new(0));
    let carrying = tokio::spawn(carry(wire, site.port().address(), Arc::clone(&down)));
    let mut rig = Rig::new()?;
    rig.launch(Mode::OneShot).await?;
    rig.sign_in(&site.url, "demo").await?;
    // The first one pulls, and compares the rides.
    rig.engine()?.sync(Duration::ZERO).await?;
    let (asked, carried) = (site.gate.count(""), down.load(Ordering::SeqCst));
    rig.engine()?.sync(Duration::ZERO).await?;
    let quiet = Quiet {
        requests: site.gate.count("") - asked,
        bytes_down: down.load(Ordering::SeqCst) - carried,
    };
    rig.close().await;
    carrying.abort();
    Ok(quiet)
}

async fn carry(wire: TcpListener, to: SocketAddr, down: Arc<AtomicU64>) {
    while let Ok((client, _)) = wire.accept().await {
        let Ok(server) = TcpStream::connect(to).await else {
            continue;
        };
        let down = Arc::clone(&down);
        tokio::spawn(async move {
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let up = tokio::spawn(async move {
                drop(tokio::io::copy(&mut from_client, &mut to_server).await);
            });
            let mut piece = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from_server.read(&mut piece).await {
                down.fetch_add(u64::try_from(length).unwrap_or(0), Ordering::SeqCst);
                let Some(piece) = piece.get(..length) else {
                    break;
                };
                if to_client.write_all(piece).await.is_err() {
                    break;
                }
            }
            up.abort();
        });
    }
}
