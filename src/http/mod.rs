//! One exchange over HTTP that always ends: in time, with a bounded answer, and without following anybody anywhere else.
//!
//! What comes back is a stranger's. No address is printed with its query, and no value of a header at all.

mod address;
mod error;
mod exchange;
mod request;
mod runtime;
#[cfg(test)]
mod tests;

pub use address::{Address, Plain};
pub use error::HttpError;
pub use exchange::Http;
pub use request::{Answer, Bounds, Method, Request};
