//! Changesets as unified diffs and as one line of figures.

use super::{ChangeKind, Changeset, FileChange};
use crate::text::{line_hunks, unified_diff};
use crate::workspace::{FileKind, FileState, RunsLater};

/// How much a changeset changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Files.
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
    let mut summary = Summary { files: changeset.files.len(), ..Summary::default() };
    for file in &changeset.files {
        summary.hunks += file.hunks().len();
        for hunk in line_hunks(text_of(file.before.as_ref()), text_of(file.after.as_ref())) {
            summary.added += hunk.after.len();
            summary.removed += hunk.before.len();
        }
    }
    summary
}

/// The whole changeset in git's unified format; binary content is named, not shown. A line that `git apply` passes over
/// stands before each file that something else runs later.
#[must_use]
pub fn render_changeset(changeset: &Changeset) -> String {
    changeset.files.iter().map(render_file).collect()
}

fn text_of(state: Option<&FileState>) -> &str {
    state.and_then(FileState::as_text).unwrap_or_default()
}

fn render_file(file: &FileChange) -> String {
    let flag = |who: RunsLater| format!("# {} runs later: {}\n", quoted("b", file), who.describe());
    let mut output = file.runs_later().map_or_else(String::new, flag);
    output.push_str(&format!("diff --git {} {}\n", quoted("a", file), quoted("b", file)));
    let mode = |state: &FileState| match state.kind {
        FileKind::Plain => "100644",
        FileKind::Executable => "100755",
        FileKind::Symlink => "120000",
    };
    match (&file.before, &file.after) {
        (None, Some(after)) => output.push_str(&format!("new file mode {}\n", mode(after))),
        (Some(before), None) => output.push_str(&format!("deleted file mode {}\n", mode(before))),
        (Some(before), Some(after)) if before.kind != after.kind => {
            output.push_str(&format!("old mode {}\nnew mode {}\n", mode(before), mode(after)));
        }
        _ => {}
    }
    output.push_str(&render_body(file));
    output
}

/// The name of one side as git writes it: quoted where it holds control characters, quotes or backslashes, so that no
/// name can pass for a line of the diff.
fn quoted(side: &str, file: &FileChange) -> String {
    let name = format!("{side}/{}", file.path);
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

fn render_body(file: &FileChange) -> String {
    let shown = |state: Option<&FileState>| match state {
        None => Some(String::new()),
        Some(state) if state.kind == FileKind::Symlink => Some(String::from_utf8_lossy(&state.bytes).into_owned()),
        Some(state) => state.as_text().map(str::to_owned),
    };
    let name = |present: bool, side: &str| if present { quoted(side, file) } else { "/dev/null".to_owned() };
    let (old, new) = (name(file.kind() != ChangeKind::Create, "a"), name(file.kind() != ChangeKind::Delete, "b"));
    match (shown(file.before.as_ref()), shown(file.after.as_ref())) {
        (Some(before), Some(after)) => unified_diff(&before, &after, &old, &new),
        _ => format!("Binary files {old} and {new} differ\n"),
    }
}
