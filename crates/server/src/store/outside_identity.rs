//! Table `outside_identity`: athletes who sign in at an issuer that is not this server.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::{Athlete, AthleteId, Store, StoreError, athlete};
use freewheel_protocol::Profile;

pub(super) const SCHEMA: &str = "
CREATE TABLE outside_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL, -- unique and never given again within the issuer
    athlete_id TEXT NOT NULL UNIQUE REFERENCES athlete (id),
    PRIMARY KEY (issuer, subject)
) STRICT;
";

/// What an athlete of whom nothing is known rides by; the app lets them change it.
const FTP_WATTS: u16 = 200;

impl Store {
    /// The athlete whom `issuer` calls `subject`; makes them at first sight, with `name` to show.
    pub(crate) fn outside_athlete(
        &self,
        issuer: &str,
        subject: &str,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Athlete, StoreError> {
        let known = self.read(|db| find(db, issuer, subject))?;
        match known {
            Some(athlete) => Ok(athlete),
            None => self.write(|tx| make(tx, issuer, subject, name, now)),
        }
    }
}

/// The athlete whom some issuer calls `subject`, if only one does so.
pub(crate) fn only_one_called(
    db: &Connection,
    subject: &str,
) -> Result<Option<AthleteId>, StoreError> {
    let sql = "SELECT min(athlete_id) FROM outside_identity WHERE subject = ?1 HAVING count(*) = 1";
    let id: Option<String> = db.query_row(sql, [subject], |row| row.get(0)).optional()?;
    Ok(id.map(AthleteId))
}

fn make(
    tx: &Transaction<'_>,
    issuer: &str,
    subject: &str,
    name: Option<&str>,
    now: Timestamp,
) -> Result<Athlete, StoreError> {
    // Another request of the same athlete may have been faster.
    if let Some(athlete) = find(tx, issuer, subject)? {
        return Ok(athlete);
    }
    let profile = Profile {
        name: name.unwrap_or("Athlete").to_owned(),
        ftp_watts: FTP_WATTS,
        weight_kg: None,
        extra: serde_json::Map::new(),
    };
    let made = athlete::insert_outside(tx, &profile, now)?;
    tx.execute(
        "INSERT INTO outside_identity (issuer, subject, athlete_id) VALUES (?1, ?2, ?3)",
        (issuer, subject, made.id.as_str()),
    )?;
    Ok(made)
}

fn find(db: &Connection, issuer: &str, subject: &str) -> Result<Option<Athlete>, StoreError> {
    let sql = "SELECT athlete_id FROM outside_identity WHERE issuer = ?1 AND subject = ?2";
    let id: Option<String> = db
        .query_row(sql, (issuer, subject), |row| row.get(0))
        .optional()?;
    match id {
        Some(id) => athlete::by_id(db, &AthleteId(id)),
        None => Ok(None),
    }
}
