//! The network port: what the system says of its links, asked only right before an attempt.

use crate::view::NetworkFact;

/// Tells whether this computer has a network.
pub trait NetworkProbe: Send + Sync {
    /// What the system says now.
    fn state(&self) -> NetworkFact;
}

/// Asks the system for its interfaces: a network is an interface beyond loopback with an address that reaches
/// further than its own link.
#[derive(Debug, Default)]
pub struct SystemNetwork;

impl NetworkProbe for SystemNetwork {
    fn state(&self) -> NetworkFact {
        match if_addrs::get_if_addrs() {
            Ok(interfaces) => {
                let up = interfaces
                    .iter()
                    .any(|i| !i.is_loopback() && !i.is_link_local());
                if up {
                    NetworkFact::Up
                } else {
                    NetworkFact::Down
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the system does not tell its interfaces");
                NetworkFact::Unknown
            }
        }
    }
}
