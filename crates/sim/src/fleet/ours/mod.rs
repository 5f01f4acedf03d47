//! Our own clients: three lanes each, which obey `freewheel_policy`.
//!
//! Every decision about when to try is the real one: [`freewheel_policy::lane::next_due`] with its backoff and budget,
//! [`freewheel_policy::reach`], [`freewheel_policy::verdict`], and [`freewheel_policy::session`] for the token's life. What is
//! here is what `freewheel-sync` does with them (`engine/lane.rs`, `engine/rides_lane.rs`), in the same order and under the
//! same names, with a calendar in place of timers and a row in memory in place of the store. What the engine does and a
//! simulation of load has no use for is left out: plans for the case that the program ends in the middle, the vault, the
//! screen.

mod client;
mod lanes;
mod plan;
mod rides;
mod tokens;

use freewheel_policy::reach::Observation;
use freewheel_policy::session::SystemNetwork;

use client::{Client, LANES, Place};
use lanes::Turn;
use tokens::Tokens;

use super::world::{Herd, World};

/// Our policy, or what it would be without a part of it: for showing what the part is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// As it is.
    AsItIs,
    /// Each backoff is waited to its end.
    NoJitter,
    /// When something returned, the lanes go at once.
    NoSpread,
}

/// A fleet of our clients.
#[derive(Debug)]
pub struct Ours {
    variant: Variant,
    tokens: Tokens,
    clients: Vec<Client>,
}

impl Ours {
    /// A fleet that follows a variant of our policy.
    #[must_use]
    pub fn new(variant: Variant) -> Self {
        Self {
            variant,
            tokens: Tokens::new(),
            clients: Vec::new(),
        }
    }

    fn turn<'a>(&'a mut self, id: u32, world: &'a mut World) -> Option<Turn<'a>> {
        Some(Turn {
            id,
            variant: self.variant,
            client: self.clients.get_mut(id as usize)?,
            tokens: &mut self.tokens,
            world,
        })
    }
}

/// What an event is about: eight kinds for each client.
const KINDS: u32 = 8;
const ANSWER: u32 = 3;
const RIDE: u32 = 6;

/// The event that a lane's timer rings, or, `answered`, that its request is settled.
fn event(id: u32, place: Place, answered: bool) -> u32 {
    id * KINDS + place.number() + if answered { ANSWER } else { 0 }
}

impl Herd for Ours {
    fn begin(&mut self, id: u32, world: &mut World) {
        let client = Client::settled(world, &mut self.tokens);
        self.clients.push(client);
        if let Some(mut turn) = self.turn(id, world) {
            for place in LANES {
                turn.run(place);
            }
        }
        for end in world.ride_ends() {
            world.calendar.note(end, id * KINDS + RIDE);
        }
    }

    fn happens(&mut self, event: u32, world: &mut World) {
        let Some(mut turn) = self.turn(event / KINDS, world) else {
            return;
        };
        match event % KINDS {
            RIDE => turn.ride_ended(),
            kind => match Place::of(kind % ANSWER) {
                Some(place) if kind >= ANSWER => turn.answered(place),
                Some(place) => turn.rung(place),
                None => {}
            },
        }
    }

    fn network(&mut self, id: u32, up: bool, world: &mut World) {
        let state = if up {
            SystemNetwork::Up
        } else {
            SystemNetwork::Down
        };
        if let Some(mut turn) = self.turn(id, world) {
            turn.observe(Observation::Network(state), None);
        }
    }
}
