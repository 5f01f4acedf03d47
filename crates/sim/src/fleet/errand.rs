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

/// A token that was got before the simulation began.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    /// When another is wanted: after half of its life.
    pub renew: Ms,
    /// Until when it is sent.
    pub usable: Ms,
}

/// The token that a client begins with: of any age.
pub fn first_token(world: &mut World) -> Token {
    let renew = first(world, TOKEN_LIFE / 2);
    Token {
        renew,
        usable: renew + TOKEN_LIFE / 2 - TOKEN_MARGIN,
    }
}

/// When something is due first that is due every so often: at any moment.
pub fn first(world: &mut World, every: Ms) -> Ms {
    world.moment(0, every)
}
