//! Two athletes take turns on one profile, in every order of signing in, riding, signing out and the service coming and
//! going: each ride arrives once, under its owner's account and nobody else's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::BTreeSet;

use freewheel_lab::rig::{self, Rig};
use freewheel_lab::site::{Site, Stopped};
use freewheel_sync::Mode;

/// How an athlete's turn goes.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// The service is away while the athlete rides.
    rides_offline: bool,
    /// It is away when the athlete signs out.
    leaves_offline: bool,
}

const TURNS: [Turn; 4] = [
    Turn {
        rides_offline: false,
        leaves_offline: false,
    },
    Turn {
        rides_offline: true,
        leaves_offline: false,
    },
    Turn {
        rides_offline: false,
        leaves_offline: true,
    },
    Turn {
        rides_offline: true,
        leaves_offline: true,
    },
];

const ORDERS: [[usize; 3]; 4] = [[0, 1, 0], [1, 0, 1], [0, 0, 1], [0, 1, 1]];
const NAMES: [&str; 2] = ["demo", "ben"];

enum Service {
    Here(Site),
    Away(Stopped),
}

struct Story {
    rig: Rig,
    service: Option<Service>,
    /// What each has ridden.
    rides: [BTreeSet<String>; 2],
}

impl Story {
    async fn begin() -> Self {
        let mut rig = Rig::new().unwrap();
        let site = Site::start().await.unwrap();
        site.add_athlete(NAMES[1]).unwrap();
        rig.launch(Mode::Resident).await.unwrap();
        Self {
            rig,
            service: Some(Service::Here(site)),
            rides: Default::default(),
        }
    }

    async fn service(&mut self, here: bool) {
        self.service = Some(match (self.service.take().unwrap(), here) {
            (Service::Here(site), false) => Service::Away(site.stop().await.unwrap()),
            (Service::Away(away), true) => Service::Here(away.start().await.unwrap()),
            (as_it_is, _) => as_it_is,
        });
    }

    fn site(&self) -> &Site {
        match &self.service {
            Some(Service::Here(site)) => site,
            _ => panic!("the service is away"),
        }
    }

    async fn turn(&mut self, who: usize, turn: Turn) {
        self.service(true).await;
        let url = self.site().url.clone();
        self.rig.sign_in(&url, NAMES[who]).await.unwrap();
        self.service(!turn.rides_offline).await;
        let saved = self.rig.ride().await.unwrap();
        self.rides[who].insert(saved.id);
        // Somebody else cannot take the profile over, and nothing of the owner's is sent or lost by the attempt.
        if !turn.rides_offline {
            let refused = self.rig.sign_in(&url, NAMES[1 - who]).await;
            assert!(refused.is_err(), "the profile is taken");
        }
        self.service(!turn.leaves_offline).await;
        rig::soon("signing out", self.rig.engine().unwrap().sign_out())
            .await
            .unwrap()
            .unwrap();
        self.check_owners_so_far();
    }

    /// The server's own books: whatever has arrived is its owner's.
    fn check_owners_so_far(&self) {
        let Some(Service::Here(site)) = &self.service else {
            return;
        };
        for (name, ridden) in NAMES.into_iter().zip(&self.rides) {
            let athlete = site.athlete(name).unwrap();
            let rides = site.rides_of(&athlete).unwrap();
            let ids: Vec<String> = rides.iter().map(|ride| ride.id.to_string()).collect();
            let once: BTreeSet<String> = ids.iter().cloned().collect();
            assert_eq!(once.len(), ids.len(), "each once: {ids:?}");
            assert!(
                once.is_subset(ridden),
                "{name} got another's ride: {once:?}"
            );
        }
    }

    /// Each comes back once more; then everything has arrived.
    async fn end(mut self) {
        self.service(true).await;
        for who in [1, 0] {
            if self.rides[who].is_empty() {
                continue;
            }
            let url = self.site().url.clone();
            self.rig.sign_in(&url, NAMES[who]).await.unwrap();
            self.rig
                .until("all delivered", rig::PATIENCE, |view| {
                    view.session.state == "active" && view.data.waiting == 0
                })
                .await
                .unwrap();
            let history = self.rig.engine().unwrap().history().await.unwrap();
            let shown: BTreeSet<String> = history.into_iter().map(|card| card.id).collect();
            assert_eq!(shown, self.rides[who], "own rides and no others are shown");
            self.check_owners_so_far();
            let athlete = self.site().athlete(NAMES[who]).unwrap();
            assert_eq!(
                self.site().rides_of(&athlete).unwrap().len(),
                self.rides[who].len()
            );
            rig::soon("signing out", self.rig.engine().unwrap().sign_out())
                .await
                .unwrap()
                .unwrap();
        }
        self.rig.close().await;
    }
}

async fn play(order: [usize; 3], turns: [Turn; 3], relaunch: bool) {
    let mut story = Story::begin().await;
    for (who, turn) in order.into_iter().zip(turns) {
        story.turn(who, turn).await;
        if relaunch {
            story.rig.launch(Mode::Resident).await.unwrap();
        }
    }
    story.end().await;
}

/// Every order with ways of riding and leaving: each way stands at each place. `FREEWHEEL_STORIES=all` plays every pair of
/// ways at every pair of places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_ride_arrives_once_under_its_owners_account_and_nobody_elses() {
    let all = std::env::var("FREEWHEEL_STORIES").is_ok_and(|stories| stories == "all");
    let mut stories = Vec::new();
    for (number, order) in ORDERS.into_iter().enumerate() {
        for first in 0..4 {
            let seconds = if all {
                (0..4).collect()
            } else {
                vec![(first + number) % 4]
            };
            for second in seconds {
                let third = (first + second + number) % 4;
                let turns = [first, second, third].map(|way| TURNS[way]);
                stories.push((order, turns, (first + second) % 2 == 1));
            }
        }
    }
    assert_eq!(stories.len(), if all { 64 } else { 16 });
    let mut running = tokio::task::JoinSet::new();
    for (order, turns, relaunch) in stories {
        if running.len() >= 6 {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(play(order, turns, relaunch));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
