//! Rides as screens show them, and the frozen files.

use std::collections::BTreeMap;

use freewheel_policy::edit::{Field, Known};
use freewheel_ride::journal::RideSummary;
use rusqlite::{OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::edit_overlay::{Edits, field};
use super::outbox::EntryState;
use super::{Store, StoreError, values};
use crate::view::{Delivery, RideCard, UnfinishedRide};

impl Store {
    /// Finished rides of `account` and those that nobody was signed in for, the newest first.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn history(&self, account: Option<&str>) -> Result<Vec<RideCard>, StoreError> {
        let (details, edits) = (self.ride_details()?, self.edits_of(account, RIDE)?);
        let cards = self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT_CARD} WHERE ride.state = 'finished'
                     AND (ride.account IS NULL OR ride.account = :account)
                 ORDER BY ride.started_at DESC, ride.id DESC"
            ))?;
            let rows = statement.query_map(named_params! { ":account": account }, card_row)?;
            rows.map(|row| card(row?))
                .collect::<Result<Vec<_>, StoreError>>()
        })?;
        let cards = cards.into_iter();
        Ok(cards.map(|card| seen(card, &details, &edits).1).collect())
    }

    /// One finished ride, as in [`Store::history`].
    ///
    /// # Errors
    /// The database could not be read.
    pub fn ride(&self, account: Option<&str>, id: Uuid) -> Result<Option<RideCard>, StoreError> {
        Ok(self.ride_known(account, id)?.map(|(_, card)| card))
    }

    /// A finished ride's details as the service has them, and the ride as `account` sees it.
    pub(crate) fn ride_known(
        &self,
        account: Option<&str>,
        id: Uuid,
    ) -> Result<Option<(Known, RideCard)>, StoreError> {
        let (details, edits) = (self.ride_details()?, self.edits_of(account, RIDE)?);
        let card = self.athlete().read(|connection| {
            connection
                .prepare_cached(&format!(
                    "{SELECT_CARD} WHERE ride.state = 'finished' AND ride.id = :id
                         AND (ride.account IS NULL OR ride.account = :account)"
                ))?
                .query_row(
                    named_params! { ":id": id.to_string(), ":account": account },
                    card_row,
                )
                .optional()?
                .map(card)
                .transpose()
        })?;
        Ok(card.map(|card| seen(card, &details, &edits)))
    }

    /// The frozen FIT file of a ride of `account` or of nobody's.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn ride_fit(&self, account: Option<&str>, id: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        self.athlete().read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT fit FROM ride WHERE id = :id AND state = 'finished'
                         AND (account IS NULL OR account = :account)",
                )?
                .query_row(
                    named_params! { ":id": id.to_string(), ":account": account },
                    |row| row.get(0),
                )
                .optional()?)
        })
    }

    /// Rides of `account` or of nobody's that were begun and not finished, the newest first. The ride that is being
    /// ridden is among them.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn unfinished_rides(
        &self,
        account: Option<&str>,
    ) -> Result<Vec<UnfinishedRide>, StoreError> {
        self.athlete().read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name, started_at,
                     (SELECT coalesce(max(second) + 1, 0) FROM ride_sample WHERE ride = ride.key)
                 FROM ride
                 WHERE state = 'open' AND (account IS NULL OR account = :account)
                 ORDER BY started_at DESC, id DESC",
            )?;
            let rows = statement.query_map(named_params! { ":account": account }, |row| {
                Ok(UnfinishedRide {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    started_at: row.get(2)?,
                    seconds: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// The kind of target that rides are to edits.
const RIDE: &str = "ride";

/// A ride with what the athlete said about it, and what the service has of that. What it was called when it was recorded
/// counts as the service's title until another is known.
fn seen(card: RideCard, details: &BTreeMap<String, Known>, edits: &Edits) -> (Known, RideCard) {
    let mut known = details.get(&card.id).cloned().unwrap_or_default();
    known
        .fields
        .entry(Field::RideTitle)
        .or_insert_with(|| card.name.clone());
    let seen = edits.over(&card.id, &known);
    let rpe = field(&seen.view, Field::RideRpe);
    let card = RideCard {
        name: field(&seen.view, Field::RideTitle).unwrap_or(card.name),
        note: field(&seen.view, Field::RideNote),
        rpe: rpe.and_then(|rpe| rpe.parse().ok()),
        // What nobody owns goes nowhere and waits for nothing.
        edit: seen.mark.filter(|_| card.delivery != Delivery::LocalOnly),
        ..card
    };
    (known, card)
}

const SELECT_CARD: &str = "
SELECT ride.id, ride.account, ride.name, ride.started_at, ride.summary, ride.simulated, ride.digest,
    outbox.state, outbox.due, outbox.attempts, outbox.last_error, outbox.reason, outbox.delivered_at
FROM ride LEFT JOIN outbox ON outbox.id = ride.id AND outbox.account = ride.account";

struct CardRow {
    card: RideCardParts,
    summary: String,
    state: Option<String>,
    due: Option<i64>,
    attempts: u32,
    last_error: Option<String>,
    reason: Option<String>,
    delivered_at: Option<i64>,
}

struct RideCardParts {
    id: String,
    name: String,
    started_at: i64,
    simulated: bool,
    digest: String,
}

fn card_row(row: &Row<'_>) -> rusqlite::Result<CardRow> {
    Ok(CardRow {
        card: RideCardParts {
            id: row.get("id")?,
            name: row.get("name")?,
            started_at: row.get("started_at")?,
            simulated: row.get("simulated")?,
            digest: row.get("digest")?,
        },
        summary: row.get("summary")?,
        state: row.get("state")?,
        due: row.get("due")?,
        attempts: values::count(row, "attempts")?,
        last_error: row.get("last_error")?,
        reason: row.get("reason")?,
        delivered_at: row.get("delivered_at")?,
    })
}

fn card(row: CardRow) -> Result<RideCard, StoreError> {
    let summary: RideSummary = serde_json::from_str(&row.summary)?;
    let delivery = match row.state.as_deref().map(EntryState::parse).transpose()? {
        None => Delivery::LocalOnly,
        Some(EntryState::Waiting) => Delivery::Waiting {
            next_try: row.due.filter(|due| *due > 0),
            attempts: row.attempts,
            words: match row.last_error {
                Some(error) => format!("Waiting to upload · {error}"),
                None => "Waiting to upload".to_owned(),
            },
        },
        Some(EntryState::InFlight) => Delivery::Sending,
        Some(EntryState::Delivered) => Delivery::Delivered {
            at: row.delivered_at.unwrap_or_default(),
        },
        Some(EntryState::Parked) => Delivery::Parked {
            reason: row.reason.unwrap_or_default(),
        },
    };
    let RideCardParts {
        id,
        name,
        started_at,
        simulated,
        digest,
    } = row.card;
    Ok(RideCard {
        id,
        name,
        started_at,
        summary,
        simulated,
        digest,
        delivery,
        note: None,
        rpe: None,
        edit: None,
    })
}
