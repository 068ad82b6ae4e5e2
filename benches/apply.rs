//! Changes applied to a real disk: durably, and the same without waiting for the disk, in turns.

use std::path::Path;
use std::time::{Duration, Instant};

use tagout::changes::{ChangesetId, FileChange, Permissions, content_hash};
use tagout::host::{DiskFiles, Durability, open_root};
use tagout::policy::{Action, Facts, Grant, Mode, Rules};
use tagout::ports::{Files, Outcome};
use tagout::workspace::{FileState, RelativePath};

use crate::median;

/// The argument that asks for these figures.
pub(crate) const SUBJECT: &str = "apply";

const ROUNDS: usize = 5;

/// Prints the figures for the disk that the folder named is on.
pub(crate) fn figures(arguments: &[String]) {
    let on = arguments.first().map_or("/var/tmp", String::as_str);
    for files in [1, 100, 10_000] {
        let (mut durable, mut unsynced) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            unsynced.push(applied(Path::new(on), files, Durability::Unsynced));
            durable.push(applied(Path::new(on), files, Durability::Durable));
        }
        let (durable, unsynced) = (median(durable), median(unsynced));
        println!(
            "apply, {files:6} files   durable {:8.1} ms {:6.0} files/s   unsynced {:8.1} ms {:6.0} files/s   ratio {:.2}",
            durable.as_secs_f64() * 1000.0,
            files as f64 / durable.as_secs_f64(),
            unsynced.as_secs_f64() * 1000.0,
            files as f64 / unsynced.as_secs_f64(),
            durable.as_secs_f64() / unsynced.as_secs_f64()
        );
    }
}

/// How long it takes to edit so many files of 4 KiB, a hundred to a folder.
fn applied(on: &Path, files: usize, durability: Durability) -> Duration {
    let folder = tempfile::tempdir_in(on).unwrap();
    let work = folder.path().join("work");
    let (before, after) = ("old line of text\n".repeat(256), "new line of text\n".repeat(256));
    let mut changes = Vec::with_capacity(files);
    for number in 0..files {
        let path = format!("{}/file-{number}.rs", number / 100);
        std::fs::create_dir_all(work.join(&path).parent().unwrap()).unwrap();
        std::fs::write(work.join(&path), &before).unwrap();
        changes.push(FileChange {
            path: RelativePath::new(path).unwrap(),
            before: Some(FileState::text(before.as_str())),
            after: Some(FileState::text(after.as_str())),
        });
    }
    let root = open_root(&work).unwrap();
    let disk = DiskFiles::new(1 << 20, folder.path().join("state/journal")).with_durability(durability);
    let paths = changes.iter().map(|change| change.path.clone()).collect();
    let action = Action::Apply { content: content_hash(&changes), paths };
    let grant = Grant::obtain(Mode::WorkspaceWrite, &Rules::default(), action, &Facts::user(), None).unwrap().0;
    settle(&work);
    let begun = Instant::now();
    let receipt = disk.apply(grant, &root, &ChangesetId::from_text("figures"), &changes, &Permissions::new()).unwrap();
    let took = begun.elapsed();
    assert_eq!(receipt.outcome, Outcome::Written);
    settle(&work);
    took
}

/// Neither run pays for what the other, or the preparation, left to be written.
fn settle(folder: &Path) {
    let folder = std::fs::File::open(folder).unwrap();
    nix::unistd::syncfs(&folder).unwrap();
}
