use freewheel_protocol::edits::MAX_EDITS;
use freewheel_protocol::header::{CONTENT_DIGEST, FIT_MEDIA_TYPE};
use freewheel_protocol::{
    Change, ChangeKind, ChangesPage, ContentDigest, EditResult, EditResults, EditVerdict, PlanItem,
    PlanState, ProblemCode, RideDetails, Sha256Digest,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::rig::{Rig, fit, problem};

const RIDE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const ITEM: &str = "tuesday";

fn id(number: u32) -> String {
    format!("01890a5d-ac96-774b-bcce-{number:012}")
}

fn edit(number: u32, target: (&str, &str), base: u64, changes: &[(&str, Value)]) -> Value {
    let changes: Vec<Value> = changes
        .iter()
        .map(|(field, value)| json!({"field": field, "value": value}))
        .collect();
    json!({
        "id": id(number), "made": "2026-03-02T08:00:00Z", "base": base, "changes": changes,
        "target": {"kind": target.0, "id": target.1},
    })
}

fn moved(number: u32, base: u64, to: &str) -> Value {
    edit(
        number,
        ("plan_item", ITEM),
        base,
        &[("plan_date", to.into())],
    )
}

async fn post(rig: &Rig, token: &str, edits: &[Value]) -> reqwest::Response {
    let request = rig.http.post(format!("{}/v1/edits", rig.url));
    let request = request.bearer_auth(token).json(&json!({"edits": edits}));
    request.send().await.unwrap()
}

async fn send(rig: &Rig, token: &str, edits: &[Value]) -> Vec<EditVerdict> {
    let answer = post(rig, token, edits).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let results: EditResults = answer.json().await.unwrap();
    assert_eq!(results.results.len(), edits.len());
    let verdicts = results.results.into_iter().zip(edits);
    let verdicts = verdicts.map(|(EditResult { id, verdict }, sent)| {
        assert_eq!(sent["id"], json!(id));
        verdict
    });
    verdicts.collect()
}

async fn changes(rig: &Rig, token: &str) -> Vec<Change> {
    let answer = rig.get("/v1/changes").bearer_auth(token).send().await;
    let page: ChangesPage = answer.unwrap().json().await.unwrap();
    page.changes
}

async fn change(rig: &Rig, token: &str, kind: ChangeKind) -> Option<Change> {
    let mut changes = changes(rig, token).await.into_iter();
    changes.find(|change| change.kind == kind)
}

/// A server with one workout planned for the demo athlete, their token, and the item's revision.
async fn planned() -> (Rig, String, u64) {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    let mut item: PlanItem = serde_json::from_value(
        json!({"date": "2026-03-03", "workout_id": "w", "state": "planned"}),
    )
    .unwrap();
    item.extra.insert("coach".into(), "Ida".into());
    rig.server
        .store()
        .put_plan_item(&rig.demo(), ITEM, &item)
        .unwrap();
    let change = change(&rig, &token, ChangeKind::PlanItem).await.unwrap();
    (rig, token, change.revision)
}

fn item(rig: &Rig) -> PlanItem {
    let plan = rig.server.store().plan(&rig.demo()).unwrap();
    plan.into_iter().find(|(id, _)| id == ITEM).unwrap().1
}

async fn upload(rig: &Rig, token: &str) {
    let body = fit(b"ride");
    let request = rig.http.put(format!("{}/v1/rides/{RIDE}", rig.url));
    let request = request
        .query(&[
            ("started_at", "2026-03-02T08:00:00Z"),
            ("seconds", "60"),
            ("name", "Spin"),
        ])
        .bearer_auth(token)
        .header("content-type", FIT_MEDIA_TYPE)
        .header(
            CONTENT_DIGEST,
            ContentDigest(Sha256Digest::of(&body)).to_string(),
        );
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
}

fn code(verdict: &EditVerdict) -> ProblemCode {
    match verdict {
        EditVerdict::Refused { problem } => problem.code.clone(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_edit_is_applied_once_and_a_repetition_gets_the_same_verdict() {
    let (rig, token, base) = planned().await;
    let verdict = send(&rig, &token, &[moved(1, base, "2026-03-05")]).await;
    let change = change(&rig, &token, ChangeKind::PlanItem).await.unwrap();
    assert_eq!(
        verdict,
        [EditVerdict::Applied {
            revision: change.revision
        }]
    );
    assert!(change.revision > base);
    assert_eq!(item(&rig).date.to_string(), "2026-03-05");
    assert_eq!(
        item(&rig).extra["coach"],
        "Ida",
        "a field that no edit names stays"
    );

    // Somebody else moves it; the repetition changes nothing, whatever base it has.
    let elsewhere = moved(2, change.revision, "2026-03-07");
    send(&rig, &token, &[elsewhere]).await;
    for base in [base, change.revision, 999] {
        let again = send(&rig, &token, &[moved(1, base, "2026-03-05")]).await;
        assert_eq!(again, verdict);
    }
    let rig = rig.restart().await;
    let token = rig.sign_in().await.access_token;
    assert_eq!(
        send(&rig, &token, &[moved(1, base, "2026-03-05")]).await,
        verdict
    );
    assert_eq!(item(&rig).date.to_string(), "2026-03-07");
    let other_content = send(&rig, &token, &[moved(1, base, "2026-03-09")]).await;
    assert_eq!(code(&other_content[0]), ProblemCode::EditIdReused);
    assert_eq!(item(&rig).date.to_string(), "2026-03-07");
}

#[tokio::test]
async fn an_edit_of_an_older_revision_is_told_what_there_is_and_may_come_rebased() {
    let (rig, token, base) = planned().await;
    let skip = |base| {
        edit(
            2,
            ("plan_item", ITEM),
            base,
            &[("plan_state", "skipped".into())],
        )
    };
    let verdicts = send(&rig, &token, &[moved(1, base, "2026-03-05"), skip(base)]).await;
    let EditVerdict::Conflict { revision, current } = &verdicts[1] else {
        panic!("{verdicts:?}");
    };
    assert_eq!(
        verdicts[0],
        EditVerdict::Applied {
            revision: *revision
        }
    );
    assert_eq!(
        serde_json::to_value(current).unwrap(),
        json!([{"field": "plan_date", "value": "2026-03-05"}, {"field": "plan_state", "value": "planned"}])
    );
    assert_eq!(item(&rig).state, PlanState::Planned);
    let rebased = send(&rig, &token, &[skip(*revision)]).await;
    assert!(matches!(rebased[0], EditVerdict::Applied { .. }));
    assert_eq!(item(&rig).state, PlanState::Skipped);
    assert_eq!(item(&rig).date.to_string(), "2026-03-05");
    // Another edit that wants what is there, from wherever it comes.
    let same = edit(
        3,
        ("plan_item", ITEM),
        base,
        &[("plan_state", "skipped".into())],
    );
    let already = send(&rig, &token, &[same]).await;
    assert!(matches!(already[0], EditVerdict::Already { .. }));
}

#[tokio::test]
async fn what_is_said_about_a_ride_stands_in_the_feed_and_the_ride_stays_as_it_is() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    upload(&rig, &token).await;
    assert!(
        change(&rig, &token, ChangeKind::RideDetails)
            .await
            .is_none()
    );
    let rename = edit(1, ("ride", RIDE), 0, &[("ride_title", "Hills".into())]);
    let EditVerdict::Applied { revision } = send(&rig, &token, &[rename]).await[0] else {
        panic!("not applied");
    };
    let more = [("ride_note", "windy".into()), ("ride_rpe", 7.into())];
    let more = send(&rig, &token, &[edit(2, ("ride", RIDE), revision, &more)]).await;
    let seen = change(&rig, &token, ChangeKind::RideDetails).await.unwrap();
    assert_eq!(
        more,
        [EditVerdict::Applied {
            revision: seen.revision
        }]
    );
    assert_eq!(seen.id, RIDE);
    let details: RideDetails = serde_json::from_value(seen.body.unwrap()).unwrap();
    assert_eq!(details.title.as_deref(), Some("Hills"));
    assert_eq!(details.note.as_deref(), Some("windy"));
    assert_eq!(details.rpe.map(|rpe| rpe.get()), Some(7));
    assert_eq!(
        rig.server.store().rides(&rig.demo()).unwrap()[0]
            .upload
            .name,
        "Spin"
    );

    let late = edit(3, ("ride", RIDE), 0, &[("ride_rpe", Value::Null)]);
    let late = send(&rig, &token, &[late]).await;
    let EditVerdict::Conflict { current, .. } = &late[0] else {
        panic!("{late:?}");
    };
    assert_eq!(current.len(), 3);
}

#[tokio::test]
async fn nobody_edits_what_is_anothers() {
    let (rig, mine, base) = planned().await;
    upload(&rig, &mine).await;
    rig.add_athlete("other");
    let theirs = rig.sign_in_as("other").await.access_token;
    let edits = [
        moved(1, base, "2026-03-05"),
        edit(2, ("ride", RIDE), 0, &[("ride_title", "Mine now".into())]),
    ];
    for verdict in send(&rig, &theirs, &edits).await {
        assert_eq!(code(&verdict), ProblemCode::NotFound);
    }
    assert_eq!(item(&rig).date.to_string(), "2026-03-03");
    // The ids are each athlete's own: theirs have used up nothing of mine.
    for verdict in send(&rig, &mine, &edits).await {
        assert!(
            matches!(verdict, EditVerdict::Applied { .. }),
            "{verdict:?}"
        );
    }
    assert!(
        change(&rig, &theirs, ChangeKind::RideDetails)
            .await
            .is_none()
    );
    let nobody = post(&rig, "not a token", &edits).await;
    assert_eq!(problem(nobody).await, (401, ProblemCode::InvalidToken));
}

#[tokio::test]
async fn one_bad_item_spoils_no_other() {
    let (rig, token, base) = planned().await;
    let item_edit =
        |number, changes: &[(&str, Value)]| edit(number, ("plan_item", ITEM), base, changes);
    let edits = [
        json!({"id": id(1), "anything": "else"}),
        item_edit(2, &[]),
        item_edit(3, &[("plan_date", "soon".into())]),
        item_edit(
            4,
            &[("plan_date", "2026-03-05".into()), ("ride_rpe", 3.into())],
        ),
        item_edit(5, &[("plan_mood", 1.into())]),
        edit(6, ("season", "s"), 0, &[("plan_date", "2026-03-05".into())]),
        edit(
            7,
            ("plan_item", "nowhere"),
            base,
            &[("plan_state", "done".into())],
        ),
        item_edit(8, &[("plan_state", "done".into())]),
    ];
    let verdicts = send(&rig, &token, &edits).await;
    for verdict in &verdicts[..6] {
        assert_eq!(code(verdict), ProblemCode::EditUnreadable);
    }
    assert_eq!(code(&verdicts[6]), ProblemCode::NotFound);
    assert!(matches!(verdicts[7], EditVerdict::Applied { .. }));
    assert_eq!(item(&rig).state, PlanState::Done);
    assert_eq!(
        item(&rig).date.to_string(),
        "2026-03-03",
        "all of an edit or nothing"
    );
}

#[tokio::test]
async fn a_batch_has_its_bounds() {
    let (rig, token, base) = planned().await;
    let many: Vec<Value> = (0..=MAX_EDITS as u32)
        .map(|n| moved(n, base, "2026-03-05"))
        .collect();
    let refused = post(&rig, &token, &many).await;
    assert_eq!(problem(refused).await, (413, ProblemCode::TooLarge));
    let note = "a".repeat(2 * 1024 * 1024);
    let large = edit(1, ("ride", RIDE), 0, &[("ride_note", note.into())]);
    let refused = post(&rig, &token, &[large]).await;
    assert_eq!(problem(refused).await, (413, ProblemCode::TooLarge));
    let nameless = post(&rig, &token, &[json!({"base": 1})]).await;
    assert_eq!(problem(nameless).await, (400, ProblemCode::BadRequest));
    assert_eq!(item(&rig).date.to_string(), "2026-03-03");
    let whole = send(&rig, &token, &many[..MAX_EDITS]).await;
    assert!(matches!(whole[0], EditVerdict::Applied { .. }));
    assert!(matches!(whole[99], EditVerdict::Already { .. }));
}
