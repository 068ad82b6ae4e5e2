//! `tagout log`

use super::arguments::LogArguments;
use super::{DONE, Screen};
use crate::engine::{Workbench, recipes};
use crate::ports::{Failure, FailureKind};

pub(super) fn run(arguments: &LogArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    if arguments.json {
        let entries = workbench.ledger.recent(&root, arguments.count)?;
        let text = serde_json::to_string(&entries);
        screen.line(&text.map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?);
    } else {
        screen.print(&recipes::ledger_page(workbench, &[root], arguments.count)?);
    }
    Ok(DONE)
}
