//! `GET /metrics`: counters in the Prometheus text format.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::problem::Failure;
use crate::server::Server;
use crate::store::{athlete, ride};

pub(crate) fn routes() -> Router<Server> {
    Router::new().route("/metrics", get(metrics))
}

/// Answers since the start, by the first digit of their status.
#[derive(Default)]
pub(crate) struct Answers {
    by_class: [AtomicU64; 6],
}

impl Answers {
    pub(crate) fn count(&self, status: StatusCode) {
        if let Some(counter) = self.by_class.get(usize::from(status.as_u16() / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn metrics(State(server): State<Server>) -> Result<impl IntoResponse, Failure> {
    let counted =
        server.blocking(|store| store.read(|db| Ok((ride::count(db)?, athlete::count(db)?))));
    let (rides, athletes) = counted.await?;
    let text = write(server.answers(), rides, athletes);
    Ok((
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    ))
}

fn write(answers: &Answers, rides: i64, athletes: i64) -> String {
    let mut text = String::from(
        "# HELP freewheel_answers_total Answers since the start, by class of status.\n\
         # TYPE freewheel_answers_total counter\n",
    );
    for (class, counter) in answers.by_class.iter().enumerate().skip(1) {
        let count = counter.load(Ordering::Relaxed);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "freewheel_answers_total{{class=\"{class}xx\"}} {count}"
        );
    }
    let _ = write!(
        text,
        "# HELP freewheel_rides Rides in the database.\n\
         # TYPE freewheel_rides gauge\n\
         freewheel_rides {rides}\n\
         # HELP freewheel_athletes Athletes in the database.\n\
         # TYPE freewheel_athletes gauge\n\
         freewheel_athletes {athletes}\n"
    );
    text
}
