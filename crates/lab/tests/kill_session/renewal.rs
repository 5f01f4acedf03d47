//! Killed in a renewal.

use std::path::Path;
use std::time::Duration;

use freewheel_lab::peer_gate::{Reached, Stopped};
use freewheel_lab::session_probe::{Opening, Probe, Stored};
use freewheel_lab::wait;
use freewheel_policy::session::{CredentialState, SignInCause};

use crate::Ready;
use crate::issuer::Issuer;
use crate::point::{Flow, Point, When};
use crate::signing_in::signed_in;
use crate::table::{Fate, Taken};

/// Takes the point in the profile `ready`, which is signed in, and leaves it signed in.
pub async fn take(point: Point, issuer: &Issuer, ready: &mut Ready, logs: &Path) -> Taken {
    issuer.gate().forget();
    let known = issuer.told();
    let mut probe = Probe::start("renewal", &ready.home, Opening::OneShot, logs).unwrap();
    let (phase, hit, late) = kill(point, issuer, ready, &mut probe).await;
    let answered = issuer.reached(Flow::Renewal) >= Some(Reached::Answer);
    let saved = Stored::read_copy(&ready.home).unwrap().generation > ready.stored.generation;

    let mut again = Probe::start("again", &ready.home, point.reopened, logs).unwrap();
    if point.reopened == Opening::Resident {
        again.ask("settle").await.unwrap();
    }
    let (mut said, mut stored) = again.ask("renew").await.unwrap();
    if let Some(late) = late {
        arrives(issuer, late).await;
        (said, stored) = again.ask("renew").await.unwrap();
    }
    let reply_lost = CredentialState::NeedsSignIn(SignInCause::RotationResponseLost);
    let works = said == "Fresh" && issuer.works(&stored.state);
    let fate = match &stored.state {
        _ if works && saved => Fate::Saved,
        _ if works && answered => Fate::Repaired,
        _ if works => Fate::Untouched,
        state if *state == reply_lost && !saved && issuer.saw_reuse(known) => Fate::ReplyLost,
        _ => Fate::Wrong,
    };
    let seen = format!(
        "{said}, {stored:?}, saved: {saved}, {:?}",
        issuer.gate().log()
    );
    ready.stored = if works {
        stored
    } else {
        signed_in(issuer, &ready.home, logs).await
    };
    Taken {
        phase,
        hit,
        fate,
        seen,
    }
}

async fn kill(
    point: Point,
    issuer: &Issuer,
    ready: &Ready,
    probe: &mut Probe,
) -> (String, bool, Option<Stopped>) {
    match point.when {
        When::Moment(spot, delay) => {
            let begin = async |probe: &mut Probe| probe.tell("renew").unwrap();
            let delay = delay.of(ready.renewal_takes);
            let late = issuer
                .kill_at(spot, delay, Flow::Renewal, probe, begin)
                .await;
            (format!("{spot:?}"), true, late)
        }
        When::Time(thousandths) => {
            probe.tell("renew").unwrap();
            tokio::time::sleep(ready.renewal_takes * thousandths / 1000).await;
            let hit = probe.kill9() && !probe.has_done();
            (phase(issuer, Flow::Renewal, hit).to_owned(), hit, None)
        }
    }
}

/// How far it had come when it was killed.
pub fn phase(issuer: &Issuer, flow: Flow, hit: bool) -> &'static str {
    use crate::table::{ANSWERED, ASKED, BEFORE, ENDED};
    match issuer.reached(flow) {
        _ if !hit => ENDED,
        None => BEFORE,
        Some(Reached::Gate | Reached::Issuer) => ASKED,
        Some(Reached::Answer | Reached::Client) => ANSWERED,
    }
}

/// The request that was held all the time comes to the issuer, and is answered into the void.
async fn arrives(issuer: &Issuer, late: Stopped) {
    let whole = issuer.gate().log();
    let (line, reached) = whole.first().unwrap();
    assert_eq!(
        (line, *reached),
        (&issuer.token_request(Flow::Renewal), Reached::Gate)
    );
    late.let_go();
    wait::until(
        "the late request's answer",
        Duration::from_secs(30),
        async || Ok(issuer.gate().log()[0].1 >= Reached::Answer),
    )
    .await
    .unwrap();
}
