//! The grace is counted from what the vault's key vouches for: whoever edits the profile gains nothing, and whoever is
//! without a keyring for days loses nothing.

use std::time::Duration;

use freewheel_lab::rig::{PATIENCE, Rig};
use freewheel_policy::session::{CredentialState, SignInCause, VaultCause};
use freewheel_sync::vault::{Vault, account_entry, key_file_path};
use freewheel_sync::view::SyncView;
use freewheel_sync::{Mode, RideRequest};
use jiff::SignedDuration;
use serde_json::Value;

use crate::athlete::{eventually, soon};
use crate::moody::{Mood, Moody};
use crate::site::Site;

const DAY: i64 = 86_400_000;

fn settled(view: &SyncView) -> bool {
    view.library.workouts >= 60 && !view.data.busy
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

/// A profile with a library, four days after its last contact, closed.
async fn four_days_offline(site: &Site, rig: &mut Rig) {
    rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until("a library", PATIENCE, settled).await.unwrap();
    site.gate.rule(|_| crate::site::Way::LoseRequest);
    rig.clock.pass(days(4));
    rig.launch(Mode::Resident).await.unwrap();
    vouched(rig).await;
    rig.close().await;
}

/// Waits until the mark is four days old and vouched for.
async fn vouched(rig: &Rig) {
    let stored = || -> (Value, Value) {
        let sql = "SELECT facts, vouched FROM session";
        let (facts, vouched): (String, Option<String>) = rig
            .database()
            .unwrap()
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap()["mark"].clone();
        (
            read(&facts),
            read(&vouched.unwrap_or_else(|| "{}".to_owned())),
        )
    };
    eventually("a mark that is vouched for", || {
        let (mark, vouched) = stored();
        mark["elapsed"]
            .as_i64()
            .is_some_and(|ms| ms >= 4 * DAY - 60_000)
            && mark == vouched
    })
    .await;
}

fn edit(rig: &Rig, change: impl FnOnce(&mut Value)) {
    let database = rig.database().unwrap();
    let facts: String = database
        .query_row("SELECT facts FROM session", [], |row| row.get(0))
        .unwrap();
    let mut facts: Value = serde_json::from_str(&facts).unwrap();
    change(&mut facts);
    let changed = database.execute("UPDATE session SET facts = ?1", [facts.to_string()]);
    assert_eq!(changed.unwrap(), 1);
}

fn sql(rig: &Rig, sql: &str) {
    assert!(rig.database().unwrap().execute(sql, []).unwrap() > 0);
}

/// Moves every time of the anchor forward.
fn later(anchor: &mut Value, by: i64) {
    for time in ["/server", "/at/wall", "/at/boot"] {
        let time = anchor.pointer_mut(time).unwrap();
        *time = (time.as_i64().unwrap() + by).into();
    }
}

fn closed(view: &SyncView) -> bool {
    view.session.state == "grace_expired" && !view.session.library_open
}

type Forgery = (&'static str, fn(&Rig));

const FORGERIES: [Forgery; 8] = [
    ("the contact moved forward", |rig| {
        edit(rig, |facts| later(&mut facts["anchor"], 3 * DAY));
    }),
    ("the mark lowered", |rig| {
        edit(rig, |facts| facts["mark"]["elapsed"] = DAY.into());
    }),
    ("the mark removed", |rig| {
        edit(rig, |facts| facts["mark"] = Value::Null);
    }),
    ("a grace that the server shortened made long again", |rig| {
        edit(rig, |facts| {
            facts["anchor"]["offline_grace"] = (2 * DAY).into()
        });
    }),
    ("the voucher removed", |rig| {
        sql(rig, "UPDATE session SET vouched = NULL, vouched_mac = NULL");
    }),
    ("the voucher edited with the facts", |rig| {
        edit(rig, |facts| facts["mark"]["elapsed"] = DAY.into());
        sql(
            rig,
            "UPDATE session SET vouched = json_set(vouched, '$.mark.elapsed', 86400000)",
        );
    }),
    ("the MAC of something else", |rig| {
        sql(rig, "UPDATE session SET vouched_mac = randomblob(32)");
    }),
    (
        "an anchor said to be written without the key, and nothing to fall back to",
        |rig| {
            edit(rig, |facts| later(&mut facts["anchor"], 3 * DAY));
            sql(
                rig,
                "UPDATE session SET keyless = 1, vouched = NULL, vouched_mac = NULL",
            );
        },
    ),
];

#[tokio::test]
async fn a_grace_that_was_edited_counts_as_over_until_the_next_contact() {
    let site = Site::start().await;
    let mut original = Rig::new().unwrap();
    four_days_offline(&site, &mut original).await;
    for (what, forge) in FORGERIES {
        let mut rig = original.copied().unwrap();
        forge(&rig);
        let engine = rig.launch(Mode::Resident).await.unwrap();
        let view = rig.until(what, PATIENCE, closed).await.unwrap();
        assert_eq!(
            rig.session().unwrap().state,
            CredentialState::GraceExpired(None),
            "{what}"
        );
        assert_eq!(view.library.workouts, engine.view_now().library.workouts);
        let library = engine.library(freewheel_sync::view::LibraryQuery {
            limit: 1,
            ..Default::default()
        });
        let licensed = library.await.unwrap().rows[0].id.clone();
        let request = RideRequest {
            workout_id: Some(licensed),
            plan_item_id: None,
            speed: 1.0,
            autostart: true,
        };
        let refused = engine.start_ride(request).await.err().unwrap();
        assert_eq!(refused.code(), "library_locked", "{what}");
        rig.ride().await.unwrap();
    }
    // One of them meets the server again.
    let mut rig = original.copied().unwrap();
    edit(&rig, |facts| later(&mut facts["anchor"], 3 * DAY));
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.until("closed", PATIENCE, closed).await.unwrap();
    site.gate.through();
    let report = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(report.session, "active", "{report:?}");
    let open = |v: &SyncView| v.session.library_open && v.session.state == "active";
    rig.until("open", PATIENCE, open).await.unwrap();
    rig.close().await;
    rig.launch(Mode::Resident).await.unwrap();
    assert!(open(&rig.engine().unwrap().view_now()), "and stays so");
}

/// The screen is composed when something happens; that time passes is no such thing.
#[tokio::test]
async fn a_ride_that_is_refused_says_why_also_when_the_screen_is_older_than_the_end_of_the_grace() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until("a library", PATIENCE, settled).await.unwrap();
    let library = engine.library(freewheel_sync::view::LibraryQuery {
        limit: 1,
        ..Default::default()
    });
    let licensed = library.await.unwrap().rows[0].id.clone();
    rig.clock.pass(days(15));
    let request = RideRequest {
        workout_id: Some(licensed),
        plan_item_id: None,
        speed: 1.0,
        autostart: true,
    };
    let refused = engine.start_ride(request).await.err().unwrap();
    assert_eq!(refused.code(), "library_locked");
    let words = refused.to_string();
    assert!(words.starts_with("The library is locked. "), "{words}");
}

#[tokio::test]
async fn an_edit_while_the_app_runs_is_not_vouched_for_either() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    rig.until("a library", PATIENCE, settled).await.unwrap();
    edit(&rig, |facts| later(&mut facts["anchor"], 3 * DAY));
    site.gate.rule(|_| crate::site::Way::LoseRequest);
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    rig.until("closed", PATIENCE, closed).await.unwrap();
}

#[tokio::test]
async fn what_was_not_edited_stays_open_through_restarts_sleep_and_reboots() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    four_days_offline(&site, &mut rig).await;
    for day in 5..13 {
        rig.clock.pass(days(1));
        if day % 3 == 0 {
            rig.clock.reboot();
        }
        let engine = rig.launch(Mode::Resident).await.unwrap();
        // Looks for the key, and has the marks vouched for.
        soon("a renewal", engine.renew()).await;
        let state = rig.session().unwrap();
        assert!(
            matches!(
                state.state,
                CredentialState::Offline(_) | CredentialState::OutcomeUnknown(_)
            ),
            "{state:?}"
        );
        let elapsed = rig.database().unwrap();
        let elapsed: i64 = elapsed
            .query_row(
                "SELECT vouched ->> '$.mark.elapsed' FROM session",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert!(
            (elapsed - day * DAY).abs() < 120_000,
            "day {day}: {elapsed}"
        );
        rig.close().await;
    }
    rig.clock.pass(days(2));
    rig.launch(Mode::Resident).await.unwrap();
    rig.until("over", PATIENCE, closed).await.unwrap();
}

#[tokio::test]
async fn a_keyring_that_is_locked_for_days_costs_no_grace_and_gives_none() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Open));
    let mut rig = Rig::new().unwrap();
    rig.vault = moody.vault();
    four_days_offline(&site, &mut rig).await;
    moody.set(Mood::Locked);
    for _ in 0..5 {
        rig.clock.pass(days(1));
        rig.clock.reboot();
        rig.launch(Mode::Resident).await.unwrap();
        eventually("the keyring is found locked", || {
            let state = rig.session().unwrap().state;
            state == CredentialState::VaultUnavailable(VaultCause::Locked)
        })
        .await;
        assert!(rig.engine().unwrap().view_now().session.library_open);
        rig.close().await;
    }
    // Somebody helps with the marks of those days: it is found out as soon as the keyring is open.
    let mut edited = rig.copied().unwrap();
    edited.vault = moody.vault();
    edit(&edited, |facts| facts["mark"]["elapsed"] = (3 * DAY).into());
    moody.set(Mood::Open);
    edited.launch(Mode::Resident).await.unwrap();
    edited.until("found out", PATIENCE, closed).await.unwrap();
    edited.close().await;
    // Whoever did nothing has the days that are left.
    let engine = rig.launch(Mode::Resident).await.unwrap();
    soon("a renewal", engine.renew()).await;
    let session = rig.session().unwrap();
    assert_eq!(session.days_left, Some(5), "{session:?}");
    let offline = matches!(
        session.state,
        CredentialState::Offline(_) | CredentialState::OutcomeUnknown(_)
    );
    assert!(offline, "{session:?}");
}

/// What cannot be told without the key: there both copies agree. It does not outlast the key's return.
#[tokio::test]
async fn what_was_written_while_the_key_was_away_is_found_out_when_it_is_back() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    four_days_offline(&site, &mut rig).await;
    let (key, away) = (key_file_path(rig.folder()), rig.folder().join("elsewhere"));
    std::fs::rename(&key, &away).unwrap();
    let renew = |grace: &mut Value| {
        later(&mut grace["anchor"], 3 * DAY);
        grace["mark"] = Value::Null;
    };
    edit(&rig, renew);
    let select = "SELECT vouched FROM session";
    let database = rig.database().unwrap();
    let vouched: String = database.query_row(select, [], |row| row.get(0)).unwrap();
    let mut vouched: Value = serde_json::from_str(&vouched).unwrap();
    renew(&mut vouched);
    let update = "UPDATE session SET vouched = ?1";
    database.execute(update, [vouched.to_string()]).unwrap();
    drop(database);
    rig.clock.pass(days(12));
    rig.launch(Mode::Resident).await.unwrap();
    let without = |view: &SyncView| {
        let state = view.session.state.as_str();
        ["needs_sign_in", "vault_unavailable"].contains(&state)
    };
    let view = rig.until("a look for the key", PATIENCE, without).await;
    assert!(
        view.unwrap().session.library_open,
        "16 days, and 13 are told"
    );
    rig.close().await;
    std::fs::rename(&away, &key).unwrap();
    rig.launch(Mode::Resident).await.unwrap();
    rig.until("found out", PATIENCE, closed).await.unwrap();
}

#[tokio::test]
async fn a_profile_that_was_given_another_account_is_closed() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    four_days_offline(&site, &mut rig).await;
    // The key of the other account is there: somebody signed in with it here before.
    let vault = Vault::open(rig.folder(), rig.vault.clone());
    vault
        .create_key(&account_entry(&site.url, "somebody"))
        .await
        .unwrap();
    edit(&rig, |facts| {
        facts["account"]["subject"] = "somebody".into()
    });
    rig.launch(Mode::Resident).await.unwrap();
    rig.until("closed", PATIENCE, closed).await.unwrap();
    // The grace is found out without the key, the tokens with it.
    let lost = CredentialState::GraceExpired(Some(SignInCause::CredentialLost));
    let is_lost = || rig.session().unwrap().state == lost;
    eventually("a sign-in that is lost", is_lost).await;
}

#[tokio::test]
async fn a_profile_of_the_version_before_is_believed_once() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    four_days_offline(&site, &mut rig).await;
    let (generation, sealed): (u64, Vec<u8>) = rig
        .database()
        .unwrap()
        .query_row("SELECT generation, sealed FROM session", [], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))
        })
        .unwrap();
    let account = account_entry(&site.url, site.demo().as_str());
    let key = Vault::open(rig.folder(), rig.vault.clone())
        .key(&account)
        .await
        .unwrap();
    let plain = key.open(&account, generation, &sealed).unwrap();
    let mut plain: Value = serde_json::from_slice(&plain).unwrap();
    plain.as_object_mut().unwrap().remove("vouched").unwrap();
    let before = key
        .seal(&account, generation, plain.to_string().as_bytes())
        .unwrap();
    let old = "UPDATE session SET sealed = ?1, vouched = NULL, vouched_mac = NULL";
    rig.database().unwrap().execute(old, [before]).unwrap();
    rig.launch(Mode::Resident).await.unwrap();
    vouched(&rig).await;
    assert!(rig.engine().unwrap().view_now().session.library_open);
    rig.close().await;
    sql(
        &rig,
        "UPDATE session SET vouched = NULL, vouched_mac = NULL",
    );
    rig.launch(Mode::Resident).await.unwrap();
    rig.until("not a second time", PATIENCE, closed)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_sign_in_without_the_keyring_lends_its_grace_only_as_long_as_it_lives() {
    let (site, moody) = (Site::start().await, Moody::new(Mood::Open));
    let mut rig = Rig::new().unwrap();
    rig.vault = moody.vault();
    four_days_offline(&site, &mut rig).await;
    moody.set(Mood::Locked);
    site.gate.through();
    rig.launch(Mode::Resident).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    assert_eq!(rig.session().unwrap().days_left, Some(14));
    rig.kill();
    site.gate.rule(|_| crate::site::Way::LoseRequest);
    moody.set(Mood::Open);
    let engine = rig.launch(Mode::Resident).await.unwrap();
    soon("a renewal", engine.renew()).await;
    let session = rig.session().unwrap();
    assert_eq!(session.days_left, Some(10), "{session:?}");
}

/// The tokens taken out along with the voucher: the key is still there, and has vouched for neither.
#[tokio::test]
async fn a_grace_that_was_edited_does_not_count_without_the_tokens_either() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    four_days_offline(&site, &mut rig).await;
    edit(&rig, |facts| later(&mut facts["anchor"], 3 * DAY));
    let bare = "UPDATE session SET sealed = NULL, vouched = NULL, vouched_mac = NULL";
    sql(&rig, bare);
    rig.launch(Mode::Resident).await.unwrap();
    rig.until("closed", PATIENCE, closed).await.unwrap();
    let lost = CredentialState::GraceExpired(Some(SignInCause::CredentialLost));
    assert_eq!(rig.session().unwrap().state, lost);
    rig.ride().await.unwrap();
}
