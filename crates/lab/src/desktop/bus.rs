//! The session's own bus.

use std::fs;
use std::path::PathBuf;

use super::{DesktopSession, START};
use crate::LabError;
use crate::program::Program;
use crate::programs::installed;

impl DesktopSession {
    /// Starts the session bus where there is none yet. Only programs of this session can be activated over it.
    ///
    /// # Errors
    /// `dbus-daemon` is missing or does not start.
    pub async fn start_bus(&mut self) -> Result<(), LabError> {
        let config = self.write_bus_config("")?;
        let program = installed("dbus-daemon", "dbus-daemon")?;
        let mut command = self.command(program);
        command
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"]);
        let mut bus = Program::start("dbus-daemon", &mut command, &self.logs())?;
        bus.line("the session bus", START, |line| {
            line.starts_with("unix:").then_some(())
        })
        .await?;
        self.bus = Some(bus);
        Ok(())
    }

    /// Ends the session bus, as a crash of it would.
    pub fn stop_bus(&mut self) {
        self.bus = None;
        // A killed daemon leaves its socket's name, and a new one could not take it.
        drop(fs::remove_file(self.root.path().join("run/bus")));
    }

    /// Where its bus is, for whoever plays a part of the desktop.
    #[must_use]
    pub fn bus_address(&self) -> String {
        format!("unix:path={}", self.root.path().join("run/bus").display())
    }

    /// Writes the bus's configuration; `rules` come last in its policy, and so above all others.
    pub(super) fn write_bus_config(&self, rules: &str) -> Result<PathBuf, LabError> {
        let config = self.root.path().join("bus.conf");
        fs::write(&config, self.bus_config(rules))
            .map_err(LabError::io("writing the bus's configuration"))?;
        Ok(config)
    }

    /// Its own services only: the system's would start portals and prompts of a real desktop.
    fn bus_config(&self, rules: &str) -> String {
        format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
             <busconfig>\n<type>session</type>\n<listen>{}</listen>\n<servicedir>{}</servicedir>\n\
             <policy context=\"default\">\n<allow send_destination=\"*\" eavesdrop=\"true\"/>\n\
             <allow eavesdrop=\"true\"/>\n<allow own=\"*\"/>\n{rules}</policy>\n</busconfig>\n",
            self.bus_address(),
            self.root.path().join("services").display(),
        )
    }
}
