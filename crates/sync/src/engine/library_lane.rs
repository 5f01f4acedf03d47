//! The library lane: asks for changes since the cursor until there are no more.

use super::core::Core;
use super::lane::Attempt;
use super::session::{Bearer, account_id, stored_facts};
use crate::remote::call::{CallError, Feed};
use crate::store::StoreError;

impl Core {
    pub(super) async fn attempt_library(&self) -> Attempt {
        if let Err(none) = self.session.bearer().await {
            return Attempt::NoBearer(none);
        }
        let Ok(facts) = self.session.facts() else {
            return Attempt::Nothing;
        };
        let Some(account) = account_id(&facts) else {
            return Attempt::Nothing;
        };
        match self.pull(&account).await {
            Ok(attempt) => attempt,
            Err(error) => {
                tracing::error!(%error, "the library could not be stored");
                Attempt::Unstored
            }
        }
    }

    /// The token of `account` for one round; the session may have changed since the last one.
    async fn bearer_of(&self, account: &str) -> Result<Result<Bearer, Attempt>, StoreError> {
        let bearer = match self.session.bearer().await {
            Ok(bearer) => bearer,
            Err(none) => return Ok(Err(Attempt::NoBearer(none))),
        };
        // Read after the token: whoever signed in meanwhile is seen here, and their event wakes the lane.
        let facts = self.store().run(stored_facts).await?;
        if account_id(&facts).as_deref() == Some(account) {
            Ok(Ok(bearer))
        } else {
            Ok(Err(Attempt::Nothing))
        }
    }

    async fn pull(&self, account: &str) -> Result<Attempt, StoreError> {
        let owner = account.to_owned();
        self.store()
            .run(move |store| store.switch_account(Some(&owner)))
            .await?;
        loop {
            let bearer = match self.bearer_of(account).await? {
                Ok(bearer) => bearer,
                Err(stopped) => return Ok(stopped),
            };
            let Some(api) = self.api(&bearer) else {
                return Ok(Attempt::Nothing);
            };
            let state = self.store().run(|store| store.pull_state()).await?;
            let answer = api.changes(bearer.token(), state.cursor.as_deref()).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => return Ok(self.call_failed(error, bearer.generation()).await),
            };
            self.session.contact(&bearer, answer.date).await?;
            let at = self.clock().now().wall.0;
            match answer.value {
                Feed::Fresh => {
                    self.store().run(move |store| store.mark_fresh(at)).await?;
                    return Ok(Attempt::Done);
                }
                Feed::Gone if state.cursor.is_none() => {
                    // A server that has no beginning cannot be pulled; it is asked again later.
                    let trouble = freewheel_policy::transport::Trouble::Unreadable;
                    let error = CallError::Trouble {
                        trouble,
                        retry_after: None,
                    };
                    return Ok(self.call_failed(error, bearer.generation()).await);
                }
                Feed::Gone => self.store().run(|store| store.begin_rebuild()).await?,
                Feed::Page(page) => {
                    let (cursor, account) = (state.cursor, account.to_owned());
                    let more = page.more;
                    let applied = self
                        .store()
                        .run(move |store| store.apply_page(cursor.as_deref(), &page, &account, at));
                    match applied.await {
                        Ok(applied) => {
                            tracing::debug!(?applied, "a page of the library is applied")
                        }
                        // Another process pulled meanwhile: go on from where it is now.
                        Err(StoreError::CursorMoved) => continue,
                        // Meanwhile the athlete signed out, or a damaged cache was replaced: begin again, if somebody
                        // is signed in.
                        Err(StoreError::OtherAccount) => return Ok(Attempt::More),
                        Err(error) => return Err(error),
                    }
                    if !more {
                        return Ok(Attempt::Done);
                    }
                }
            }
        }
    }
}
