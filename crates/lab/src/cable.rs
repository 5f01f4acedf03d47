//! A network of a test's own, with one cable: this computer at one end, the service with TLS at the other. The cable can
//! be pulled and plugged.
//!
//! Both ends are network namespaces (network_namespaces(7)) joined by a pair of virtual links (veth(4)): [`in_own_network`]
//! runs a test in one, and that test starts [`other_end`] in another.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::LabError;
use crate::program::Program;
use crate::site::{Authority, Settings, Shown, Site};
use crate::wait::{Seen, until};

/// This computer's address and the service's (RFC 5737: for documentation; nobody else has them).
const HERE: &str = "192.0.2.2";
const THERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Names the folder that both ends share.
const FOLDER: &str = "FREEWHEEL_LAB_CABLE";
const AUTHORITY: &str = "Authority of the cable";
const START: Duration = Duration::from_secs(60);

/// Runs an ignored test of the test program that calls this, by its full name, in a network of its own.
///
/// # Errors
/// It failed, or there is no such test; the error holds what it printed.
pub fn in_own_network(test: &str) -> Result<(), LabError> {
    let folder = TempDir::new().map_err(LabError::io("making the cable's folder"))?;
    let authority = Authority::new(AUTHORITY)?;
    authority.save(folder.path(), AUTHORITY)?;
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--net"])
        .arg(this_program()?)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .env(
            "SSL_CERT_FILE",
            folder.path().join(format!("{AUTHORITY}.pem")),
        )
        .output()
        .map_err(LabError::io("running `unshare` (package util-linux)"))?;
    let said = String::from_utf8_lossy(&ran.stdout);
    if ran.status.success() && said.contains("1 passed") {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&ran.stderr);
    Err(LabError::Unexpected(format!("{test}: {said}\n{complaint}")))
}

/// A cable that is plugged in. Dropping it takes the service away.
#[derive(Debug)]
pub struct Cable {
    service: Program,
    url: String,
    folder: PathBuf,
}

impl Cable {
    /// Lays it, with the service at its other end: `other_end` is the full name of an ignored test of this program that
    /// calls [`other_end`] and nothing else.
    ///
    /// # Errors
    /// The process is in no network of its own, or the service does not start.
    pub async fn lay(other_end: &str) -> Result<Self, LabError> {
        let folder = shared_folder()?;
        ip("link set lo up")?;
        let mut command = Command::new("unshare");
        command.arg("--net").arg(this_program()?).args([
            "--exact",
            other_end,
            "--ignored",
            "--nocapture",
        ]);
        let mut service = Program::start("other-end", &mut command, &folder)?;
        let id = service.id();
        // `unshare` becomes the program that it starts, in its new network.
        until("a network of the service's own", START, async || {
            service.still_runs()?;
            let [own, other] = ["self".to_owned(), id.to_string()]
                .map(|process| fs::read_link(format!("/proc/{process}/ns/net")).ok());
            Ok(Seen::from(other.is_some() && own != other))
        })
        .await?;
        ip(&format!(
            "link add here type veth peer name there netns {id}"
        ))?;
        ip(&format!("address add {HERE}/24 dev here"))?;
        ip("link set here up")?;
        let file = folder.join("url");
        let url = until("the service's address", START, async || {
            service.still_runs()?;
            Ok(fs::read_to_string(&file).ok())
        })
        .await?;
        Ok(Self {
            service,
            url,
            folder,
        })
    }

    /// The service's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A folder for the test's own use.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Pulls it out at the service's end: this computer's link is without a carrier from now on.
    ///
    /// # Errors
    /// The system refused.
    pub fn pull(&self) -> Result<(), LabError> {
        self.there("link set there down")
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// The system refused.
    pub fn plug(&self) -> Result<(), LabError> {
        self.there("link set there up")
    }

    fn there(&self, arguments: &str) -> Result<(), LabError> {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.service.id().to_string(), "--net", "ip"])
            .args(arguments.split(' '));
        run(command)
    }
}

/// What the system counts of this network since it is there: TCP segments sent, other than again (`OutSegs`, RFC 4022), and
/// UDP datagrams sent (`OutDatagrams`, RFC 4113), a question for a name among them, without what went to this computer
/// itself. They count when a program asks, on a new connection or an old one, whether or not the link carries anything.
///
/// # Errors
/// The system does not tell.
pub fn attempts() -> Result<i64, LabError> {
    let [snmp, devices] = ["snmp", "dev"].map(|name| {
        let path = format!("/proc/self/net/{name}");
        fs::read_to_string(&path).map_err(LabError::io(format!("reading {path}")))
    });
    let (snmp, devices) = (snmp?, devices?);
    let counter = |protocol: &str, name: &str| {
        let mut lines = snmp
            .lines()
            .filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(": "));
        let (names, values) = (lines.next()?, lines.next()?);
        let place = names.split(' ').position(|each| each == name)?;
        values.split(' ').nth(place)?.parse::<i64>().ok()
    };
    // proc_pid_net(5): eight numbers of what was received, then what was sent: bytes, packets.
    let own = |devices: &str| {
        let line = devices
            .lines()
            .find_map(|line| line.trim().strip_prefix("lo:"))?;
        line.split_whitespace().nth(9)?.parse::<i64>().ok()
    };
    let sent = counter("Tcp", "OutSegs").zip(counter("Udp", "OutDatagrams"));
    sent.zip(own(&devices))
        .map(|((segments, datagrams), own)| segments + datagrams - own)
        .ok_or_else(|| LabError::Unexpected(format!("{snmp}\n{devices}")))
}

/// The service at the other end, until the process is killed.
///
/// # Errors
/// It does not start.
pub async fn other_end() -> Result<(), LabError> {
    let folder = shared_folder()?;
    ip("link set lo up")?;
    until("the cable's other end", START, async || {
        Ok(Seen::from(ip("link show there").is_ok()))
    })
    .await?;
    ip(&format!("address add {THERE}/24 dev there"))?;
    ip("link set there up")?;
    let name = THERE.to_string();
    let certificate = Authority::load(&folder, AUTHORITY)?.server(&[&name])?;
    let site = Site::with(Settings {
        tls: Some((name, Shown::new(certificate))),
        ..Settings::default()
    })
    .await?;
    let port = site.port().number();
    let outside = TcpListener::bind((THERE, port))
        .await
        .map_err(LabError::io("listening at the other end"))?;
    let (part, file) = (folder.join("url-part"), folder.join("url"));
    fs::write(&part, &site.url)
        .and_then(|()| fs::rename(part, file))
        .map_err(LabError::io("telling the address"))?;
    // Whoever laid the cable holds the other end of this input: it is the end of both.
    let mut input = tokio::io::stdin();
    let mut nothing = [0; 1];
    loop {
        tokio::select! {
            accepted = outside.accept() => {
                let (mut client, _) = accepted.map_err(LabError::io("accepting at the other end"))?;
                tokio::spawn(async move {
                    if let Ok(mut service) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                        drop(copy_bidirectional(&mut client, &mut service).await);
                    }
                });
            }
            read = input.read(&mut nothing) => if !matches!(read, Ok(1..)) { return Ok(()) },
        }
    }
}

fn shared_folder() -> Result<PathBuf, LabError> {
    let named = std::env::var_os(FOLDER).map(PathBuf::from);
    named.ok_or_else(|| LabError::Unexpected("this runs in a network of its own only".to_owned()))
}

fn this_program() -> Result<PathBuf, LabError> {
    std::env::current_exe().map_err(LabError::io("finding this program"))
}

fn ip(arguments: &str) -> Result<(), LabError> {
    let mut command = Command::new("ip");
    command.args(arguments.split(' '));
    run(command)
}

fn run(mut command: Command) -> Result<(), LabError> {
    let ran = command.stdin(Stdio::null()).output().map_err(LabError::io(
        "running `ip` (package iproute2) or `nsenter` (package util-linux)",
    ))?;
    if ran.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&ran.stderr);
    Err(LabError::Unexpected(format!("{command:?}: {complaint}")))
}
