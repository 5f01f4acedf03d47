use std::sync::Arc;

use freewheel_protocol::header::{CONTENT_DIGEST, FIT_MEDIA_TYPE, IDEMPOTENCY_KEY};
use freewheel_protocol::rides::MAX_RIDE_BYTES;
use freewheel_protocol::{
    ContentDigest, PlanItem, PlanState, ProblemCode, RideList, RideReceipt, Sha256Digest,
};
use freewheel_server::Library;
use reqwest::{RequestBuilder, StatusCode};

use crate::rig::{Rig, fit, problem};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn put(rig: &Rig, token: &str, id: &str, body: Vec<u8>) -> RequestBuilder {
    rig.http
        .put(format!("{}/v1/rides/{id}", rig.url))
        .query(&[
            ("started_at", "2026-03-02T08:00:00Z"),
            ("seconds", "3600"),
            ("name", "Spin & go"),
        ])
        .bearer_auth(token)
        .header("content-type", FIT_MEDIA_TYPE)
        .header(
            CONTENT_DIGEST,
            ContentDigest(Sha256Digest::of(&body)).to_string(),
        )
        .header(IDEMPOTENCY_KEY, id)
        .body(body)
}

#[tokio::test]
async fn a_ride_is_taken_once_and_repeats_get_the_same_receipt() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    let body = fit(b"one hour");
    let first = put(&rig, &token, ID, body.clone()).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::CREATED);
    let first: RideReceipt = first.json().await.unwrap();
    assert_eq!(first.digest, Sha256Digest::of(&body));

    rig.advance(60);
    let again = put(&rig, &token, ID, body.clone()).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<RideReceipt>().await.unwrap(), first);

    let rides = rig.server.store().rides(&rig.demo()).unwrap();
    assert_eq!(rides.len(), 1);
    assert_eq!(rides[0].upload.name, "Spin & go");
    assert_eq!(rides[0].upload.seconds, 3600);
    let back = rig
        .get(&format!("/v1/rides/{ID}/fit"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(back.headers()["content-type"], FIT_MEDIA_TYPE);
    assert_eq!(back.bytes().await.unwrap(), body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_equal_uploads_at_once_make_one_ride() {
    let rig = Arc::new(Rig::start().await);
    let token = rig.sign_in().await.access_token;
    let uploads: Vec<_> = (0..20)
        .map(|_| tokio::spawn(put(&rig, &token, ID, fit(b"the same")).send()))
        .collect();
    let (mut created, mut receipts) = (0, Vec::new());
    for upload in uploads {
        let answer = upload.await.unwrap().unwrap();
        created += u32::from(answer.status() == StatusCode::CREATED);
        assert!(answer.status().is_success());
        receipts.push(answer.json::<RideReceipt>().await.unwrap());
    }
    assert_eq!(created, 1);
    assert!(receipts.iter().all(|receipt| *receipt == receipts[0]));
    assert_eq!(rig.server.store().rides(&rig.demo()).unwrap().len(), 1);
}

#[tokio::test]
async fn an_id_is_taken_once_by_each_athlete_and_nobody_sees_anothers_ride() {
    let rig = Rig::start().await;
    rig.add_athlete("other");
    let mine = rig.sign_in().await.access_token;
    let theirs = rig.sign_in_as("other").await.access_token;
    let body = fit(b"mine");
    put(&rig, &mine, ID, body.clone())
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();

    let other_digest = put(&rig, &mine, ID, fit(b"not the same"))
        .send()
        .await
        .unwrap();
    let refused = problem(other_digest).await;
    assert_eq!(refused, (409, ProblemCode::RideConflict));

    let file = async |token: &str| {
        let path = format!("/v1/rides/{ID}/fit");
        rig.get(&path).bearer_auth(token).send().await.unwrap()
    };
    let digests = async |token: &str| {
        let list = rig
            .get("/v1/rides")
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        let list: RideList = list.json().await.unwrap();
        list.rides
            .iter()
            .map(|ride| ride.digest)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        problem(file(&theirs).await).await,
        (404, ProblemCode::NotFound)
    );
    assert!(digests(&theirs).await.is_empty());

    let others = fit(b"theirs");
    for status in [StatusCode::CREATED, StatusCode::OK] {
        let answer = put(&rig, &theirs, ID, others.clone()).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    for (token, ride) in [(&mine, &body), (&theirs, &others)] {
        assert_eq!(file(token).await.bytes().await.unwrap(), ride);
        assert_eq!(digests(token).await, [Sha256Digest::of(ride)]);
    }
}

#[tokio::test]
async fn what_is_not_a_whole_ride_is_refused_by_code() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    let good = fit(b"ride");
    let cut = good[..good.len() - 3].to_vec();
    let large = vec![0; MAX_RIDE_BYTES + 1];
    let no_digest = rig
        .http
        .put(format!(
            "{}/v1/rides/{ID}?started_at=2026-03-02T08:00:00Z&seconds=1&name=n",
            rig.url
        ))
        .bearer_auth(&token)
        .body(good.clone());
    let wrong_digest = put(&rig, &token, ID, good.clone()).body(fit(b"damaged"));
    let wrong_key = put(&rig, &token, ID, good.clone()).header(IDEMPOTENCY_KEY, "another");
    let no_query = rig
        .http
        .put(format!("{}/v1/rides/{ID}", rig.url))
        .bearer_auth(&token);
    let wrong_key = {
        let mut request = wrong_key.build().unwrap();
        request
            .headers_mut()
            .insert(IDEMPOTENCY_KEY, "another".parse().unwrap());
        RequestBuilder::from_parts(rig.http.clone(), request)
    };
    for (request, expected) in [
        (
            put(&rig, &token, ID, cut),
            (422, ProblemCode::RideUnreadable),
        ),
        (
            put(&rig, &token, ID, b"<html>".to_vec()),
            (422, ProblemCode::RideUnreadable),
        ),
        (put(&rig, &token, ID, large), (413, ProblemCode::TooLarge)),
        (
            put(&rig, &token, "not-an-id", good.clone()),
            (400, ProblemCode::BadRequest),
        ),
        (no_digest, (400, ProblemCode::BadRequest)),
        (wrong_digest, (400, ProblemCode::DigestMismatch)),
        (wrong_key, (400, ProblemCode::BadRequest)),
        (no_query, (400, ProblemCode::BadRequest)),
        (
            put(&rig, "junk", ID, good),
            (401, ProblemCode::InvalidToken),
        ),
    ] {
        assert_eq!(problem(request.send().await.unwrap()).await, expected);
    }
    assert!(rig.server.store().rides(&rig.demo()).unwrap().is_empty());
}

#[tokio::test]
async fn a_ride_marks_its_planned_workout_done_and_the_feed_tells() {
    let rig = Rig::start_with(Library::BuiltIn).await;
    let token = rig.sign_in().await.access_token;
    let (item_id, item) = rig.server.store().plan(&rig.demo()).unwrap().remove(0);
    let plan = [
        ("workout_id", item.workout_id.as_str()),
        ("plan_item_id", &item_id),
    ];
    put(&rig, &token, ID, fit(b"done"))
        .query(&plan)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();

    let done = |rig: &Rig| -> PlanItem {
        let plan = rig.server.store().plan(&rig.demo()).unwrap();
        plan.into_iter().find(|(id, _)| *id == item_id).unwrap().1
    };
    assert_eq!(done(&rig).state, PlanState::Done);
    assert_eq!(done(&rig).ride_id, Some(ID.parse().unwrap()));

    // A second ride of the same item is a ride all the same, and the first stays the one that did it.
    let second = "01890a5d-ac96-774b-bcce-b302099a8058";
    let answer = put(&rig, &token, second, fit(b"again"))
        .query(&plan)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(done(&rig).ride_id, Some(ID.parse().unwrap()));
    // So is one for an item that does not exist.
    let third = "01890a5d-ac96-774b-bcce-b302099a8059";
    let nowhere = [("plan_item_id", "nowhere")];
    let answer = put(&rig, &token, third, fit(b"free"))
        .query(&nowhere)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn the_list_of_rides_comes_in_pages_in_the_order_of_arrival() {
    let rig = Rig::start().await;
    let token = rig.sign_in().await.access_token;
    let ids: Vec<String> = (0..5)
        .rev()
        .map(|n| format!("01890a5d-ac96-774b-bcce-b302099a800{n}"))
        .collect();
    for id in &ids {
        put(&rig, &token, id, fit(id.as_bytes()))
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
    }
    let mut listed = Vec::new();
    let mut query = vec![("limit", "2".to_owned())];
    loop {
        let answer = rig
            .get("/v1/rides")
            .query(&query)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        let page: RideList = answer.json().await.unwrap();
        listed.extend(page.rides.iter().map(|ride| ride.id.to_string()));
        let Some(next) = page.next else { break };
        query = vec![("limit", "2".to_owned()), ("after", next)];
    }
    assert_eq!(listed, ids);
    let answer = rig
        .get("/v1/rides?after=junk")
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(answer).await, (400, ProblemCode::BadRequest));
}
