//! Watching a workspace: one watch for each folder that the ignore rules leave, events gathered into batches.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use ignore::IncrementalIgnore;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::staging::is_temporary;
use super::walk::{builder, has_sane_rules};
use crate::ports::{Failure, FailureKind, WatchGuard};
use crate::workspace::{RelativePath, Root};

/// A batch ends after this much quiet…
const QUIET: Duration = Duration::from_millis(30);
/// …or when it is this old.
const LONGEST: Duration = Duration::from_millis(250);
/// Where the operating system does not watch everything, "anything" is reported this often.
const INTERVAL: Duration = Duration::from_secs(30);
/// More paths than this in a batch are reported as "anything".
const MOST_PATHS: usize = 10_000;

type Changed = Box<dyn Fn(Vec<RelativePath>) + Send>;

enum Message {
    Event(notify::Result<Event>),
    Stop,
}

/// Ends the watch when it is dropped; a batch that is being delivered then may still arrive.
struct StopOnDrop(Sender<Message>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        // The thread may be gone already.
        let _ = self.0.send(Message::Stop);
    }
}

/// Calls `changed` with batches of paths below `root` on a thread of its own. Changes made after this returns are
/// seen. Where the operating system gives too few watches, an empty batch comes every 30 seconds as well.
pub(super) fn watch(root: &Root, changed: Changed) -> Result<WatchGuard, Failure> {
    let (sender, receiver) = channel();
    let events = sender.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // tagout's own reading would fill the channel.
        if !event.as_ref().is_ok_and(|event| event.kind.is_access()) {
            let _ = events.send(Message::Event(event));
        }
    });
    let mut watching = Watching {
        root: root.clone(),
        matcher: matcher(root)?,
        watcher: None,
        watched: BTreeSet::new(),
        coverage: Coverage::Whole,
        changed,
    };
    match watcher {
        Ok(watcher) => watching.watcher = Some(watcher),
        Err(error) => watching.miss(&error),
    }
    watching.add_below(root.as_path());
    std::thread::Builder::new().name("tagout-watch".to_owned()).spawn(move || watching.run(&receiver)).map_err(
        |error| {
            Failure::new(FailureKind::Unavailable, format!("no thread to watch the workspace: {error}"))
                .hint("close some programs, or raise the limit of processes")
        },
    )?;
    Ok(WatchGuard(Box::new(StopOnDrop(sender))))
}

fn matcher(root: &Root) -> Result<Option<IncrementalIgnore>, Failure> {
    Ok(builder(root, root.as_path(), |_| ())?.build_matchers().pop())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Whole,
    /// Some folders have no watch.
    Partial,
}

#[derive(Default)]
struct Batch {
    paths: BTreeSet<PathBuf>,
    anything: bool,
}

impl Batch {
    fn take(&mut self, event: notify::Result<Event>) {
        match event {
            Ok(event) => {
                self.anything |= event.need_rescan() || self.paths.len() > MOST_PATHS;
                if !matches!(event.kind, EventKind::Access(_)) && !self.anything {
                    self.paths.extend(event.paths);
                }
            }
            Err(_) => self.anything = true,
        }
    }
}

struct Watching {
    root: Root,
    matcher: Option<IncrementalIgnore>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    coverage: Coverage,
    changed: Changed,
}

impl Watching {
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let message = match self.coverage {
                Coverage::Whole => receiver.recv().map_err(RecvTimeoutError::from),
                Coverage::Partial => receiver.recv_timeout(INTERVAL),
            };
            match message {
                Ok(Message::Event(event)) => {
                    let Some(batch) = gather(event, receiver) else { return };
                    self.deliver(batch);
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => (self.changed)(Vec::new()),
            }
        }
    }

    fn deliver(&mut self, mut batch: Batch) {
        let rules_changed = batch.paths.iter().any(|path| path.file_name().is_some_and(|name| name == ".gitignore"));
        if rules_changed || batch.anything {
            batch.anything = true;
            self.matcher = matcher(&self.root).unwrap_or_default();
            let root = self.root.clone();
            self.add_below(root.as_path());
        }
        // Folders that went away come first: one that was renamed keeps its watch, under the old name.
        for path in &batch.paths {
            if self.watched.contains(path) && !is_folder(path) {
                self.forget_below(path);
                batch.anything = true;
            }
        }
        let mut files = BTreeSet::new();
        for path in &batch.paths {
            if self.is_ignored(path) {
                continue;
            }
            if !is_folder(path) {
                files.extend(self.root.relative(path));
            } else if !self.watched.contains(path) {
                files.extend(self.add_below(path));
            }
        }
        if batch.anything || files.len() > MOST_PATHS {
            (self.changed)(Vec::new());
        } else if !files.is_empty() {
            (self.changed)(files.into_iter().collect());
        }
    }

    /// Whether a walk would pass over `path`.
    fn is_ignored(&mut self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(self.root.as_path()) else { return true };
        let hidden = |name: &std::ffi::OsStr| name == ".git" || name.to_str().is_some_and(is_temporary);
        if relative.iter().any(hidden) {
            return true;
        }
        // The matcher reads the rules of every folder on the way.
        let on_the_way = relative.ancestors().skip(1).map(|folder| self.root.as_path().join(folder));
        if !on_the_way.into_iter().all(|folder| has_sane_rules(&folder)) {
            return true;
        }
        self.matcher.as_mut().is_some_and(|matcher| matcher.matched(relative, is_folder(path)).is_ignore())
    }

    /// Watches the folders below `start` that have no watch yet, and returns the files met there.
    fn add_below(&mut self, start: &Path) -> Vec<RelativePath> {
        let Ok(builder) = builder(&self.root, start, |_| ()) else { return Vec::new() };
        let mut files = Vec::new();
        for entry in builder.build().flatten() {
            let kind = entry.file_type();
            if kind.is_some_and(|kind| kind.is_dir()) {
                self.add(entry.path());
            } else if kind.is_some_and(|kind| kind.is_file()) && files.len() <= MOST_PATHS {
                files.extend(self.root.relative(entry.path()));
            }
        }
        files
    }

    fn add(&mut self, folder: &Path) {
        let Some(watcher) = self.watcher.as_mut().filter(|_| !self.watched.contains(folder)) else { return };
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder.to_owned());
            }
            // It vanished meanwhile.
            Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => {}
            Err(error) => self.miss(&error),
        }
    }

    fn forget_below(&mut self, folder: &Path) {
        let gone: Vec<PathBuf> = self.watched.iter().filter(|path| path.starts_with(folder)).cloned().collect();
        for path in gone {
            self.watched.remove(&path);
            // The operating system may have ended the watch with the folder.
            let _ = self.watcher.as_mut().map(|watcher| watcher.unwatch(&path));
        }
    }

    /// Notes that some folder has no watch.
    fn miss(&mut self, error: &notify::Error) {
        if self.coverage == Coverage::Whole {
            tracing::warn!(
                %error,
                "not every folder can be watched, so the whole workspace is looked at every 30 seconds; \
                 raise fs.inotify.max_user_watches and fs.inotify.max_user_instances"
            );
        }
        self.coverage = Coverage::Partial;
    }
}

fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// The first event and what follows it closely; `None` when the watch is to end.
fn gather(first: notify::Result<Event>, receiver: &Receiver<Message>) -> Option<Batch> {
    let mut batch = Batch::default();
    batch.take(first);
    let end = Instant::now() + LONGEST;
    loop {
        let left = end.saturating_duration_since(Instant::now()).min(QUIET);
        match receiver.recv_timeout(left) {
            Ok(Message::Event(event)) if !left.is_zero() => batch.take(event),
            Ok(Message::Event(event)) => {
                batch.take(event);
                return Some(batch);
            }
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => return Some(batch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Waits until `wanted` was reported, or "anything"; a watcher that stays silent fails the test.
    fn wait_for(batches: &Receiver<Vec<RelativePath>>, wanted: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let batch = batches.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{wanted}: {seen:?}"));
            let anything = batch.is_empty();
            seen.extend(batch.iter().map(ToString::to_string));
            if anything || seen.iter().any(|path| path == wanted) {
                return seen;
            }
        }
    }

    #[test]
    fn reports_files_in_old_and_new_folders_but_not_what_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(fs::canonicalize(folder.path()).unwrap()).unwrap();
        let at = |path: &str| root.as_path().join(path);
        fs::create_dir_all(at("src")).unwrap();
        fs::create_dir_all(at("target/deep")).unwrap();
        fs::create_dir_all(at(".git")).unwrap();
        fs::write(at(".gitignore"), "target/\n*.log\n").unwrap();
        let (sender, batches) = channel();
        let guard = watch(&root, Box::new(move |batch| drop(sender.send(batch)))).unwrap();

        fs::write(at("target/deep/out"), "x").unwrap();
        fs::write(at("src/noise.log"), "x").unwrap();
        fs::write(at(".git/index"), "x").unwrap();
        fs::write(at("src/a.rs"), "x").unwrap();
        assert_eq!(wait_for(&batches, "src/a.rs"), ["src/a.rs"]);

        fs::create_dir_all(at("new/inner")).unwrap();
        fs::write(at("new/inner/b.rs"), "x").unwrap();
        wait_for(&batches, "new/inner/b.rs");
        fs::write(at("new/inner/c.rs"), "x").unwrap();
        wait_for(&batches, "new/inner/c.rs");

        fs::remove_file(at("src/a.rs")).unwrap();
        wait_for(&batches, "src/a.rs");

        fs::rename(at("new"), at("newer")).unwrap();
        assert_eq!(wait_for(&batches, "(anything)"), Vec::<String>::new());
        fs::write(at("newer/inner/d.rs"), "x").unwrap();
        wait_for(&batches, "newer/inner/d.rs");

        fs::write(at(".gitignore"), "target/\n").unwrap();
        wait_for(&batches, "(anything)");
        fs::write(at("src/noise.log"), "y").unwrap();
        wait_for(&batches, "src/noise.log");

        drop(guard);
        // The thread ends and lets go of the sender.
        while batches.recv_timeout(Duration::from_secs(20)).is_ok() {}
        assert_eq!(batches.recv().ok(), None);
    }

    #[test]
    fn a_root_that_is_gone_is_a_failure() {
        let root = Root::new("/nonexistent/tagout").unwrap();
        assert!(watch(&root, Box::new(|_| ())).is_err());
    }
}
