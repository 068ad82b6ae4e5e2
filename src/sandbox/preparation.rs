//! What is found out before a command begins, and what it is good for once the command has ended.

use std::io;
use std::path::Path;

use super::capture::{Captured, Start, capture};
use super::disk::Folder;
use super::keeping::{Keeping, Shown};
use super::moment::Moment;
use super::pool::{Key, Sandbox};
use super::secrets::{Found, Secrets, SecretsError, Wishes};
use crate::policy::Mode;
use crate::ports::{Failure, FailureKind, OpenText, RunRequest};
use crate::workspace::{RelativePath, Root};

/// A workspace as it is right before a command.
pub(super) struct Preparation {
    disk: Folder,
    mode: Mode,
    /// Documents open in an editor that the command may see, links in their paths resolved.
    open: Vec<OpenText>,
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
        let secrets = secrets.find(root, &open, &wishes).map_err(|error| not_searched(&error))?;
        open.retain(|open| !secrets.hidden.contains(&open.path));
        // Who may only read makes no outputs.
        let shown = (mode != Mode::ReadOnly).then(|| keeping.begin(&request.root, &disk)).flatten();
        Ok(Self { disk, mode, open, secrets, shown, began: Moment::now().map_err(io)? })
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

    /// The texts to be laid over the workspace.
    pub(super) fn unsaved(&self) -> Vec<(RelativePath, String)> {
        let unsaved = self.open.iter().filter(|open| !open.saved);
        unsaved.map(|open| (open.path.clone(), open.text.clone())).collect()
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
        let left = self.shown.map(|shown| shown.keep(written, (&self.disk, root), &captured, &self.secrets));
        captured.refused.extend(left.into_iter().flatten().chain(self.secrets.doubtful));
        Ok(captured)
    }
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
