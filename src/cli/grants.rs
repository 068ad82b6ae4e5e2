//! `tagout grants`

use super::arguments::GrantsArguments;
use super::{DONE, Screen};
use crate::engine::{Workbench, recipes};
use crate::ports::Failure;
use crate::text::visible_line;

pub(super) fn run(arguments: &GrantsArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    if let Some(name) = &arguments.revoke {
        recipes::revoke(workbench, &root, name)?;
        screen.note(&format!("tagout: {name} holds no more"));
        return Ok(DONE);
    }
    for held in recipes::held(workbench, &root)? {
        screen.line(&visible_line(&format!("{}  {}  ({})", held.name, held.what, held.from)));
    }
    Ok(DONE)
}
