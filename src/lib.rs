//! tagout: machine-written code changes, indexed, proposed, contained, reviewed and recorded.
//!
//! The rooms in reading order; each may import only rooms above it (`tests/architecture.rs` holds the table).

// The pure core: values in, values out.
pub mod text;
pub mod workspace;
pub mod syntax;
pub mod policy;
pub mod retrieve;
pub mod changes;
pub mod refactor;
pub mod config;
// What the effects share.
pub mod locks;
pub mod http;
// The seams and the order of steps.
pub mod ports;
pub mod engine;
// The effects: each serves a port, none knows another.
pub mod store;
pub mod ledger;
pub mod model;
pub mod objects;
pub mod host;
pub mod sandbox;
pub mod observe;
// The frontends: each speaks to the engine, never to an effect.
pub mod lsp;
pub mod cli;
pub mod assemble;
