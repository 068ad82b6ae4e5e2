//! The one thread of a process that sends to the endpoint that the user named.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::recipes::{self, Embedded};
use super::workbench::Workbench;
use crate::ports::{Failure, FailureKind};

/// How long at least what failed waits, in milliseconds.
const SENT_AGAIN: u64 = 1_000;

/// Sends what is new, workspace by workspace, for as long as the process lasts.
pub(super) fn send_vectors(workbench: &Workbench) {
    let remote = &workbench.endpoint;
    let tell = |failure: &Failure| remote.tell(format!("nothing more is sent to the embedding endpoint: {failure}"));
    let tell_later = |failure: &Failure| remote.tell(format!("the embedding endpoint has to wait: {failure}"));
    while let Some((root, cancel)) = remote.next() {
        match catch_unwind(AssertUnwindSafe(|| recipes::embed(workbench, &root, &cancel, &|_| {}))) {
            Ok(Ok(Embedded { failed: None, .. })) => {}
            Ok(Ok(Embedded { failed: Some(failure), is_over: true, .. })) => tell(&failure),
            Ok(Ok(Embedded { failed: Some(failure), .. })) => {
                // An endpoint that fails is told of by how often it did.
                if failure.kind == FailureKind::Unavailable && remote.pause() == 0 {
                    tell_later(&failure);
                }
                remote.again(&root, remote.pause().max(SENT_AGAIN), &cancel);
            }
            Ok(Err(failure)) if failure.kind == FailureKind::Cancelled => {}
            Ok(Err(failure)) => tell(&failure),
            Err(_) => tracing::error!("sending to the embedding endpoint failed by a fault of tagout's own"),
        }
    }
}
