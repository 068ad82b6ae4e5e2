//! What is kept for good: the record of actions, the modes and the shelf of changesets, in one SQLite database in
//! the user's state folder; and a twin in memory.
//!
//! Kept on the shelf for each workspace: the latest 200 changesets and 256 MiB of them; those that wait for a
//! decision go last. The record of actions is never shortened.

mod database;
mod memory;
mod place;
mod record;
mod retention;
mod shelf;
mod sqlite;

pub use memory::MemoryLedger;
pub use sqlite::SqliteLedger;

#[cfg(test)]
mod contract;
