//! Table `sign_in`: requests of apps and devices that wait for the athlete in the browser.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use super::{AthleteId, StoreError};
use crate::random::TokenHash;

pub(super) const SCHEMA: &str = "
CREATE TABLE sign_in (
    key_hash TEXT NOT NULL PRIMARY KEY,
    athlete_id TEXT REFERENCES athlete (id), -- NULL until the password was right
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT,
    nonce TEXT,
    code_challenge TEXT NOT NULL,
    expires_at INTEGER NOT NULL -- Unix seconds
) STRICT;
";

/// Rows live ten minutes: those that are under way while the program is replaced begin again.
pub(super) const FOR_DEVICES: &str = "
DROP TABLE sign_in;
CREATE TABLE sign_in (
    key_hash TEXT NOT NULL PRIMARY KEY,
    athlete_id TEXT REFERENCES athlete (id), -- NULL until the password was right
    signed_in_at INTEGER, -- Unix seconds: when it was
    scope TEXT NOT NULL,
    redirect_uri TEXT, -- this and the next three: of an app in this browser's computer
    state TEXT,
    nonce TEXT,
    code_challenge TEXT,
    device_code_hash TEXT REFERENCES device_grant (device_code_hash) ON DELETE CASCADE, -- of a device
    expires_at INTEGER NOT NULL, -- Unix seconds
    CHECK ((athlete_id IS NULL) = (signed_in_at IS NULL)),
    CHECK ((redirect_uri IS NULL) = (code_challenge IS NULL)),
    CHECK ((redirect_uri IS NULL) <> (device_code_hash IS NULL))
) STRICT;
";

/// What was asked for, checked, and where the answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignIn {
    pub(crate) scope: String,
    pub(crate) way: Way,
}

/// Where the answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// Back to the app, by a redirect of this browser (RFC 8252).
    App(AppRequest),
    /// To a device that asks for it by its code (RFC 8628).
    Device {
        code: TokenHash,
        /// What the device shows, as it stands in the database.
        user_code: String,
    },
}

/// What an app sent with its authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppRequest {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: String,
}

/// Who proved to be who, and when (Unix seconds).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) athlete: AthleteId,
    pub(crate) at: i64,
}

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) request: SignIn,
    pub(crate) proof: Option<Proof>,
}

/// Keeps `pending` under `key` until `expires_at`, and forgets those whose time is over.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    key: &TokenHash,
    pending: &Pending,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sign_in WHERE expires_at <= ?1", [now])?;
    let (app, device) = match &pending.request.way {
        Way::App(app) => (Some(app), None),
        Way::Device { code, .. } => (None, Some(code.as_str())),
    };
    tx.execute(
        "INSERT INTO sign_in
            (key_hash, athlete_id, signed_in_at, scope, redirect_uri, state, nonce, code_challenge,
             device_code_hash, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            key.as_str(),
            pending.proof.as_ref().map(|proof| proof.athlete.as_str()),
            pending.proof.as_ref().map(|proof| proof.at),
            &pending.request.scope,
            app.map(|app| &app.redirect_uri),
            app.and_then(|app| app.state.as_ref()),
            app.and_then(|app| app.nonce.as_ref()),
            app.map(|app| &app.code_challenge),
            device,
            expires_at,
        ),
    )?;
    Ok(())
}

/// The sign-in under `key`, unless its time is over.
pub(crate) fn find(
    db: &Connection,
    key: &TokenHash,
    now: i64,
) -> Result<Option<Pending>, StoreError> {
    let sql = "SELECT s.athlete_id, s.signed_in_at, s.scope, s.redirect_uri, s.state, s.nonce,
                      s.code_challenge, s.device_code_hash, d.user_code
               FROM sign_in AS s LEFT JOIN device_grant AS d USING (device_code_hash)
               WHERE s.key_hash = ?1 AND s.expires_at > ?2";
    let found = db
        .query_row(sql, (key.as_str(), now), |row| Ok(from_row(row)))
        .optional()?;
    found.transpose()
}

/// Takes the sign-in under `key` away; a key works once.
pub(crate) fn take(
    tx: &Transaction<'_>,
    key: &TokenHash,
    now: i64,
) -> Result<Option<Pending>, StoreError> {
    let pending = find(tx, key, now)?;
    tx.execute("DELETE FROM sign_in WHERE key_hash = ?1", [key.as_str()])?;
    Ok(pending)
}

fn from_row(row: &Row<'_>) -> Result<Pending, StoreError> {
    let athlete = row.get::<_, Option<String>>("athlete_id")?.map(AthleteId);
    let at = row.get::<_, Option<i64>>("signed_in_at")?;
    let device: Option<String> = row.get("device_code_hash")?;
    let way = match device {
        Some(hash) => Way::Device {
            code: TokenHash::stored(hash),
            user_code: row.get("user_code")?,
        },
        None => Way::App(AppRequest {
            redirect_uri: row.get("redirect_uri")?,
            state: row.get("state")?,
            nonce: row.get("nonce")?,
            code_challenge: row.get("code_challenge")?,
        }),
    };
    Ok(Pending {
        request: SignIn {
            scope: row.get("scope")?,
            way,
        },
        proof: athlete.zip(at).map(|(athlete, at)| Proof { athlete, at }),
    })
}
