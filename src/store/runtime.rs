//! Where LanceDB runs: an own small runtime that exists from the first use on, and lets no panic out.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Mutex, PoisonError, mpsc};

use tokio::runtime::{Builder, Runtime};

use crate::ports::{Failure, FailureKind};

/// Debug builds of LanceDB's query plans need far more than the usual 2 MiB; only touched pages count.
const STACK: usize = 16 * 1024 * 1024;
/// Threads that poll; heavy work runs on LanceDB's own.
const WORKERS: usize = 2;

/// The runtime, made when first needed.
#[derive(Debug, Default)]
pub(super) struct Lazy(Mutex<Option<Runtime>>);

impl Lazy {
    /// Runs `work` to its end while this thread waits; a panic in it becomes a failure. Works on any thread.
    ///
    /// # Errors
    /// What `work` gives, named by `doing`; an internal failure when it panics.
    pub(super) fn run<T, E>(
        &self,
        doing: &str,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        E: Display + Send + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.spawn(async move {
            let _ = sender.send(work.await);
        })?;
        match receiver.recv() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Failure::new(FailureKind::Io, format!("{doing}: {}", first_line(&error)))),
            Err(mpsc::RecvError) => {
                let what = format!("{doing}: the index library gave up on it");
                Err(Failure::new(FailureKind::Internal, what).hint("delete the index folder if it goes on"))
            }
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if runtime.is_none() {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(WORKERS).thread_stack_size(STACK).thread_name("tagout-store").enable_all();
            let made = builder.build().map_err(|error| Failure::io("starting the index threads", &error))?;
            *runtime = Some(made);
        }
        if let Some(runtime) = runtime.as_ref() {
            runtime.spawn(work);
        }
        Ok(())
    }
}

impl Drop for Lazy {
    fn drop(&mut self) {
        // Waiting here would panic on a thread that belongs to another runtime.
        if let Some(runtime) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_background();
        }
    }
}

/// Errors of LanceDB carry source locations and causes over many lines; people need the first.
fn first_line(error: &impl Display) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_and_the_next_task_runs() {
        let lazy = Lazy::default();
        assert!(lazy.0.lock().unwrap().is_none(), "no thread before the first use");
        let failed =
            lazy.run("trying", async { if true { panic!("deliberate, for this test") } else { Ok::<(), String>(()) } });
        assert_eq!(failed.unwrap_err().kind, FailureKind::Internal);
        assert_eq!(lazy.run("trying", async { Ok::<_, String>(5) }).unwrap(), 5);
        let error = lazy.run("trying", async { Err::<(), _>("first\nsecond") }).unwrap_err();
        assert_eq!(error.what, "trying: first");
    }

    #[test]
    fn it_may_be_dropped_inside_another_runtime() {
        let lazy = Lazy::default();
        lazy.run("trying", async { Ok::<_, String>(()) }).unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(async move { drop(lazy) });
    }
}
