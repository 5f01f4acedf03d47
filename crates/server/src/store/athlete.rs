//! Table `athlete`: who may sign in.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::{Store, StoreError, feed};
use crate::{password, random};
use freewheel_protocol::Profile;

pub(super) const SCHEMA: &str = "
CREATE TABLE athlete (
    id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
    created_at TEXT NOT NULL
) STRICT;
";

const COLUMNS: &str = "id, username, name, password_hash, blocked";

/// An athlete's stable id: the `sub` of their tokens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AthleteId(pub(crate) String);

impl AthleteId {
    /// The id as it stands in the database and in tokens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An athlete as stored.
#[derive(Clone)]
pub struct Athlete {
    /// The stable id.
    pub id: AthleteId,
    /// The name to sign in with, in lower case.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// Whether the account is closed to its owner.
    pub blocked: bool,
    pub(crate) password_hash: String,
}

/// An athlete to add.
pub struct NewAthlete<'a> {
    /// The name to sign in with; case does not matter.
    pub username: &'a str,
    /// The password in clear; only its Argon2id hash is kept.
    pub password: &'a str,
    /// What the app shows and rides by.
    pub profile: Profile,
}

impl Store {
    /// Adds an athlete with their profile.
    ///
    /// # Errors
    /// [`StoreError::UsernameTaken`], or the database's.
    pub fn add_athlete(
        &self,
        new: &NewAthlete<'_>,
        now: Timestamp,
    ) -> Result<AthleteId, StoreError> {
        let password_hash = password::hash(new.password)?;
        self.write(|tx| insert(tx, new, &password_hash, now))
    }

    /// The athlete who signs in with `username`.
    ///
    /// # Errors
    /// The database's.
    pub fn athlete_named(&self, username: &str) -> Result<Option<Athlete>, StoreError> {
        self.read(|db| named(db, username))
    }

    /// The athlete with this id.
    ///
    /// # Errors
    /// The database's.
    pub fn athlete(&self, id: &AthleteId) -> Result<Option<Athlete>, StoreError> {
        self.read(|db| by_id(db, id))
    }

    /// Closes the account to its owner, or opens it again. Nothing of theirs is deleted.
    ///
    /// # Errors
    /// The database's.
    pub fn set_blocked(&self, id: &AthleteId, blocked: bool) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE athlete SET blocked = ?2 WHERE id = ?1",
                (id.as_str(), blocked),
            )?;
            Ok(())
        })
    }
}

fn insert(
    tx: &Transaction<'_>,
    new: &NewAthlete<'_>,
    password_hash: &str,
    now: Timestamp,
) -> Result<AthleteId, StoreError> {
    if named(tx, new.username)?.is_some() {
        return Err(StoreError::UsernameTaken(normal(new.username)));
    }
    let id = AthleteId(random::id()?);
    tx.execute(
        "INSERT INTO athlete (id, username, name, password_hash, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            id.as_str(),
            normal(new.username),
            &new.profile.name,
            password_hash,
            now.to_string(),
        ),
    )?;
    feed::put_profile(tx, &id, &new.profile)?;
    Ok(id)
}

pub(crate) fn by_id(db: &Connection, id: &AthleteId) -> Result<Option<Athlete>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM athlete WHERE id = ?1");
    Ok(db.query_row(&sql, [id.as_str()], from_row).optional()?)
}

pub(crate) fn count(db: &Connection) -> Result<i64, StoreError> {
    Ok(db.query_row("SELECT count(*) FROM athlete", [], |row| row.get(0))?)
}

fn named(db: &Connection, username: &str) -> Result<Option<Athlete>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM athlete WHERE username = ?1");
    Ok(db
        .query_row(&sql, [normal(username)], from_row)
        .optional()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Athlete> {
    Ok(Athlete {
        id: AthleteId(row.get("id")?),
        username: row.get("username")?,
        name: row.get("name")?,
        blocked: row.get("blocked")?,
        password_hash: row.get("password_hash")?,
    })
}

/// The spelling under which a name is kept and looked for.
pub(crate) fn normal(username: &str) -> String {
    username.trim().to_lowercase()
}
