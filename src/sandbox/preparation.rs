//! What is found out before a command begins, and what it is good for once the command has ended.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::capture::{Captured, Start, capture};
use super::disk::{Folder, Kind};
use super::keeping::{Keeping, Shown};
use super::moment::Moment;
use super::pool::{Key, Sandbox};
use super::secrets::{Found, Secrets, SecretsError, Wishes};
use crate::policy::Mode;
use crate::ports::{Failure, FailureKind, OpenText, RunRequest};
use crate::workspace::{FileKind, FileState, RelativePath, Root};

/// A workspace as it is right before a command.
pub(super) struct Preparation {
    disk: Folder,
    mode: Mode,
    /// Documents open in an editor that the command may see, links in their paths resolved.
    open: Vec<OpenText>,
    /// What the command sees in the place of files, deletions first, so that folders can take the place of files.
    over: Vec<(RelativePath, Option<FileState>)>,
    secrets: Found,
    shown: Option<Shown>,
    began: Moment,
}

impl Preparation {
    /// Looks at the workspace of `request`.
    pub(super) fn of(request: &RunRequest, mode: Mode, secrets: &Secrets, keeping: &Keeping) -> Result<Self, Failure> {
        let root = request.root.as_path();
        let io = |error: io::Error| Failure::io(root.display(), &error);
        let disk = Folder::open(root).map_err(io)?;
        let mut open: Vec<OpenText> = request.open.iter().filter_map(|open| real(&request.root, open)).collect();
        let wishes = Wishes { hidden: &request.hidden, shown: &request.shown };
        let mut over = request.over.clone();
        over.sort_by_key(|(_, state)| state.is_some());
        open.retain(|open| !over.iter().any(|(path, _)| *path == open.path));
        let texts: Vec<OpenText> = open.iter().cloned().chain(over.iter().filter_map(as_open)).collect();
        let secrets = secrets.find(root, &texts, &wishes).map_err(|error| not_searched(&error))?;
        open.retain(|open| !secrets.hidden.contains(&open.path));
        over.retain(|(path, _)| !secrets.hidden.contains(path));
        // Who may only read makes no outputs.
        let shown = (mode != Mode::ReadOnly).then(|| keeping.begin(&request.root, &disk)).flatten();
        Ok(Self { disk, mode, open, over, secrets, shown, began: Moment::now().map_err(io)? })
    }

    /// What the sandbox has to be that is to show the workspace: `key` with what was found out.
    pub(super) fn key(&self, mut key: Key, keeping: &Keeping) -> Key {
        key.kept = self.shown.as_ref().and_then(Shown::layer).map(Path::to_path_buf);
        key.room = keeping.room(&key.root, &self.disk, &self.secrets, self.shown.as_ref());
        key
    }

    /// The files that the command must not see.
    pub(super) fn hidden(&self) -> Vec<RelativePath> {
        self.secrets.hidden.iter().cloned().collect()
    }

    /// What is to be laid over the workspace, in this order.
    pub(super) fn over(&self) -> Vec<(RelativePath, Option<FileState>)> {
        let unsaved = self.open.iter().filter(|open| !open.saved);
        let unsaved = unsaved.map(|open| (open.path.clone(), Some(self.saved(open))));
        unsaved.chain(self.over.iter().cloned()).collect()
    }

    /// An open document as a file of the kind that it has on disk.
    fn saved(&self, open: &OpenText) -> FileState {
        let path = Path::new(open.path.as_str());
        let above = self.disk.below(path.parent().unwrap_or(Path::new("")));
        let seen = above.ok().flatten().zip(path.file_name()).and_then(|(above, name)| above.look(name).ok().flatten());
        let runs = seen.is_some_and(|seen| seen.kind == Kind::File && seen.mode & 0o100 != 0);
        FileState { kind: if runs { FileKind::Executable } else { FileKind::Plain }, ..FileState::text(&*open.text) }
    }

    /// What the command left in `sandbox`, which has ended; its ignored outputs are kept for the next one.
    pub(super) fn captured(self, sandbox: &mut Sandbox, root: &Path) -> Result<Captured, Failure> {
        match sandbox.written().map_err(|error| unread(&error))? {
            Some(written) if self.mode != Mode::ReadOnly => self.capture(&written, root),
            Some(_) | None => Ok(Captured { refused: self.secrets.doubtful, ..Captured::default() }),
        }
    }

    /// What the command left in `written`.
    pub(super) fn capture(self, written: &Folder, root: &Path) -> Result<Captured, Failure> {
        let start = Start { began: self.began, open: &self.open, hidden: &self.secrets.hidden };
        let mut captured = capture(written, &self.disk, root, &start).map_err(|error| unread(&error))?;
        without(&mut captured, self.over.iter().cloned().collect());
        // Outputs of what is not in the workspace would pass for those of what is: tools go by the times of files.
        let shown = self.shown.filter(|_| self.over.is_empty());
        let left = shown.map(|shown| shown.keep(written, (&self.disk, root), &captured, &self.secrets));
        captured.refused.extend(left.into_iter().flatten().chain(self.secrets.doubtful));
        Ok(captured)
    }
}

/// Takes out of `captured` what was laid over the workspace before the command began, and has what the command changed
/// in it go over that.
fn without(captured: &mut Captured, over: BTreeMap<RelativePath, Option<FileState>>) {
    captured.changes.retain_mut(|change| {
        if let Some(state) = over.get(&change.path) {
            change.before.clone_from(state);
        }
        change.before != change.after
    });
    // A link that was laid there may lead where none of a command's may; anything else that is refused it made itself.
    let is_laid = |path: &RelativePath| {
        over.get(path).is_some_and(|state| state.as_ref().is_some_and(|state| state.kind == FileKind::Symlink))
    };
    captured.refused.retain(|refusal| RelativePath::new(&*refusal.path).map_or(true, |path| !is_laid(&path)));
}

/// A state to be laid over the workspace, as a document: for what is looked at by its text.
fn as_open((path, state): &(RelativePath, Option<FileState>)) -> Option<OpenText> {
    let text = String::from_utf8_lossy(&state.as_ref()?.bytes).into_owned();
    Some(OpenText { path: path.clone(), text, saved: false })
}

fn unread(error: &io::Error) -> Failure {
    Failure::io("what the command wrote", error)
}

/// The path of an open document without links, since the command's writes are known by such; `None` for one
/// that is not in the workspace.
fn real(root: &Root, open: &OpenText) -> Option<OpenText> {
    match root.join(&open.path).canonicalize() {
        Ok(real) => Some(OpenText { path: root.relative(&real).ok()?, ..open.clone() }),
        // Not saved yet, so that there is nothing to resolve.
        Err(_) => Some(open.clone()),
    }
}

fn not_searched(error: &SecretsError) -> Failure {
    let kind = match error {
        SecretsError::Pattern(_) | SecretsError::TooMany => FailureKind::InvalidInput,
        SecretsError::Unreadable(..) => FailureKind::Unavailable,
    };
    Failure::new(kind, error.to_string())
        .hint("nothing was run: what is not searched might show a secret to the command")
}
