//! Simulators: many clients with one decision each, or one client with everything that it is made of.
//!
//! | module | simulates |
//! |---|---|
//! | [`fleet`] | up to a million clients and an outage of their server, to see what each way of trying again asks of it |

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

pub mod fleet;
