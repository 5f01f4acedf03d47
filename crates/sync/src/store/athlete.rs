//! `athlete.db`: the precious database.

use rusqlite_migration::M;

use super::database::{Database, Durability, precious};
use super::error::StoreError;
use super::{
    auth_journal, budget, lane, outbox, own_workout, ride, ride_event, ride_sample, session,
};
use crate::home::Home;

/// In the order in which they came; only ever appended to. The format's number is the length of the list.
pub(super) const MIGRATIONS: &[M<'static>] = &[
    M::up(session::CREATE),
    M::up(auth_journal::CREATE),
    M::up(lane::CREATE),
    M::up(budget::CREATE),
    M::up(ride::CREATE),
    M::up(ride_sample::CREATE),
    M::up(ride_event::CREATE),
    M::up(outbox::CREATE),
    M::up(own_workout::CREATE),
];

pub(super) fn open(home: &Home) -> Result<Database, StoreError> {
    let path = home.athlete_db();
    Database::open(path.clone(), Durability::PowerCut, MIGRATIONS)
        .map_err(|error| precious(&path, error))
}
