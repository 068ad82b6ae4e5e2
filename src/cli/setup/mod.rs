//! `tagout setup`: has an editor start the server. What can be written safely is written, and undone; for the other
//! editors it is printed.

mod helix;
mod neovim;

use std::path::PathBuf;

use super::editor_arguments::{Editor, SetupArguments};
use super::{DONE, Screen};
use crate::changes::{Changeset, FileChange, Origin, render_changeset};
use crate::ports::{EditorFiles, Failure, UserFolder};
use crate::workspace::{FileState, RelativePath};

/// What becomes of one file of the user's.
struct Planned {
    path: PathBuf,
    before: Option<String>,
    after: Option<String>,
}

/// What becomes of an editor's files, and what people are told besides.
struct Plan {
    files: Vec<Planned>,
    notes: Vec<String>,
    /// What is left to do once it is done.
    next: &'static str,
    /// The folder that is only ours, which goes once it is empty.
    folder: Option<PathBuf>,
}

/// A folder of the user's, and a file in it.
struct Files<'a>(&'a dyn EditorFiles);

impl Files<'_> {
    /// The file at `path` in `folder`, with what `change` makes of it.
    fn planned(
        &self,
        folder: UserFolder,
        path: &str,
        change: impl FnOnce(Option<&str>) -> Result<Option<String>, Failure>,
    ) -> Result<Planned, Failure> {
        let path = self.0.folder(folder)?.join(path);
        let before = self.0.read(&path)?;
        let after = change(before.as_deref())
            .map_err(|failure| Failure { what: format!("{}: {}", path.display(), failure.what), ..failure })?;
        Ok(Planned { path, before, after })
    }
}

pub(super) fn run(arguments: &SetupArguments, files: &dyn EditorFiles, screen: &Screen) -> Result<u8, Failure> {
    let undo = arguments.undo;
    let plan = match arguments.editor {
        Editor::Helix => helix::plan(&Files(files), undo)?,
        Editor::Neovim => neovim::plan(&Files(files), undo)?,
        Editor::Vscode => return Ok(guide(include_str!("../../../docs/vscode.md"), screen)),
        Editor::Zed => return Ok(guide(include_str!("../../../docs/zed.md"), screen)),
        Editor::Emacs => return Ok(guide(include_str!("../../../docs/emacs.md"), screen)),
        Editor::Kakoune => return Ok(guide(include_str!("../../../docs/kakoune.md"), screen)),
        Editor::Sublime => return Ok(guide(include_str!("../../../docs/sublime.md"), screen)),
    };
    plan.notes.iter().for_each(|note| screen.note(&format!("tagout: {note}")));
    let changed: Vec<&Planned> = plan.files.iter().filter(|file| file.before != file.after).collect();
    for file in &changed {
        screen.heading(&file.path.display().to_string());
        screen.diff(&diff(file));
    }
    if arguments.print {
        return Ok(DONE);
    }
    for (done, file) in changed.iter().enumerate() {
        files.replace(&file.path, file.before.as_deref(), file.after.as_deref()).map_err(|failure| {
            let told = if done == 0 { "nothing was changed" } else { "the files above it are done" };
            failure.hint(format!("{told}; run this again"))
        })?;
    }
    screen.note(match (changed.is_empty(), undo) {
        (true, true) => "tagout: nothing of tagout's is there",
        (true, false) => "tagout: everything is as it should be",
        (false, true) => "tagout: this is undone",
        (false, false) => "tagout: this is written; --undo takes it back",
    });
    if let Some(folder) = plan.folder.filter(|_| undo) {
        files.remove_empty(&folder);
    }
    if !undo {
        screen.note(plan.next);
    }
    Ok(DONE)
}

/// A page of the documentation as far as it says what to do. Nothing is written for these editors: their settings are
/// programs, or hold comments that would be lost, or are none of a file's.
fn guide(page: &str, screen: &Screen) -> u8 {
    let page = page.split_once("\n## What was tried").map_or(page, |(page, _)| page);
    screen.document(&format!("{}\n", page.trim_end()));
    screen.note("tagout: nothing was written: put this where it belongs");
    DONE
}

fn diff(file: &Planned) -> String {
    let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Ok(path) = RelativePath::new(&name) else { return String::new() };
    let state = |text: &Option<String>| text.as_deref().map(FileState::text);
    let change = FileChange { path, before: state(&file.before), after: state(&file.after) };
    render_changeset(&Changeset::new(Origin::User, vec![change]))
}
