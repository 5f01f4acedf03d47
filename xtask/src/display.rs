//! Whether there is a display that answers: a variable alone may be left over from a session that
//! has ended.

#[cfg(unix)]
pub use unix::answering;

/// On these systems the desktop is always there.
#[cfg(not(unix))]
pub fn answering() -> Result<String, String> {
    Ok("the desktop".to_owned())
}

#[cfg(unix)]
mod unix {
    use std::env;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(3);

    /// The display that answers, or why there is none.
    pub fn answering() -> Result<String, String> {
        if cfg!(target_os = "macos") {
            return Ok("the desktop".to_owned());
        }
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let mut silent = Vec::new();
        if let Some(name) = set("WAYLAND_DISPLAY") {
            let folder = PathBuf::from(set("XDG_RUNTIME_DIR").unwrap_or_default());
            if UnixStream::connect(folder.join(&name)).is_ok() {
                return Ok(format!("Wayland display {name}"));
            }
            silent.push(format!("WAYLAND_DISPLAY={name} does not answer"));
        }
        if let Some(name) = set("DISPLAY") {
            if x_answers(&name) {
                return Ok(format!("X display {name}"));
            }
            silent.push(format!("DISPLAY={name} does not answer"));
        }
        if silent.is_empty() {
            silent.push("neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned());
        }
        Err(silent.join(", "))
    }

    /// Where an X display listens: `host:number[.screen]`, this machine's socket without a host.
    #[derive(Debug, PartialEq, Eq)]
    enum XAddress {
        Socket(PathBuf),
        Tcp(String, u16),
    }

    fn x_address(display: &str) -> Option<XAddress> {
        let (host, rest) = display.rsplit_once(':')?;
        let number: u16 = rest.split('.').next()?.parse().ok()?;
        Some(match host {
            "" | "unix" => XAddress::Socket(PathBuf::from(format!("/tmp/.X11-unix/X{number}"))),
            host => XAddress::Tcp(host.to_owned(), number.checked_add(6000)?),
        })
    }

    fn x_answers(display: &str) -> bool {
        match x_address(display) {
            Some(XAddress::Socket(path)) => UnixStream::connect(path).is_ok_and(|stream| {
                stream.set_read_timeout(Some(PATIENCE)).is_ok() && greets(stream)
            }),
            Some(XAddress::Tcp(host, port)) => (host.as_str(), port)
                .to_socket_addrs()
                .is_ok_and(|mut addresses| addresses.any(|address| x_tcp_answers(&address))),
            None => false,
        }
    }

    fn x_tcp_answers(address: &SocketAddr) -> bool {
        TcpStream::connect_timeout(address, PATIENCE)
            .is_ok_and(|stream| stream.set_read_timeout(Some(PATIENCE)).is_ok() && greets(stream))
    }

    /// Sends the connection set-up of the X protocol (version 11.0, little-endian, no
    /// credentials): any answer, a refusal too, shows that a server is alive.
    fn greets(mut stream: impl Read + Write) -> bool {
        let hello = [b'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut answer = [0; 1];
        stream.write_all(&hello).is_ok() && stream.read_exact(&mut answer).is_ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn x_addresses_are_read() {
            let socket = |path: &str| Some(XAddress::Socket(PathBuf::from(path)));
            let cases = [
                (":0", socket("/tmp/.X11-unix/X0")),
                (":99.0", socket("/tmp/.X11-unix/X99")),
                ("unix:1", socket("/tmp/.X11-unix/X1")),
                (
                    "localhost:10.0",
                    Some(XAddress::Tcp("localhost".to_owned(), 6010)),
                ),
                ("nonsense", None),
                (":x", None),
            ];
            for (display, expected) in cases {
                assert_eq!(x_address(display), expected, "{display}");
            }
        }

        #[test]
        fn a_display_that_accepts_and_hangs_up_does_not_answer() {
            let (ours, theirs) = UnixStream::pair().unwrap();
            drop(theirs);
            assert!(!greets(ours));
        }

        #[test]
        fn a_refusal_is_an_answer() {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            theirs.write_all(&[0]).unwrap();
            assert!(greets(ours));
        }
    }
}
