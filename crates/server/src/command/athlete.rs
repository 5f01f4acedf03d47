//! `freewheel-server athlete …`

use clap::{Args, Subcommand};
use freewheel_protocol::Profile;
use freewheel_server::store::{Athlete, NewAthlete, StoreError};
use freewheel_server::{Clock as _, Store, SystemClock};
use serde_json::Map;

use super::data_folder::DataFolder;
use super::{say, secret};

/// The longest name to sign in with, in characters.
const MAX_NAME: usize = 64;

#[derive(Subcommand)]
pub(crate) enum AthleteCommand {
    /// Adds an athlete; the password is asked for, or read as one line from standard input
    Add {
        #[command(flatten)]
        who: Who,
        /// Name to show; the name to sign in with when left out
        #[arg(long, value_name = "TEXT")]
        full_name: Option<String>,
        /// Functional threshold power in watts
        #[arg(long, value_name = "WATTS", default_value_t = 200,
              value_parser = clap::value_parser!(u16).range(1..=2000))]
        ftp: u16,
    },
    /// Closes an account to its owner; nothing is deleted
    Disable(Who),
    /// Opens a closed account again; its sessions go on
    Enable(Who),
    /// Changes a password and ends all sessions; the password is asked for, or read from standard input
    Password(Who),
    /// Ends all sessions of an athlete
    SignOutEverywhere(Who),
}

/// Whom, and where.
#[derive(Args)]
pub(crate) struct Who {
    /// The name to sign in with, or what another issuer calls the athlete (its `sub`)
    name: String,
    #[command(flatten)]
    folder: DataFolder,
}

impl Who {
    fn find(&self) -> Result<(Store, Athlete), String> {
        let store = self.folder.open()?;
        let athlete = store.athlete_meant_by(&self.name).map_err(tell)?;
        Ok((store, athlete))
    }
}

pub(crate) fn run(command: AthleteCommand) -> Result<(), String> {
    match command {
        AthleteCommand::Add {
            who,
            full_name,
            ftp,
        } => add(&who, full_name, ftp),
        AthleteCommand::Disable(who) => {
            let (store, athlete) = who.find()?;
            store.set_blocked(&athlete.id, true).map_err(tell)?;
            say(&format!(
                "{} is disabled: no sign-in, no new tokens, no access. Nothing was deleted",
                athlete.username
            ));
            Ok(())
        }
        AthleteCommand::Enable(who) => {
            let (store, athlete) = who.find()?;
            store.set_blocked(&athlete.id, false).map_err(tell)?;
            say(&format!("{} is enabled", athlete.username));
            Ok(())
        }
        AthleteCommand::Password(who) => {
            let (store, athlete) = who.find()?;
            let password = secret::ask(&athlete.username)?;
            let ended = store
                .set_password(&athlete.id, &password, SystemClock.now())
                .map_err(tell)?;
            say(&format!(
                "{} has a new password. {}",
                athlete.username,
                signed_out(ended)
            ));
            Ok(())
        }
        AthleteCommand::SignOutEverywhere(who) => {
            let (store, athlete) = who.find()?;
            let ended = store
                .sign_out_everywhere(&athlete.id, SystemClock.now())
                .map_err(tell)?;
            say(&format!("{}: {}", athlete.username, signed_out(ended)));
            Ok(())
        }
    }
}

fn add(who: &Who, full_name: Option<String>, ftp_watts: u16) -> Result<(), String> {
    let name = who.name.trim();
    let odd = |letter: char| letter.is_whitespace() || letter.is_control();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(odd) {
        return Err(format!(
            "{name:?} cannot be a name to sign in with: 1 to {MAX_NAME} characters without spaces"
        ));
    }
    let store = who.folder.open_or_make()?;
    // Before anybody types a password.
    if store.athlete_named(name).map_err(tell)?.is_some() {
        return Err(tell(StoreError::UsernameTaken(name.to_owned())));
    }
    let password = secret::ask(name)?;
    let profile = Profile {
        name: full_name.unwrap_or_else(|| name.to_owned()),
        ftp_watts,
        weight_kg: None,
        extra: Map::new(),
    };
    let new = NewAthlete {
        username: name,
        password: &password,
        profile,
    };
    store.add_athlete(&new, SystemClock.now()).map_err(tell)?;
    say(&format!("{name} is added"));
    Ok(())
}

fn signed_out(sessions: usize) -> String {
    let what = match sessions {
        0 => return "There was no session to end".to_owned(),
        1 => "1 session ended".to_owned(),
        more => format!("{more} sessions ended"),
    };
    format!("{what}; access tokens that are out already work until they expire")
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn tell(error: StoreError) -> String {
    error.to_string()
}
