//! `athlete.db`: the precious database.

use rusqlite_migration::M;

use super::database::{Database, precious};
use super::error::StoreError;
use super::reserve::Reserve;
use super::{
    auth_journal, budget, lane, outbox, own_workout, profile_name, revocation, ride, ride_event,
    ride_sample, salvage, session,
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
    M::up(session::ADD_VOUCHER),
    M::up(revocation::CREATE),
    M::up(session::ADD_OWNER),
    M::up(session::ADD_KEY_PLACE),
    M::up(profile_name::CREATE),
];

pub(super) fn open(home: &Home) -> Result<Database, StoreError> {
    let reserve = Reserve::of(home);
    let opened = match salvage::open(home) {
        Err(error) if reserve.relieves(&error) => salvage::open(home),
        other => other,
    };
    opened
        .map(|database| database.with_reserve(reserve))
        .map_err(|error| precious(&home.athlete_db(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::Durability;
    use crate::store::database::schema_tests::upgrades_end_where_a_fresh_start_begins;

    #[test]
    fn every_older_format_becomes_the_newest() {
        upgrades_end_where_a_fresh_start_begins(MIGRATIONS, Durability::PowerCut);
    }
}
