//! From what a command wrote to file changes: reads the folder that received the writes, beside the disk.
//!
//! The folder is what an overlay leaves: files that were written, character devices 0:0 for what was deleted, a mark
//! on folders that replace the one below. A command cannot make either sign itself: the overlay refuses such devices
//! and keeps attributes of these names from it. (Over a plain copy it can set the mark; what it then says is gone it
//! could as well have deleted.) What a command can make are trees of any shape, names of any bytes,
//! files of any size and permissions; so the walk keeps one open folder and a stack of names, reads no more than it
//! hands on, and names what it leaves out.

mod file;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::descent::Descent;
use super::disk::{Folder, Kind, Seen};
use super::ignored::{Ignored, Rules};
use super::meanwhile::OnDisk;
use super::moment::{Moment, Since};
use super::tracked::Tracked;
use crate::changes::FileChange;
use crate::ports::{OpenText, Refusal};
use crate::text::visible_line;
use crate::workspace::RelativePath;

/// Most refusals that are named.
const MOST_REFUSALS: usize = 1_000;

const GIT: &str = "git's own data: run git itself to change it";
const SECRET: &str =
    "a secret that the command could not see: write it yourself, or show it to commands by `run.shown`";
const SECRET_KEPT: &str = "a secret that the command could not see, kept when its folder was deleted";
const GONE_CHANGED: &str = "a folder that changed on disk while the command deleted it: run it again";
const MORE: &str = "more was refused than is named here";

/// What was known when the command began.
pub(super) struct Start<'a> {
    /// When.
    pub(super) began: Moment,
    /// The documents open in an editor, links in their paths resolved.
    pub(super) open: &'a [OpenText],
    /// The secrets that were taken from the command's view: their deletion is not the command's.
    pub(super) hidden: &'a BTreeSet<RelativePath>,
}

/// What became of a command's writes.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// Files that differ from the disk, sorted by path.
    pub(super) changes: Vec<FileChange>,
    /// What is left out, and why.
    pub(super) refused: Vec<Refusal>,
    /// Ignored files and folders that were written or deleted: outputs, to be kept for the next run.
    pub(super) outputs: Vec<PathBuf>,
}

/// Reads what was written to `written` over `disk`, the workspace at `root`.
///
/// # Errors
/// When one of the two folders cannot be read at all.
pub(super) fn capture(written: &Folder, disk: &Folder, root: &Path, start: &Start<'_>) -> io::Result<Captured> {
    written.unlock_self()?;
    if start.hidden.is_empty() && written.names()?.is_empty() {
        // As of most commands.
        return Ok(Captured::default());
    }
    let mut scan = Scan {
        written,
        disk,
        root,
        open: start.open.iter().map(|open| (open.path.as_str(), open)).collect(),
        hidden: start.hidden,
        since: start.began.until_now()?,
        ignored: Ignored::new(root),
        tracked: None,
        found: Captured::default(),
        bytes: 0,
    };
    let top = Standing { side: Side::Over, files: OnDisk::AsBefore, names: OnDisk::AsBefore, kept: Kept::Shown };
    let folders = scan.enter(PathBuf::new(), top)?;
    let mut descent = Descent::new(PathBuf::new(), folders);
    while let Some((path, standing)) = descent.next() {
        match scan.enter(path.clone(), standing) {
            Ok(folders) => descent.enter(path, folders),
            Err(error) => scan.refuse(&path, format!("cannot be read: {error}")),
        }
    }
    scan.look_at_hidden();
    let mut found = scan.found;
    found.changes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// What stands for a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Both: what was written lies over what is on disk.
    Over,
    /// What was written alone: what is on disk there is gone.
    Instead,
    /// The disk alone: all of it is gone.
    Gone,
}

/// How a folder is to be taken.
#[derive(Debug, Clone, Copy)]
struct Standing {
    side: Side,
    /// What the files in it count as at least: changed, when the folder itself was moved there meanwhile.
    files: OnDisk,
    /// What became of the names in it on disk, or in the nearest folder above it that is there.
    names: OnDisk,
    kept: Kept,
}

/// What becomes of what nothing else is known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It is shown, unless a rule ignores it.
    Shown,
    /// It is an output: a folder above it is ignored, which was entered because git tracks something in it.
    Ignored,
}

/// Both sides, and what has been found so far.
struct Scan<'a> {
    written: &'a Folder,
    disk: &'a Folder,
    root: &'a Path,
    open: HashMap<&'a str, &'a OpenText>,
    hidden: &'a BTreeSet<RelativePath>,
    since: Since,
    ignored: Ignored,
    tracked: Option<Rc<Tracked>>,
    found: Captured,
    bytes: u64,
}

/// One folder while its entries are gone through.
struct Place {
    path: PathBuf,
    written: Option<Folder>,
    disk: Option<Folder>,
    standing: Standing,
    rules: Rules,
    folders: Vec<(OsString, Standing)>,
}

/// One entry on both sides.
struct Entry<'a> {
    name: &'a OsStr,
    path: PathBuf,
    written: Option<Seen>,
    disk: Option<Seen>,
}

impl Entry<'_> {
    /// Whether it is one on either side.
    fn is_folder(&self) -> bool {
        [self.written, self.disk].iter().flatten().any(|seen| seen.kind == Kind::Folder)
    }

    fn is_ignored(&self, rules: &Rules) -> bool {
        match (self.written.map(|seen| seen.kind), self.disk.map(|seen| seen.kind)) {
            (_, Some(Kind::Folder)) | (Some(Kind::Folder), _) => rules.is_ignored(&self.path, true),
            // An output of an earlier command, kept outside of the workspace.
            (Some(Kind::Deletion), None) => rules.is_ignored_as_any(&self.path),
            _ => rules.is_ignored(&self.path, false),
        }
    }
}

impl<'a> Scan<'a> {
    fn refuse(&mut self, path: &Path, reason: impl Into<String>) {
        let refused = &mut self.found.refused;
        match refused.len() {
            MOST_REFUSALS.. => {}
            count if count + 1 == MOST_REFUSALS => refused.push(Refusal::of_change("", MORE)),
            _ => refused.push(Refusal::of_change(visible_line(&path.to_string_lossy()), reason)),
        }
    }

    /// Goes through the entries of one folder; returns the folders in it that are to be gone through.
    fn enter(&mut self, path: PathBuf, standing: Standing) -> io::Result<Vec<(OsString, Standing)>> {
        let written = if standing.side == Side::Gone { None } else { self.written.below(&path)? };
        let disk = self.disk.below(&path)?;
        let standing = self.standing(standing, written.as_ref(), disk.as_ref())?;
        let rules = self.ignored.rules(&path);
        let mut place = Place { path, written, disk, standing, rules, folders: Vec::new() };
        let names = place.written.as_ref().map_or_else(|| Ok(Vec::new()), Folder::names)?;
        for name in &names {
            self.see(&mut place, name);
        }
        if standing.side != Side::Over {
            self.see_gone(&mut place, &names.iter().collect())?;
        }
        Ok(place.folders)
    }

    /// What the two folders themselves say.
    fn standing(&self, from_above: Standing, written: Option<&Folder>, disk: Option<&Folder>) -> io::Result<Standing> {
        let mut standing = from_above;
        let Some(disk) = disk else {
            // Nothing was ever in a folder that the command made.
            if written.is_some_and(|folder| !folder.is_copied() && !folder.is_opaque()) {
                standing.names = OnDisk::AsBefore;
            }
            return Ok(standing);
        };
        let seen = disk.look_at_self()?;
        // Entries that come and go leave both stamps; a folder that is moved, or closed and opened, gets this one only.
        if self.since.includes(seen.changed) && !self.since.includes(seen.modified) {
            standing.files = OnDisk::Changed;
        }
        standing.names = if self.since.includes(seen.changed) { OnDisk::Changed } else { OnDisk::AsBefore };
        if standing.side == Side::Over && written.is_some_and(Folder::is_opaque) {
            standing.side = Side::Instead;
        }
        Ok(standing)
    }

    /// Notes one written entry.
    fn see(&mut self, place: &mut Place, name: &OsStr) {
        let path = place.path.join(name);
        let looked = place.look(name);
        let entry = match looked {
            Ok((Some(written), disk)) => Entry { name, path, written: Some(written), disk },
            Ok((None, _)) => return,
            Err(error) => return self.refuse(&path, format!("cannot be read: {error}")),
        };
        let Some(within) = self.passed(place, &entry) else { return };
        let on_disk = entry.disk.map(|seen| seen.kind);
        let leaf_on_disk = matches!(on_disk, Some(Kind::File | Kind::Link));
        let go_on = |place: &mut Place, side| {
            place.folders.push((name.to_owned(), Standing { side, ..within }));
        };
        match entry.written.map(|seen| seen.kind) {
            Some(Kind::Folder) => {
                let alone = Entry { written: None, path: entry.path.clone(), ..entry };
                if !leaf_on_disk || self.change(place, &alone) {
                    go_on(place, place.standing.side);
                }
            }
            Some(Kind::Special(what)) => self.refuse(&entry.path, format!("{what}, no file")),
            Some(Kind::Deletion) if on_disk == Some(Kind::Folder) => go_on(place, Side::Gone),
            Some(Kind::Deletion) if leaf_on_disk => drop(self.change(place, &Entry { written: None, ..entry })),
            Some(Kind::File | Kind::Link) => {
                let folder = entry.disk.filter(|seen| seen.kind == Kind::Folder);
                if folder.is_some_and(|folder| self.since.includes(folder.changed)) {
                    return self.refuse(&entry.path, GONE_CHANGED);
                }
                // A folder stays when what stands in its place is refused.
                if self.change(place, &entry) && folder.is_some() {
                    go_on(place, Side::Gone);
                }
            }
            Some(Kind::Deletion) | None => {}
        }
    }

    /// Every file on disk in a folder that is gone, and not `written` anew, is deleted.
    fn see_gone(&mut self, place: &mut Place, written: &HashSet<&OsString>) -> io::Result<()> {
        let Some(disk) = &place.disk else { return Ok(()) };
        if self.since.includes(disk.look_at_self()?.changed) {
            // What was moved into it keeps its own stamps.
            self.refuse(&place.path, GONE_CHANGED);
            return Ok(());
        }
        let names = disk.names()?;
        for name in names.iter().filter(|name| !written.contains(name)) {
            let path = place.path.join(name);
            let entry = match place.disk.as_ref().map(|disk| disk.look(name)).transpose() {
                Ok(disk) => Entry { name, path, written: None, disk: disk.flatten() },
                Err(error) => {
                    self.refuse(&path, format!("cannot be read on disk: {error}"));
                    continue;
                }
            };
            let Some(within) = self.passed(place, &entry) else { continue };
            match entry.disk.map(|seen| seen.kind) {
                Some(Kind::Folder) => place.folders.push((name.clone(), Standing { side: Side::Gone, ..within })),
                Some(Kind::File | Kind::Link) => drop(self.change(place, &entry)),
                Some(Kind::Deletion | Kind::Special(_)) | None => {}
            }
        }
        Ok(())
    }

    /// How what is in an entry is to be taken. Names what git keeps for itself, secrets, and what has a name that cannot
    /// be used, and notes ignored outputs: these are passed over.
    fn passed(&mut self, place: &Place, entry: &Entry<'_>) -> Option<Standing> {
        let Ok(path) = RelativePath::from_path(&entry.path) else {
            self.refuse(&entry.path, "its name is not UTF-8");
            return None;
        };
        if self.hidden.contains(&path) {
            match entry.written.map(|seen| seen.kind) {
                // That is how it was hidden.
                Some(Kind::Deletion) => {}
                None => self.refuse(&entry.path, SECRET_KEPT),
                Some(Kind::File | Kind::Link | Kind::Folder | Kind::Special(_)) => self.refuse(&entry.path, SECRET),
            }
            return None;
        }
        if entry.name.eq_ignore_ascii_case(".git") {
            let folder = entry.written.is_some_and(|seen| seen.kind == Kind::Folder);
            if !folder || self.holds_files(&entry.path) {
                self.refuse(&entry.path, GIT);
            }
            return None;
        }
        if place.standing.kept != Kept::Ignored && !entry.is_ignored(&place.rules) {
            return Some(place.standing);
        }
        let tracked = self.tracked();
        if self.open.contains_key(path.as_str()) || tracked.is_file(&entry.path) {
            return Some(place.standing);
        }
        if entry.is_folder() && tracked.holds(&entry.path) {
            return Some(Standing { kept: Kept::Ignored, ..place.standing });
        }
        if place.standing.side != Side::Gone {
            self.found.outputs.push(entry.path.clone());
        }
        None
    }

    /// What git tracks, read once something ignored was written.
    fn tracked(&mut self) -> Rc<Tracked> {
        if let Some(tracked) = &self.tracked {
            return Rc::clone(tracked);
        }
        let tracked = Tracked::read(self.disk, self.root).unwrap_or_else(|error| {
            let note = format!("cannot be read, so files that it tracks and `.gitignore` names are missed: {error}");
            self.found.refused.push(Refusal::note(".git/index", note));
            Tracked::default()
        });
        Rc::clone(self.tracked.insert(Rc::new(tracked)))
    }

    /// Whether something other than folders was written to a folder: opening a file for a moment leaves folders.
    fn holds_files(&self, top: &Path) -> bool {
        let (mut folders, mut seen) = (vec![top.to_path_buf()], 0);
        while let Some(at) = folders.pop() {
            let Ok(Some(folder)) = self.written.below(&at) else { return true };
            let Ok(names) = folder.names() else { return true };
            seen += names.len();
            if seen > MOST_REFUSALS {
                return true;
            }
            for name in names {
                match folder.look(&name) {
                    Ok(Some(Seen { kind: Kind::Folder, .. })) => folders.push(at.join(name)),
                    Ok(None) => {}
                    Ok(Some(_)) | Err(_) => return true,
                }
            }
        }
        false
    }

    /// Names what was written in the place of secrets that lie in ignored folders.
    fn look_at_hidden(&mut self) {
        let hidden = self.hidden;
        let outputs: HashSet<PathBuf> = self.found.outputs.iter().cloned().collect();
        for path in hidden.iter().map(|path| Path::new(path.as_str())) {
            let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { continue };
            if !above.ancestors().any(|above| outputs.contains(above)) {
                continue;
            }
            let seen = self.written.below(above).and_then(|folder| folder.map_or(Ok(None), |folder| folder.look(name)));
            if !matches!(seen, Ok(None | Some(Seen { kind: Kind::Deletion, .. }))) {
                self.refuse(path, SECRET);
            }
        }
    }
}

impl Place {
    /// What is at `name` on both sides. Lets the owner in where the command kept even the owner out.
    fn look(&self, name: &OsStr) -> io::Result<(Option<Seen>, Option<Seen>)> {
        let look = |folder: &Option<Folder>| folder.as_ref().map_or(Ok(None), |folder| folder.look(name));
        let written = look(&self.written)?;
        if let (Some(folder), Some(seen)) = (&self.written, &written)
            && seen.kind == Kind::Folder
            && seen.mode & 0o700 != 0o700
        {
            folder.unlock(name, seen)?;
        }
        Ok((written, look(&self.disk)?))
    }
}
