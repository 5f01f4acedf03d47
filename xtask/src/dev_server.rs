//! The app's own server for `run`: started on a free port, waited for, ended with the app.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::Place;
use crate::step::{self, Failure, Outcome};

/// The ports to try, the usual one first.
const PORTS: std::ops::Range<u16> = 8787..8807;
const READY_WITHIN: Duration = Duration::from_secs(60);
const ENDS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A running server, which ends when this is dropped.
pub struct DevServer {
    child: Child,
    port: u16,
    log: PathBuf,
}

/// The first free port, and whether it is the usual one.
///
/// # Errors
/// When all of them are taken.
pub fn free_port() -> Outcome<(u16, bool)> {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    PORTS
        .clone()
        .find(free)
        .map(|port| (port, port == PORTS.start))
        .ok_or_else(|| {
            Failure::of(
                "listen on 127.0.0.1",
                format!("ports {PORTS:?} are all in use"),
            )
            .remedy("end the programs that hold them: ss -ltnp")
        })
}

impl DevServer {
    /// Starts the server on `port` with its data and its log in `folder`, and returns when it
    /// answers.
    ///
    /// # Errors
    /// When it cannot be started, ends, or does not answer within a minute.
    pub fn start(place: &Place, folder: &Path, port: u16) -> Outcome<Self> {
        let log = folder.join("server.log");
        let mut command = ends_with_us(&place.built("freewheel-server"));
        command
            .args(["--dev", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(folder.join("server"));
        println!(
            "\n==> Server\n    {}\n    log: {}",
            step::line(&command),
            place.show(&log)
        );
        let failed = |error: std::io::Error| Failure::of("freewheel-server", error.to_string());
        fs::create_dir_all(folder).map_err(failed)?;
        let output = File::create(&log).map_err(failed)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            .spawn()
            .map_err(failed)?;
        let mut server = Self { child, port, log };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The address that the app signs in to.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn wait_until_ready(&mut self) -> Outcome {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failure(&format!("it ended with {status}")));
            }
            if is_healthy(self.port) {
                println!("    ready in {}", step::lasted(started.elapsed()));
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err(self.failure(&format!(
            "it did not answer within {}",
            step::lasted(READY_WITHIN)
        )))
    }

    fn failure(&self, why: &str) -> Failure {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Failure::of("freewheel-server", format!("{why}\n{log}"))
            .remedy(format!("its whole log is {}", self.log.display()))
    }
}

impl Drop for DevServer {
    fn drop(&mut self) {
        terminate(&mut self.child);
        println!("    server ended");
    }
}

/// A command for `program` which the system ends when this program ends, however that happens:
/// a plain `kill` of this program would otherwise leave it behind. Ctrl-C reaches all of us anyway.
pub fn ends_with_us(program: &Path) -> Command {
    let setpriv = Command::new("setpriv").arg("--version").output();
    if cfg!(target_os = "linux") && setpriv.is_ok_and(|output| output.status.success()) {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Asks politely, and kills what does not listen.
fn terminate(child: &mut Child) {
    if cfg!(unix) && matches!(child.try_wait(), Ok(None)) {
        let asked = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        let started = Instant::now();
        while asked.is_ok() && started.elapsed() < ENDS_WITHIN {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
    // It has ended already, or it does not listen: either way there is nothing left to report.
    let _ = child.kill();
    let _ = child.wait();
}

fn is_healthy(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| is_ok_answer(&answer))
}

fn is_ok_answer(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.") && answer.get(8..12) == Some(b" 200")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_200_is_healthy() {
        let cases: [(&[u8], bool); 4] = [
            (b"HTTP/1.1 200 OK\r\n\r\n", true),
            (b"HTTP/1.0 200 OK\r\n\r\n", true),
            (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false),
            (b"", false),
        ];
        for (answer, expected) in cases {
            assert_eq!(is_ok_answer(answer), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_child_is_ended_and_reaped() {
        let mut child = ends_with_us(Path::new("sleep")).arg("600").spawn().unwrap();
        terminate(&mut child);
        assert!(matches!(child.try_wait(), Ok(Some(_))));
    }
}
