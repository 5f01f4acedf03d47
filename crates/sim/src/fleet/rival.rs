//! The other clients: one loop each, which sends the next thing that it has to send, and tries again as its policy says.
//!
//! A rival has the same work as ours: a token to renew, a library to look at, rides to deliver, a list of rides to compare.
//! It does one thing at a time, rides first, and stops at the first failure; so its million clients never ask for more than
//! a million things at once, where ours may have three lanes at work each. What follows from this is in the rival's favour.

use super::calendar::Ms;
use super::errand::{
    CONFIRM_EVERY, Errand, LIBRARY_EVERY, TOKEN_LIFE, TOKEN_MARGIN, first, half_life,
};
use super::server::{Fate, Reply};
use super::world::{Herd, World};

/// How long a rival waits after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// 5 s, whatever happens.
    Fixed,
    /// 1 s doubling to 15 min.
    Exponential,
    /// Half of that, and any part of the other half.
    EqualJitter,
    /// Any part of that.
    FullJitter,
}

impl Retry {
    const FIXED: Ms = 5_000;
    const FIRST: Ms = 1_000;
    const CAP: Ms = 15 * 60_000;

    /// The wait after `failures` in a row, at least 1, in ms. What the server asks for is the least, except for
    /// [`Retry::Fixed`], which does not read it. `seed` is in `[0, 1)`.
    #[must_use]
    pub fn wait(self, failures: u32, retry_after: Option<u32>, seed: f64) -> Ms {
        let doubled = Self::FIRST.saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1));
        let curve = doubled.min(Self::CAP);
        let wait = match self {
            Self::Fixed => return Self::FIXED,
            Self::Exponential => curve,
            Self::EqualJitter => curve / 2 + part(curve / 2, seed),
            Self::FullJitter => part(curve, seed),
        };
        wait.max(retry_after.unwrap_or(0).saturating_mul(1_000))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a number fits where the number fits"
)]
fn part(of: Ms, seed: f64) -> Ms {
    (f64::from(of) * seed) as Ms
}

/// A fleet of rivals.
#[derive(Debug)]
pub struct Rivals {
    retry: Retry,
    clients: Vec<Rival>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Rival {
    /// When its loop goes on.
    timer: Ms,
    renew: Ms,
    usable: Ms,
    library: Ms,
    confirm: Ms,
    failures: u16,
    rides: u8,
    /// There is nothing to do: a new ride goes at once.
    idle: bool,
}

/// Events are the client's number, doubled; odd ones are of a ride that ended.
const RIDE: u32 = 1;

impl Rivals {
    /// A fleet that follows `retry`.
    #[must_use]
    pub fn new(retry: Retry) -> Self {
        Self {
            retry,
            clients: Vec::new(),
        }
    }

    fn act(&mut self, id: u32, world: &mut World) {
        let now = world.now();
        let Some(client) = self.clients.get_mut(id as usize) else {
            return;
        };
        if client.timer != now {
            return; // It was set to another time since.
        }
        let Some(errand) = client.next(now) else {
            client.idle = true;
            client.timer = client.renew.min(client.library).min(client.confirm);
            world.calendar.note(client.timer, id * 2);
            return;
        };
        client.idle = false;
        client.timer = match world.send() {
            Reply {
                fate: Fate::Served,
                at,
            } => {
                client.failures = 0;
                client.done(errand, at, world);
                at
            }
            failed => client.failed(self.retry, failed, world),
        };
        world.calendar.note(client.timer, id * 2);
    }

    fn ride_ended(&mut self, id: u32, world: &mut World) {
        let Some(client) = self.clients.get_mut(id as usize) else {
            return;
        };
        client.rides += 1;
        if client.idle {
            client.timer = world.now();
            self.act(id, world);
        }
    }
}

impl Rival {
    fn next(&self, now: Ms) -> Option<Errand> {
        let work = if self.rides > 0 {
            Errand::Ride
        } else if self.library <= now {
            Errand::Library
        } else if self.confirm <= now {
            Errand::Confirm
        } else {
            return (self.renew <= now).then_some(Errand::Token);
        };
        Some(if self.usable <= now {
            Errand::Token
        } else {
            work
        })
    }

    /// When it tries again. While the server is away, nothing but the next failure comes of it: these are gone through at
    /// once.
    fn failed(&mut self, retry: Retry, mut reply: Reply, world: &mut World) -> Ms {
        loop {
            self.failures = self.failures.saturating_add(1);
            let seed = match retry {
                Retry::Fixed | Retry::Exponential => 0.0,
                Retry::EqualJitter | Retry::FullJitter => world.unit(),
            };
            let wait = retry.wait(self.failures.into(), reply.fate.retry_after(), seed);
            let next = reply.at + wait;
            match world.send_while_away(next) {
                Some(failed) => reply = failed,
                None => return next,
            }
        }
    }

    fn done(&mut self, errand: Errand, at: Ms, world: &mut World) {
        match errand {
            Errand::Token => {
                self.renew = at + half_life(world);
                self.usable = at + TOKEN_LIFE - TOKEN_MARGIN;
            }
            Errand::Library => {
                let spread = part(LIBRARY_EVERY / 5, world.unit());
                self.library = at + LIBRARY_EVERY - LIBRARY_EVERY / 10 + spread;
            }
            Errand::Confirm => self.confirm = at + CONFIRM_EVERY,
            Errand::Ride => {
                self.rides = self.rides.saturating_sub(1);
                world.tally.delivery(at);
            }
        }
    }
}

impl Herd for Rivals {
    fn begin(&mut self, id: u32, world: &mut World) {
        let half = half_life(world);
        let renew = first(world, half);
        let mut client = Rival {
            renew,
            usable: renew + TOKEN_LIFE - half - TOKEN_MARGIN,
            library: first(world, LIBRARY_EVERY),
            confirm: first(world, CONFIRM_EVERY),
            idle: true,
            ..Rival::default()
        };
        client.timer = client.renew.min(client.library).min(client.confirm);
        world.calendar.note(client.timer, id * 2);
        for end in world.ride_ends() {
            world.calendar.note(end, id * 2 + RIDE);
        }
        self.clients.push(client);
    }

    fn happens(&mut self, event: u32, world: &mut World) {
        if event % 2 == RIDE {
            self.ride_ended(event / 2, world);
        } else {
            self.act(event / 2, world);
        }
    }

    /// A rival does not ask its system.
    fn network(&mut self, _id: u32, _up: bool, _world: &mut World) {}
}
