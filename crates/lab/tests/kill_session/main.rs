//! `kill -9` at seeded points of renewals and sign-ins, at our own server and at a strict provider. After each, the client
//! is started again: its session must be active, or in the one state that honesty allows.
//!
//! A part of the points by default; `cargo xtask kills` takes all 500. `FREEWHEEL_KILLS` names another number,
//! `FREEWHEEL_SEED` another seed. Needs `cargo xtask setup` (the provider's packages), and `freewheel-server` and
//! `session-probe` beside the test: `cargo build --workspace`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

mod chance;
mod issuer;
mod point;
mod renewal;
mod signing_in;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use freewheel_lab::session_probe::{Opening, Probe, Stored};
use issuer::Issuer;
use point::{At, Flow, Point, When};
use signing_in::signed_in;
use table::{Table, Taken};
use tokio::time::Instant;

/// Points of a run that nobody asked more of.
const PART: u64 = 60;
/// The seed of a run that nobody gave another.
const SEED: u64 = 20_260_101;

/// How often things are done undisturbed, to see how long they take.
const CALM: u32 = 3;

/// A profile that is signed in, and how long things take in it.
struct Ready {
    home: PathBuf,
    stored: Stored,
    /// A renewal, from the start of the process.
    renewal_takes: Duration,
    /// A sign-in, likewise.
    sign_in_takes: Duration,
}

impl Ready {
    async fn at(issuer: &Issuer, home: PathBuf, logs: &Path) -> Self {
        let mut ready = Self {
            stored: signed_in(issuer, &home, logs).await,
            home,
            renewal_takes: Duration::MAX,
            sign_in_takes: Duration::MAX,
        };
        // The quickest counts: a kill that comes too late hits nothing.
        for _ in 0..CALM {
            let began = Instant::now();
            signed_in(issuer, &ready.home, logs).await;
            ready.sign_in_takes = ready.sign_in_takes.min(began.elapsed());
            let began = Instant::now();
            let mut probe = Probe::start("calm", &ready.home, Opening::OneShot, logs).unwrap();
            (_, ready.stored) = probe.ask("renew").await.unwrap();
            ready.renewal_takes = ready.renewal_takes.min(began.elapsed());
        }
        ready
    }

    /// What a kill by time tells of how long things take just now: it came when all was done, or late and still before
    /// anything was asked.
    fn learn(&mut self, point: Point, taken: &Taken) {
        let When::Time(thousandths) = point.when else {
            return;
        };
        let takes = match point.flow {
            Flow::Renewal => &mut self.renewal_takes,
            Flow::SignIn | Flow::SignInAgain => &mut self.sign_in_takes,
        };
        if !taken.hit {
            *takes = *takes * thousandths.min(950) / 1000;
        } else if thousandths > 800 && taken.phase == table::BEFORE {
            *takes = *takes * 5 / 4;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_point_loses_no_session_that_could_be_saved() {
    let number =
        |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().expect(name));
    let count = number("FREEWHEEL_KILLS", PART);
    let seed = number("FREEWHEEL_SEED", SEED);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let own = Issuer::own(place).await;
    let strict = Issuer::strict(place).await;
    let mut at_own = Ready::at(&own, place.join("at-own"), place).await;
    let mut at_strict = Ready::at(&strict, place.join("at-strict"), place).await;
    for (name, ready) in [("own", &at_own), ("strict", &at_strict)] {
        let (renewal, sign_in) = (ready.renewal_takes, ready.sign_in_takes);
        println!("{name}: a renewal takes {renewal:?}, a sign-in {sign_in:?}");
    }

    let mut table = Table::default();
    let began = Instant::now();
    for (number, point) in point::points(count, seed).into_iter().enumerate() {
        let (issuer, ready) = match point.at {
            At::Own => (&own, &mut at_own),
            At::Strict => (&strict, &mut at_strict),
        };
        let taken = match point.flow {
            Flow::Renewal => renewal::take(point, issuer, ready, place).await,
            Flow::SignIn | Flow::SignInAgain => {
                let fresh = place.join(format!("fresh-{number}"));
                signing_in::take(point, issuer, ready, &fresh, place).await
            }
        };
        ready.learn(point, &taken);
        table.count(point, taken);
    }
    println!("seed {seed}, {:.0} s", began.elapsed().as_secs_f64());
    table.print();
    table.check();
}
