//! What the screens ask for: read from the store, never from the network.

use std::path::{Path, PathBuf};

use freewheel_policy::lane::Lane;
use freewheel_policy::session::{self, Library};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use uuid::Uuid;

use super::Engine;
use super::compose;
use super::session::account_id;
use crate::error::EngineError;
use crate::import;
use crate::store::StoreError;
use crate::vault::key_file_path;
use crate::version;
use crate::view::{
    About, Delivery, ImportOutcome, LibraryPage, LibraryQuery, OutboxRow, PlannedCard, RideCard,
    TodayView, WorkoutDetail,
};

/// FTP in watts until the athlete's profile tells.
pub(super) const DEFAULT_FTP: u16 = 200;
/// The server that a sign-in offers first, unless `FREEWHEEL_SERVER` names another.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8787";

impl Engine {
    /// The first screen, for today in the athlete's time zone.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn today(&self) -> Result<TodayView, EngineError> {
        let (account, date) = (self.account()?, self.date());
        let today = self
            .store()
            .run(move |store| store.today(account.as_deref(), date, DEFAULT_FTP));
        Ok(today.await?)
    }

    /// A window of the library.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn library(&self, query: LibraryQuery) -> Result<LibraryPage, EngineError> {
        Ok(self.store().run(move |store| store.library(&query)).await?)
    }

    /// A workout in full.
    ///
    /// # Errors
    /// There is none with this id, or the store could not be read.
    pub async fn workout(&self, id: &str) -> Result<WorkoutDetail, EngineError> {
        let wanted = id.to_owned();
        let found = self
            .store()
            .run(move |store| store.workout(&wanted))
            .await?;
        let (card, workout, zone_seconds) =
            found.ok_or_else(|| EngineError::WorkoutUnknown(id.to_owned()))?;
        let rideable = card.own || self.licensed_may_begin()?;
        Ok(WorkoutDetail {
            card,
            workout,
            zone_seconds,
            rideable,
        })
    }

    /// The plan of `days` days from `from` on.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn plan(&self, from: Date, days: u32) -> Result<Vec<PlannedCard>, EngineError> {
        let account = self.account()?;
        let to = from
            .checked_add(i64::from(days.saturating_sub(1)).days())
            .unwrap_or(Date::MAX);
        Ok(self
            .store()
            .run(move |store| store.plan(account.as_deref(), from, to))
            .await?)
    }

    /// Finished rides, the newest first, each with where it is.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn history(&self) -> Result<Vec<RideCard>, EngineError> {
        let (account, now) = (self.account()?, self.core.clock().now());
        let history = self.store().run(move |store| {
            let mut rides = store.history(account.as_deref())?;
            let held = compose::held_until(store, &compose::state(store, Lane::Rides)?, &now)?;
            for ride in &mut rides {
                if let Delivery::Waiting { next_try, .. } = &mut ride.delivery {
                    *next_try = compose::tried_next(held, next_try.unwrap_or_default());
                }
            }
            Ok(rides)
        });
        Ok(history.await?)
    }

    /// The outbox of the account, the oldest first.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, EngineError> {
        let Some(account) = self.account()? else {
            return Ok(Vec::new());
        };
        let now = self.core.clock().now();
        let rows = self.store().run(move |store| {
            let held = compose::held_until(store, &compose::state(store, Lane::Rides)?, &now)?;
            let names = store.history(Some(&account))?;
            let rows = store.entries(&account)?.into_iter().map(|entry| {
                let id = entry.id.to_string();
                let name = names
                    .iter()
                    .find(|ride| ride.id == id)
                    .map(|ride| ride.name.clone());
                let waits = entry.state == crate::store::EntryState::Waiting;
                OutboxRow {
                    name: name.unwrap_or_default(),
                    id,
                    kind: entry.kind,
                    created: entry.created,
                    state: entry.state.as_str().to_owned(),
                    attempts: entry.attempts,
                    next_try: compose::tried_next(held.filter(|_| waits), entry.due),
                    reason: entry.reason,
                    last_error: entry.last_error,
                    delivered_at: entry.delivered_at,
                }
            });
            Ok(rows.collect())
        });
        Ok(rows.await?)
    }

    /// The program and its surroundings.
    #[must_use]
    pub fn about(&self) -> About {
        let server = self.view_now().session.server;
        let default = || std::env::var("FREEWHEEL_SERVER").ok();
        About {
            version: version::VERSION.to_owned(),
            commit: version::COMMIT.to_owned(),
            built: version::BUILT.to_owned(),
            home: self.home().root().display().to_string(),
            default_server: server
                .or_else(default)
                .unwrap_or_else(|| DEFAULT_SERVER.to_owned()),
            vault: self.core.session.vault.kind().as_str().to_owned(),
            key_file: key_file_path(self.home().root()).display().to_string(),
        }
    }

    /// Reads workout files and folders of them, and keeps what could be read unless `dry_run`.
    pub async fn import(&self, paths: Vec<PathBuf>, dry_run: bool) -> Vec<ImportOutcome> {
        let (ftp, at) = (self.ftp().await, self.core.clock().now().wall.0);
        let imported = self
            .store()
            .run(move |store| Ok(import::import(store, &paths, ftp, at, dry_run)))
            .await;
        self.core.refresh_view();
        imported.unwrap_or_default()
    }

    /// A file name for a ride's FIT file.
    ///
    /// # Errors
    /// There is no finished ride with this id.
    pub async fn ride_file_name(&self, id: Uuid) -> Result<String, EngineError> {
        let account = self.account()?;
        let ride = self
            .store()
            .run(move |store| store.ride(account.as_deref(), id))
            .await?;
        let ride = ride.ok_or(EngineError::RideUnknown(id))?;
        let started = Timestamp::from_millisecond(ride.started_at).unwrap_or_default();
        let date = started
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d-%H%M");
        let kept = |c: char| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        };
        let slug: String = ride.name.chars().take(60).map(kept).collect();
        Ok(format!("{date}-{}.fit", slug.trim_matches('-')))
    }

    /// Writes a ride's frozen FIT file, byte for byte, to a file or into a folder. Returns where.
    ///
    /// # Errors
    /// There is no finished ride with this id, or the file could not be written.
    pub async fn export_ride(&self, id: Uuid, to: &Path) -> Result<PathBuf, EngineError> {
        let account = self.account()?;
        let bytes = self
            .store()
            .run(move |store| store.ride_fit(account.as_deref(), id))
            .await?;
        let bytes = bytes.ok_or(EngineError::RideUnknown(id))?;
        let path = if to.is_dir() {
            to.join(self.ride_file_name(id).await?)
        } else {
            to.to_owned()
        };
        let written = tokio::fs::write(&path, bytes).await;
        written.map_err(|source| EngineError::Export {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// Puts a parked ride back in the queue and tries at once.
    ///
    /// # Errors
    /// The store could not be written.
    pub async fn retry_ride(&self, id: Uuid) -> Result<(), EngineError> {
        if let Some(account) = self.account()? {
            self.store()
                .run(move |store| store.unpark(&account, id))
                .await?;
            self.sync_now();
        }
        Ok(())
    }

    /// Whose rides are shown, exported and finished: the profile's owner, who stays its owner after signing out.
    pub(super) fn account(&self) -> Result<Option<String>, StoreError> {
        Ok(account_id(&self.core.session.facts()?))
    }

    /// To whom a ride belongs that begins now: nobody, after signing out.
    pub(super) fn rider(&self) -> Result<Option<String>, StoreError> {
        let facts = self.core.session.facts()?;
        Ok(if facts.signed_out {
            None
        } else {
            account_id(&facts)
        })
    }

    /// Whether a licensed workout may be begun now, whatever a ride in progress began with.
    fn licensed_may_begin(&self) -> Result<bool, StoreError> {
        let facts = self.core.session.facts()?;
        let access = session::access_to_begin(&facts, &self.core.clock().now());
        Ok(access.licensed_library == Library::Open)
    }

    pub(super) async fn ftp(&self) -> u16 {
        let profile = self.store().run(crate::store::Store::profile).await;
        match profile {
            Ok(Some(profile)) => profile.ftp_watts,
            Ok(None) => DEFAULT_FTP,
            Err(error) => {
                tracing::warn!(%error, "the athlete's profile could not be read");
                DEFAULT_FTP
            }
        }
    }

    /// Today in the athlete's time zone.
    fn date(&self) -> Date {
        let now = self.core.clock().now().wall.0;
        let now = Timestamp::from_millisecond(now).unwrap_or_default();
        now.to_zoned(TimeZone::system()).date()
    }
}
