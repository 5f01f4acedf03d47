//! The points: where, in what, and when the client is killed.

use std::time::Duration;

use freewheel_lab::session_probe::Opening;

use crate::chance::Chance;

/// At which issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// Our own server, which takes the previous refresh token until its successor was used.
    Own,
    /// The certified provider, which takes no token twice.
    Strict,
}

/// In what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// A renewal.
    Renewal,
    /// The first sign-in of a profile.
    SignIn,
    /// Another sign-in of an athlete who is signed in.
    SignInAgain,
}

/// A moment of the protocol, around the request that brings tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// The athlete is still in the browser (a sign-in only).
    Browsing,
    /// The request has left the client; the issuer never sees it.
    Asked,
    /// The request has left the client; the issuer sees it when the client has long been started again (a renewal at
    /// our own server only: a strict issuer ends the sign-in for it).
    AskedLate,
    /// So long after the issuer was asked.
    Issuing,
    /// The issuer has answered; the client never sees it.
    Answered,
    /// So long after the answer was let go to the client.
    Saving,
}

/// When.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// At a moment of the protocol, and so long after it.
    Moment(Spot, Delay),
    /// After so many thousandths of the time that all of it takes from the start of the process.
    Time(u32),
}

/// How long after its moment.
#[derive(Debug, Clone, Copy)]
pub enum Delay {
    /// Microseconds.
    Micros(u64),
    /// Thousandths of the time that all of it takes from the start of the process.
    Thousandths(u32),
}

impl Delay {
    pub fn of(self, takes: Duration) -> Duration {
        match self {
            Self::Micros(micros) => Duration::from_micros(micros),
            Self::Thousandths(part) => takes * part / 1000,
        }
    }
}

/// One point.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub at: At,
    pub flow: Flow,
    pub when: When,
    /// How the client is started again.
    pub reopened: Opening,
}

/// So many points; kinds take turns, so that any number of them has its share of each.
pub fn points(count: u64, seed: u64) -> Vec<Point> {
    let mut chance = Chance::of(seed);
    let mut turns = Turns::default();
    (0..count)
        .map(|number| {
            // One in five at the strict provider; of each kind of place half renewals; of these half by moment.
            let at = if number % 5 == 4 { At::Strict } else { At::Own };
            let renewal = (number / 5).is_multiple_of(2);
            let by_moment = (number / 10).is_multiple_of(2);
            let flow = match (renewal, chance.coin()) {
                (true, _) => Flow::Renewal,
                (false, true) => Flow::SignIn,
                (false, false) => Flow::SignInAgain,
            };
            let when = if by_moment {
                let spot = turns.next(at, flow);
                When::Moment(spot, delay(spot, flow, &mut chance))
            } else {
                When::Time(chance.up_to(1050))
            };
            let reopened = if chance.coin() {
                Opening::OneShot
            } else {
                Opening::Resident
            };
            Point {
                at,
                flow,
                when,
                reopened,
            }
        })
        .collect()
}

/// Whose turn it is among the moments of each kind.
#[derive(Default)]
struct Turns {
    taken: std::collections::BTreeMap<(At, bool), usize>,
}

impl Turns {
    fn next(&mut self, at: At, flow: Flow) -> Spot {
        let renewal = flow == Flow::Renewal;
        let spots = spots(at, flow);
        let taken = self.taken.entry((at, renewal)).or_default();
        let spot = spots[*taken % spots.len()];
        *taken += 1;
        spot
    }
}

/// The moments of a kind of point.
pub fn spots(at: At, flow: Flow) -> &'static [Spot] {
    match (at, flow) {
        (At::Own, Flow::Renewal) => &[
            Spot::Asked,
            Spot::Issuing,
            Spot::Answered,
            Spot::Saving,
            Spot::AskedLate,
        ],
        (At::Strict, Flow::Renewal) => &[Spot::Asked, Spot::Issuing, Spot::Answered, Spot::Saving],
        (_, Flow::SignIn | Flow::SignInAgain) => &[
            Spot::Browsing,
            Spot::Asked,
            Spot::Issuing,
            Spot::Answered,
            Spot::Saving,
        ],
    }
}

/// No delay where the exchange is held anyway; enough of it after the answer that some have saved it and some have not.
fn delay(spot: Spot, flow: Flow, chance: &mut Chance) -> Delay {
    match (spot, flow) {
        (Spot::Asked | Spot::AskedLate | Spot::Answered, _) => Delay::Micros(0),
        (Spot::Browsing, _) => Delay::Micros(chance.below(5_000)),
        (Spot::Issuing, _) => Delay::Micros(chance.below(8_000)),
        (Spot::Saving, Flow::Renewal) => Delay::Thousandths(chance.up_to(600)),
        (Spot::Saving, Flow::SignIn | Flow::SignInAgain) => Delay::Thousandths(chance.up_to(300)),
    }
}
