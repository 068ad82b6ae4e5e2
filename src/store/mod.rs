//! The index on disk: LanceDB behind the [`Store`](crate::ports::Store) port, and a twin of it in memory.
//!
//! LanceDB never calls `fsync` and keeps no checksum of what it wrote, so this room adds both: an own manifest names
//! every file with its size and a hash, opening checks them, and each row carries a checksum. Merging makes everything
//! durable; small writes since are not waited for, because opening steps back over those that a power cut damaged.

mod files;
mod lance;
mod load;
mod manifest;
mod memory;
mod rows;
mod runtime;
mod table;
mod vectors;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod damage;

pub use lance::LanceStore;
pub use memory::MemoryStore;
pub use vectors::open_vectors;
