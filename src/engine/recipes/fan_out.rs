//! Independent work on many items, spread over the cores.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::ports::{Cancel, Failure, FailureKind};

/// Results on their way to the sink; bounds how far workers run ahead.
const IN_FLIGHT: usize = 64;

/// Calls `work` for each of `items` on all cores and `sink` for each result on this thread, in no order.
/// Stops at the first error of `sink`, at cancellation, or when a worker panicked.
pub(super) fn fan_out<I: Sync, T: Send>(
    items: &[I],
    cancel: &Cancel,
    work: impl Fn(&I) -> T + Sync,
    sink: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    fan_out_on(None, items, cancel, work, sink)
}

/// As [`fan_out`], on so many threads; `None`: one for each core.
pub(super) fn fan_out_on<I: Sync, T: Send>(
    threads: Option<NonZeroUsize>,
    items: &[I],
    cancel: &Cancel,
    work: impl Fn(&I) -> T + Sync,
    mut sink: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let cores = threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let (results, arrived) = mpsc::sync_channel::<T>(IN_FLIGHT);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores.min(items.len()))
            .map(|_| {
                let results = results.clone();
                scope.spawn(|| {
                    let results = results;
                    while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if cancel.is_cancelled() || results.send(work(item)).is_err() {
                            break;
                        }
                    }
                })
            })
            .collect();
        drop(results);
        // The receiver goes at the end of this block, so that workers stop when the sink failed.
        let outcome = {
            let arrived = arrived;
            arrived.iter().try_for_each(&mut sink)
        };
        // Every worker is joined, whatever became of the first.
        let panicked = workers.into_iter().filter_map(|worker| worker.join().err()).count() > 0;
        outcome?;
        cancel.check()?;
        if panicked {
            return Err(Failure::new(FailureKind::Internal, "a worker failed: see the log and report it"));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_arrives_once() {
        let items: Vec<usize> = (0..1000).collect();
        let mut seen = Vec::new();
        let collect = |item| {
            seen.push(item);
            Ok(())
        };
        fan_out(&items, &Cancel::default(), |item| *item, collect).unwrap();
        seen.sort_unstable();
        assert_eq!(seen, items);
    }

    #[test]
    fn a_failing_sink_and_a_cancel_end_it() {
        let items: Vec<usize> = (0..1000).collect();
        let refuse = |_| Err(Failure::new(FailureKind::Io, "disk full"));
        assert_eq!(fan_out(&items, &Cancel::default(), |item| *item, refuse).unwrap_err().kind, FailureKind::Io);
        let cancel = Cancel::default();
        cancel.cancel();
        assert_eq!(fan_out(&items, &cancel, |item| *item, |_| Ok(())).unwrap_err().kind, FailureKind::Cancelled);
    }
}
