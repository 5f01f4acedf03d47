//! `freewheel-server`: the reference server as a command.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use freewheel_server::{Library, Options, Server};
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;
use url::Url;

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("FREEWHEEL_COMMIT"),
    ", built ",
    env!("FREEWHEEL_BUILD_DATE"),
    ")"
);

/// After a signal, requests under way may take this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Freewheel's reference server: OAuth issuer, library feed, rides, status.
#[derive(Parser)]
#[command(name = "freewheel-server", version = VERSION)]
struct Arguments {
    /// Address to listen on; a loopback one, since this server speaks plain HTTP. Port 0: any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Folder that holds everything the server knows; made when missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder of ZWO files (and plan.json) to publish instead of the built-in library
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    /// For development: athlete demo, password demo, with a plan that starts today
    #[arg(long)]
    dev: bool,
    /// URL by which apps reach this server, when that is not its own address (behind a proxy)
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Life of an access token in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 900, hide = true,
          value_parser = clap::value_parser!(i64).range(1..=86_400))]
    access_token_life: i64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            let _ = writeln!(io::stderr(), "freewheel-server: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let Arguments {
        listen,
        data,
        library,
        dev,
        public_url,
        access_token_life,
    } = arguments;
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
    let public_url = match public_url {
        Some(url) => check_public_url(&url)?,
        None => format!("http://{here}"),
    };
    let _lock = lock(&data)?;
    let options = Options {
        dev,
        library: library.map_or(Library::BuiltIn, Library::Folder),
        access_token_life: SignedDuration::from_secs(access_token_life),
        ..Options::at(&public_url)
    };
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
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let plain = url.query().is_none() && url.fragment().is_none() && url.path() == "/";
    match url.scheme() {
        "https" if plain => Ok(url.as_str().trim_end_matches('/').to_owned()),
        "http" if plain && loopback => Ok(url.as_str().trim_end_matches('/').to_owned()),
        _ => Err(format!(
            "--public-url {url} cannot be used: give an https URL (or http to 127.0.0.1) without path \
             and query"
        )),
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
