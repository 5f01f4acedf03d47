//! The system packages of Debian and Ubuntu, each with its reason; installed only when missing.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::step::{self, Failure, Outcome};

/// What the machine is being prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To build the programs and open the app.
    Run,
    /// The same, and to run every test.
    Test,
}

struct Package {
    name: &'static str,
    reason: &'static str,
    purpose: Purpose,
}

const fn to_run(name: &'static str, reason: &'static str) -> Package {
    Package {
        name,
        reason,
        purpose: Purpose::Run,
    }
}

const fn to_test(name: &'static str, reason: &'static str) -> Package {
    Package {
        name,
        reason,
        purpose: Purpose::Test,
    }
}

const PACKAGES: &[Package] = &[
    to_run(
        "build-essential",
        "C compiler and linker: SQLite and the cryptography are built from source",
    ),
    to_run(
        "pkg-config",
        "tells the build where the system's libraries are",
    ),
    to_run("file", "names file types for the desktop bundle"),
    to_run(
        "libwebkit2gtk-4.1-dev",
        "the web view that shows the window",
    ),
    to_run("libayatana-appindicator3-dev", "the tray icon"),
    to_run("librsvg2-dev", "draws the desktop's icons"),
    to_run(
        "libxdo-dev",
        "keyboard commands in the window's menus under X11",
    ),
    to_run(
        "libdbus-1-dev",
        "talks to the desktop: keyring, notifications",
    ),
    to_run("xdg-utils", "opens the sign-in page in your browser"),
    to_run(
        "ca-certificates",
        "the certificate authorities that encrypted connections are checked against",
    ),
    to_run(
        "procps",
        "its `kill` asks programs to end; small images lack it",
    ),
    to_test(
        "webkit2gtk-driver",
        "lets a test press the buttons of the real window",
    ),
    to_test("xvfb", "a screen of its own for the window tests"),
    to_test("xauth", "keeps that screen private"),
    to_test(
        "iproute2",
        "takes a network link of a test's own down and up again",
    ),
    to_test("dbus", "a desktop session of its own for the tests"),
    to_test("dbus-x11", "starts that session"),
    to_test(
        "gnome-keyring",
        "a real keyring for the tests, apart from yours",
    ),
    to_test(
        "strace",
        "sees every write and sync of the app, for power cuts at each",
    ),
    to_test(
        "python3",
        "runs Garmin's decoder over the FIT files that rides produce",
    ),
    to_test("python3-venv", "keeps that decoder under the target folder"),
];

/// Installs what is missing for `purpose`. On a system without apt it says what is needed, and
/// goes on.
///
/// # Errors
/// When packages are missing and cannot be installed.
pub fn install(purpose: Purpose) -> Outcome {
    println!("\n==> System packages");
    let wanted: Vec<&Package> = PACKAGES
        .iter()
        .filter(|package| purpose == Purpose::Test || package.purpose == Purpose::Run)
        .collect();
    if !is_debian_like(&std::fs::read_to_string("/etc/os-release").unwrap_or_default()) {
        println!("    not Debian or Ubuntu: please see to these yourself (Debian's names):");
        describe(&wanted);
        println!("    other systems' names: https://v2.tauri.app/start/prerequisites/");
        return Ok(());
    }
    let installed = installed(&wanted)?;
    let missing: Vec<&Package> = wanted
        .iter()
        .copied()
        .filter(|package| !installed.contains(package.name))
        .collect();
    if missing.is_empty() {
        println!("    all {} are installed", wanted.len());
        return Ok(());
    }
    println!("    to install:");
    describe(&missing);
    apt(&missing)
}

fn describe(packages: &[&Package]) {
    for package in packages {
        println!("      {:<30} {}", package.name, package.reason);
    }
}

fn installed(wanted: &[&Package]) -> Outcome<BTreeSet<String>> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${Package} ${db:Status-Status}\n"]);
    query.args(wanted.iter().map(|package| package.name));
    // It ends with 1 when it does not know one of the names, and still lists the others.
    let output = query
        .stderr(Stdio::null())
        .output()
        .map_err(|error| Failure::of(&step::line(&query), error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(installed_names(&text))
}

fn installed_names(listing: &str) -> BTreeSet<String> {
    listing
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .map(str::to_owned)
        .collect()
}

fn apt(missing: &[&Package]) -> Outcome {
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let by_hand = format!("apt-get install --yes {}", names.join(" "));
    let rights = Rights::found().ok_or_else(|| {
        Failure::of(&by_hand, "it needs root, and there is no sudo here")
            .remedy("have an administrator run that command, then start this one again")
    })?;
    if let Err(failure) = step::run("Package lists", &mut rights.apt_get(&["update"]), "") {
        println!("{failure}\n    going on with the lists that are there");
    }
    let mut install = rights.apt_get(&["install", "--yes", "--no-install-recommends"]);
    install.args(&names);
    let remedy = "see apt's words above; is the network there, and is no other apt running?";
    step::run("Install system packages", &mut install, remedy).map(|_| ())
}

/// How this user may install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    Root,
    Sudo,
}

impl Rights {
    fn found() -> Option<Self> {
        let says = |program: &str, argument: &str| {
            Command::new(program)
                .arg(argument)
                .stderr(Stdio::null())
                .output()
                .ok()
        };
        let root = says("id", "-u").is_some_and(|output| output.stdout.trim_ascii() == b"0");
        if root {
            return Some(Self::Root);
        }
        let sudo = says("sudo", "--version").is_some_and(|output| output.status.success());
        sudo.then_some(Self::Sudo)
    }

    fn apt_get(self, arguments: &[&str]) -> Command {
        let mut command = match self {
            Self::Root => Command::new("env"),
            Self::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.arg("env");
                sudo
            }
        };
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
            // A machine that has just started often updates itself: its lock is waited for.
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(arguments);
        command
    }
}

fn is_debian_like(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| matches!(id, "debian" | "ubuntu"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_children_are_known() {
        let cases = [
            ("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", true),
            ("ID=ubuntu\nID_LIKE=debian\n", true),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", true),
            ("ID=fedora\n", false),
            ("NAME=debian\nID=arch\n", false),
            ("", false),
        ];
        for (os_release, expected) in cases {
            assert_eq!(is_debian_like(os_release), expected, "{os_release}");
        }
    }

    #[test]
    fn only_installed_packages_count() {
        let listing = "xvfb installed\nxauth not-installed\nfile config-files\ndbus installed\n";
        let names: Vec<String> = installed_names(listing).into_iter().collect();
        assert_eq!(names, ["dbus", "xvfb"]);
    }

    #[test]
    fn no_package_is_listed_twice() {
        let names: BTreeSet<&str> = PACKAGES.iter().map(|package| package.name).collect();
        assert_eq!(names.len(), PACKAGES.len());
    }
}
