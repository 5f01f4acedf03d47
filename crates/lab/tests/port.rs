//! A port that is kept can be listened on again, whatever else the computer does meanwhile.
//!
//! Needs `freewheel-server` beside the test: `cargo build --workspace`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::Command;

use freewheel_lab::port::Port;
use freewheel_lab::server::ServerProcess;
use freewheel_lab::site::{Authority, Settings, Shown, Site};

/// The system gives out so few ports that all of them are taken in a moment.
const FEW_PORTS: &str = "ip link set lo up && \
    echo 40000 40015 >/proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"";

fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn connections_are_refused_whenever_nobody_listens_and_nobody_else_listens_meanwhile() {
    let port = Port::reserve().unwrap();
    assert!(refuses(port.address()));
    for _ in 0..3 {
        let listener = port.listen().unwrap();
        let client = TcpStream::connect(port.address()).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let second = port.listen().unwrap_err().to_string();
        assert!(second.contains("in use"), "{second}");
        drop(listener);
        assert!(refuses(port.address()), "with a connection still open");
        drop((client, server));
    }
}

#[tokio::test]
async fn a_copy_of_the_socket_in_a_child_that_is_just_starting_does_not_listen() {
    let port = Port::reserve().unwrap();
    for _ in 0..3 {
        let listener = port.listen().unwrap();
        let copy = listener.as_fd().try_clone_to_owned().unwrap();
        drop(listener);
        assert!(refuses(port.address()));
        let again = port.listen().unwrap();
        drop(TcpStream::connect(port.address()).unwrap());
        drop((copy, again));
    }
}

#[tokio::test]
async fn a_child_process_listens_is_killed_and_listens_again() {
    let folder = tempfile::tempdir().unwrap();
    let port = Port::reserve().unwrap();
    let data = folder.path().join("data");
    let start = ServerProcess::start(&data, Some(&port), &[]);
    let mut server = start.await.unwrap();
    assert_eq!(server.url(), port.url());
    for _ in 0..2 {
        drop(TcpStream::connect(port.address()).unwrap());
        server.kill9();
        assert!(refuses(port.address()));
        server.start_again().await.unwrap();
    }
}

#[test]
fn nobody_is_given_a_kept_port_by_chance() {
    let test = std::env::current_exe().unwrap();
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", FEW_PORTS, "sh"])
        .arg(test)
        .args(["--exact", "among_few_ports", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{ran:?}");
    assert!(said.contains("1 passed"), "{said}");
}

/// Outgoing connections and listeners take all ports that there are but the kept one, and with it given back, that one
/// too.
#[tokio::test]
#[ignore = "needs a network of its own with few ports: the test above runs it there"]
async fn among_few_ports() {
    let port = Port::reserve().unwrap();
    let number = port.number();
    let all = |target: &TcpListener| -> Vec<TcpStream> {
        let target = target.local_addr().unwrap();
        std::iter::from_fn(|| TcpStream::connect(target).ok()).collect()
    };
    let has = |taken: &[TcpStream], number| {
        let mut near = taken.iter().map(|stream| stream.local_addr().unwrap());
        near.any(|address| address.port() == number)
    };
    let targets = ["127.0.0.1:39999", "[::1]:39999"].map(|at| TcpListener::bind(at).unwrap());
    let taken = targets.each_ref().map(all);
    for taken in &taken {
        assert_eq!(taken.len(), 15);
        assert!(!has(taken, number));
    }
    assert!(TcpListener::bind("127.0.0.1:0").is_err());
    drop(port.listen().unwrap());
    drop(port);
    assert!(has(&all(&targets[0]), number));
}

/// What waits for the end of a connection hides whether the port is closed by then: here nobody is connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_site_that_has_stopped_listens_no_more_with_tls_or_without() {
    let authority = Authority::new("of this test").unwrap();
    let shown = Shown::new(authority.server(&["localhost"]).unwrap());
    for tls in [None, Some(("localhost".to_owned(), shown))] {
        let settings = Settings {
            tls,
            library: freewheel_server::Library::Empty,
            ..Settings::default()
        };
        let mut site = Site::with(settings).await.unwrap();
        for _ in 0..50 {
            let stopped = site.stop().await.unwrap();
            assert!(refuses(stopped.port().address()), "{}", stopped.url);
            site = stopped.start().await.unwrap();
        }
    }
}
