//! The change feed, applied: a page and its cursor in one transaction.

use freewheel_protocol::{Change, ChangeKind, ChangesPage};
use rusqlite::{Connection, named_params};

use super::feed_meta::{self, PullState};
use super::workout::NewWorkout;
use super::{Store, StoreError, other, plan_item, profile, ride_details, workout};

/// What a page did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Things that were added or changed, those of unknown kinds included.
    pub upserts: u32,
    /// Things that are gone.
    pub tombstones: u32,
    /// Things of a known kind that this version could not read; they are kept as they came.
    pub skipped: u32,
}

impl Store {
    /// Applies a page that was asked for with `expected_cursor`. When a rebuild is under way, the last page also
    /// drops what the rebuild did not see. `at` (Unix ms) counts as fresh when the page is the last.
    ///
    /// # Errors
    /// [`StoreError::CursorMoved`] when the page does not follow what is stored, [`StoreError::OtherAccount`] when
    /// the cache is another account's or nobody's (see [`Store::switch_account`]). Nothing has changed then.
    pub fn apply_page(
        &self,
        expected_cursor: Option<&str>,
        page: &ChangesPage,
        account: &str,
        at: i64,
    ) -> Result<Applied, StoreError> {
        let (applied, swapped) = self.write_library(|connection| {
            let position = feed_meta::position(connection)?;
            let PullState {
                account: owner,
                cursor,
                rebuilding,
                ..
            } = position.pull;
            // A cache that is nobody's was emptied by a sign-out, perhaps while the page was on its way.
            if owner.as_deref() != Some(account) {
                return Err(StoreError::OtherAccount);
            }
            if cursor.as_deref() != expected_cursor {
                return Err(StoreError::CursorMoved);
            }
            let mut applied = Applied::default();
            for change in &page.changes {
                apply(connection, change, position.generation, &mut applied)?;
            }
            let swap = rebuilding && !page.more;
            if swap {
                drop_unseen(connection, position.generation)?;
            }
            feed_meta::advance(
                connection,
                account,
                &page.next_cursor,
                (!page.more).then_some(at),
                rebuilding && page.more,
            )?;
            Ok((applied, swap))
        })?;
        if swapped || !page.changes.is_empty() {
            self.library_changed();
        }
        Ok(applied)
    }

    /// The cursor is gone: starts again from the beginning. What is cached stays in use, pages are applied over it,
    /// and the last page drops what was not seen again. Beginning once more restarts the rebuild.
    ///
    /// # Errors
    /// The database could not be written.
    pub fn begin_rebuild(&self) -> Result<(), StoreError> {
        self.write_library(|connection| {
            connection.execute(
                "UPDATE feed_meta SET cursor = NULL, rebuilding = 1, generation = generation + 1
                 WHERE id = 1",
                [],
            )?;
            Ok(())
        })
    }

    /// Makes the cache that of `account` (`None`: nobody's): another account's licensed content is removed, own
    /// workouts stay. Returns whether anything was removed.
    ///
    /// # Errors
    /// The database could not be written.
    pub fn switch_account(&self, account: Option<&str>) -> Result<bool, StoreError> {
        let removed = self.write_library(|connection| {
            let owner = feed_meta::position(connection)?.pull.account;
            if owner.as_deref() == account {
                return Ok(false);
            }
            workout::drop_licensed(connection)?;
            connection.execute_batch(
                "DELETE FROM plan_item; DELETE FROM profile; DELETE FROM ride_details;
                     DELETE FROM other;",
            )?;
            connection.execute(
                "UPDATE feed_meta SET account = :account, cursor = NULL, fresh_at = NULL,
                     rebuilding = 0 WHERE id = 1",
                named_params! { ":account": account },
            )?;
            Ok(owner.is_some())
        })?;
        if removed {
            self.library_changed();
        }
        Ok(removed)
    }
}

fn apply(
    connection: &Connection,
    change: &Change,
    generation: i64,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if change.deleted {
        applied.tombstones += 1;
        return remove(connection, change);
    }
    let readable = match &change.kind {
        ChangeKind::Workout => match NewWorkout::licensed(change) {
            Some(new) => workout::upsert(connection, &new, generation)?,
            None => false,
        },
        ChangeKind::PlanItem => plan_item::upsert(connection, change, generation)?,
        ChangeKind::Profile => profile::upsert(connection, change, generation)?,
        ChangeKind::RideDetails => ride_details::upsert(connection, change, generation)?,
        ChangeKind::Flag | ChangeKind::Asset | ChangeKind::Other(_) => {
            applied.upserts += 1;
            return other::upsert(connection, change, generation);
        }
    };
    if readable {
        applied.upserts += 1;
        // An earlier version of it may have been unreadable.
        other::remove(connection, change)
    } else {
        applied.skipped += 1;
        tracing::warn!(kind = %change.kind, id = change.id, "a change could not be read and is kept as it came");
        other::upsert(connection, change, generation)
    }
}

fn remove(connection: &Connection, change: &Change) -> Result<(), StoreError> {
    match &change.kind {
        ChangeKind::Workout => workout::remove(connection, &change.id)?,
        ChangeKind::PlanItem => plan_item::remove(connection, &change.id)?,
        ChangeKind::Profile => profile::remove(connection, &change.id)?,
        ChangeKind::RideDetails => ride_details::remove(connection, &change.id)?,
        ChangeKind::Flag | ChangeKind::Asset | ChangeKind::Other(_) => {}
    }
    other::remove(connection, change)
}

fn drop_unseen(connection: &Connection, generation: i64) -> Result<(), StoreError> {
    workout::drop_unseen(connection, generation)?;
    for table in ["plan_item", "profile", "ride_details", "other"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE seen <> :generation"),
            named_params! { ":generation": generation },
        )?;
    }
    Ok(())
}

/// A revision or count as SQLite keeps it; a service that counts past 2^63 is believed to mean 2^63.
pub(super) fn stored_revision(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}
