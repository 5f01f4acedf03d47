//! The remote port: everything that is said to a server, over `reqwest`.

pub mod address;
pub mod call;
pub mod http;
pub mod issuer;
pub mod metadata;
pub mod resource;

pub use address::{AddressError, ServerAddress};
pub use http::{Http, Reply};
