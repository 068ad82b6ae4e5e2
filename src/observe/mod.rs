//! What is written down about tagout's own work: messages above a level, to a file in the state folder or to
//! standard error, never to standard output, which belongs to the protocol. File contents, command output and
//! environment variables are not logged.

mod late_file;

use std::path::Path;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use late_file::LateFile;

/// Keeps the log; dropping it writes out what still waits.
#[must_use = "the log ends when it is dropped"]
pub struct ObserveGuard(Option<LateFile>);

impl Drop for ObserveGuard {
    fn drop(&mut self) {
        self.0.iter().for_each(LateFile::close);
    }
}

/// Begins to write down messages that `filter` lets through (a level or the syntax of `EnvFilter`; `warn` when
/// `None`, nothing at all for `off`): to daily files in `log_folder`, of which seven are kept, or to standard error
/// when it is `None`. The folder, the file and the thread that writes are made with the first message.
///
/// A filter that cannot be read counts as `warn`, and that is the first message. Only the first call in a process
/// has an effect.
pub fn init(filter: Option<&str>, log_folder: Option<&Path>) -> ObserveGuard {
    let wanted = filter.unwrap_or("warn");
    if wanted.eq_ignore_ascii_case("off") {
        return ObserveGuard(None);
    }
    let parsed = EnvFilter::try_new(wanted);
    let unreadable = parsed.as_ref().err().map(ToString::to_string);
    let filter = parsed.unwrap_or_else(|_| EnvFilter::new("warn"));
    let registry = tracing_subscriber::registry().with(filter);
    let (started, file) = match log_folder {
        Some(folder) => {
            let file = LateFile::new(folder.to_owned());
            let lines = layer().with_ansi(false).with_writer(file.clone());
            (registry.with(lines).try_init(), Some(file))
        }
        // Times and module paths say little to someone at a terminal.
        None => {
            let lines = layer().with_ansi(false).without_time().with_target(false).with_writer(std::io::stderr);
            (registry.with(lines).try_init(), None)
        }
    };
    if let (Ok(()), Some(error)) = (started, unreadable) {
        tracing::warn!(%error, filter = wanted, "the log filter cannot be read, so warn holds");
    }
    ObserveGuard(file)
}
