//! How the service is: for machines in the Statuspage v2 shape, for people as a page, for probes.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use freewheel_protocol::status::{
    ComponentStatus, Indicator, OverallStatus, StatusComponent, StatusPage, StatusSummary,
};
use serde::Serialize;

use crate::page::{self, Page};
use crate::server::Server;

pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route("/api/v2/summary.json", get(summary))
        .route("/api/v2/status.json", get(status))
        .route("/status", get(people))
        .route("/healthz", get(health))
}

/// `status.json`: the summary without its lists.
#[derive(Serialize)]
struct Overall {
    page: StatusPage,
    status: OverallStatus,
}

async fn summary(State(server): State<Server>) -> Json<StatusSummary> {
    Json(look(&server).await)
}

async fn status(State(server): State<Server>) -> Json<Overall> {
    let StatusSummary { page, status, .. } = look(&server).await;
    Json(Overall { page, status })
}

async fn health(State(server): State<Server>) -> Response {
    match server.blocking(|store| store.check()).await {
        Ok(()) => "ok\n".into_response(),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        )
            .into_response(),
    }
}

async fn people(State(server): State<Server>) -> Page {
    let summary = look(&server).await;
    let rows: String = summary
        .components
        .iter()
        .map(|part| {
            format!(
                "<li><span>{}</span><span class=\"state {}\">{}</span></li>",
                page::escape(&part.name),
                part.status,
                words(&part.status)
            )
        })
        .collect();
    let body = format!(
        "<h1>{}</h1><ul class=\"parts\">{rows}</ul><p class=\"quiet\">Freewheel service · {}</p>",
        page::escape(&summary.status.description),
        server.clock().now().strftime("%Y-%m-%d %H:%M UTC")
    );
    Page::new("Service status", body)
}

fn words(status: &ComponentStatus) -> &str {
    match status {
        ComponentStatus::Operational => "Works",
        ComponentStatus::DegradedPerformance => "Slow",
        ComponentStatus::PartialOutage => "Partly down",
        ComponentStatus::MajorOutage => "Down",
        ComponentStatus::UnderMaintenance => "Being looked after",
        ComponentStatus::Other(text) => text,
    }
}

async fn look(server: &Server) -> StatusSummary {
    let works = server.blocking(|store| store.check()).await.is_ok();
    summarise(works, &server.options().public_url, server.clock().now())
}

/// All three parts stand on one database: they work together or not at all.
fn summarise(works: bool, public_url: &str, now: jiff::Timestamp) -> StatusSummary {
    let (state, indicator, description) = if works {
        (
            ComponentStatus::Operational,
            Indicator::None,
            "All systems operational",
        )
    } else {
        (
            ComponentStatus::MajorOutage,
            Indicator::Critical,
            "The database does not answer",
        )
    };
    let part = |id: &str, name: &str| StatusComponent {
        id: id.to_owned(),
        name: name.to_owned(),
        status: state.clone(),
    };
    StatusSummary {
        page: StatusPage {
            id: "freewheel".to_owned(),
            name: "Freewheel".to_owned(),
            url: format!("{public_url}/status"),
            updated_at: now.to_string(),
        },
        status: OverallStatus {
            indicator,
            description: description.to_owned(),
        },
        components: vec![
            part("sign-in", "Sign-in"),
            part("library", "Workout library and plan"),
            part("rides", "Ride uploads"),
        ],
        incidents: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_works() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        for (works, indicator) in [(true, "none"), (false, "critical")] {
            let summary = summarise(works, "http://127.0.0.1:1", now);
            assert_eq!(summary.status.indicator.as_str(), indicator);
            assert_eq!(summary.components.len(), 3);
            let operational = summary
                .components
                .iter()
                .all(|part| part.status == ComponentStatus::Operational);
            assert_eq!(operational, works);
        }
    }
}
