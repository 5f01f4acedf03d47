//! A stage for window tests: a private desktop session, the real server, and the real app on a profile of its own.
#![allow(dead_code, reason = "each test uses its part of the stage")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use freewheel_lab::LabError;
use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::programs;
use freewheel_lab::server::ServerProcess;
use freewheel_lab::wait::Seen;
use freewheel_lab::window::{Browser, Page, Window};
use freewheel_protocol::Sha256Digest;

/// A bound for what should be there at once, on a machine that does other things too.
pub const SOON: Duration = Duration::from_secs(30);

/// A file of the athlete's own.
const OWN_WORKOUT: &str = "<workout_file><name>Club Tuesday</name><author>Club</author><workout>\
    <Warmup Duration='120' PowerLow='0.4' PowerHigh='0.7'/>\
    <IntervalsT Repeat='3' OnDuration='60' OffDuration='60' OnPower='1.05' OffPower='0.55'/>\
    <SteadyState Duration='120' Power='0.5'/></workout></workout_file>";

pub struct Stage {
    pub session: DesktopSession,
    pub server: ServerProcess,
    pub look: Look,
    home: PathBuf,
}

/// The desktop's colour scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Light,
    Dark,
}

impl Look {
    /// As it stands in a file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The desktop theme that WebKitGTK tells pages as their colour scheme.
    fn theme(self) -> &'static str {
        match self {
            Self::Light => "Adwaita",
            Self::Dark => "Adwaita:dark",
        }
    }
}

impl Stage {
    /// A session with a display of the given size and an open keyring, and a server with athlete demo/demo.
    pub async fn set(display: (u32, u32)) -> Self {
        Self::set_with(display, &["--dev"]).await
    }

    /// The same with other arguments for the server.
    pub async fn set_with(display: (u32, u32), server: &[&str]) -> Self {
        let options = SessionOptions {
            display: Some(display),
            keyring: Keyring::Unlocked,
        };
        let session = DesktopSession::start(options).await.unwrap();
        let data = session.folder().join("server");
        std::fs::create_dir_all(&data).unwrap();
        let server = ServerProcess::start(&data, None, server).await.unwrap();
        let home = session.folder().join("profile");
        Self {
            session,
            server,
            look: Look::Light,
            home,
        }
    }

    /// The profile folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Opens the app and waits until its first view is painted.
    pub async fn open(&self) -> Window {
        self.open_on(&self.home).await
    }

    /// The same on another profile folder.
    pub async fn open_on(&self, home: &Path) -> Window {
        let window = self.start_on(home).await;
        window.find("body[data-ready='true']").await.unwrap();
        window
    }

    /// Opens the app.
    pub async fn start(&self) -> Window {
        self.start_on(&self.home).await
    }

    async fn start_on(&self, home: &Path) -> Window {
        let app = programs::desktop_app().unwrap();
        let home = home.display().to_string();
        let env = [
            ("FREEWHEEL_HOME", home.as_str()),
            ("FREEWHEEL_SERVER", self.server.url()),
            ("GTK_THEME", self.look.theme()),
        ];
        Window::open(&self.session, &app, &env).await.unwrap()
    }

    /// Signs in as an athlete does: in the app, then on the page in the browser.
    pub async fn sign_in(&self, window: &Window) {
        go(window, "account").await;
        window.click("[data-test='sign-in']").await.unwrap();
        let url = self.session.opened_url(SOON).await.unwrap();
        let browser = Browser::open(&self.session).await.unwrap();
        browser.goto(&url).await.unwrap();
        let fields = [
            ("input[name='username']", "demo"),
            ("input[name='password']", "demo"),
        ];
        browser.fill_in(&fields).await.unwrap();
        browser.click("#sign-in").await.unwrap();
        browser.click("#allow").await.unwrap();
        browser
            .wait_for_text("h1", "You are signed in", SOON)
            .await
            .unwrap();
        drop(browser);
        window.find("[data-test='sign-out']").await.unwrap();
    }

    /// The rides that the server's database holds: id and digest.
    pub fn server_rides(&self) -> Vec<(String, String)> {
        let path = self.server.data().join("server.db");
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(path, flags).unwrap();
        let mut rows = database
            .prepare("SELECT id, digest FROM ride ORDER BY number")
            .unwrap();
        let rows = rows
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// Changes the server's database beside the running server, as its operator's commands do. Returns how many rows.
    pub fn operator(&self, sql: &str) -> usize {
        let path = self.server.data().join("server.db");
        let database = rusqlite::Connection::open(path).unwrap();
        database.busy_timeout(SOON).unwrap();
        database.execute(sql, []).unwrap()
    }

    /// The operator closes the athlete's account.
    pub fn block_the_athlete(&self) {
        assert_eq!(self.operator("UPDATE athlete SET blocked = 1"), 1);
    }

    /// The operator ends every sign-in.
    pub fn end_every_sign_in(&self) {
        let ended = self.operator(
            "UPDATE token_family SET revoked_at = 1, revoked_because = 'asked' WHERE revoked_at IS NULL",
        );
        assert!(ended > 0, "there was one");
    }

    /// Runs `freewheel` on the profile, in the session.
    pub fn cli(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = self.session.command(programs::cli().unwrap());
        command.arg("--home").arg(&self.home).args(arguments);
        command.output().unwrap()
    }

    /// Imports a workout of the athlete's own: ten minutes, with a ramp.
    pub fn import_own(&self) {
        let file = self.session.folder().join("club-tuesday.zwo");
        std::fs::write(&file, OWN_WORKOUT).unwrap();
        let ran = self.cli(&["library", "import", &file.display().to_string()]);
        assert!(ran.status.success(), "{ran:?}");
    }

    /// The frozen FIT files in the profile folder.
    pub fn frozen_files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.home.join("rides")).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    /// Digests of the frozen FIT files in the profile folder, sorted.
    pub fn frozen_digests(&self) -> Vec<String> {
        let digest = |path| Sha256Digest::of(&std::fs::read(path).unwrap()).to_string();
        let mut digests: Vec<_> = self.frozen_files().into_iter().map(digest).collect();
        digests.sort();
        digests
    }
}

/// Garmin's own decoder reads the files whole and without errors, and finds a record for each second.
pub fn garmin_reads(files: &[PathBuf]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/tools/python/bin/python");
    let python = std::env::var_os("FREEWHEEL_PYTHON").map_or(python, PathBuf::from);
    let mut check = std::process::Command::new(&python);
    check
        .arg(root.join("crates/ride/tests/fit_check.py"))
        .args(files);
    let output = check.output().unwrap_or_else(|error| {
        panic!("{}: {error}: run `cargo xtask setup`", python.display());
    });
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let reports: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(reports.len(), files.len());
    for report in reports {
        assert_eq!(report["integrity"], true, "{report}");
        assert_eq!(report["errors"], serde_json::json!([]), "{report}");
        let seconds = report["session"]["total_timer_time"].as_f64().unwrap();
        assert_eq!(
            report["counts"]["record"].as_f64(),
            Some(seconds),
            "{report}"
        );
    }
}

/// A bound for what shows with the clock: the view is composed at least once a minute.
pub const WITHIN_A_MINUTE: Duration = Duration::from_secs(60 + SOON.as_secs());

/// Where the session's words stand.
pub const SESSION: &str = "[data-test='session']";

/// Waits until the strip tells a state of the session.
pub async fn wait_for_session(page: &Page, state: &str, bound: Duration) {
    wait_for_attr(page, SESSION, "data-state", state, bound).await;
}

/// Rides what is ready for some seconds, finishes, and goes to the history.
pub async fn ride_to_history(window: &Page, seconds: i64) {
    const RIDE: &str = "[data-test='ride']";
    wait_for_attr(window, RIDE, "data-state", "ready", SOON).await;
    window.keys(" ").await.unwrap();
    let bound = SOON + Duration::from_secs(seconds.unsigned_abs());
    wait_for_number(window, RIDE, "data-durable", seconds, bound).await;
    window.keys("f").await.unwrap();
    window.click("[data-test='finish']").await.unwrap();
    window.find("[data-test='saved']").await.unwrap();
    window.click("[data-test='to-history']").await.unwrap();
    window.find("[data-test='ride-row']").await.unwrap();
}

/// Goes to a screen by its link.
pub async fn go(page: &Page, screen: &str) {
    page.click(&format!("[data-nav='{screen}']")).await.unwrap();
}

/// An attribute as a number; 0 when it is empty.
pub async fn number(page: &Page, css: &str, attribute: &str) -> Result<i64, LabError> {
    let text = page.attr(css, attribute).await?.unwrap_or_default();
    Ok(text.parse().unwrap_or(0))
}

/// Waits until an attribute has a value.
pub async fn wait_for_attr(page: &Page, css: &str, attribute: &str, value: &str, bound: Duration) {
    let what = format!("{attribute}={value} on {css}");
    let seen = page.wait_for(&what, bound, async |page: &Page| {
        let found = page.attr(css, attribute).await?;
        Ok(if found.as_deref() == Some(value) {
            Seen::Yes(())
        } else {
            Seen::NotYet(found)
        })
    });
    seen.await.unwrap();
}

/// Waits until an attribute has at least a value, and returns what it has.
pub async fn wait_for_number(
    page: &Page,
    css: &str,
    attribute: &str,
    at_least: i64,
    bound: Duration,
) -> i64 {
    let what = format!("{attribute} of at least {at_least} on {css}");
    let seen = page.wait_for(&what, bound, async |page: &Page| {
        let found = number(page, css, attribute).await?;
        Ok(if found >= at_least {
            Seen::Yes(found)
        } else {
            Seen::NotYet(Some(found.to_string()))
        })
    });
    seen.await.unwrap()
}
