//! `tagout index`

use super::retrieve_arguments::IndexArguments;
use super::{DONE, Screen, note_problems};
use crate::engine::{Workbench, recipes};
use crate::ports::{Cancel, Failure};
use crate::workspace::Root;

pub(super) fn run(
    arguments: &IndexArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.path)?;
    let summary = refresh(workbench, &root, screen, cancel)?;
    screen.line(&format!("{}: {summary}", root.as_path().display()));
    Ok(DONE)
}

/// Brings the index up to date, saying what has to be said.
pub(super) fn refresh(
    workbench: &Workbench,
    root: &Root,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<recipes::IndexSummary, Failure> {
    note_problems(&workbench.standing(root).problems, screen);
    let summary = recipes::index(workbench, root, cancel, &|progress| Screen::progress(&progress))?;
    if let Some(notice) = &summary.notice {
        screen.note(&format!("tagout: {notice}"));
    }
    Ok(summary)
}
