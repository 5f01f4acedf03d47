//! What the athlete changes: there at once, at the service exactly once, and in two versions where somebody else was
//! faster.

use std::sync::Arc;
use std::time::Duration;

use freewheel_protocol::{PlanItem, PlanState};
use freewheel_ride::view::RideSaved;
use freewheel_sync::view::{
    ConflictChoice, EditMarkState, EditRequest, OutboxRow, PlanMark, PlannedCard,
};
use freewheel_sync::{Engine, Mode};
use jiff::civil::Date;
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::athlete::{
    card, eventually, open, ride, sign_in, signed_in, soon, until, until_delivered,
};
use crate::site::{Site, Way};

const EDITS: &str = "POST /v1/edits";
const PROBLEM: &str = "application/problem+json";

/// A signed-in athlete with the plan of the demo on this computer.
async fn planned(mode: Mode) -> (Site, TempDir, Engine, Vec<PlannedCard>) {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), mode, &site.url, "demo").await;
    if mode == Mode::OneShot {
        sync(&engine).await;
    }
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    let plan = plan(&engine).await;
    assert!(plan.len() >= 2, "{plan:?}");
    (site, folder, engine, plan)
}

async fn plan(engine: &Engine) -> Vec<PlannedCard> {
    let first: Date = "2020-01-01".parse().unwrap();
    engine.plan(first, 200_000).await.unwrap()
}

async fn seen(engine: &Engine, id: &str) -> PlannedCard {
    let plan = plan(engine).await.into_iter();
    let mut found = plan.filter(|card| card.plan_item_id == id);
    found.next().unwrap()
}

async fn sync(engine: &Engine) {
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
}

/// Waits until every edit has left the queue, as the store tells; the view comes a little later.
async fn until_sent(engine: &Engine) {
    let sent = async {
        let waits = |row: &OutboxRow| row.state == "waiting" || row.state == "in_flight";
        while engine.outbox().await.unwrap().iter().any(waits) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the delivery of the edits", sent).await;
    until(engine, "a view without them", |v| v.data.waiting == 0).await;
}

fn moved(id: &str, date: &str) -> EditRequest {
    EditRequest::MovePlanned {
        plan_item_id: id.to_owned(),
        date: date.to_owned(),
    }
}

fn marked(id: &str, state: PlanMark) -> EditRequest {
    EditRequest::MarkPlanned {
        plan_item_id: id.to_owned(),
        state,
    }
}

fn at_the_server(site: &Site, id: &str) -> PlanItem {
    let plan = site.server.store().plan(&site.demo()).unwrap();
    plan.into_iter().find(|(item, _)| item == id).unwrap().1
}

/// Somebody else changes a planned workout at the service.
fn elsewhere(site: &Site, id: &str, change: impl FnOnce(&mut PlanItem)) {
    let mut item = at_the_server(site, id);
    change(&mut item);
    let store = site.server.store();
    store.put_plan_item(&site.demo(), id, &item).unwrap();
}

/// How many edits the service has applied.
fn receipts(site: &Site) -> i64 {
    let database = site.database().unwrap();
    let count = "SELECT count(*) FROM edit";
    database.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_is_changed_offline_shows_at_once_and_is_delivered_when_the_service_is_back() {
    let (site, _folder, engine, plan) = planned(Mode::Resident).await;
    let id = &plan[0].plan_item_id;
    let away = site.stop().await;
    engine.edit(moved(id, "2031-05-06")).await.unwrap();
    engine.edit(marked(id, PlanMark::Skipped)).await.unwrap();
    let here = seen(&engine, id).await;
    assert_eq!(
        (here.date.as_str(), here.state.as_str()),
        ("2031-05-06", "skipped")
    );
    let mark = here.edit.unwrap();
    assert_eq!(
        (mark.state, mark.words.as_str()),
        (EditMarkState::Waiting, "Waiting to be sent")
    );
    let view = until(&engine, "waiting", |v| v.data.waiting == 2).await;
    assert_eq!(view.data.words, "2 changes waiting");
    let rows = engine.outbox().await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter()
            .all(|row| row.kind == "edit" && row.delivered_at.is_none()),
        "{rows:?}"
    );
    assert!(
        rows[0].name.ends_with("Day: Tuesday 6 May 2031"),
        "{}",
        rows[0].name
    );
    let site = away.start().await;
    until_sent(&engine).await;
    let there = at_the_server(&site, id);
    assert_eq!(
        (there.date.to_string().as_str(), there.state),
        ("2031-05-06", PlanState::Skipped)
    );
    assert_eq!(receipts(&site), 2);
    let here = seen(&engine, id).await;
    assert_eq!((here.date.as_str(), here.edit), ("2031-05-06", None));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_the_edit_is_applied_once() {
    let (site, _folder, engine, plan) = planned(Mode::Resident).await;
    let id = &plan[0].plan_item_id;
    site.gate.first(2, EDITS, || Way::LoseReply);
    engine.edit(moved(id, "2031-05-06")).await.unwrap();
    // The first one was applied. Somebody moves the workout again, before the answer is heard.
    eventually("it is applied", || receipts(&site) == 1).await;
    elsewhere(&site, id, |item| item.date = "2031-05-09".parse().unwrap());
    until_sent(&engine).await;
    assert!(site.gate.count(EDITS) >= 3);
    assert_eq!(receipts(&site), 1);
    assert_eq!(
        at_the_server(&site, id).date.to_string(),
        "2031-05-09",
        "applied once, not again"
    );
}

#[tokio::test]
async fn an_app_that_dies_while_sending_delivers_once() {
    for the_server_got_it in [false, true] {
        let (site, folder, engine, plan) = planned(Mode::Resident).await;
        let id = &plan[0].plan_item_id;
        let bell = Arc::new(Notify::new());
        let held = Arc::clone(&bell);
        site.gate.only(EDITS, move || Way::Hold(Arc::clone(&held)));
        engine.edit(moved(id, "2031-05-06")).await.unwrap();
        eventually("the request arrives", || site.gate.count(EDITS) > 0).await;
        if the_server_got_it {
            bell.notify_one();
            eventually("the server has it", || receipts(&site) == 1).await;
        }
        drop(engine);
        site.gate.through();
        let engine = open(folder.path(), Mode::Resident).await;
        assert_eq!(
            seen(&engine, id).await.date,
            "2031-05-06",
            "it shows, whatever became of it"
        );
        until_sent(&engine).await;
        assert_eq!(receipts(&site), 1);
        assert_eq!(at_the_server(&site, id).date.to_string(), "2031-05-06");
    }
}

#[tokio::test]
async fn an_edit_of_another_field_is_rebased_without_a_question() {
    let (site, _folder, engine, plan) = planned(Mode::OneShot).await;
    let id = &plan[0].plan_item_id;
    elsewhere(&site, id, |item| item.state = PlanState::Skipped);
    engine.edit(moved(id, "2031-05-06")).await.unwrap();
    sync(&engine).await;
    let there = at_the_server(&site, id);
    assert_eq!(
        (there.date.to_string().as_str(), there.state),
        ("2031-05-06", PlanState::Skipped)
    );
    assert!(engine.conflicts().await.unwrap().is_empty());
    until_sent(&engine).await;
    let here = seen(&engine, id).await;
    assert_eq!(
        (here.date.as_str(), here.state.as_str()),
        ("2031-05-06", "skipped")
    );
}

/// A workout that was moved here and elsewhere.
async fn in_conflict() -> (Site, TempDir, Engine, String) {
    let (site, folder, engine, plan) = planned(Mode::OneShot).await;
    let id = plan[0].plan_item_id.clone();
    elsewhere(&site, &id, |item| item.date = "2031-05-09".parse().unwrap());
    engine.edit(moved(&id, "2031-05-06")).await.unwrap();
    // Another change goes through beside it.
    engine
        .edit(marked(&plan[1].plan_item_id, PlanMark::Done))
        .await
        .unwrap();
    sync(&engine).await;
    assert_eq!(
        at_the_server(&site, &plan[1].plan_item_id).state,
        PlanState::Done
    );
    (site, folder, engine, id)
}

#[tokio::test]
async fn an_edit_of_the_same_field_is_shown_in_both_versions_and_mine_can_be_kept() {
    let (site, _folder, engine, id) = in_conflict().await;
    let conflicts = engine.conflicts().await.unwrap();
    assert_eq!(conflicts.len(), 1);
    let conflict = &conflicts[0];
    assert_eq!(conflict.plan_item_id.as_ref(), Some(&id));
    assert_eq!(conflict.part, "Day");
    assert_eq!(conflict.mine, "Tuesday 6 May 2031");
    assert_eq!(conflict.theirs, "Friday 9 May 2031");
    until(&engine, "in need of the athlete", |v| {
        v.data.words == "1 change needs you"
    })
    .await;
    assert_eq!(
        seen(&engine, &id).await.edit.unwrap().state,
        EditMarkState::Conflict
    );
    // Time settles nothing.
    sync(&engine).await;
    assert_eq!(at_the_server(&site, &id).date.to_string(), "2031-05-09");
    assert_eq!(seen(&engine, &id).await.date, "2031-05-09");

    let edit = conflict.id.parse().unwrap();
    engine.choose(edit, ConflictChoice::Mine).await.unwrap();
    assert_eq!(seen(&engine, &id).await.date, "2031-05-06");
    sync(&engine).await;
    assert_eq!(at_the_server(&site, &id).date.to_string(), "2031-05-06");
    assert!(engine.conflicts().await.unwrap().is_empty());
    assert_eq!(seen(&engine, &id).await.edit, None);
}

#[tokio::test]
async fn an_edit_of_the_same_field_is_given_up_when_the_athlete_keeps_the_services() {
    let (site, _folder, engine, id) = in_conflict().await;
    let edit = engine.conflicts().await.unwrap()[0].id.parse().unwrap();
    engine.choose(edit, ConflictChoice::Theirs).await.unwrap();
    assert!(engine.conflicts().await.unwrap().is_empty());
    let before = site.gate.count(EDITS);
    sync(&engine).await;
    assert_eq!(site.gate.count(EDITS), before, "nothing is left to send");
    assert_eq!(at_the_server(&site, &id).date.to_string(), "2031-05-09");
    let here = seen(&engine, &id).await;
    assert_eq!((here.date.as_str(), here.edit), ("2031-05-09", None));
    until(&engine, "nothing waits", |v| {
        v.data.words == "Nothing waits"
    })
    .await;
}

#[tokio::test]
async fn what_is_said_about_a_ride_follows_the_ride() {
    let (site, _folder, engine, _) = planned(Mode::Resident).await;
    site.gate.only("PUT", || Way::LoseRequest);
    let saved = ride(&engine).await;
    let said = |saved: &RideSaved| {
        let ride_id = saved.id.clone();
        [
            EditRequest::RenameRide {
                ride_id: ride_id.clone(),
                title: " Hills ".into(),
            },
            EditRequest::NoteRide {
                ride_id: ride_id.clone(),
                note: "windy".into(),
            },
            EditRequest::RateRide {
                ride_id,
                rpe: Some(7),
            },
        ]
    };
    for edit in said(&saved) {
        engine.edit(edit).await.unwrap();
    }
    let here = card(&engine, &saved).await;
    assert_eq!(
        (here.name.as_str(), here.note.as_deref(), here.rpe),
        ("Hills", Some("windy"), Some(7))
    );
    until(&engine, "waiting", |v| {
        v.data.words == "1 ride and 3 changes waiting"
    })
    .await;
    assert_eq!(site.gate.count(EDITS), 0, "there is no such ride yet");
    site.gate.through();
    engine.sync_now();
    until_delivered(&engine, &saved).await;
    assert_eq!(receipts(&site), 3);
    let database = site.database().unwrap();
    let details = "SELECT body FROM feed WHERE kind = 'ride_details'";
    let details: String = database.query_row(details, [], |row| row.get(0)).unwrap();
    let details: serde_json::Value = serde_json::from_str(&details).unwrap();
    assert_eq!(
        details,
        serde_json::json!({"title": "Hills", "note": "windy", "rpe": 7})
    );
    // Another computer of the same athlete is told.
    let folder = tempfile::tempdir().unwrap();
    let other = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    sync(&other).await;
    let kept = rusqlite::Connection::open(folder.path().join("library.db")).unwrap();
    let told = "SELECT count(*) FROM ride_details";
    assert_eq!(
        kept.query_row(told, [], |row| row.get::<_, i64>(0))
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn what_is_said_about_a_ride_that_nobody_owns_stays_here() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), Mode::Resident).await;
    let saved = ride(&engine).await;
    let title = EditRequest::RenameRide {
        ride_id: saved.id.clone(),
        title: "Hills".into(),
    };
    engine.edit(title).await.unwrap();
    sign_in(&engine, &site.url, "demo").await.unwrap();
    until(&engine, "a library", |v| v.library.workouts >= 60).await;
    sync(&engine).await;
    let here = card(&engine, &saved).await;
    assert_eq!(
        (here.name.as_str(), here.edit),
        ("Hills", None),
        "nothing waits"
    );
    assert!(engine.outbox().await.unwrap().is_empty());
    assert_eq!((site.gate.count(EDITS), receipts(&site)), (0, 0));
}

#[tokio::test]
async fn values_that_make_no_sense_are_refused_where_they_are_made() {
    let (_site, _folder, engine, plan) = planned(Mode::OneShot).await;
    let saved = ride(&engine).await;
    let ride_id = saved.id.clone();
    for (edit, code) in [
        (moved(&plan[0].plan_item_id, "soon"), "edit_invalid"),
        (moved("nowhere", "2031-05-06"), "plan_item_unknown"),
        (
            EditRequest::RenameRide {
                ride_id: ride_id.clone(),
                title: " ".into(),
            },
            "edit_invalid",
        ),
        (
            EditRequest::NoteRide {
                ride_id: ride_id.clone(),
                note: "a".repeat(4001),
            },
            "edit_invalid",
        ),
        (
            EditRequest::RateRide {
                ride_id: ride_id.clone(),
                rpe: Some(0),
            },
            "edit_invalid",
        ),
        (
            EditRequest::RateRide {
                ride_id,
                rpe: Some(11),
            },
            "edit_invalid",
        ),
        (
            EditRequest::RateRide {
                ride_id: "x".into(),
                rpe: Some(1),
            },
            "edit_invalid",
        ),
    ] {
        assert_eq!(
            engine.edit(edit.clone()).await.unwrap_err().code(),
            code,
            "{edit:?}"
        );
    }
    let edits = engine.outbox().await.unwrap().into_iter();
    assert_eq!(edits.filter(|row| row.kind == "edit").count(), 0);
}

#[tokio::test]
async fn another_athletes_session_neither_sends_nor_shows_what_was_changed() {
    let (site, _folder, engine, plan) = planned(Mode::Resident).await;
    site.add_athlete("ben");
    let id = &plan[0].plan_item_id;
    site.gate.only(EDITS, || Way::LoseRequest);
    engine.edit(moved(id, "2031-05-06")).await.unwrap();
    until(&engine, "waiting", |v| v.data.waiting == 1).await;
    soon("signing out", engine.sign_out()).await.unwrap();
    until(&engine, "signed out", |v| v.session.state == "signed_out").await;
    site.gate.through();
    sign_in(&engine, &site.url, "ben").await.unwrap();
    let view = until(&engine, "ben's", |v| {
        v.session.account.as_deref() == Some("ben") && v.library.workouts >= 60
    })
    .await;
    assert_eq!((view.data.waiting, view.data.parked), (0, 0));
    assert!(engine.outbox().await.unwrap().is_empty());
    let before = site.gate.count(EDITS);
    sync(&engine).await;
    assert_eq!((site.gate.count(EDITS), receipts(&site)), (before, 0));
    soon("signing out", engine.sign_out()).await.unwrap();
    sign_in(&engine, &site.url, "demo").await.unwrap();
    until(&engine, "delivered", |v| {
        v.session.state == "active" && v.data.waiting == 0
    })
    .await;
    eventually("it is there", || receipts(&site) == 1).await;
    assert_eq!(at_the_server(&site, id).date.to_string(), "2031-05-06");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_costs_an_edit_nothing() {
    let (site, _folder, engine, plan) = planned(Mode::Resident).await;
    let id = &plan[0].plan_item_id;
    site.gate.first(1, EDITS, || {
        let body = r#"{"type":"about:blank","title":"no","status":401,"code":"invalid-token"}"#;
        Way::Say(401, PROBLEM, body.to_owned())
    });
    let renewals = || site.gate.count("POST /oauth/token");
    let before = renewals();
    engine.edit(moved(id, "2031-05-06")).await.unwrap();
    until_sent(&engine).await;
    assert_eq!(renewals(), before + 1, "another token is asked for");
    assert_eq!(at_the_server(&site, id).date.to_string(), "2031-05-06");
    let row = engine.outbox().await.unwrap().remove(0);
    assert_eq!((row.state.as_str(), row.attempts), ("delivered", 0));
}

#[tokio::test]
async fn one_refused_edit_holds_up_no_other_and_can_be_tried_again_or_given_up() {
    let (site, _folder, engine, plan) = planned(Mode::OneShot).await;
    let (gone, fine) = (&plan[0].plan_item_id, &plan[1].plan_item_id);
    let demo = site.demo();
    let item = at_the_server(&site, gone);
    site.server.store().remove_plan_item(&demo, gone).unwrap();
    engine.edit(moved(gone, "2031-05-06")).await.unwrap();
    engine.edit(moved(fine, "2031-05-07")).await.unwrap();
    sync(&engine).await;
    assert_eq!(at_the_server(&site, fine).date.to_string(), "2031-05-07");
    let rows = engine.outbox().await.unwrap();
    assert_eq!(
        (rows[0].state.as_str(), rows[1].state.as_str()),
        ("parked", "delivered")
    );
    let reason = rows[0].reason.as_deref();
    assert_eq!(
        reason,
        Some("The service does not have what this change is about.")
    );

    let needs = engine.conflicts().await.unwrap().remove(0);
    assert_eq!(
        (needs.theirs.as_str(), needs.refused.as_deref()),
        ("", reason)
    );

    // It is there again under the same id.
    site.server
        .store()
        .put_plan_item(&demo, gone, &item)
        .unwrap();
    engine
        .retry_ride(rows[0].id.parse().unwrap())
        .await
        .unwrap();
    sync(&engine).await;
    assert_eq!(at_the_server(&site, gone).date.to_string(), "2031-05-06");
    assert_eq!(engine.outbox().await.unwrap()[0].state, "delivered");
}

#[tokio::test]
async fn an_edit_that_breaks_the_service_is_found_out_and_the_others_go() {
    let (site, _folder, engine, plan) = planned(Mode::OneShot).await;
    let poison = plan[0].plan_item_id.clone();
    // The service fails whenever it is to change this one.
    site.sql(&format!(
        "CREATE TRIGGER poison BEFORE DELETE ON feed WHEN old.thing_id = '{poison}'
         BEGIN SELECT raise(ABORT, 'poison'); END"
    ));
    for (card, date) in plan.iter().take(2).zip(["2031-05-06", "2031-05-07"]) {
        engine.edit(moved(&card.plan_item_id, date)).await.unwrap();
    }
    sync(&engine).await;
    assert_eq!(
        at_the_server(&site, &plan[1].plan_item_id).date.to_string(),
        "2031-05-07"
    );
    let rows = engine.outbox().await.unwrap();
    assert_eq!(
        (rows[0].state.as_str(), rows[1].state.as_str()),
        ("waiting", "delivered")
    );
    assert!(rows[0].attempts > 0);
    site.sql("DROP TRIGGER poison");
    sync(&engine).await;
    assert_eq!(at_the_server(&site, &poison).date.to_string(), "2031-05-06");
}

#[tokio::test]
async fn a_batch_that_is_not_taken_whole_is_sent_one_by_one() {
    let (site, _folder, engine, plan) = planned(Mode::OneShot).await;
    site.gate
        .first(1, EDITS, || Way::Say(500, "text/plain", "no".to_owned()));
    for card in plan.iter().take(3) {
        engine
            .edit(marked(&card.plan_item_id, PlanMark::Done))
            .await
            .unwrap();
    }
    sync(&engine).await;
    assert_eq!(site.gate.count(EDITS), 4, "{:?}", site.gate.log());
    assert_eq!(receipts(&site), 3);
    until_sent(&engine).await;
}

#[tokio::test]
async fn a_way_that_loses_edits_delays_no_ride_and_no_library() {
    let (site, _folder, engine, plan) = planned(Mode::Resident).await;
    site.gate.only(EDITS, || Way::Silence);
    engine
        .edit(moved(&plan[0].plan_item_id, "2031-05-06"))
        .await
        .unwrap();
    eventually("it is on its way", || site.gate.count(EDITS) > 0).await;
    let saved = ride(&engine).await;
    eventually("the ride is there", || {
        site.rides_of(&site.demo()).len() == 1
    })
    .await;
    let _ = saved;
    elsewhere(&site, &plan[1].plan_item_id, |item| {
        item.state = PlanState::Skipped
    });
    engine.sync_now();
    let mut view = engine.view();
    let pulled = async {
        while seen(&engine, &plan[1].plan_item_id).await.state != "skipped" {
            view.changed().await.unwrap();
        }
    };
    soon("the pull", pulled).await;
    assert_eq!(receipts(&site), 0);
}
