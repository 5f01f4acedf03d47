//! Every status that says no, with every kind of body: what went in comes out, delivered or parked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use freewheel_ride::journal::{FinishedRide, Journal, RideHeader, RideSummary};
use freewheel_sync::Mode;
use freewheel_sync::store::{RideJournal, Store};
use freewheel_sync::view::OutboxRow;
use jiff::Timestamp;
use uuid::Uuid;

use crate::athlete::{home, ride, signed_in, soon};
use crate::site::{Site, Way};

/// The service's own words about a ride.
const PARKING: [(u16, &str); 3] = [
    (413, "too-large"),
    (422, "ride-unreadable"),
    (409, "ride-conflict"),
];

/// What a refusal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// A problem document of ours, with this code.
    Problem(&'static str),
    Page,
    Nothing,
    /// A problem document that breaks off.
    Cut,
}

impl Says {
    /// The problem's code is one that parks a ride, mostly with a status that it does not go with. (Those of edits and
    /// of blocked accounts have tests of their own.)
    fn all(status: u16) -> [Self; 4] {
        const CODES: [&str; 4] = [
            "too-large",
            "ride-unreadable",
            "ride-conflict",
            "something-new",
        ];
        let code = PARKING.iter().find(|(parking, _)| *parking == status);
        let other = CODES[usize::from(status) % CODES.len()];
        let code = code.map_or(other, |(_, code)| *code);
        [Self::Problem(code), Self::Page, Self::Nothing, Self::Cut]
    }

    fn with(self, status: u16) -> Way {
        let problem = |code: &str| format!(r#"{{"status":{status},"code":"{code}","title":"No"}}"#);
        let media = "application/problem+json";
        match self {
            Self::Problem(code) => Way::Say(status, media, problem(code)),
            Self::Page => Way::Say(status, "text/html", "<html>No</html>".to_owned()),
            Self::Nothing => Way::Say(status, "text/plain", String::new()),
            Self::Cut => Way::SayCut(status, media, problem("too-large"), 20),
        }
    }

    /// Only the service's own word about this ride parks it.
    fn parks(self, status: u16) -> bool {
        match self {
            Self::Problem(code) => PARKING.contains(&(status, code)),
            Self::Page | Self::Nothing | Self::Cut => false,
        }
    }
}

/// Rides as they come back from a file: finished in no time.
fn add_rides(folder: &std::path::Path, account: &str, fit: &[u8], count: u32) -> Vec<Uuid> {
    let store = Store::open(&home(folder)).unwrap();
    let journal = RideJournal::new(store, Some(account.to_owned()));
    let add = |number: u32| {
        let header = RideHeader {
            id: Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)),
            started_at: Timestamp::from_second(1_772_352_000 + i64::from(number)).unwrap(),
            name: format!("Ride {number}"),
            workout: None,
            workout_id: None,
            plan_item_id: None,
            ftp_watts: 200,
            trainer: "Simulated trainer".to_owned(),
            simulated: true,
        };
        journal.begin(&header).unwrap();
        let summary = RideSummary {
            seconds: 60,
            elapsed_seconds: 60,
            average_power: Some(180),
            max_power: Some(300),
            normalized_power: None,
            intensity_factor: None,
            tss: None,
            work_kj: None,
            average_cadence: None,
            average_heart_rate: None,
            max_heart_rate: None,
        };
        let finished = FinishedRide {
            id: header.id,
            fit: fit.to_vec(),
            summary,
        };
        journal.finish(&finished).unwrap();
        header.id
    };
    (0..count).map(add).collect()
}

#[tokio::test]
async fn after_every_status_with_every_body_a_ride_is_delivered_or_parked() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let engine = signed_in(folder.path(), Mode::OneShot, &site.url, "demo").await;
    let first = ride(&engine).await;
    soon("a sync", engine.sync(Duration::ZERO)).await.unwrap();
    let (account, fit): (String, Vec<u8>) =
        rusqlite::Connection::open(home(folder.path()).athlete_db())
            .unwrap()
            .query_row(
                "SELECT account, fit FROM ride WHERE id = ?1",
                [&first.id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
    let answers: Vec<(u16, Says)> = (400..=599)
        .flat_map(|status| Says::all(status).map(|says| (status, says)))
        .collect();
    let rides = add_rides(folder.path(), &account, &fit, answers.len() as u32);
    // Each ride meets its own answer once; whoever comes again is let through.
    let met: BTreeMap<String, (u16, Says)> = rides
        .iter()
        .map(Uuid::to_string)
        .zip(answers.iter().copied())
        .collect();
    let left = Arc::new(Mutex::new(met));
    let asked = Arc::clone(&left);
    site.gate.rule(move |line| {
        let id = line.strip_prefix("PUT /v1/rides/");
        let answer = id.and_then(|id| asked.lock().unwrap().remove(id));
        answer.map_or(Way::Through, |(status, says)| says.with(status))
    });
    let mut waiting = u64::MAX;
    // A sync sends until three in a row are not taken.
    for _ in 0..answers.len() {
        let report = engine.sync(Duration::ZERO).await.unwrap();
        waiting = report.waiting.into();
        if waiting == 0 {
            break;
        }
    }
    assert_eq!(waiting, 0, "something waits for ever");
    assert_eq!(left.lock().unwrap().len(), 0, "a ride was never sent");
    let outbox = engine.outbox().await.unwrap();
    let is_parked = |row: &OutboxRow| row.state == "parked";
    let parked: Vec<String> = outbox
        .into_iter()
        .filter(is_parked)
        .map(|row| row.id)
        .collect();
    let server = site.rides_of(&site.demo());
    for (id, (status, says)) in rides.iter().zip(&answers) {
        let there = server.iter().filter(|ride| ride.id.0 == *id).count();
        let here = parked
            .iter()
            .filter(|entry| **entry == id.to_string())
            .count();
        let expected = if says.parks(*status) { (0, 1) } else { (1, 0) };
        assert_eq!((there, here), expected, "{status} {says:?}");
    }
    assert_eq!(parked.len(), 3);
}
