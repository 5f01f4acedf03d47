//! Telling issuers that a sign-in is over (RFC 7009), and letting its key go: at once if it can be, later if not,
//! whoever is signed in by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use freewheel_policy::Generation;
use freewheel_policy::backoff::RETRY_AFTER_CAP;
use freewheel_policy::grace::TOLERANCE;
use freewheel_policy::revocation::{Told, next_try, told};
use freewheel_policy::session::{Facts, SystemNetwork};
use freewheel_policy::time::{Millis, WallMs};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex, Notify};

use super::core::Core;
use super::issuer::Known;
use super::lane::LOOK_AGAIN;
use super::refresh::{address, http_facts};
use super::session::account_id;
use super::tokens::{NotOpened, TokenSet};
use crate::lease::{Lease, LeaseKind};
use crate::remote::{Reply, ServerAddress, issuer as remote};
use crate::store::{Revocation, Store, StoreError};
use crate::vault::{VaultError, VaultKey};

/// The bell of those who tell.
#[derive(Debug, Default)]
pub(super) struct Revoking {
    bell: Notify,
    asked: AtomicBool,
    one_at_a_time: Mutex<()>,
}

impl Revoking {
    /// Something may be due; `asked`: the athlete wants it now, due or not.
    pub(super) fn ring(&self, asked: bool) {
        self.asked.fetch_or(asked, Ordering::Relaxed);
        self.bell.notify_one();
    }
}

impl Core {
    /// Tells what is due until the engine ends.
    pub(super) async fn run_revocations(self: Arc<Self>) {
        loop {
            let asked = self.revoking.asked.swap(false, Ordering::Relaxed);
            let next = self.tell_revocations(asked).await;
            let wait = next.map_or(LOOK_AGAIN, |wait| Duration::from_millis(wait.0));
            tokio::select! {
                () = self.revoking.bell.notified() => {}
                () = tokio::time::sleep(wait.min(LOOK_AGAIN)) => {}
            }
        }
    }

    /// Tells what is due, or with `asked` everything. Returns how long until more is due.
    pub(super) async fn tell_revocations(&self, asked: bool) -> Option<Millis> {
        let _one_at_a_time = self.revoking.one_at_a_time.lock().await;
        for row in self.revocations_left().await {
            if asked || wait(&row, self.clock().now().wall) == Millis::ZERO {
                let id = row.id;
                if let Err(error) = self.settle_revocation(row, asked).await {
                    tracing::warn!(%error, id, "what became of a sign-out could not be noted");
                    return Some(Millis::mins(1));
                }
            }
        }
        let now = self.clock().now().wall;
        let left = self.revocations_left().await;
        left.iter().map(|row| wait(row, now)).min()
    }

    async fn revocations_left(&self) -> Vec<Revocation> {
        let left = self.store().run(Store::revocations).await;
        left.unwrap_or_else(|error| {
            tracing::warn!(%error, "the sign-outs that are not yet told could not be read");
            Vec::new()
        })
    }

    async fn settle_revocation(&self, row: Revocation, asked: bool) -> Result<(), StoreError> {
        let Some(sealed) = row.sealed.clone() else {
            return self.let_key_go(row).await;
        };
        let Ok(address) = ServerAddress::parse(&row.issuer) else {
            return self.revocation_told(row).await;
        };
        if !address.is_loopback() && self.system_network() == SystemNetwork::Down {
            return self.put_off(&row, row.tries, Millis::mins(1)).await;
        }
        let origin = address.origin();
        if !asked && !self.spend_at(&origin).await? {
            return self.put_off(&row, row.tries, Millis::hours(1)).await;
        }
        let tries = row.tries.saturating_add(1);
        self.put_off(&row, tries, next_try(tries, None, self.entropy().unit()))
            .await?;
        let key = match self.key_of(&row).await {
            Ok(key) => key,
            Err(error) => {
                tracing::info!(code = error.code(), "a sign-out waits for its key");
                return Ok(());
            }
        };
        let generation = Generation(row.generation);
        let tokens = match TokenSet::open(&key, &row.account, generation, &sealed) {
            Ok(tokens) => tokens,
            // For the version that can read them.
            Err(NotOpened::Unreadable) => return Ok(()),
            Err(NotOpened::Broken) => {
                tracing::warn!("the key of a sign-out that was not yet told is another one now");
                return self.revocation_told(row).await;
            }
        };
        let (told, retry_after) = self.tell(&address, &tokens.refresh).await;
        match told {
            Told::Yes | Told::Refused => {
                tracing::info!(?told, "the issuer was told of the sign-out");
                if !asked {
                    self.refund_at(&origin).await?;
                }
                self.revocation_told(row).await
            }
            Told::NotYet => {
                let wait = next_try(tries, retry_after, self.entropy().unit());
                self.put_off(&row, tries, wait).await
            }
        }
    }

    /// The tokens of a sign-in that was never saved: told now or not at all.
    pub(super) async fn tell_from_memory(&self, facts: &Facts, tokens: &TokenSet) {
        if let Some(address) = address(facts) {
            let (told, _) = self.tell(&address, &tokens.refresh).await;
            tracing::info!(?told, "the issuer of an unsaved sign-in");
        }
    }

    async fn tell(
        &self,
        address: &ServerAddress,
        refresh: &SecretString,
    ) -> (Told, Option<Millis>) {
        if refresh.expose_secret().is_empty() {
            return (Told::Yes, None);
        }
        let Some(known) = self.issuer_of_sign_out(address).await else {
            return (Told::NotYet, None);
        };
        match remote::revoke(&known.http, &known.metadata, refresh).await {
            Ok(None) => (Told::Yes, None),
            Ok(Some(reply)) => {
                if reply.is_misplaced() {
                    self.issuer.renew(address).await;
                }
                (judged(address, &reply), reply.retry_after)
            }
            Err(_) => (Told::NotYet, None),
        }
    }

    /// What is known of the issuer. Only the present account's is remembered.
    async fn issuer_of_sign_out(&self, of: &ServerAddress) -> Option<Known> {
        let present = self.session.facts().ok();
        let present = present.as_ref().and_then(address);
        let known = if present.as_ref() == Some(of) {
            self.issuer.known(of).await
        } else {
            self.issuer.stranger(of).await
        };
        known.ok()
    }

    async fn key_of(&self, row: &Revocation) -> Result<VaultKey, VaultError> {
        match self.session.at_hand() {
            Some(hand) if hand.account == row.account && hand.generation.0 == row.generation => {
                Ok(hand.key)
            }
            Some(_) | None => self.session.vault.key_without_asking(&row.account).await,
        }
    }

    async fn revocation_told(&self, row: Revocation) -> Result<(), StoreError> {
        let (id, now) = (row.id, self.clock().now().wall.0);
        self.store()
            .run(move |store| store.revocation_told(id, now))
            .await?;
        let row = Revocation {
            sealed: None,
            tries: 0,
            ..row
        };
        self.let_key_go(row).await
    }

    /// Removes the key unless something else needs it: a sign-in of the same account, or one that is not yet told.
    /// Nobody signs in or renews meanwhile.
    async fn let_key_go(&self, row: Revocation) -> Result<(), StoreError> {
        let _no_renewal = self.session.refreshing.lock().await;
        let Ok(Some(_lease)) = Lease::try_acquire(self.store().home(), LeaseKind::Refresh) else {
            return self.put_off(&row, row.tries, Millis::mins(1)).await;
        };
        let facts = self.session.facts()?;
        let signed_in = !facts.signed_out && account_id(&facts).as_ref() == Some(&row.account);
        let untold = |other: &Revocation| other.id != row.id && other.account == row.account;
        let needed = signed_in || self.revocations_left().await.iter().any(untold);
        if !needed
            && let Err(error) = self
                .session
                .vault
                .delete_key_without_asking(&row.account)
                .await
        {
            tracing::info!(
                code = error.code(),
                "the key of a sign-out could not be removed yet"
            );
            let tries = row.tries.saturating_add(1);
            let wait = next_try(tries, None, self.entropy().unit());
            return self.put_off(&row, tries, wait).await;
        }
        let id = row.id;
        self.store()
            .run(move |store| store.revocation_done(id))
            .await
    }

    async fn put_off(&self, row: &Revocation, tries: u32, wait: Millis) -> Result<(), StoreError> {
        let (id, due) = (row.id, self.clock().now().wall.plus(wait).0);
        self.store()
            .run(move |store| store.put_off_revocation(id, tries, due))
            .await
    }
}

fn judged(address: &ServerAddress, reply: &Reply) -> Told {
    let none = Generation::default();
    told(&http_facts(address, reply, false, none, none))
}

/// How long until it is due. A time that no wait could have set is left over from a clock that was ahead.
fn wait(row: &Revocation, now: WallMs) -> Millis {
    let wait = WallMs(row.due).since(now).unwrap_or_default();
    if wait > RETRY_AFTER_CAP.plus(TOLERANCE) {
        Millis::ZERO
    } else {
        wait
    }
}
