//! The one place that polls: conditions of other processes cannot be subscribed to.

use std::time::Duration;

use crate::LabError;

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(25);

/// What one look at a condition showed.
#[derive(Debug)]
pub enum Seen<T> {
    /// It holds.
    Yes(T),
    /// Not yet; the text says what is there instead.
    NotYet(Option<String>),
}

impl<T> From<Option<T>> for Seen<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NotYet(None), Self::Yes)
    }
}

impl From<bool> for Seen<()> {
    fn from(holds: bool) -> Self {
        if holds {
            Self::Yes(())
        } else {
            Self::NotYet(None)
        }
    }
}

/// Looks again and again until the condition holds, at most for `bound`.
///
/// # Errors
/// [`LabError::TimedOut`] with what was last seen, or the error of a look.
pub async fn until<T, S: Into<Seen<T>>>(
    what: &str,
    bound: Duration,
    mut look: impl AsyncFnMut() -> Result<S, LabError>,
) -> Result<T, LabError> {
    let mut last = None;
    let looking = async {
        loop {
            match look().await?.into() {
                Seen::Yes(value) => return Ok(value),
                Seen::NotYet(seen) => last = seen.or(last.take()),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    match tokio::time::timeout(bound, looking).await {
        Ok(outcome) => outcome,
        Err(_) => Err(LabError::TimedOut {
            what: what.to_owned(),
            bound,
            last,
        }),
    }
}
