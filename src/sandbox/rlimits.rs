//! What the kernel holds each process to, as part of a plan (getrlimit(2)).
//!
//! Memory is not among it. `RLIMIT_DATA` counts what is reserved, not what is used: a program built with a sanitizer, or
//! by `go test -race`, reserves terabytes and would not start. Process 1 measures memory instead (`usage`).

use super::step::{Resource, Step};
use crate::ports::Limits;

/// What every sandbox gets: nothing that a build or a test run needs.
const ALWAYS: [(Resource, u64); 5] = [
    (Resource::CoreDump, 0),
    (Resource::LockedMemory, 64 << 10),
    (Resource::MessageQueues, 800 << 10),
    (Resource::RealTime, 0),
    (Resource::PendingSignals, 4_096),
];

/// The steps that hold each process to its part of `limits`.
pub(super) fn steps(limits: &Limits) -> Vec<Step> {
    let own = [
        // Of all processes together it is measured; what one of them spends alone the kernel sees to the millisecond.
        (Resource::CpuTime, limits.cpu.as_secs().max(1)),
        (Resource::FileSize, limits.file_bytes),
        // Process 1 is one more.
        (Resource::Processes, limits.processes.saturating_add(1)),
        (Resource::OpenFiles, limits.open_files),
    ];
    ALWAYS.into_iter().chain(own).map(|(resource, most)| Step::Limit(resource, most)).collect()
}
