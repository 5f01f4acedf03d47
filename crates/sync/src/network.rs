//! The network port: what the system says of its links, and when it has something new to say. Nobody polls.

mod links;
mod sleep;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::view::NetworkFact;

/// Tells whether this computer has a network.
pub trait NetworkProbe: Send + Sync {
    /// What the system says now.
    fn state(&self) -> NetworkFact;

    /// Notifies `changed` whenever [`NetworkProbe::state`] may have changed, for as long as the returned guard lives.
    /// `None` where the system does not tell; it is then asked right before an attempt and once a minute.
    ///
    /// Called within a tokio runtime.
    fn listen(&self, changed: Arc<Notify>) -> Option<Listening>;

    /// Notifies `resumed` whenever the computer wakes from sleep, for as long as the returned guard lives. `None` where
    /// nobody tells.
    ///
    /// Called within a tokio runtime.
    fn listen_to_sleep(&self, resumed: Arc<Notify>) -> Option<Listening> {
        drop(resumed);
        None
    }
}

/// Dropping it ends the listening.
pub type Listening = Box<dyn Send + Sync>;

/// Asks the system for its interfaces: a network is an interface beyond loopback that is up (carrier and all) and has
/// an address that reaches further than its own link.
#[derive(Debug, Default)]
pub struct SystemNetwork;

impl NetworkProbe for SystemNetwork {
    fn state(&self) -> NetworkFact {
        match if_addrs::get_if_addrs() {
            Ok(interfaces) => {
                let up = interfaces
                    .iter()
                    .any(|i| !i.is_loopback() && !i.is_link_local() && i.is_oper_up());
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

    fn listen(&self, changed: Arc<Notify>) -> Option<Listening> {
        links::listen(&changed)
    }

    fn listen_to_sleep(&self, resumed: Arc<Notify>) -> Option<Listening> {
        sleep::listen(resumed)
    }
}
