//! A log file that is opened with its first line.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;

/// Daily files kept.
const KEPT_FILES: usize = 7;

struct Inner {
    folder: PathBuf,
    /// `None` inside where the file cannot be made: a server that cannot log still serves.
    writer: OnceLock<Option<NonBlocking>>,
    worker: Mutex<Option<WorkerGuard>>,
}

/// Daily log files in one folder; clones share them.
#[derive(Clone)]
pub(super) struct LateFile(Arc<Inner>);

impl LateFile {
    /// Makes nothing yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(Arc::new(Inner { folder, writer: OnceLock::new(), worker: Mutex::new(None) }))
    }

    /// Writes out what still waits, and ends the writing thread.
    pub(super) fn close(&self) {
        drop(self.0.worker.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn open(&self) -> Option<NonBlocking> {
        let file = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("tagout")
            .filename_suffix("log")
            .max_log_files(KEPT_FILES)
            .build(&self.0.folder)
            .ok()?;
        let (writer, worker) = NonBlockingBuilder::default().thread_name("tagout-log").finish(file);
        *self.0.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
        Some(writer)
    }
}

/// Where one line goes.
pub(super) enum Line {
    File(NonBlocking),
    Nowhere,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Nowhere => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Nowhere => Ok(()),
        }
    }
}

impl<'a> MakeWriter<'a> for LateFile {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        self.0.writer.get_or_init(|| self.open()).clone().map_or(Line::Nowhere, Line::File)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn the_file_comes_with_the_first_line_and_holds_all_after_closing() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let file = LateFile::new(log.clone());
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(file.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            assert!(!log.exists());
            tracing::warn!("one");
            tracing::warn!("two");
        });
        file.close();
        let written: Vec<_> = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).collect();
        let text = std::fs::read_to_string(&written[0]).unwrap();
        assert_eq!((written.len(), text.lines().count()), (1, 2), "{text}");
        assert!(text.contains("one") && text.contains("two"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_loses_the_line_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "x").unwrap();
        let mut line = LateFile::new(folder.path().join("file/log")).make_writer();
        assert_eq!(line.write(b"lost").unwrap(), 4);
    }
}
