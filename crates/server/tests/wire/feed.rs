use freewheel_protocol::{Change, ChangeKind, ChangesPage, PlanItem, ProblemCode, WorkoutDoc};
use freewheel_server::Library;
use freewheel_workout::{Effort, Step, Workout};
use reqwest::{Response, StatusCode};

use crate::rig::{Rig, problem};

fn workout(name: &str) -> Workout {
    let effort = Effort::Steady {
        seconds: 600,
        power: 0.6,
        cadence: None,
    };
    Workout {
        name: name.to_owned(),
        author: None,
        description: String::new(),
        tags: Vec::new(),
        steps: vec![Step {
            effort,
            cues: Vec::new(),
        }],
    }
}

async fn ask(rig: &Rig, token: &str, query: &[(&str, &str)]) -> Response {
    rig.get("/v1/changes")
        .query(query)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
}

async fn page(rig: &Rig, token: &str, query: &[(&str, &str)]) -> ChangesPage {
    let response = ask(rig, token, query).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

/// All pages behind `cursor`, `limit` at a time.
async fn walk(
    rig: &Rig,
    token: &str,
    cursor: Option<String>,
    limit: &str,
) -> (Vec<Change>, String) {
    let mut cursor = cursor;
    let mut changes = Vec::new();
    loop {
        let mut query = vec![("limit", limit)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let next = page(rig, token, &query).await;
        assert!(next.changes.len() <= limit.parse().unwrap());
        changes.extend(next.changes);
        if !next.more {
            return (changes, next.next_cursor);
        }
        cursor = Some(next.next_cursor);
    }
}

fn ids(changes: &[Change]) -> Vec<(String, bool)> {
    changes
        .iter()
        .map(|change| (change.id.clone(), change.deleted))
        .collect()
}

#[tokio::test]
async fn the_library_plan_and_profile_come_in_one_ordered_sequence() {
    let rig = Rig::start_with(Library::BuiltIn).await;
    let token = rig.sign_in().await.access_token;
    let (changes, _) = walk(&rig, &token, None, "7").await;
    assert!(
        changes
            .windows(2)
            .all(|pair| pair[0].revision < pair[1].revision)
    );
    let count = |kind: ChangeKind| changes.iter().filter(|change| change.kind == kind).count();
    assert!(count(ChangeKind::Workout) >= 60);
    assert_eq!(count(ChangeKind::Profile), 1);

    let plan: Vec<PlanItem> = changes
        .iter()
        .filter(|change| change.kind == ChangeKind::PlanItem)
        .map(|change| serde_json::from_value(change.body.clone().unwrap()).unwrap())
        .collect();
    assert_eq!(
        plan.iter().map(|item| item.date).min().unwrap().to_string(),
        "2026-03-02"
    );
    for item in &plan {
        let planned = changes
            .iter()
            .find(|change| change.id == item.workout_id)
            .unwrap();
        let doc: WorkoutDoc = serde_json::from_value(planned.body.clone().unwrap()).unwrap();
        assert!(!doc.workout.steps.is_empty());
    }
}

#[tokio::test]
async fn a_reader_meets_each_change_once_and_then_nothing() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    let store = rig.server.store();
    for id in ["a", "b", "c"] {
        store.publish_workout(id, &workout(id)).unwrap();
    }
    let (all, cursor) = walk(&rig, &token, None, "2").await;
    let live = |id: &str| (id.to_owned(), false);
    assert_eq!(ids(&all), [live("me"), live("a"), live("b"), live("c")]);

    let nothing = ask(&rig, &token, &[("cursor", &cursor)]).await;
    assert_eq!(nothing.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(nothing.bytes().await.unwrap().len(), 0);

    // The same again is no change.
    store.publish_workout("a", &workout("a")).unwrap();
    store.retire_workout("never-there").unwrap();
    let nothing = ask(&rig, &token, &[("cursor", &cursor)]).await;
    assert_eq!(nothing.status(), StatusCode::NOT_MODIFIED);

    store
        .publish_workout("a", &workout("a, second edition"))
        .unwrap();
    store.retire_workout("b").unwrap();
    store
        .publish_workout("a", &workout("a, third edition"))
        .unwrap();
    let (news, cursor) = walk(&rig, &token, Some(cursor), "1").await;
    assert_eq!(ids(&news), [("b".to_owned(), true), live("a")]);
    assert_eq!(news[0].body, None);
    assert_eq!(news[1].body.as_ref().unwrap()["name"], "a, third edition");

    store.publish_workout("b", &workout("b")).unwrap();
    let (news, _) = walk(&rig, &token, Some(cursor), "1").await;
    assert_eq!(ids(&news), [live("b")]);
}

#[tokio::test]
async fn changes_during_a_walk_are_not_missed() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    let store = rig.server.store();
    for id in ["a", "b", "c", "d"] {
        store.publish_workout(id, &workout(id)).unwrap();
    }
    let first = page(&rig, &token, &[("limit", "2")]).await;
    store.retire_workout("a").unwrap();
    store.publish_workout("c", &workout("c, later")).unwrap();
    let (rest, _) = walk(&rig, &token, Some(first.next_cursor), "2").await;
    let live = |id: &str| (id.to_owned(), false);
    assert_eq!(
        ids(&rest),
        [live("b"), live("d"), ("a".to_owned(), true), live("c")]
    );
}

#[tokio::test]
async fn an_athlete_sees_the_own_plan_and_nobody_elses() {
    let rig = Rig::start().await;
    let other = rig.add_athlete("other");
    let (mine, theirs) = (rig.sign_in().await, rig.sign_in_as("other").await);
    let (_, my_cursor) = walk(&rig, &mine.access_token, None, "10").await;
    let (_, their_cursor) = walk(&rig, &theirs.access_token, None, "10").await;
    let item: PlanItem = serde_json::from_value(serde_json::json!({
        "date": "2026-03-05", "workout_id": "a", "state": "planned",
    }))
    .unwrap();
    rig.server
        .store()
        .put_plan_item(&other, "item", &item)
        .unwrap();
    let mine_now = ask(&rig, &mine.access_token, &[("cursor", &my_cursor)]).await;
    assert_eq!(mine_now.status(), StatusCode::NOT_MODIFIED);
    let (news, their_cursor) = walk(&rig, &theirs.access_token, Some(their_cursor), "10").await;
    assert_eq!(ids(&news), [("item".to_owned(), false)]);
    rig.server.store().remove_plan_item(&other, "item").unwrap();
    let (news, _) = walk(&rig, &theirs.access_token, Some(their_cursor), "10").await;
    assert_eq!(ids(&news), [("item".to_owned(), true)]);
}

#[tokio::test]
async fn a_cursor_that_cannot_be_continued_is_gone() {
    let rig = Rig::start().await;
    rig.add_athlete("other");
    let token = rig.sign_in().await.access_token;
    let others = rig.sign_in_as("other").await.access_token;
    let foreign_rig = Rig::start().await;
    let foreign_token = foreign_rig.sign_in().await.access_token;
    let (_, foreign) = walk(&foreign_rig, &foreign_token, None, "10").await;
    let (_, of_other_athlete) = walk(&rig, &others, None, "10").await;

    let store = rig.server.store();
    for id in ["a", "b", "c"] {
        store.publish_workout(id, &workout(id)).unwrap();
    }
    let (_, old) = walk(&rig, &token, None, "10").await;
    store.retire_workout("b").unwrap();
    store.forget_tombstones().unwrap();

    for cursor in [&*foreign, &*of_other_athlete, &*old, "junk", ""] {
        let answer = ask(&rig, &token, &[("cursor", cursor)]).await;
        assert_eq!(
            problem(answer).await,
            (410, ProblemCode::CursorGone),
            "{cursor}"
        );
    }
    // Starting again works in small pages too, though they begin before the forgotten tombstone.
    let (all, cursor) = walk(&rig, &token, None, "1").await;
    let live = |id: &str| (id.to_owned(), false);
    assert_eq!(ids(&all), [live("me"), live("a"), live("c")]);
    let nothing = ask(&rig, &token, &[("cursor", &cursor)]).await;
    assert_eq!(nothing.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn limits_are_clamped_and_nonsense_is_a_problem() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    let many = (0..1001)
        .map(|id| (format!("w{id}"), workout("w")))
        .collect();
    rig.server.store().publish_workouts(&many).unwrap();
    assert_eq!(page(&rig, &token, &[("limit", "0")]).await.changes.len(), 1);
    assert_eq!(
        page(&rig, &token, &[("limit", "9999")]).await.changes.len(),
        1000
    );
    for limit in ["-1", "many"] {
        let answer = ask(&rig, &token, &[("limit", limit)]).await;
        assert_eq!(problem(answer).await, (400, ProblemCode::BadRequest));
    }
}
