//! `GET /v1/changes`: what is new since a cursor.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use freewheel_protocol::changes::MAX_PAGE;
use freewheel_protocol::{ChangesPage, ProblemCode};
use serde::Deserialize;

use super::bearer::Asker;
use super::cursor::Cursor;
use crate::problem::Failure;
use crate::server::Server;
use crate::store::{AthleteId, Store, StoreError, fact, feed};

const DEFAULT_PAGE: usize = 200;

/// The query of `GET /v1/changes`.
#[derive(Deserialize)]
pub(crate) struct ChangesQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

enum News {
    Page(ChangesPage),
    Nothing,
    Gone,
}

pub(crate) async fn changes(
    State(server): State<Server>,
    Asker(athlete): Asker,
    query: Result<Query<ChangesQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(query) = query?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let private = [(CACHE_CONTROL, "private, no-store")];
    match server
        .blocking(move |store| news(store, &athlete, query.cursor, limit))
        .await?
    {
        News::Page(page) => Ok((private, Json(page)).into_response()),
        News::Nothing => Ok((StatusCode::NOT_MODIFIED, private).into_response()),
        News::Gone => Err(Failure::new(
            ProblemCode::CursorGone,
            StatusCode::GONE,
            "This cursor cannot be continued",
        )
        .because("It is too old or not of this server. Start again without a cursor.")),
    }
}

fn news(
    store: &Store,
    athlete: &AthleteId,
    cursor: Option<String>,
    limit: usize,
) -> Result<News, StoreError> {
    store.read(|db| {
        let epoch = fact::feed_epoch(db)?;
        let head = feed::head(db)?;
        let asked_to_continue = cursor.is_some();
        let place = match cursor {
            None => Cursor::start(epoch, athlete, head),
            Some(text) => match Cursor::decode(&text) {
                Some(place) if place.is_good(&epoch, athlete, head, fact::feed_horizon(db)?) => {
                    place
                }
                Some(_) | None => return Ok(News::Gone),
            },
        };
        let mut changes = feed::after(db, athlete, place.position, limit + 1)?;
        if changes.is_empty() && asked_to_continue {
            return Ok(News::Nothing);
        }
        let more = changes.len() > limit;
        changes.truncate(limit);
        // At the end of the feed the reader has everything up to its head, others' changes included.
        let position = match changes.last() {
            Some(last) if more => last.revision,
            Some(_) | None => head,
        };
        let next_cursor = Cursor { position, ..place }.encode();
        Ok(News::Page(ChangesPage {
            changes,
            next_cursor,
            more,
        }))
    })
}
