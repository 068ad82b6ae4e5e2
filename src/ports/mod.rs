//! The seams: small traits between the steps of a job and its effects, and the values that cross them.
//!
//! All of them block; a job runs on a thread of its own and looks at its [`Cancel`] between steps.

mod control;
mod evidence;
mod failure;
mod files;
mod index;
mod ledger;
mod runner;

pub use control::{Cancel, Clock, Keyboard, Progress, Report, Typed};
pub use evidence::Evidence;
pub use failure::{Failure, FailureKind};
pub use files::{FileStat, Files, Skip, Walk, WatchGuard};
pub use index::{Candidate, Candidates, Embedder, FileChunks, IndexRecord, OpenIndex, Store, StoreQuery, StoredChunk};
pub use ledger::{Entry, Ledger, Modes, Phase, Shelf, Shelved, ShelvedState};
pub use runner::{
    Connection, Exit, Limit, LimitReached, Limits, OpenText, OutputStream, Refusal, RefusalKind, RunOutcome,
    RunRequest, Runner, Terminal, TerminalSize, Wall,
};
