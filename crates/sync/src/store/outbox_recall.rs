//! Outbox entries that change their state without a claim: after a death, by the athlete's wish, with another version,
//! or because the service's own list says otherwise.

use freewheel_protocol::Sha256Digest;
use uuid::Uuid;

use super::{Store, StoreError};

impl Store {
    /// What was being sent when the process died, or when its outcome could not be noted, waits again with the same
    /// key and the same tries. Only for the holder of the syncer lease, before it claims anything. Returns how many there were.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn recover_in_flight(&self) -> Result<usize, StoreError> {
        self.move_entries(
            "UPDATE outbox SET state = 'waiting' WHERE state = 'in_flight'",
            &[],
        )
    }

    /// Waiting entries become due no later than `by`, in Unix ms. Returns how many waited for later.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn make_due_by(&self, kind: &str, account: &str, by: i64) -> Result<usize, StoreError> {
        self.move_entries(
            "UPDATE outbox SET due = :by
             WHERE account = :account AND kind = :kind AND state = 'waiting' AND due > :by",
            &[(":account", &account), (":kind", &kind), (":by", &by)],
        )
    }

    /// The athlete wants a parked entry tried again. Returns whether it was parked.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn unpark(&self, account: &str, id: Uuid) -> Result<bool, StoreError> {
        let moved = self.move_entries(
            "UPDATE outbox SET state = 'waiting', due = 0, reason = NULL, parked_version = NULL
             WHERE id = :id AND account = :account AND state = 'parked'",
            &[(":id", &id.to_string()), (":account", &account)],
        )?;
        Ok(moved > 0)
    }

    /// Entries that other versions of app and server refused are tried again. Returns how many.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn unpark_for_version(&self, account: &str, version: &str) -> Result<usize, StoreError> {
        self.move_entries(
            "UPDATE outbox SET state = 'waiting', due = 0, reason = NULL, parked_version = NULL
             WHERE account = :account AND state = 'parked' AND parked_version IS NOT :version",
            &[(":account", &account), (":version", &version)],
        )
    }

    /// The service has lost a delivered entry: it waits again, with the same key. Returns whether it was delivered.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn redeliver(&self, account: &str, id: Uuid) -> Result<bool, StoreError> {
        let moved = self.move_entries(
            "UPDATE outbox SET state = 'waiting', due = 0, receipt = NULL, delivered_at = NULL
             WHERE id = :id AND account = :account AND state = 'delivered'",
            &[(":id", &id.to_string()), (":account", &account)],
        )?;
        Ok(moved > 0)
    }

    /// The service's own list shows an entry that still waits here: its answer was lost. Returns whether it waited
    /// and has the same digest.
    ///
    /// # Errors
    /// The change could not be made durable.
    pub fn delivered_unnoticed(
        &self,
        account: &str,
        id: Uuid,
        digest: Sha256Digest,
        receipt: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        let moved = self.move_entries(
            "UPDATE outbox SET state = 'delivered', receipt = :receipt, delivered_at = :at,
                 reason = NULL, last_error = NULL, parked_version = NULL
             WHERE id = :id AND account = :account AND digest = :digest
                 AND state IN ('waiting', 'parked')",
            &[
                (":id", &id.to_string()),
                (":account", &account),
                (":digest", &digest.to_string()),
                (":receipt", &receipt),
                (":at", &at),
            ],
        )?;
        Ok(moved > 0)
    }
}
