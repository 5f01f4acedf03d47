//! The states of the session: what the strip, the account page and the locked screens look like.

use freewheel_lab::desktop::{DesktopSession, Keyring, SessionOptions};
use freewheel_lab::window::Window;

use crate::album::Album;
use crate::stage::{
    Look, SOON, Stage, WITHIN_A_MINUTE, go, ride_to_history, wait_for_attr, wait_for_number,
    wait_for_session,
};

async fn signed_in(stage: &Stage) -> Window {
    let window = stage.open().await;
    stage.sign_in(&window).await;
    go(&window, "today").await;
    window.find("[data-test='planned']").await.unwrap();
    window
}

/// Signed out with a file of one's own, a code on the screen, a sign-in that was ended, a blocked account.
pub async fn without_a_sign_in(look: Look) {
    let album = Album::of(look);
    let args = ["--dev", "--access-token-life", "8"];
    let mut stage = Stage::set_with((1280, 800), &args).await;
    stage.look = look;
    stage.import_own();
    let window = stage.open().await;
    let own = "[data-test='own-workouts']";
    wait_for_number(&window, own, "data-count", 1, SOON).await;
    album.take(&window, "today-own-files").await;
    go(&window, "account").await;
    window
        .click("[data-test='sign-in-with-code']")
        .await
        .unwrap();
    window.find("[data-test='device-code']").await.unwrap();
    album.take(&window, "sign-in-code").await;
    window.click("[data-test='cancel-sign-in']").await.unwrap();
    window.find("[data-test='server']").await.unwrap();

    stage.sign_in(&window).await;
    stage.end_every_sign_in();
    wait_for_session(&window, "needs_sign_in", WITHIN_A_MINUTE).await;
    album.take(&window, "account-needs-sign-in").await;
    go(&window, "today").await;
    window.click("[data-test='start']").await.unwrap();
    ride_to_history(&window, 2).await;
    stage.sign_in(&window).await;
    stage.block_the_athlete();
    wait_for_session(&window, "blocked", WITHIN_A_MINUTE).await;
    go(&window, "today").await;
    album.take(&window, "today-blocked").await;
    window.click("[data-test='session-deed']").await.unwrap();
    window.find("[data-test='support-report']").await.unwrap();
    album.take(&window, "support-report").await;
}

/// Out of contact: the last days, and after them.
pub async fn out_of_contact(look: Look) {
    let album = Album::of(look);
    let (_stage, window) = without_the_server(look, "259200", "offline").await;
    album.take(&window, "today-last-days").await;
    go(&window, "account").await;
    wait_for_attr(&window, "[data-test='vault']", "data-kind", "keyring", SOON).await;
    window.click("[data-test='sign-out']").await.unwrap();
    window.find("[data-test='sign-out-words']").await.unwrap();
    album.take(&window, "sign-out").await;

    let (_stage, window) = without_the_server(look, "20", "grace_expired").await;
    album.take(&window, "today-locked").await;
    go(&window, "library").await;
    window.find("[data-test='library-locked']").await.unwrap();
    album.take(&window, "library-locked").await;
}

/// On Today, with a ride that waits, after the server of a short grace was lost and the session is as told.
async fn without_the_server(look: Look, grace: &str, state: &str) -> (Stage, Window) {
    let args = ["--dev", "--offline-grace", grace];
    let mut stage = Stage::set_with((1280, 800), &args).await;
    stage.look = look;
    stage.import_own();
    let window = signed_in(&stage).await;
    window.click("[data-test='start']").await.unwrap();
    // What a ride began with holds for that ride, so it may take as long as it does.
    window.find("[data-test='ride']").await.unwrap();
    stage.server.kill9();
    ride_to_history(&window, 2).await;
    wait_for_session(&window, state, WITHIN_A_MINUTE).await;
    go(&window, "today").await;
    (stage, window)
}

/// The keyring: locked at launch, and none at all.
pub async fn with_a_bad_keyring(look: Look) {
    let album = Album::of(look);
    let mut stage = Stage::set((1280, 800)).await;
    stage.look = look;
    let window = signed_in(&stage).await;
    window.quit().await.unwrap();
    stage.session.lock_keyring().await.unwrap();
    let window = stage.open().await;
    wait_for_session(&window, "vault_unavailable", WITHIN_A_MINUTE).await;
    go(&window, "account").await;
    album.take(&window, "account-keyring-locked").await;
    window.quit().await.unwrap();

    let options = SessionOptions {
        display: Some((1280, 800)),
        keyring: Keyring::Absent,
    };
    stage.session = DesktopSession::start(options).await.unwrap();
    let home = stage.session.folder().join("without-keyring");
    let window = stage.open_on(&home).await;
    stage.sign_in(&window).await;
    let vault = "[data-test='vault']";
    wait_for_attr(&window, vault, "data-kind", "key_file", WITHIN_A_MINUTE).await;
    album.take(&window, "account-key-file").await;
}
