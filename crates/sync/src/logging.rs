//! The program's own log: events with fields, as JSON lines in `logs/`, one file a day, the last seven kept.
//!
//! Secrets cannot reach it: their types have no `Debug` that reveals and no `Serialize`.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Days of log that are kept.
const KEPT_FILES: usize = 7;
/// What is logged unless `FREEWHEEL_LOG` says otherwise.
const DEFAULT_FILTER: &str =
    "warn,freewheel=info,freewheel_sync=info,freewheel_ride=info,freewheel_desktop=info";

/// Keeps the log's writer alive; dropping it writes out what is left.
#[must_use]
pub struct LogGuard(#[expect(dead_code, reason = "held for its drop")] Option<WorkerGuard>);

/// Starts logging into `folder` (and to standard error when `FREEWHEEL_LOG` is set). A folder that cannot be
/// written leaves the program without a log and running. Called a second time it changes nothing.
pub fn start(folder: &Path) -> LogGuard {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("freewheel")
        .filename_suffix("jsonl")
        .max_log_files(KEPT_FILES)
        .build(folder);
    let (file, guard) = match file {
        Ok(file) => {
            let (writer, guard) = tracing_appender::non_blocking(file);
            let layer = tracing_subscriber::fmt::layer().json().with_writer(writer);
            (Some(layer), Some(guard))
        }
        Err(_) => (None, None),
    };
    let wanted = std::env::var("FREEWHEEL_LOG").ok();
    let console = wanted.is_some().then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .compact()
    });
    let filter = EnvFilter::new(wanted.as_deref().unwrap_or(DEFAULT_FILTER));
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(file)
        .with(console);
    // Fails only when a log is already running, in a test that opens two engines.
    let started = registry.try_init().is_ok();
    LogGuard(guard.filter(|_| started))
}
