//! What the two databases say, read beside the programs that own them.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::trouble::Trouble;

/// What the server's database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerBooks {
    /// All its rides.
    pub(super) rides: u32,
    /// Those with the id that was asked for.
    pub(super) with_id: u32,
    /// The digest of that one, as the server noted it.
    pub(super) digest: String,
    /// Its bytes.
    pub(super) fit: Vec<u8>,
}

/// Reads the server's database.
pub(super) fn server(database: &Path, ride: &str) -> Result<ServerBooks, Trouble> {
    let db = open(database)?;
    let with_id = db.query_row("SELECT count(*) FROM ride WHERE id = ?1", [ride], |row| {
        row.get(0)
    })?;
    let rides = db.query_row("SELECT count(*) FROM ride", [], |row| row.get(0))?;
    if with_id == 0 {
        return Err(Trouble::unlike(
            "the ride in the server's database",
            "to be there",
            format!("{rides} other rides"),
        ));
    }
    let row = "SELECT digest, fit FROM ride WHERE id = ?1";
    let (digest, fit) = db.query_row(row, [ride], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(ServerBooks {
        rides,
        with_id,
        digest,
        fit,
    })
}

/// How many rides the server has.
pub(super) fn rides_at_server(database: &Path) -> Result<u32, Trouble> {
    Ok(open(database)?.query_row("SELECT count(*) FROM ride", [], |row| row.get(0))?)
}

/// The one athlete of the server.
pub(super) fn athlete(database: &Path) -> Result<String, Trouble> {
    Ok(open(database)?.query_row("SELECT id FROM athlete", [], |row| row.get(0))?)
}

/// Seconds of a ride in the profile's journal.
pub(super) fn samples(database: &Path, ride: &str) -> Result<u32, Trouble> {
    let count = "SELECT count(*) FROM ride_sample JOIN ride ON ride.key = ride_sample.ride WHERE ride.id = ?1";
    Ok(open(database)?.query_row(count, [ride], |row| row.get(0))?)
}

/// How often the app has begun to send a ride.
pub(super) fn times_sent(database: &Path, ride: &str) -> Result<u32, Trouble> {
    Ok(
        open(database)?.query_row("SELECT claims FROM outbox WHERE id = ?1", [ride], |row| {
            row.get(0)
        })?,
    )
}

/// Puts the queue back to the moment when the server had the ride and its answer was under way: what a death of the
/// app at that moment leaves on disk.
pub(super) fn lose_the_answer(database: &Path, ride: &str) -> Result<(), Trouble> {
    let db = Connection::open(database)?;
    let changed = db.execute(
        "UPDATE outbox SET state = 'in_flight', receipt = NULL, delivered_at = NULL
         WHERE id = ?1 AND state = 'delivered'",
        [ride],
    )?;
    match changed {
        1 => Ok(()),
        _ => Err(Trouble::unlike(
            "the ride in the queue",
            "delivered",
            "another state",
        )),
    }
}

fn open(database: &Path) -> Result<Connection, Trouble> {
    Ok(Connection::open_with_flags(
        database,
        OpenFlags::SQLITE_OPEN_READ_ONLY,
    )?)
}
