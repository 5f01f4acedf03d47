//! Killed in a sign-in.

use std::path::Path;
use std::time::Duration;

use freewheel_lab::session_probe::{Opening, Probe, Stored};
use freewheel_policy::session::CredentialState;

use crate::Ready;
use crate::issuer::Issuer;
use crate::point::{Flow, Point, Spot, When};
use crate::renewal::phase;
use crate::table::{Fate, Taken};

/// Takes the point in the profile of `ready`, which stays signed in, or in `fresh`, which is new.
pub async fn take(
    point: Point,
    issuer: &Issuer,
    ready: &mut Ready,
    fresh: &Path,
    logs: &Path,
) -> Taken {
    issuer.gate().forget();
    let again = point.flow == Flow::SignInAgain;
    let home = if again {
        ready.home.clone()
    } else {
        fresh.to_owned()
    };
    let before = if again { ready.stored.generation } else { 0 };
    let mut probe = Probe::start("sign-in", &home, Opening::OneShot, logs).unwrap();
    let (phase, hit) = kill(point, issuer, ready.sign_in_takes, &mut probe).await;
    let generation = Stored::read_copy(&home).map_or(0, |stored| stored.generation);
    let saved = generation > before;

    let mut reopened = Probe::start("again", &home, point.reopened, logs).unwrap();
    let found = match point.reopened {
        Opening::OneShot => reopened.ask("status").await,
        Opening::Resident => reopened.ask("settle").await,
    };
    let (_, found) = found.unwrap();
    let (said, renewed) = reopened.ask("renew").await.unwrap();
    drop(reopened);
    let works = issuer.works(&found.state) && said == "Fresh" && issuer.works(&renewed.state);
    let fate = match (&found.state, &renewed.state) {
        _ if works && saved => Fate::Saved,
        _ if works && again => Fate::Untouched,
        (CredentialState::SignedOut, CredentialState::SignedOut) if !saved && !again => {
            signed_in(issuer, &home, logs).await;
            Fate::SignedOut
        }
        _ => Fate::Wrong,
    };
    if again {
        ready.stored = if works {
            renewed.clone()
        } else {
            signed_in(issuer, &home, logs).await
        };
    }
    Taken {
        phase,
        hit,
        fate,
        seen: format!("{said}, {found:?}, then {renewed:?}, saved: {saved}"),
    }
}

async fn kill(point: Point, issuer: &Issuer, takes: Duration, probe: &mut Probe) -> (String, bool) {
    match point.when {
        When::Moment(spot, delay) => {
            let waits = spot == Spot::Browsing;
            let begin = async |probe: &mut Probe| {
                probe.tell(&format!("sign-in {}", issuer.url())).unwrap();
                let url = probe.browse().await.unwrap();
                if !waits {
                    issuer.browse_in_background(url);
                }
            };
            let delay = delay.of(takes);
            let late = issuer.kill_at(spot, delay, point.flow, probe, begin).await;
            assert!(late.is_none(), "no sign-in comes late");
            (format!("{spot:?}"), true)
        }
        When::Time(thousandths) => {
            let time = tokio::time::sleep(takes * thousandths / 1000);
            tokio::select! {
                () = time => {}
                () = walk(issuer, probe) => {}
            }
            let hit = probe.kill9() && !probe.has_done();
            (phase(issuer, point.flow, hit).to_owned(), hit)
        }
    }
}

async fn walk(issuer: &Issuer, probe: &mut Probe) {
    probe.tell(&format!("sign-in {}", issuer.url())).unwrap();
    let url = probe.browse().await.unwrap();
    issuer.browse(&url).await;
    probe.done().await.unwrap();
}

/// Signs in from beginning to end.
pub async fn signed_in(issuer: &Issuer, home: &Path, logs: &Path) -> Stored {
    let mut probe = Probe::start("signs-in", home, Opening::OneShot, logs).unwrap();
    walk(issuer, &mut probe).await;
    let (_, stored) = probe.ask("status").await.unwrap();
    assert!(issuer.works(&stored.state), "{stored:?}");
    stored
}
