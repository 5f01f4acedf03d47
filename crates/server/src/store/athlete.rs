//! Table `athlete`: who may sign in.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::token_family::{self, Revocation};
use super::{Store, StoreError, feed, outside_identity};
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

    /// Gives an athlete a new password, and ends all their sign-ins. How many computers that signs out.
    ///
    /// # Errors
    /// [`StoreError::Password`], or the database's.
    pub fn set_password(
        &self,
        id: &AthleteId,
        password: &str,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let password_hash = password::hash(password)?;
        self.write(|tx| {
            tx.execute(
                "UPDATE athlete SET password_hash = ?2 WHERE id = ?1",
                (id.as_str(), &password_hash),
            )?;
            end_sign_ins(tx, id, Revocation::PasswordChanged, now)
        })
    }

    /// Ends all sign-ins of an athlete. How many computers that signs out.
    ///
    /// # Errors
    /// The database's.
    pub fn sign_out_everywhere(&self, id: &AthleteId, now: Timestamp) -> Result<usize, StoreError> {
        self.write(|tx| end_sign_ins(tx, id, Revocation::Everywhere, now))
    }

    /// The athlete whom an operator means by `name`: the name to sign in with, or what another issuer calls them.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAthlete`], or the database's.
    pub fn athlete_meant_by(&self, name: &str) -> Result<Athlete, StoreError> {
        self.read(|db| {
            let found = match named(db, name)? {
                Some(athlete) => Some(athlete),
                None => match outside_identity::only_one_called(db, name)? {
                    Some(id) => by_id(db, &id)?,
                    None => None,
                },
            };
            found.ok_or_else(|| StoreError::NoSuchAthlete(name.to_owned()))
        })
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

/// An athlete who signs in elsewhere: no password fits, and their id is also their name to sign in with.
pub(crate) fn insert_outside(
    tx: &Transaction<'_>,
    profile: &Profile,
    now: Timestamp,
) -> Result<Athlete, StoreError> {
    let id = AthleteId(random::id()?);
    tx.execute(
        "INSERT INTO athlete (id, username, name, password_hash, created_at)
         VALUES (?1, ?1, ?2, '', ?3)",
        (id.as_str(), &profile.name, now.to_string()),
    )?;
    feed::put_profile(tx, &id, profile)?;
    Ok(Athlete {
        username: id.as_str().to_owned(),
        id,
        name: profile.name.clone(),
        blocked: false,
        password_hash: String::new(),
    })
}

/// Ends everything that a password has opened: sessions, and what has not become a session yet.
fn end_sign_ins(
    tx: &Transaction<'_>,
    id: &AthleteId,
    because: Revocation,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let ended = token_family::revoke_all(tx, id, because, now.as_second())?;
    for unfinished in [
        "DELETE FROM sign_in WHERE athlete_id = ?1",
        "DELETE FROM authorization_code WHERE athlete_id = ?1 AND family_id IS NULL",
        "DELETE FROM device_grant WHERE athlete_id = ?1 AND family_id IS NULL",
    ] {
        tx.execute(unfinished, [id.as_str()])?;
    }
    Ok(ended)
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
