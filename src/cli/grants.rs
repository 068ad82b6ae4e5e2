//! `tagout grants`

use super::arguments::GrantsArguments;
use super::{DONE, Screen};
use crate::engine::recipes::{Held, Holds};
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
    let (now, answered): (Vec<Held>, Vec<Held>) =
        recipes::held(workbench, &root)?.into_iter().partition(|held| held.holds == Holds::Now);
    let line = |held: &Held| screen.line(&visible_line(&format!("{}  {}  ({})", held.name, held.what, held.from)));
    now.iter().for_each(line);
    if !answered.is_empty() {
        screen.heading("questions, which allow nothing until they are answered:");
        answered.iter().for_each(line);
    }
    Ok(DONE)
}
