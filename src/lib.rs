//! tagout: machine-written code changes, indexed, proposed, contained, reviewed and recorded.
//!
//! The rooms in reading order; each may import only rooms above it (`tests/architecture.rs` holds the table).

pub mod changes;
pub mod policy;
pub mod ports;
pub mod retrieve;
pub mod sandbox;
pub mod syntax;
pub mod text;
pub mod workspace;
