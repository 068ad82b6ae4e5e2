//! Where requests run: a small runtime that exists from the first use on, and a wait that can be given up.

use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use super::HttpError;

/// How often a wait looks whether anybody still wants the answer.
const LOOK: Duration = Duration::from_millis(20);

/// The runtime, made when first needed.
#[derive(Debug, Default)]
pub(super) struct Lazy(Mutex<Option<Runtime>>);

impl Lazy {
    /// Runs `work` to its end while this thread waits, or until `stop` says so. Works on any thread.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, HttpError>> + Send + 'static,
        stop: &dyn Fn() -> bool,
    ) -> Result<T, HttpError> {
        let (sender, receiver) = sync_channel(1);
        let task = self.handle()?.spawn(async move {
            let _ = sender.send(work.await);
        });
        loop {
            if stop() {
                task.abort();
                return Err(HttpError::Cancelled);
            }
            match receiver.recv_timeout(LOOK) {
                Ok(done) => return done,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(HttpError::Unready("the HTTP library gave up".to_owned()));
                }
            }
        }
    }

    fn handle(&self) -> Result<Handle, HttpError> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtime.as_ref() {
            return Ok(runtime.handle().clone());
        }
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("tagout-http").enable_all();
        let made = builder.build().map_err(|error| HttpError::Unready(error.to_string()))?;
        Ok(runtime.insert(made).handle().clone())
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
