//! What all policies share: time, chance, the server, and the count of what it was asked.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng as _, SeedableRng as _};

use super::calendar::{Calendar, Ms};
use super::scenario::{Outage, Rides, Scenario};
use super::server::{Fate, Reply, Server};
use super::tally::Tally;

/// What every client needs for its next step.
#[derive(Debug)]
pub struct World {
    /// What is simulated.
    pub scenario: Scenario,
    /// What is to happen.
    pub calendar: Calendar,
    /// What has happened.
    pub tally: Tally,
    server: Server,
    chance: Pcg64,
}

/// A fleet that follows one policy.
pub trait Herd {
    /// Sets a client going.
    fn begin(&mut self, client: u32, world: &mut World);
    /// One event of the calendar, for this herd to read.
    fn happens(&mut self, event: u32, world: &mut World);
    /// The system tells a client that its network went, or came.
    fn network(&mut self, client: u32, up: bool, world: &mut World);
}

/// Lets a herd live through a scenario.
///
/// Until the outage is over no client's doings change anything for another: before it, the server has room for all, and
/// in it, it answers everybody alike. So each client lives through that time for itself, and then all live on together.
#[must_use]
pub fn live(scenario: Scenario, herd: &mut impl Herd) -> Tally {
    let (from, until) = (scenario.outage_from(), scenario.outage_until());
    let links = scenario.outage == Outage::NoNetwork;
    let mut world = World::new(scenario);
    let mut later = Calendar::large(until, scenario.seed);
    for client in 0..scenario.clients {
        herd.begin(client, &mut world);
        pass(herd, &mut world, from);
        if links {
            herd.network(client, false, &mut world);
        }
        pass(herd, &mut world, until);
        for (at, event) in world.calendar.begin_again() {
            later.note(at, event);
        }
    }
    world.calendar = later;
    if links {
        for client in 0..scenario.clients {
            herd.network(client, true, &mut world);
        }
    }
    while world.now() < scenario.end() && !world.tally.is_hopeless(world.now()) {
        let minute = world.now() + 60_000;
        pass(herd, &mut world, minute.min(scenario.end()));
    }
    world.tally.end(world.now());
    world.tally
}

fn pass(herd: &mut impl Herd, world: &mut World, end: Ms) {
    while let Some(event) = world.calendar.take(end) {
        herd.happens(event, world);
    }
}

impl World {
    fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            calendar: Calendar::small(),
            tally: Tally::new(&scenario),
            server: Server::new(&scenario),
            chance: Pcg64::seed_from_u64(scenario.seed),
        }
    }

    /// Now.
    #[must_use]
    pub const fn now(&self) -> Ms {
        self.calendar.now()
    }

    /// A number in `[0, 1)`, as the engine's own random source makes it.
    pub fn unit(&mut self) -> f64 {
        /// 2^53: every multiple of its inverse below 1 is a double.
        const SCALE: f64 = 9_007_199_254_740_992.0;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let bits = (self.chance.next_u64() >> 11) as f64;
        bits / SCALE
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.chance.next_u64()
    }

    /// A moment in `[from, until)`.
    pub fn moment(&mut self, from: Ms, until: Ms) -> Ms {
        let span = u64::from(until.saturating_sub(from));
        let wide = (u128::from(self.chance.next_u64()) * u128::from(span)) >> 64;
        from + u32::try_from(wide).unwrap_or(0)
    }

    /// Sends a request. Without a network nothing leaves the computer.
    pub fn send(&mut self) -> Reply {
        self.send_at(self.now())
    }

    fn send_at(&mut self, at: Ms) -> Reply {
        let reply = self.server.asked(at);
        if reply.fate != Fate::NoNetwork {
            self.tally.request(at, reply.fate);
        }
        reply
    }

    /// Sends a request later, if the server is away now and will be then.
    pub fn send_while_away(&mut self, at: Ms) -> Option<Reply> {
        let away = self.server.is_away(self.now()) && self.server.is_away(at);
        away.then(|| self.send_at(at))
    }

    /// When the rides of one athlete end.
    pub fn ride_ends(&mut self) -> Vec<Ms> {
        let (from, until) = (self.scenario.outage_from(), self.scenario.outage_until());
        let count = 1 + self.moment(0, Scenario::MOST_RIDES);
        let race = from + 5 * 60_000;
        let first = match self.scenario.rides {
            Rides::Scattered => self.moment(from, until),
            Rides::Together => self.moment(race, race + 1_000),
        };
        let from = match self.scenario.rides {
            Rides::Scattered => from,
            Rides::Together => race,
        };
        let mut ends = vec![first];
        ends.extend((1..count).map(|_| self.moment(from, until)));
        self.tally.rides(ends.len());
        ends
    }
}
