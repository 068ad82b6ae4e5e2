//! The seams: small traits between the steps of a job and its effects, and the values that cross them.
//!
//! All of them block; a job runs on a thread of its own and looks at its [`Cancel`] between steps.

mod audit;
mod batch;
mod control;
mod editor_files;
mod endpoint;
mod evidence;
mod event;
mod failure;
mod files;
mod grants;
mod index;
mod ledger;
mod runner;
mod shared;
mod shelf;
mod trust;

pub use audit::{Audit, Fault, FaultKind};
pub use batch::{AppendLine, BatchLog};
pub use control::{Cancel, Clock, Keyboard, Progress, Report, Typed};
pub use editor_files::{EditorFiles, UserFolder};
pub use endpoint::{
    AppendVectors, BeginVectors, EmbedRequest, EmbedTexts, EmbedTrouble, OpenVectors, ReadVectors, TakeRow, Texts,
    VectorLog, VectorRow,
};
pub use event::{json_line, otlp_log, otlp_logs};
pub use evidence::Evidence;
pub use failure::{Failure, FailureKind};
pub use files::{Ending, FileStat, Files, Left, Outcome, Receipt, Recovery, Skip, Walk, WatchGuard};
pub use grants::{GrantKind, Grants, LiveGrant};
pub use index::{Embedder, FileChunks, IndexRecord, KeepsCatalogue, OpenIndex, Store, StoredChunk, TakeChunk};
pub use ledger::{ApprovalKind, Entry, Keep, Ledger, Modes, Phase, Reader, Rotated, Rotation, Since};
pub use runner::{
    Connection, Exit, Limit, LimitReached, Limits, OpenText, OutputStream, Refusal, RefusalKind, RunOutcome,
    RunRequest, Runner, Terminal, TerminalSize, Wall,
};
pub use shared::{Allowance, Before, Got, ListedObject, Objects, Put, SharedPlaceOpen, Tag};
pub use shelf::{Amend, Damaged, History, Listed, Retention, See, Shelf, Shelved, ShelvedState, Which};
pub use trust::{TrustRecord, TrustRecords};
