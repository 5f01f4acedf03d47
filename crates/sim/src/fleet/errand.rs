//! What a client asks a server for, and how often.

use super::calendar::Ms;
use super::world::World;

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// A fresh access token.
    Token,
    /// Whether the library changed.
    Library,
    /// A ride goes up.
    Ride,
    /// The server's list of rides, to compare.
    Confirm,
}

/// How long an access token is good, in ms: what the reference server gives.
pub const TOKEN_LIFE: Ms = 15 * 60_000;
/// With less than this left it is not sent any more, in ms.
pub const TOKEN_MARGIN: Ms = 20_000;
/// How often the library is looked at, in ms, give or take a tenth.
pub const LIBRARY_EVERY: Ms = 15 * 60_000;
/// How often the list of rides is compared, in ms.
pub const CONFIRM_EVERY: Ms = 6 * 3_600_000;

/// How long after a token was granted another is wanted, in ms: after half of its life, and up to a tenth more.
pub fn half_life(world: &mut World) -> Ms {
    TOKEN_LIFE / 2 + world.moment(0, TOKEN_LIFE / 10)
}

/// When something is due first that is due every so often: at any moment.
pub fn first(world: &mut World, every: Ms) -> Ms {
    world.moment(0, every)
}
