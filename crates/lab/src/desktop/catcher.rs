//! Catches what the app opens in the system's browser.

use std::fs;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use super::DesktopSession;
use crate::LabError;
use crate::wait::until;

/// The script's main name.
pub(super) const NAME: &str = "xdg-open";
/// Every name under which programs look for a browser.
pub(super) const NAMES: [&str; 6] = [
    NAME,
    "gio",
    "gnome-open",
    "kde-open",
    "x-www-browser",
    "sensible-browser",
];

/// Writes the last argument as one line; `gio open URL` and `xdg-open URL` both end with the address.
pub(super) fn script(file: &Path) -> String {
    format!(
        "#!/bin/sh\nfor last; do :; done\nprintf '%s\\n' \"$last\" >> '{}'\n",
        file.display()
    )
}

impl DesktopSession {
    /// The next address that a program of this session opened in the browser; each is given once, in order.
    ///
    /// # Errors
    /// None came within `bound`.
    pub async fn opened_url(&self, bound: Duration) -> Result<String, LabError> {
        until("opening the browser", bound, async || {
            let text = fs::read_to_string(self.opened_file()).unwrap_or_default();
            let mut read = self
                .opened_read
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let complete = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            let next = complete
                .skip(*read)
                .map(|line| line.trim_end().to_owned())
                .next();
            *read += usize::from(next.is_some());
            Ok(next)
        })
        .await
    }
}
