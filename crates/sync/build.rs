//! Records which commit the program is built from, and when.
//!
//! `FREEWHEEL_COMMIT` and `SOURCE_DATE_EPOCH` (reproducible-builds.org) take precedence, for builds from a tarball.

use std::path::Path;
use std::process::Command;

fn main() {
    let commit = std::env::var("FREEWHEEL_COMMIT").ok().or_else(commit);
    let commit = commit.unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=FREEWHEEL_COMMIT={commit}");
    println!("cargo::rustc-env=FREEWHEEL_BUILT={}", built());
    println!("cargo::rerun-if-env-changed=FREEWHEEL_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn commit() -> Option<String> {
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        commit
    } else {
        format!("{commit}-modified")
    })
}

fn built() -> String {
    let epoch = std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|text| text.parse().ok());
    let time = epoch.and_then(|epoch| jiff::Timestamp::from_second(epoch).ok());
    #[allow(
        clippy::disallowed_methods,
        reason = "the date of a build is the date of the build machine"
    )]
    let time = time.unwrap_or_else(jiff::Timestamp::now);
    time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
