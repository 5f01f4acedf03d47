//! Looks at the profile for `doctor`, without changing anything.

use freewheel_policy::session;
use freewheel_policy::time::Now;

use super::Engine;
use super::core::Core;
use super::facts;
use super::refresh::address;
use super::session::{account_id, is_in_key_file};
use crate::doctor::{
    ISSUER_PATIENCE, IssuerSeen, Queue, Report, Seen, Syncer, VaultSeen, key_file_mode,
};
use crate::lease::{Lease, LeaseKind};
use crate::remote::{Http, ServerAddress, metadata};
use crate::store::{OutboxCounts, Store, check_databases};
use crate::vault::{VaultError, VaultKind, key_file_path};
use crate::view::NetworkFact;

/// Stands in for an account where none is known, so that the keyring is really asked. No key has this name.
const NOBODY: &str = "account-none";

impl Engine {
    /// Looks at everything that a working profile needs, and says what to do about what is amiss. Takes at most as
    /// long as the vault and the issuer may take, and needs neither.
    pub async fn doctor(&self) -> Report {
        let core = &self.core;
        let facts = core.session.facts().unwrap_or_default();
        let now = core.clock().now();
        let home = self.home().clone();
        let databases = tokio::task::spawn_blocking(move || check_databases(&home)).await;
        let (vault, issuer) = tokio::join!(core.look_into_vault(&facts), core.ask_issuer(&facts));
        let Ok(databases) = databases else {
            return Report::unopened(self.home(), &crate::store::StoreError::Stopped.into());
        };
        Report::of(&Seen {
            home: self.home().root().to_owned(),
            databases,
            unread: core.unread(&now).await,
            salvage: core.store().run(Store::salvage).await.unwrap_or_default(),
            vault,
            session: session::view(&facts, &now),
            issuer,
            queue: core.queue(account_id(&facts)).await,
            facts,
            now,
            syncer: self.syncer(),
        })
    }

    fn syncer(&self) -> Syncer {
        if self.core.holds_lease() {
            return Syncer::This;
        }
        match Lease::try_acquire(self.home(), LeaseKind::Syncer) {
            Ok(Some(_)) => Syncer::Nobody,
            Ok(None) => Syncer::Other(crate::lease::holder(self.home(), LeaseKind::Syncer)),
            Err(error) => Syncer::Unknown(error.to_string()),
        }
    }
}

impl Core {
    /// Asks the vault for the owner's key, without a prompt.
    async fn look_into_vault(&self, facts: &session::Facts) -> VaultSeen {
        let file = key_file_path(self.store().home().root());
        // Reading the file puts its mode right.
        let mode = key_file_mode(&file);
        let account = account_id(facts);
        let stored = self.store().run(Store::session).await.ok().flatten();
        let vault = &self.session.vault;
        let name = account.as_deref().unwrap_or(NOBODY);
        let in_file = stored.as_ref().is_some_and(is_in_key_file);
        let answer = if in_file {
            vault.key_in_file(name).map(drop)
        } else {
            vault.key_without_asking(name).await.map(drop)
        };
        let kind = if matches!(&answer, Ok(()) | Err(VaultError::Missing)) {
            vault.kind()
        } else {
            VaultKind::Unknown
        };
        VaultSeen {
            kind,
            answer,
            in_file,
            damaged_line: vault.key_file_damage(),
            wanted: stored.is_some_and(|stored| stored.sealed.is_some()) && !facts.signed_out,
            file,
            mode,
        }
    }

    /// When the facts could not be read in full: now, or when that was last met.
    async fn unread(&self, now: &Now) -> Option<i64> {
        let store = self.store();
        let stored = store.run(Store::session).await.ok().flatten();
        if stored.is_some_and(|stored| !facts::read(&stored).whole) {
            return Some(now.wall.0);
        }
        store.run(Store::facts_unread_at).await.unwrap_or_default()
    }

    async fn ask_issuer(&self, facts: &session::Facts) -> IssuerSeen {
        let Some(address) = address(facts).filter(|_| !facts.signed_out) else {
            return IssuerSeen::None;
        };
        let answer = if self.network.state() == NetworkFact::Down && !address.is_loopback() {
            Err("this computer has no network".to_owned())
        } else {
            let asked = describes_itself(&address);
            let answer = tokio::time::timeout(ISSUER_PATIENCE, asked).await;
            answer.unwrap_or_else(|_| {
                Err(format!("no answer within {} s", ISSUER_PATIENCE.as_secs()))
            })
        };
        match answer {
            Ok(()) => IssuerSeen::Answers(address.to_string()),
            Err(why) => IssuerSeen::Silent(address.to_string(), why),
        }
    }

    async fn queue(&self, account: Option<String>) -> Option<Queue> {
        let queue = self.store().run(move |store| {
            Ok(Queue {
                counts: match &account {
                    Some(account) => store.counts(account)?,
                    None => OutboxCounts::default(),
                },
                edits: match &account {
                    Some(account) => store.edit_counts(account)?,
                    None => OutboxCounts::default(),
                },
                unfinished: store.unfinished_rides(account.as_deref())?.len(),
            })
        });
        queue.await.ok()
    }
}

async fn describes_itself(address: &ServerAddress) -> Result<(), String> {
    let http = Http::new(address.is_loopback()).map_err(|error| error.to_string())?;
    let metadata = metadata::fetch(&http, address).await;
    metadata.map(drop).map_err(|error| error.to_string())
}
