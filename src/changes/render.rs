//! Changesets as unified diffs and as one line of figures.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Changeset, FileChange, Rename};
use crate::text::{line_hunks, unified_diff};
use crate::workspace::{FileKind, FileState, RelativePath, RunsLater};

/// How much a changeset changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Files; one that is renamed counts once.
    pub files: usize,
    /// Hunks.
    pub hunks: usize,
    /// Lines that come.
    pub added: usize,
    /// Lines that go.
    pub removed: usize,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(
            formatter,
            "{} file{}, {} hunk{}, +{} -{}",
            self.files,
            plural(self.files),
            self.hunks,
            plural(self.hunks),
            self.added,
            self.removed
        )
    }
}

/// Counts files, hunks and lines.
#[must_use]
pub fn summarise(changeset: &Changeset) -> Summary {
    let mut summary = Summary::default();
    for entry in entries(changeset) {
        let (before, after) = match entry {
            Entry::File(file) => (file.before.as_ref(), file.after.as_ref()),
            Entry::Rename { from, to, .. } => (from.before.as_ref(), to.after.as_ref()),
        };
        let lines = line_hunks(text_of(before), text_of(after));
        summary.files += 1;
        summary.hunks += match entry {
            Entry::File(file) if file.texts().is_some() => lines.len(),
            Entry::File(_) | Entry::Rename { .. } => 1,
        };
        summary.added += lines.iter().map(|hunk| hunk.after.len()).sum::<usize>();
        summary.removed += lines.iter().map(|hunk| hunk.before.len()).sum::<usize>();
    }
    summary
}

/// The whole changeset in git's unified format, as `git apply` takes it; binary content is named, not shown, and has to
/// be taken from the changeset. Lines that `git apply` passes over tell the checks, and stand before each file that
/// something else runs later.
#[must_use]
pub fn render_changeset(changeset: &Changeset) -> String {
    let render = |entry| match entry {
        Entry::File(file) => render_file(file),
        Entry::Rename { from, to, similarity } => render_rename(from, to, similarity),
    };
    let checks = changeset.lineage.checks.iter().map(|checked| format!("# {}\n", checked.describe()));
    checks.chain(entries(changeset).map(render)).collect()
}

/// What is shown as one file.
#[derive(Clone, Copy)]
enum Entry<'a> {
    File(&'a FileChange),
    Rename { from: &'a FileChange, to: &'a FileChange, similarity: usize },
}

/// The files of a changeset, each renamed one under its new name alone.
fn entries(changeset: &Changeset) -> impl Iterator<Item = Entry<'_>> {
    let renames = changeset.renames();
    let gone: BTreeSet<usize> = renames.iter().map(|rename| rename.from).collect();
    let come: BTreeMap<usize, Rename> = renames.into_iter().map(|rename| (rename.to, rename)).collect();
    changeset.files.iter().enumerate().filter(move |(at, _)| !gone.contains(at)).map(move |(at, file)| {
        let rename = come.get(&at).and_then(|rename| Some((changeset.files.get(rename.from)?, rename.similarity)));
        rename.map_or(Entry::File(file), |(from, similarity)| Entry::Rename { from, to: file, similarity })
    })
}

fn text_of(state: Option<&FileState>) -> &str {
    state.and_then(FileState::as_text).unwrap_or_default()
}

fn mode(state: &FileState) -> &'static str {
    match state.kind {
        FileKind::Plain => "100644",
        FileKind::Executable => "100755",
        FileKind::Symlink => "120000",
    }
}

fn render_file(file: &FileChange) -> String {
    let path = &file.path;
    let flag = |who: RunsLater| format!("# {} runs later: {}\n", quoted("b/", path), who.describe());
    let mut output = file.runs_later().map_or_else(String::new, flag);
    let is_link = |state: &FileState| state.kind == FileKind::Symlink;
    match (&file.before, &file.after) {
        // As git has it: a link and a file have nothing in common.
        (Some(before), Some(after)) if is_link(before) != is_link(after) => {
            output.push_str(&render_states(path, Some(before), None));
            output.push_str(&render_states(path, None, Some(after)));
        }
        (before, after) => output.push_str(&render_states(path, before.as_ref(), after.as_ref())),
    }
    output
}

fn render_states(path: &RelativePath, before: Option<&FileState>, after: Option<&FileState>) -> String {
    let mut output = format!("diff --git {} {}\n", quoted("a/", path), quoted("b/", path));
    match (before, after) {
        (None, Some(after)) => output.push_str(&format!("new file mode {}\n", mode(after))),
        (Some(before), None) => output.push_str(&format!("deleted file mode {}\n", mode(before))),
        (Some(before), Some(after)) => output.push_str(&render_modes(before, after)),
        (None, None) => {}
    }
    output.push_str(&render_body((before, path), (after, path)));
    output
}

fn render_modes(before: &FileState, after: &FileState) -> String {
    if before.kind == after.kind {
        return String::new();
    }
    format!("old mode {}\nnew mode {}\n", mode(before), mode(after))
}

fn render_rename(from: &FileChange, to: &FileChange, similarity: usize) -> String {
    let (old, new) = (quoted("", &from.path), quoted("", &to.path));
    let mut output = format!("diff --git {} {}\n", quoted("a/", &from.path), quoted("b/", &to.path));
    if let (Some(before), Some(after)) = (&from.before, &to.after) {
        output.push_str(&render_modes(before, after));
    }
    output.push_str(&format!("similarity index {similarity}%\nrename from {old}\nrename to {new}\n"));
    let (before, after) = (from.before.as_ref(), to.after.as_ref());
    // Contents that are the same need no body, be they text or not.
    if before.map(|state| &state.bytes) != after.map(|state| &state.bytes) {
        output.push_str(&render_body((before, &from.path), (after, &to.path)));
    }
    output
}

/// A path as git writes it: quoted where it holds control characters, quotes or backslashes, so that no name can pass
/// for a line of the diff.
fn quoted(side: &str, path: &RelativePath) -> String {
    let name = format!("{side}{path}");
    let plain = |character: char| !character.is_control() && character != '"' && character != '\\';
    if name.chars().all(plain) {
        return name;
    }
    let escape = |byte: u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("\\{other:03o}"),
    };
    format!("\"{}\"", name.bytes().map(escape).collect::<String>())
}

fn render_body(before: (Option<&FileState>, &RelativePath), after: (Option<&FileState>, &RelativePath)) -> String {
    let shown = |state: Option<&FileState>| match state {
        None => Some(String::new()),
        Some(state) if state.kind == FileKind::Symlink => Some(String::from_utf8_lossy(&state.bytes).into_owned()),
        Some(state) => state.as_text().map(str::to_owned),
    };
    let name = |(state, path): (Option<&FileState>, &RelativePath), side: &str| match state {
        Some(_) => quoted(side, path),
        None => "/dev/null".to_owned(),
    };
    let (old, new) = (name(before, "a/"), name(after, "b/"));
    match (shown(before.0), shown(after.0)) {
        (Some(before), Some(after)) => unified_diff(&before, &after, &old, &new),
        // A changed mode changes no byte.
        _ if before.0.map(|state| &state.bytes) == after.0.map(|state| &state.bytes) => String::new(),
        _ => format!("Binary files {old} and {new} differ\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Origin;

    #[test]
    fn a_rename_is_one_entry() {
        let change = |path: &str, before: Option<&str>, after: Option<&str>| FileChange {
            path: RelativePath::new(path).unwrap(),
            before: before.map(FileState::text),
            after: after.map(FileState::text),
        };
        let files = vec![change("old name", Some("1\n2\n3\n"), None), change("new\tname", None, Some("1\n2\nX\n"))];
        let changeset = Changeset::new(Origin::User, files);
        assert_eq!(summarise(&changeset).to_string(), "1 file, 1 hunk, +1 -1");
        assert_eq!(
            render_changeset(&changeset),
            "diff --git a/old name \"b/new\\011name\"\nsimilarity index 66%\nrename from old name\n\
             rename to \"new\\011name\"\n--- a/old name\n+++ \"b/new\\011name\"\n@@ -1,3 +1,3 @@\n 1\n 2\n-3\n+X\n"
        );
    }
}
