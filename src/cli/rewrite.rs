//! `tagout rewrite`

use super::arguments::RewriteArguments;
use super::{DONE, Screen};
use crate::changes::{render_changeset, summarise};
use crate::engine::{Workbench, recipes};
use crate::ports::{Cancel, Failure};

pub(super) fn run(
    arguments: &RewriteArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let task = recipes::RewriteTask {
        root: root.clone(),
        pattern: arguments.pattern.clone(),
        replacement: arguments.replacement.clone(),
        language: arguments.language.clone(),
        open: Vec::new(),
    };
    let proposed = recipes::rewrite(workbench, &task, cancel, &|progress| Screen::progress(&progress))?;
    proposed.problems.iter().for_each(|problem| screen.note(&format!("tagout: not searched: {problem}")));
    if proposed.changeset.is_empty() {
        screen.note(&format!("tagout: nothing matches in {} files", proposed.files));
        return Ok(DONE);
    }
    screen.diff(&render_changeset(&proposed.changeset));
    screen.note(&format!("tagout: changeset {}: {}", proposed.changeset.id, summarise(&proposed.changeset)));
    if arguments.apply {
        return super::changes::write(workbench, &root, proposed.changeset, &arguments.approve, screen);
    }
    screen.note(&format!("tagout: write it with `tagout apply {}`", proposed.changeset.id));
    Ok(DONE)
}
