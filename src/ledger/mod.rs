//! What is kept for good: the record of actions, the modes, the shelf of changesets, trust and grants, in one SQLite
//! database in the user's state folder; and a twin in memory.
//!
//! Each record is bound to the one before by a hash that needs a key. The key, and the head of each workspace's chain,
//! lie in a folder of their own, so that who changes the database cannot make it look unchanged. Where the chain cannot
//! go on (the key is lost, or was open to others; the anchor is gone; the database was removed, cut, replaced by an
//! older copy, or set aside as damaged) the next record begins a new section of it, which says why, for good.
//!
//! Secrets are taken out of a record before it is hashed. The oldest records can be rotated to files, which an audit
//! reads too. What the files of changesets hold is kept once, packed, under its hash, and checked by it when it is read.
//! How much of them stays is for `[history]` to say; proposals go with their parts, and leave word of why.

mod anchor;
mod archive;
mod audit;
mod blobs;
mod chain;
mod clean;
mod database;
mod grants;
mod keyring;
mod memory;
mod memory_approvals;
mod place;
mod prune;
mod queue;
mod record;
mod retention;
mod rotate;
mod rows;
mod schema;
mod shelf;
mod sqlite;
mod trust;
mod walk;

pub use memory::MemoryLedger;
pub use sqlite::SqliteLedger;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod shelf_contract;
