//! The library lane: asks for changes since the cursor until there are no more.

use super::core::Core;
use super::lane::Attempt;
use super::session::{Bearer, account_id};
use crate::remote::call::{Api, CallError, Feed};
use crate::store::StoreError;

impl Core {
    pub(super) async fn attempt_library(&self) -> Attempt {
        let bearer = match self.session.bearer().await {
            Ok(bearer) => bearer,
            Err(none) => return Attempt::NoBearer(none),
        };
        let Ok(facts) = self.session.facts() else {
            return Attempt::Nothing;
        };
        let (Some(account), Some(api)) = (account_id(&facts), self.api(&facts)) else {
            return Attempt::Nothing;
        };
        match self.pull(&api, &bearer, &account).await {
            Ok(attempt) => attempt,
            Err(error) => {
                tracing::error!(%error, "the library could not be stored");
                Attempt::Unstored
            }
        }
    }

    async fn pull(&self, api: &Api, bearer: &Bearer, account: &str) -> Result<Attempt, StoreError> {
        let owner = account.to_owned();
        self.store()
            .run(move |store| store.switch_account(Some(&owner)))
            .await?;
        loop {
            let state = self.store().run(|store| store.pull_state()).await?;
            let answer = api.changes(bearer.token(), state.cursor.as_deref()).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => return Ok(self.call_failed(error, bearer.generation()).await),
            };
            self.session.contact(answer.date).await?;
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
