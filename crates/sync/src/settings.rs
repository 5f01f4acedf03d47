//! What the athlete chose about this program on this computer: `settings.json` in the profile folder.

use std::fs::{self, File};
use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::home::Home;

/// The choices. A file that is missing or cannot be read counts as none made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether the program goes on in the background when its window is closed, where a tray shows that it does.
    pub stays: bool,
    /// Whether the athlete was told once that it does.
    pub told: bool,
    /// What a newer version chose; kept.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stays: true,
            told: false,
            other: serde_json::Map::new(),
        }
    }
}

/// How the program behaves beside its window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct BackgroundView {
    /// Whether the desktop has a place for tray icons; without one the program ends with its window.
    pub tray: bool,
    /// [`Settings::stays`].
    pub stays: bool,
    /// Whether it starts, hidden, when the athlete logs in to this computer; absent where the system does not tell.
    pub autostart: Option<bool>,
}

impl Settings {
    /// Those of a profile.
    #[must_use]
    pub fn load(home: &Home) -> Self {
        let text = match fs::read(home.settings()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                tracing::warn!(%error, "the settings could not be read");
                return Self::default();
            }
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, "the settings cannot be understood; the usual ones are used");
            Self::default()
        })
    }

    /// Writes them: a death in between leaves the old ones or the new ones.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn save(&self, home: &Home) -> io::Result<()> {
        let path = home.settings();
        let part = path.with_extension("json-part");
        let text = serde_json::to_vec_pretty(self)?;
        let mut file = File::create(&part)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(part, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path().join("home")))
            .unwrap()
            .open()
            .unwrap();
        (dir, home)
    }

    #[test]
    fn choices_are_kept_and_so_are_those_of_a_newer_version() {
        let (_dir, home) = home();
        assert_eq!(Settings::load(&home), Settings::default());
        fs::write(home.settings(), r#"{ "stays": false, "accent": "plum" }"#).unwrap();
        let mut settings = Settings::load(&home);
        assert!(!settings.stays && !settings.told);
        settings.told = true;
        settings.save(&home).unwrap();
        assert_eq!(Settings::load(&home), settings);
        assert!(
            fs::read_to_string(home.settings())
                .unwrap()
                .contains("plum")
        );
    }

    #[test]
    fn what_cannot_be_understood_counts_as_no_choice() {
        let (_dir, home) = home();
        for text in ["", "{", "[]", r#"{ "stays": "perhaps" }"#, "\u{0}"] {
            fs::write(home.settings(), text).unwrap();
            assert_eq!(Settings::load(&home), Settings::default(), "{text}");
        }
    }
}
