//! Facts of the session that cannot be read, or not all of them: nobody is signed out for that, and nothing is lost.

use std::time::Duration;

use freewheel_lab::rig::{PATIENCE, Rig};
use freewheel_sync::Mode;
use freewheel_sync::view::Delivery;

use crate::athlete::soon;
use crate::site::Site;

/// Signed in, with a ride that waits because nothing listens any more; closed.
async fn with_a_ride_that_waits(site: Site) -> (Rig, crate::site::Stopped, String) {
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    let synced = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(synced.session, "active");
    let stopped = site.stop().await;
    let ride = rig.ride().await.unwrap();
    drop(engine);
    rig.close().await;
    (rig, stopped, ride.id)
}

#[tokio::test]
async fn whatever_happened_to_the_stored_facts_the_athlete_is_signed_in_and_the_ride_goes() {
    for spoil in [
        // A newer version knows more troubles.
        "facts = json_set(facts, '$.trouble', 'some_future_trouble')",
        "facts = json_set(facts, '$.tokens', 'in some other form')",
        "facts = substr(facts, 1, length(facts) / 2)",
        "facts = substr(facts, 1, 9)",
        "facts = ''",
        "facts = '[1]'",
        "facts = cast(x'ff' AS TEXT) || facts",
        "facts = cast(replace(cast(facts AS TEXT), '\"name\":\"', '\"name\":\"' || cast(x'ff' AS TEXT)) AS TEXT)",
        "generation = -1",
    ] {
        let (mut rig, stopped, ride) = with_a_ride_that_waits(Site::start().await).await;
        let database = rig.database().unwrap();
        let account = "SELECT facts -> '$.account' FROM session";
        let account: String = database.query_row(account, [], |row| row.get(0)).unwrap();
        let sql = format!("UPDATE session SET {spoil}");
        assert_eq!(database.execute(&sql, []).unwrap(), 1);
        let raw = "SELECT cast(facts AS BLOB) FROM session";
        let raw: Vec<u8> = database.query_row(raw, [], |row| row.get(0)).unwrap();
        drop(database);

        let engine = rig.launch(Mode::OneShot).await.unwrap();
        let view = engine.view_now();
        assert!(view.session.library_open, "{spoil}: {:?}", view.session);
        assert_eq!(view.data.waiting, 1, "{spoil}");
        assert_ne!(view.session.state, "signed_out", "{spoil}");
        let doctor = engine.doctor().await.text();
        let told = doctor.contains("not all that is stored of the sign-in could be read");
        assert_eq!(told, !spoil.starts_with("generation"), "{spoil}: {doctor}");

        let _site = stopped.start().await;
        let synced = soon("a sync", engine.sync(Duration::from_secs(20)))
            .await
            .unwrap();
        assert_eq!(synced.session, "active", "{spoil}: {synced:?}");
        let card = rig.card(&ride).await.unwrap();
        let delivered = matches!(card.delivery, Delivery::Delivered { .. });
        assert!(delivered, "{spoil}: {card:?}");
        let database = rig.database().unwrap();
        let now = "SELECT facts -> '$.account' FROM session";
        let now: String = database.query_row(now, [], |row| row.get(0)).unwrap();
        assert_eq!(now, account, "{spoil}");
        if told {
            let kept = "SELECT facts FROM unread_facts";
            let kept: Vec<u8> = database.query_row(kept, [], |row| row.get(0)).unwrap();
            assert_eq!(kept, raw, "{spoil}");
        }
        drop(database);
        soon("signing out", engine.sign_out()).await.unwrap();
        rig.until("signed out", PATIENCE, |v| v.session.state == "signed_out")
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn who_signed_out_stays_signed_out_when_that_cannot_be_read() {
    let site = Site::start().await;
    let mut rig = Rig::new().unwrap();
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    rig.sign_in(&site.url, "demo").await.unwrap();
    soon("signing out", engine.sign_out()).await.unwrap();
    drop(engine);
    rig.close().await;
    let database = rig.database().unwrap();
    database
        .execute("UPDATE session SET facts = '{'", [])
        .unwrap();
    drop(database);
    let engine = rig.launch(Mode::OneShot).await.unwrap();
    assert_eq!(engine.view_now().session.state, "signed_out");
    rig.sign_in(&site.url, "demo").await.unwrap();
    let synced = soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    assert_eq!(synced.session, "active");
}
