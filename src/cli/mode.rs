//! `tagout mode`

use super::arguments::ModeArguments;
use super::{DONE, Screen};
use crate::engine::{Workbench, recipes};
use crate::ports::Failure;

pub(super) fn run(arguments: &ModeArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    if let Some(mode) = arguments.mode {
        recipes::set_mode(workbench, &root, mode)?;
    }
    screen.line(workbench.standing(&root).mode()?.name());
    Ok(DONE)
}
