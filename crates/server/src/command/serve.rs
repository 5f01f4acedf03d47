//! Serving: what an operator sets, and the life of the process.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use freewheel_server::{Library, Options, OutsideIssuer, Server, address};
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use url::Url;

/// After a signal, requests under way may take this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Ten years: longer than any token or grace makes sense.
const LONGEST_SECONDS: i64 = 10 * 365 * 86_400;

/// What an operator sets.
#[derive(Args)]
pub(crate) struct Serve {
    /// Address to listen on; a loopback one, since this server speaks plain HTTP. Port 0: any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Folder that holds everything the server knows; made when missing
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder of ZWO files (and plan.json) to publish instead of the built-in library
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    /// For development: athlete demo, password demo, with a plan that starts today
    #[arg(long)]
    dev: bool,
    /// URL by which apps reach this server, when that is not its own address (behind a proxy)
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Life of an access token in seconds, a day at most
    #[arg(long, value_name = "SECONDS", default_value_t = 900,
          value_parser = clap::value_parser!(i64).range(1..=86_400))]
    access_token_life: i64,
    /// How long a refresh token lives without being used, in seconds (30 days)
    #[arg(long, value_name = "SECONDS", default_value_t = 30 * 86_400,
          value_parser = clap::value_parser!(i64).range(1..=LONGEST_SECONDS))]
    refresh_token_life: i64,
    /// So many computers stay signed in to one account: the next sign-in ends the oldest [default: any number]
    #[arg(long, value_name = "N")]
    max_sessions: Option<NonZeroU32>,
    /// A shorter offline grace than the app's own 14 days, in seconds
    #[arg(long, value_name = "SECONDS",
          value_parser = clap::value_parser!(i64).range(0..=LONGEST_SECONDS))]
    offline_grace: Option<i64>,
    /// Take the access tokens of this issuer (any OpenID provider that signs them as JWTs), and issue none
    #[arg(long, value_name = "URL", conflicts_with = "dev")]
    issuer: Option<String>,
    /// The audience that the issuer's access tokens for this server carry: this server's own URL, unless told. The app
    /// takes no others, so that it hands no server what is good at another one
    #[arg(long, value_name = "AUDIENCE", requires = "issuer")]
    audience: Option<String>,
    /// Life of a device's codes in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 900, hide = true,
          value_parser = clap::value_parser!(i64).range(1..=86_400))]
    device_code_life: i64,
    /// The least time between two questions of a device, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, hide = true,
          value_parser = clap::value_parser!(i64).range(0..=60))]
    device_interval: i64,
}

impl Serve {
    /// The settings of a server that listens at `here`.
    fn options(self, here: SocketAddr) -> Result<Options, String> {
        let public_url = match &self.public_url {
            Some(url) => check_public_url(url)?,
            None => format!("http://{here}"),
        };
        let issuer = match self.issuer {
            Some(url) => Some(OutsideIssuer {
                url: check_issuer(url)?,
                audience: self.audience.unwrap_or_else(|| public_url.clone()),
            }),
            None => None,
        };
        Ok(Options {
            dev: self.dev,
            library: self.library.map_or(Library::BuiltIn, Library::Folder),
            access_token_life: SignedDuration::from_secs(self.access_token_life),
            refresh_token_life: SignedDuration::from_secs(self.refresh_token_life),
            max_sessions: self.max_sessions,
            offline_grace: self.offline_grace.map(SignedDuration::from_secs),
            issuer,
            device_code_life: SignedDuration::from_secs(self.device_code_life),
            device_interval: SignedDuration::from_secs(self.device_interval),
            ..Options::at(&public_url)
        })
    }
}

/// Serves the data folder until SIGTERM or SIGINT.
pub(crate) async fn serve(serve: Serve, data: PathBuf) -> Result<(), String> {
    let listen = serve.listen;
    if !listen.ip().is_loopback() {
        return Err(format!(
            "will not listen on {listen}: this server speaks plain HTTP. Listen on 127.0.0.1:{} and \
             put a proxy with TLS before it (--public-url https://…)",
            listen.port()
        ));
    }
    let listener = TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{listen} is in use by another program. Stop that one, or choose another with --listen \
             (127.0.0.1:0 takes any free port)"
        ),
        _ => format!("cannot listen on {listen}: {error}. Choose another with --listen"),
    })?;
    let here = listener.local_addr().map_err(|error| error.to_string())?;
    let options = serve.options(here)?;
    let _lock = lock(&data)?;
    let server = tokio::task::spawn_blocking(move || Server::open(&data, options))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;

    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        server.serve(listener, stopped).await
    });
    let mut out = io::stdout();
    // Nobody may be reading; that is no reason not to serve.
    let _ = writeln!(out, "listening on http://{here}").and_then(|()| out.flush());

    tokio::select! {
        ended = &mut serving => return flatten(ended),
        _ = terminate.recv() => tracing::info!("SIGTERM: finishing requests under way"),
        _ = interrupt.recv() => tracing::info!("SIGINT: finishing requests under way"),
    }
    drop(stop);
    match tokio::time::timeout(PATIENCE, serving).await {
        Ok(ended) => flatten(ended),
        Err(_) => {
            tracing::info!("some connections did not end; closing them");
            Ok(())
        }
    }
}

fn flatten(ended: Result<io::Result<()>, tokio::task::JoinError>) -> Result<(), String> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Tokens may travel in clear only inside this computer.
fn check_public_url(url: &Url) -> Result<String, String> {
    let plain = url.query().is_none() && url.fragment().is_none() && url.path() == "/";
    if plain && address::is_safe(url) {
        Ok(url.as_str().trim_end_matches('/').to_owned())
    } else {
        Err(format!(
            "--public-url {url} cannot be used: give an https URL (or http to 127.0.0.1) without path \
             and query"
        ))
    }
}

/// The issuer stays exactly as it was typed: it is compared with its metadata, letter by letter (RFC 8414 §3.3).
fn check_issuer(text: String) -> Result<String, String> {
    let good = Url::parse(&text).is_ok_and(|url| {
        address::is_safe(&url) && url.query().is_none() && url.fragment().is_none()
    });
    if good {
        Ok(text)
    } else {
        Err(format!(
            "--issuer {text} cannot be used: give its https URL (or http to 127.0.0.1) without query"
        ))
    }
}

/// Keeps a second server out of the data folder; the system lets go of it even after `kill -9`.
fn lock(data: &Path) -> Result<std::fs::File, String> {
    let remedy = "Choose a folder that you may write to with --data";
    std::fs::create_dir_all(data).map_err(|error| {
        format!(
            "cannot use the data folder {}: {error}. {remedy}",
            data.display()
        )
    })?;
    let path = data.join("server.lock");
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| {
            format!(
                "cannot write to the data folder {}: {error}. {remedy}",
                data.display()
            )
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(format!(
            "another freewheel-server uses the data folder {}. Stop that one, or give this one its own \
             with --data",
            data.display()
        )),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(format!("cannot lock {}: {error}", path.display()))
        }
    }
}
