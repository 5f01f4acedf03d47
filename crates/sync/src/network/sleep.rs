//! The system's word that it wakes from sleep: systemd-logind's `PrepareForSleep` (org.freedesktop.login1(5)), which is
//! signalled with `true` before and with `false` after. Elsewhere, and without logind, nobody tells: whoever waits for a
//! time looks at the clock at least once a minute.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Listening;

/// Notifies `resumed` after each sleep, while the guard lives.
#[cfg(target_os = "linux")]
pub(super) fn listen(resumed: Arc<Notify>) -> Option<Listening> {
    let task = tokio::spawn(async move {
        if let Err(error) = hear(&resumed).await {
            tracing::debug!(%error, "the system does not tell when it wakes from sleep");
        }
    });
    Some(Box::new(Guard(task.abort_handle())))
}

/// Nobody tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn listen(_resumed: Arc<Notify>) -> Option<Listening> {
    None
}

#[cfg(target_os = "linux")]
struct Guard(tokio::task::AbortHandle);

#[cfg(target_os = "linux")]
impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(target_os = "linux")]
async fn hear(resumed: &Notify) -> zbus::Result<()> {
    use futures_util::StreamExt as _;
    use zbus::message::Type;
    use zbus::{Connection, MatchRule, MessageStream};

    let bus = Connection::system().await?;
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.login1")?
        .path("/org/freedesktop/login1")?
        .interface("org.freedesktop.login1.Manager")?
        .member("PrepareForSleep")?
        .build();
    let mut signals = MessageStream::for_match_rule(rule, &bus, None).await?;
    while let Some(signal) = signals.next().await {
        let falls_asleep: bool = signal?.body().deserialize()?;
        if !falls_asleep {
            resumed.notify_one();
        }
    }
    Ok(())
}
