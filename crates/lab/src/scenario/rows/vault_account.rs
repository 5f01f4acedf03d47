//! Rows 49 to 51: profiles and keys that do not come as a pair from this version, this athlete, this computer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use freewheel_sync::Mode;
use freewheel_sync::vault::{Vault, VaultKey, VaultOptions, account_entry};
use freewheel_sync::view::SyncView;
use rusqlite::{Connection, named_params};
use serde_json::Value;

use super::vault::{credential_is_lost, own_keyring};
use super::vault_kept::kept;
use crate::LabError;
use crate::rig::{PATIENCE, Rig, soon};
use crate::scenario::play::{Play, play};
use crate::scenario::{Ask, Findings, Stage, TOKEN};
use crate::site::{Canned, Way};

/// A profile of the first version that could sign in, and the address of its server.
const FIRST_FORMAT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/scenarios/49-first-format.sql"
));
const FIRST_ADDRESS: &str = "http://127.0.0.1:18787";

pub(super) fn rows() -> Result<Vec<Play>, LabError> {
    Ok(vec![
        play!("49-old-profile", first_format)?.look(everything_is_renewed),
        play!("50-two-athletes", two_athletes)?
            .computer(own_keyring)
            .look(each_has_an_own_entry),
        play!("51-profile-without-key", another_computer)?
            .computer(own_keyring)
            .look(credential_is_lost),
    ])
}

/// What the profile was before it became an old one.
struct Newest {
    format: i64,
    schema: Vec<String>,
}

/// What the old profile's tokens are sealed for.
struct Owner {
    issuer: String,
    subject: String,
    generation: u64,
    sealed: Vec<u8>,
}

/// The profile becomes what the first version would have made of this sign-in and of this ride.
async fn first_format(stage: &mut Stage) -> Result<(), LabError> {
    let path = stage.rig.home()?.athlete_db();
    let newest = stage.rig.database()?;
    let (format, schema) = (format(&newest)?, schema(&newest)?);
    let owner = owner(&newest)?;
    newest.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(newest);
    let aside = path.with_extension("newest");
    std::fs::rename(&path, &aside).map_err(LabError::io("setting the profile aside"))?;
    let old = Connection::open(&path)?;
    old.execute_batch(&FIRST_FORMAT.replace(FIRST_ADDRESS, &owner.issuer))?;
    let aside = aside.display().to_string();
    old.execute("ATTACH :aside AS newest", named_params! { ":aside": aside })?;
    for table in ["ride", "ride_sample", "ride_event", "outbox"] {
        take_over(&old, table)?;
    }
    let key = key(stage, &owner).await?;
    sign_in(&old, &owner, &sealed_as_then(&key, &owner)?)?;
    stage.keep(Newest { format, schema });
    Ok(())
}

/// The same number of the format and the same tables as a fresh profile, tokens that say that the grace is vouched for,
/// and what vouches for it.
async fn everything_is_renewed(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let database = stage.rig.database()?;
    let newest: &Newest = stage.kept()?;
    findings.same("format", &newest.format, &format(&database)?);
    findings.same("tables", &newest.schema, &schema(&database)?);
    let owner = owner(&database)?;
    let plain = opened(&key(stage, &owner).await?, &owner)?;
    let vouched = plain.get("vouched").and_then(Value::as_bool);
    findings.same("tokens sealed in today's form", &Some(true), &vouched);
    let sql = "SELECT vouched IS NOT NULL AND vouched_mac IS NOT NULL AND NOT keyless FROM session";
    let vouched: bool = database.query_row(sql, [], |row| row.get(0))?;
    findings.same("the grace is vouched for", &true, &vouched);
    let sql = "SELECT count(*) FROM auth_journal WHERE seq <= 12";
    let journal: i64 = database.query_row(sql, [], |row| row.get(0))?;
    findings.same("the journal's old entries", &12, &journal);
    Ok(())
}

/// The rides and what waits: their tables have not changed since.
fn take_over(old: &Connection, table: &str) -> Result<(), LabError> {
    let sql = "SELECT group_concat(name, ', ') FROM pragma_table_info(:table)";
    let columns: String =
        old.query_row(sql, named_params! { ":table": table }, |row| row.get(0))?;
    let sql = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newest.{table}");
    old.execute(&sql, [])?;
    Ok(())
}

/// The sign-in, in the facts as they were written then.
fn sign_in(old: &Connection, owner: &Owner, sealed: &[u8]) -> Result<(), LabError> {
    const SIGN_IN: &str = "
        UPDATE main.session SET generation = :generation, sealed = :sealed, facts = json_set(session.facts,
            '$.account.subject', :subject,
            '$.tokens.generation', today.facts ->> '$.tokens.generation',
            '$.tokens.fingerprint', today.facts ->> '$.tokens.fingerprint',
            '$.tokens.access', json(today.facts -> '$.tokens.access'),
            '$.anchor.server', today.facts ->> '$.anchor.server',
            '$.anchor.at', json(today.facts -> '$.anchor.at'))
        FROM newest.session AS today";
    let parameters = named_params! {
        ":generation": i64::try_from(owner.generation).unwrap_or(i64::MAX),
        ":sealed": sealed,
        ":subject": owner.subject,
    };
    old.execute(SIGN_IN, parameters)?;
    old.execute("DETACH newest", [])?;
    Ok(())
}

fn format(database: &Connection) -> Result<i64, LabError> {
    Ok(database.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// The columns of every table.
fn schema(database: &Connection) -> Result<Vec<String>, LabError> {
    const COLUMNS: &str = "
        SELECT t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\"
        FROM sqlite_master AS t, pragma_table_info(t.name) AS c
        WHERE t.type = 'table' ORDER BY t.name, c.cid";
    let mut statement = database.prepare(COLUMNS)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn owner(database: &Connection) -> Result<Owner, LabError> {
    const OWNER: &str = "
        SELECT facts ->> '$.account.issuer', facts ->> '$.account.subject', generation, sealed
        FROM session";
    Ok(database.query_row(OWNER, [], |row| {
        let generation: i64 = row.get(2)?;
        Ok(Owner {
            issuer: row.get(0)?,
            subject: row.get(1)?,
            generation: u64::try_from(generation).unwrap_or_default(),
            sealed: row.get(3)?,
        })
    })?)
}

async fn key(stage: &Stage, owner: &Owner) -> Result<VaultKey, LabError> {
    let vault = Vault::open(stage.rig.folder(), VaultOptions::key_file_only());
    let account = account_entry(&owner.issuer, &owner.subject);
    vault.key(&account).await.map_err(unexpected)
}

fn opened(key: &VaultKey, owner: &Owner) -> Result<Value, LabError> {
    let account = account_entry(&owner.issuer, &owner.subject);
    let plain = key.open(&account, owner.generation, &owner.sealed);
    serde_json::from_slice(&plain.map_err(unexpected)?).map_err(unexpected)
}

/// The tokens without the word that the first version did not know.
fn sealed_as_then(key: &VaultKey, owner: &Owner) -> Result<Vec<u8>, LabError> {
    let mut plain = opened(key, owner)?;
    let word = plain
        .as_object_mut()
        .and_then(|plain| plain.remove("vouched"));
    if word.is_none() {
        return Err(unexpected("the tokens are sealed in another form by now"));
    }
    let plain = serde_json::to_vec(&plain).map_err(unexpected)?;
    let account = account_entry(&owner.issuer, &owner.subject);
    key.seal(&account, owner.generation, &plain)
        .map_err(unexpected)
}

/// Another athlete of this computer signs in, in a profile of their own: the keyring is the same. Then the issuer answers
/// the first one with tokens of the second.
async fn two_athletes(stage: &mut Stage) -> Result<(), LabError> {
    let url = stage.site()?.url.clone();
    signs_out_elsewhere(stage, &url).await?;
    stage.site()?.add_athlete("second")?;
    stage.token_expires()?;
    let tokens: Arc<Mutex<Vec<u8>>> = Arc::default();
    let seen = Arc::clone(&tokens);
    stage.gate()?.only(TOKEN, move || {
        let seen = Arc::clone(&seen);
        Way::Change(Box::new(move |status, body| {
            seen.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone_from(&body);
            (status, body)
        }))
    });
    let mut second = Rig::new()?;
    second.clock = Arc::clone(&stage.rig.clock);
    second.vault = stage.rig.vault.clone();
    second.launch(Mode::OneShot).await?;
    second.sign_in(&url, "second").await?;
    // Opened anew, it has to read its key.
    second.close().await;
    let engine = second.launch(Mode::OneShot).await?;
    soon("a sync", engine.sync(Duration::ZERO)).await??;
    let own = |view: &SyncView| view.session.state == "active" && view.session.vault == "keyring";
    second
        .until("the second athlete's key", PATIENCE, own)
        .await?;
    second.close().await;
    let tokens = tokens
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let tokens = String::from_utf8(tokens).map_err(unexpected)?;
    stage.gate()?.only(TOKEN, move || {
        Way::SayWith(Canned {
            status: 200,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("cache-control", "no-store".to_owned()),
            ],
            body: tokens.clone(),
        })
    });
    Ok(())
}

/// The first athlete has another profile on this computer, and signs out there.
async fn signs_out_elsewhere(stage: &Stage, url: &str) -> Result<(), LabError> {
    let mut elsewhere = Rig::new()?;
    elsewhere.clock = Arc::clone(&stage.rig.clock);
    elsewhere.vault = stage.rig.vault.clone();
    let engine = elsewhere.launch(Mode::OneShot).await?;
    elsewhere.sign_in(url, "demo").await?;
    soon("signing out", engine.sign_out()).await??;
    elsewhere.close().await;
    Ok(())
}

/// An entry for each, named after issuer, subject and profile; and nothing of the first one's is with the second.
async fn each_has_an_own_entry(stage: &mut Stage, findings: &mut Findings) -> Result<(), LabError> {
    let site = stage.site()?;
    let (demo, second) = (site.demo()?, site.athlete("second")?);
    let mut names: Vec<String> = [&demo, &second]
        .map(|athlete| account_entry(&site.url, athlete.as_str()))
        .into();
    names.sort();
    let kept = kept().await?;
    let found: Vec<(&str, &str)> = kept
        .keys()
        .filter_map(|name| name.rsplit_once('-'))
        .collect();
    let accounts: Vec<String> = found
        .iter()
        .map(|(account, _)| (*account).to_owned())
        .collect();
    findings.same("entries in the keyring", &names, &accounts);
    let sql = "SELECT name FROM profile_name";
    let own: String = stage.rig.database()?.query_row(sql, [], |row| row.get(0))?;
    let of_this: Vec<&str> = found
        .iter()
        .filter(|(_, profile)| *profile == own)
        .map(|(account, _)| *account)
        .collect();
    let demo = account_entry(&site.url, demo.as_str());
    findings.same("entries of this profile", &vec![demo.as_str()], &of_this);
    let bytes: Vec<usize> = kept.values().copied().collect();
    findings.same("bytes of each entry in the keyring", &vec![32, 32], &bytes);
    let rides = site.rides_of(&second)?.len();
    findings.same("rides with the second athlete", &0, &rides);
    Ok(())
}

/// The profile's folder is restored on a computer whose keyring never heard of it.
async fn another_computer(stage: &mut Stage) -> Result<(), LabError> {
    stage.rig = stage.rig.copied()?;
    stage.ask(Ask::NewKeyring).await
}

fn unexpected(error: impl std::fmt::Display) -> LabError {
    LabError::Unexpected(error.to_string())
}
