//! Hears the system: addresses that come and go (`if-watch`: rtnetlink(7), SystemConfiguration, NotifyIpInterfaceChange),
//! and links that lose their carrier and keep their address (`if-addrs`, where it can).

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use if_watch::tokio::IfWatcher;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::Listening;

/// A watch that broke (a buffer that ran over) is opened again after this.
const AGAIN: Duration = Duration::from_secs(60);

struct Guard {
    /// The thread that hears the links holds it weakly.
    _changed: Arc<Notify>,
    addresses: AbortHandle,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.addresses.abort();
    }
}

pub(super) fn listen(changed: &Arc<Notify>) -> Option<Listening> {
    // One of its own, so that the thread ends with the guard and not with the engine's bell.
    let bell = Arc::new(Notify::new());
    hear_links(Arc::downgrade(&bell));
    let first = match IfWatcher::new() {
        Ok(first) => first,
        Err(error) => {
            tracing::warn!(%error, "the system does not tell when its network changes; it is asked once a minute");
            return None;
        }
    };
    let addresses = tokio::spawn(hear(first, Arc::clone(&bell), Arc::clone(changed)));
    Some(Box::new(Guard {
        _changed: bell,
        addresses: addresses.abort_handle(),
    }))
}

async fn hear(mut watcher: IfWatcher, links: Arc<Notify>, changed: Arc<Notify>) {
    loop {
        let heard = tokio::select! {
            heard = poll_fn(|context| watcher.poll_if_event(context)) => heard.map(drop),
            () = links.notified() => Ok(()),
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "the system's network events ended; they are asked for again");
            tokio::time::sleep(AGAIN).await;
            match IfWatcher::new() {
                Ok(again) => watcher = again,
                Err(error) => tracing::debug!(%error, "not yet"),
            }
        }
        changed.notify_one();
    }
}

/// A thread of its own: the wait blocks. It looks once a minute whether anybody still wants to know.
#[cfg(any(target_os = "linux", target_os = "android", windows))]
fn hear_links(bell: Weak<Notify>) {
    use if_addrs::IfChangeNotifier;

    const STILL_WANTED: Duration = Duration::from_secs(60);
    let thread = std::thread::Builder::new().name("freewheel-links".to_owned());
    let hearing = thread.spawn(move || {
        let mut notifier = match IfChangeNotifier::new() {
            Ok(notifier) => notifier,
            Err(error) => {
                tracing::debug!(%error, "links without an address change are not heard");
                return;
            }
        };
        loop {
            let waited = notifier.wait(Some(STILL_WANTED));
            let Some(bell) = bell.upgrade() else { return };
            match waited {
                Ok(_) => bell.notify_one(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    tracing::warn!(%error, "links without an address change are not heard any more");
                    return;
                }
            }
        }
    });
    if let Err(error) = hearing {
        tracing::debug!(%error, "no thread to hear the links");
    }
}

/// Where losing the carrier takes the address away, the addresses tell it.
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
fn hear_links(_bell: Weak<Notify>) {}
