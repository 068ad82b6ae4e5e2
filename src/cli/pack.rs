//! `tagout pack`

use super::retrieve_arguments::PackArguments;
use super::{DONE, Screen};
use crate::engine::{Workbench, recipes};
use crate::ports::{Cancel, Failure};

pub(super) fn run(
    arguments: &PackArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let task = arguments.task.join(" ");
    let task = recipes::PackTask { root, open: Vec::new(), task, budget: arguments.budget };
    // Before the index is built: that may take a while.
    task.check()?;
    super::index::refresh(workbench, &task.root, screen, cancel)?;
    let packed = recipes::pack(workbench, &task, cancel)?;
    if arguments.json {
        screen.print(&format!("{}\n", packed.json()));
    } else {
        screen.document(&packed.pack.markdown);
        screen.note(&format!("tagout: about {} of {} tokens", packed.pack.tokens, packed.budget));
    }
    Ok(DONE)
}
