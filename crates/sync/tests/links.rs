//! The system tells of its links: a network of the test's own, whose link goes down and comes up again.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use freewheel_sync::network::{NetworkProbe, SystemNetwork};
use freewheel_sync::view::NetworkFact;
use tokio::sync::Notify;

const PATIENCE: Duration = Duration::from_secs(10);

fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split(' ')).output();
    let done = done.expect("the package iproute2");
    assert!(done.status.success(), "ip {arguments}: {done:?}");
}

async fn until(changed: &Notify, wanted: NetworkFact) {
    let told = async {
        while SystemNetwork.state() != wanted {
            changed.notified().await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    assert!(told.is_ok(), "nobody told of {wanted:?}");
}

#[test]
fn a_link_that_goes_and_comes_is_told_at_once() {
    let inside = std::env::current_exe().unwrap();
    let done = Command::new("unshare")
        .args(["--map-root-user", "--net"])
        .arg(inside)
        .args(["--exact", "inside", "--ignored", "--nocapture"])
        .output()
        .expect("the package util-linux");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{done:?}"
    );
}

/// Run by the test above, in a network namespace of its own (network_namespaces(7)).
#[tokio::test]
#[ignore = "it changes the network that it runs in"]
async fn inside() {
    assert_eq!(SystemNetwork.state(), NetworkFact::Down);
    let changed = Arc::new(Notify::new());
    let listening = SystemNetwork.listen(Arc::clone(&changed)).unwrap();
    ip("link add here type veth peer name there");
    ip("link set there up");
    // A link without an address, and an address without a link, are no network.
    ip("link set here up");
    assert_eq!(SystemNetwork.state(), NetworkFact::Down);
    ip("address add 192.0.2.1/24 dev here");
    until(&changed, NetworkFact::Up).await;
    // The cable is pulled: the address stays.
    ip("link set there down");
    until(&changed, NetworkFact::Down).await;
    ip("link set there up");
    until(&changed, NetworkFact::Up).await;
    ip("link set here down");
    until(&changed, NetworkFact::Down).await;
    ip("link set here up");
    until(&changed, NetworkFact::Up).await;
    ip("address delete 192.0.2.1/24 dev here");
    until(&changed, NetworkFact::Down).await;
    drop(listening);
}
